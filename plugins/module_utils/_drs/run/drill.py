# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drills: observe, plan and act until every source server has an end.

The tables of resources/ decide, drill_plan.py applies what they say, and sending.py makes the calls.
"""

from __future__ import annotations

from ..api.errors import DrsError
from ..resources.operations import BatchOperation
from ..resources.text import few, printable
from .drill_outcomes import defer, fail, fail_unanswered, fail_with
from .drill_plan import ask_logs, plan
from .drill_run import Call, DrillRun, DrillWork
from .looks import Looks
from .sending import QUOTA, predict, send_due

LOST_DELAY = 5.0
"""Seconds between looks while an unanswered call may still show its effect."""

IN_TURN: tuple[BatchOperation, ...] = ("terminate", "drill")
"""A termination frees a place."""


def drill(run: DrillRun) -> None:
    """Bring the source servers to the goal as far as possible. Afterwards every outcome has an end."""
    looks = Looks(run)
    try:
        looks.describe([work for work in run.work if work.outcome.first is None])
        errors = [work.observe_error for work in run.work]
        if errors and all(errors):
            run.error = errors[0]
        else:
            looks.look(run.work)
        while _advance(run, looks):
            run.sleep(max(0.001, min(run.api.until, run.clock() + _delay(run)) - run.clock()))
            _observe(run, looks)
    except DrsError as error:
        run.error = error
        for work in run.open:
            fail_with(work, error)
    sent = {call.job_id: None for call in run.calls if call.job_id}
    run.jobs = [looks.jobs[job_id] for job_id in sent if job_id in looks.jobs]


def _delay(run: DrillRun) -> float:
    is_lost = any(call.job_id is None for work in run.open for call in _calls(work))
    return min(LOST_DELAY, run.options.wait_delay) if is_lost else run.options.wait_delay


def _calls(work: DrillWork) -> list[Call]:
    return [call for call in (work.drill, work.termination) if call is not None]


def _observe(run: DrillRun, looks: Looks) -> None:
    """Look again. Where a look is not answered, nothing is planned until the next one."""
    run.is_blind = False
    try:
        looks.describe([work for work in run.open if not _calls(work) or work.observe_error])
        looks.look(run.open)
    except DrsError as error:
        if error.facts.ends_run:
            raise
        run.is_blind = True


def _advance(run: DrillRun, looks: Looks) -> bool:
    """Plan and act on the last look. Returns whether any server is still open."""
    if not run.is_blind:
        _plan_all(run, looks)
        for operation in IN_TURN:
            if run.options.check_mode:
                predict(run, looks, operation)
            elif not run.is_over:
                send_due(run, looks, operation)
        _defer_rest(run)
    if run.is_over:
        _expire(run)
    if run.options.wait:
        run.report(run.outcomes)
    return bool(run.open)


def _plan_all(run: DrillRun, looks: Looks) -> None:
    running = [work.drill.job_id for work in run.open if work.drill and work.drill.job_id]
    if run.options.wait:
        looks.ask_logs(running)
    if run.options.goal == "drilled":
        ask_logs(looks, [work for work in run.open if work.drill is None and not work.observe_error])
    for work in run.open:
        plan(run, looks, work)


def _defer_rest(run: DrillRun) -> None:
    """Defer the servers that get no call in this run: without wait all of these, otherwise where nobody who holds a
    place can free it."""
    limit, holding = run.options.max_in_progress, [work for work in run.work if work.holds_place]
    is_taken = limit is not None and len(holding) >= limit
    is_stuck = is_taken and not any(work.is_open for work in holding)
    for work in run.open:
        if not _calls(work) and (is_stuck or not run.options.wait):
            _defer(run, work, holding if is_taken else [])


def _defer(run: DrillRun, work: DrillWork, holding: list[DrillWork]) -> None:
    if not holding:
        defer(work, QUOTA if run.full else work.outcome.reason)
        return
    names = [" ".join((each.server_id, printable(each.outcome.job_id or ""))).strip() for each in holding]
    taken = f"{len(holding)} of {run.options.max_in_progress} places are taken"
    defer(work, f"{taken}: {few(names)}", taken)


def _expire(run: DrillRun) -> None:
    """At the deadline, defer the servers that were never called and fail the rest. The jobs go on."""
    run.expired = bool(run.open)
    within = f"wait_timeout ({run.options.wait_timeout:g} s)"
    ids = (call.job_id for work in run.open for call in _calls(work))
    run.running = list(dict.fromkeys(job_id for job_id in ids if job_id is not None))
    for work in run.open:
        calls = _calls(work)
        lost = next((call for call in calls if call.job_id is None), None)
        if lost is not None and not work.outcome.changed:
            fail_unanswered(work, lost)
        elif work.termination is not None or work.outcome.evidence is not None:
            fail(work, f"{work.outcome.reason}; {within} expired", "its drill instance is not terminated yet")
        elif calls:
            job, costs = (
                printable(calls[0].job_id or ""),
                "its instance costs until it is terminated, see state: absent",
            )
            doing = work.outcome.detail or "in drill"
            fail(
                work, f"its drill {job} goes on ({doing}); {within} expired, and {costs}", f"its drill goes on, {costs}"
            )
        elif work.outcome.first is None and work.observe_error is not None:
            fail_with(work, work.observe_error)
        else:
            _defer_late(run, work, f"{within} expired")


def _defer_late(run: DrillRun, work: DrillWork, late: str) -> None:
    """Defer a server that got no call before the deadline."""
    outcome = work.outcome
    if work.send_error is not None:
        outcome.reason = outcome.cause = work.send_error.message
    why = outcome.reason or "not looked at in time"
    if run.options.goal == "absent":
        defer(work, f"{why}; {late}", outcome.cause or why)
    else:
        defer(work, f"{why}; not started before {late}", f"not started before {late}")
