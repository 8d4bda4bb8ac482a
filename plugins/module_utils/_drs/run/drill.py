# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drills: observe, plan and act until every source server has an end.

The tables of resources/ decide, drill_rulings.py asks them, drill_plan.py applies what they say, and sending.py makes
the calls.
"""

from __future__ import annotations

from ..api.errors import DrsError
from ..resources.operations import BatchOperation
from ..resources.text import few, printable
from .drill_outcomes import defer, fail, fail_unanswered, fail_with
from .drill_plan import ask_logs, plan
from .drill_rulings import operation_of
from .drill_run import Call, DrillRun, DrillWork
from .looks import Looks
from .sending import QUOTA, predict, send_due

LOST_DELAY = 5.0
"""Seconds between looks while an unanswered call may still show its effect."""

NOT_CALLED = "no call was made in time"

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
        run.error, run.running = error, _running(run, looks)
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
        _expire(run, looks)
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
    is_stuck = bool(holding := _full_places(run)) and not any(work.is_open for work in holding)
    for work in run.open:
        if not _calls(work) and (is_stuck or not run.options.wait):
            defer(work, *_obstacle(run, work))


def _full_places(run: DrillRun) -> list[DrillWork]:
    """The servers that hold a place; empty while a place is free."""
    return [work for work in run.work if work.holds_place] if run.free_places == 0 else []


def _obstacle(run: DrillRun, work: DrillWork) -> tuple[str, str]:
    """Why a server got no call, and the cause. What was still to be asked about it is no reason."""
    outcome, ruling = work.outcome, work.ruling
    holding = _full_places(run) if operation_of(run, work) == "drill" else []
    needs_call = ruling is not None and ruling.verdict in ("ask", *IN_TURN)
    if needs_call and holding:
        names = [" ".join((each.server_id, printable(each.outcome.job_id or ""))).strip() for each in holding]
        taken = f"{len(holding)} of {run.options.max_in_progress} places are taken"
        return f"{taken}: {few(names)}", f"deferred, since {taken}"
    if work.send_error is not None:
        return work.send_error.message, work.send_error.message
    if needs_call and run.full:
        return QUOTA, QUOTA
    return (NOT_CALLED, NOT_CALLED) if ruling is None or needs_call else (outcome.reason, outcome.cause)


def _running(run: DrillRun, looks: Looks) -> list[str]:
    """The IDs of the jobs that open servers wait for and that were not seen to end."""
    ids = (call.job_id for work in run.open for call in _calls(work))
    return list(dict.fromkeys(job_id for job_id in ids if job_id is not None and job_id not in looks.ended_at))


def _expire(run: DrillRun, looks: Looks) -> None:
    """At the deadline, defer the servers that were never called and fail the rest. The jobs go on."""
    run.expired, run.running = bool(run.open), _running(run, looks)
    within = f"wait_timeout ({run.options.wait_timeout:g} s) expired"
    for work in run.open:
        calls = _calls(work)
        lost = next((call for call in calls if call.job_id is None), None)
        if lost is not None and not work.outcome.changed:
            fail_unanswered(work, lost)
        elif work.termination is not None or work.outcome.evidence is not None:
            reason = work.outcome.reason if work.termination else _obstacle(run, work)[0]
            fail(work, f"{reason}; {within}", "its drill instance is not terminated yet")
        elif calls:
            _fail_late(run, work, calls[0], within)
        elif work.outcome.first is None and work.observe_error is not None:
            fail_with(work, work.observe_error)
        else:
            why, cause = _obstacle(run, work)
            defer(work, f"{why}; {within}", cause)


def _fail_late(run: DrillRun, work: DrillWork, call: Call, late: str) -> None:
    """Fail a server of whose drill the deadline came before the end was known."""
    outcome, costs = work.outcome, "its instance costs until it is terminated, see state: absent"
    reason, cause = outcome.reason, outcome.cause
    if call.job_id in run.running:
        cause = "its drill goes on"
        reason = f"its drill {printable(call.job_id or '')} goes on ({outcome.detail or 'in drill'})"
    fail(work, f"{reason}; {late}, and {costs}", f"{cause}, {costs}")
