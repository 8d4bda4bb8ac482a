# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reconcile: observe, plan and act until every source server has an end.

observe() describes, plan() applies the rules of decisions.py, and act() makes the calls. The API, the clock and the
sleep function are injected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from ..api.calls import CALLS_AT_ONCE, batches
from ..api.errors import DrsError, ErrorKind
from ..resources.lifecycle import STUCK_PHASES, facts_of, is_held
from ..resources.namesakes import NAMESAKE_CAUSE, namesakes
from ..resources.next_steps import copied_by_start, next_step_of
from ..resources.operations import OPERATIONS, Verdict
from ..resources.rules import after_call
from ..resources.servers import error_of
from ..resources.states import phase_of
from ..resources.text import short
from .ends import expire, fail, fail_with, tell_unanswered
from .places import (
    defer_without_place,
    in_turn,
)
from .run import Run, Work

CONFLICT_PAUSE = 3.0
LONGEST_CONFLICT_PAUSE = 60.0
"""Seconds between a conflict and the next call for that server; doubled each time."""

SHORTEST_OBSERVE_PAUSE = 0.5
LONGEST_OBSERVE_PAUSE = 8.0
"""Seconds between a call without a response and the Describe that shows its effect; doubled each time."""

LAST_OBSERVATION = 5.0
"""Seconds past the deadline after which the last observation sends no further requests."""


def reconcile(run: Run) -> None:
    """Bring the source servers to the goal as far as possible. Afterwards every outcome has an end."""
    try:
        observe(run, [work for work in run.work if work.outcome.first is None])
        if run.work and all(work.observe_error for work in run.work):
            run.error = run.work[0].observe_error
        while _advance(run):
            pause = min(run.api.until, *(work.observe_at for work in run.open)) - run.clock()
            if pause > 0:
                run.sleep(pause)
            observe(run, run.open)
    except DrsError as error:
        run.error = error
        for work in run.open:
            fail_with(work, error)


def _advance(run: Run) -> bool:
    """Plan and act on the last observation. Returns whether any server is still open."""
    plan(run)
    if run.options.check_mode:
        predict(run)
    elif not run.is_over:
        act(run)
    if run.is_over:
        expire(run)
    if run.options.wait:
        run.report(run.outcomes)
    return bool(run.open)


def observe(run: Run, open_work: Sequence[Work]) -> None:
    """Describe the source servers. A failed request is recorded for its servers; a fatal error is raised."""
    for batch in batches(open_work):
        if run.clock() >= run.api.until + LAST_OBSERVATION:
            return
        error = _describe(run, batch)
        for work in batch:
            work.observe_error = error


def _describe(run: Run, batch: Sequence[Work]) -> DrsError | None:
    """Describe one batch of servers. Returns the error of the request, if any; a fatal error is raised."""
    try:
        servers = run.api.describe([work.outcome.source_server_id for work in batch])
    except DrsError as error:
        if error.facts.ends_run:
            raise
        return error
    found = {server["sourceServerID"]: server for server in servers}
    for work in batch:
        work.observe(found.get(work.outcome.source_server_id))
    return None


def plan(run: Run) -> None:
    """Apply the rule to every open server: finish it, keep it waiting, or mark the call that is due."""
    if any(phase_of(work.outcome.state) == "disconnected" for work in run.open):
        run.namesakes = namesakes(run.all_servers)
    for work in run.open:
        work.is_due, work.observe_at = False, run.clock() + run.options.wait_delay
        if work.observe_error is not None:
            if work.outcome.first is None or not run.options.wait:
                fail_with(work, work.observe_error)
        elif work.outcome.absent:
            is_unknown = work.outcome.first is None
            unknown = f"DRS does not know this ID in {run.api.region}"
            fail(work, unknown if is_unknown else "deleted from DRS during this run")
        elif work.outcome.latest is not None:
            _plan_by_rule(work)


def _plan_by_rule(work: Work) -> None:
    run, outcome = work.run, work.outcome
    operation = OPERATIONS[run.operation]
    if work.may_have_taken_effect and outcome.state is not None and operation.took_effect(outcome.state):
        work.effect_at, outcome.changed = run.clock(), True
    if run.options.holds and is_held(outcome.latest) and not work.sent:
        _hold(work)
        return
    rule = work.rule
    if work.accepted_at is not None:
        accepted_ago = run.clock() - work.accepted_at
        rule = after_call(rule, run.options.goal, outcome.state, accepted_ago, work.effect_at is not None)
        outcome.undone = rule.is_guard and rule.verdict == "fail"
    outcome.explain(rule, warn_of_error=operation.is_limited)
    outcome.namesake = run.namesakes.get(outcome.source_server_id)
    ON_VERDICT[rule.verdict](work)


def _hold(work: Work) -> None:
    """Leave the server alone. Held implies that nothing was sent."""
    outcome, facts = work.outcome, facts_of(work.outcome.latest)
    outcome.warning, outcome.detail = f"held, {facts.cause}", short(error_of(outcome.latest)) or ""
    parts = [next_step_of(outcome.latest, outcome.state) or facts.cause, outcome.detail]
    outcome.finish("held", "; ".join(part for part in parts if part), facts.cause)


def _plan_start(work: Work) -> None:
    """The rule asks for a start. Filters do not start a server again that somebody else stopped for a recovery."""
    outcome, facts = work.outcome, facts_of(work.outcome.latest)
    if work.run.options.holds and is_held(outcome.latest):
        if not _looks_on(work):
            fail(work, f"{facts.cause}, after this run called {OPERATIONS[work.run.operation].api_name} for it")
        return
    _plan_call(work)
    if work.is_due and facts.held_when_stopped:
        outcome.call_warning = f"filters would hold it, but it is named by ID: {facts.cause}"
        outcome.copied = copied_by_start(outcome.latest)


def _plan_stop(work: Work) -> None:
    """The rule asks for a stop. A warning about it outlasts the looks that show its effect."""
    _plan_call(work)
    outcome = work.outcome
    if work.is_due:
        outcome.call_warning, outcome.warning = outcome.warning, None


def _plan_call(work: Work) -> None:
    """Mark the call as due, unless the server is given up or has to pause first."""
    if not work.has_attempt_left:
        _give_up(work)
    elif work.run.clock() < work.call_at:
        work.observe_at = work.call_at
    else:
        work.is_due = True


def _give_up(work: Work) -> None:
    """Make no further call."""
    if not _looks_on(work) and work.call_error:
        fail_with(work, work.call_error)


def _looks_on(work: Work) -> bool:
    """Whether a wait goes on, since a call without a response may still show its effect."""
    is_pending = work.run.options.wait and work.run.clock() < work.shows_until
    if is_pending:
        work.observe_at = min(work.observe_at, work.shows_until)
    return is_pending


def _keep_waiting(work: Work) -> None:
    outcome = work.outcome
    if not work.run.options.wait:
        _finish(work)
    elif _waits_in_vain(work):
        _fail_by_rule(work)
    elif not outcome.changed:
        _forget_calls(work)


def _waits_in_vain(work: Work) -> bool:
    """Whether no data will flow. A stop needs none."""
    outcome = work.outcome
    is_stuck_for_good = facts_of(outcome.latest).fails_wait_when_stuck and phase_of(outcome.state) in STUCK_PHASES
    return is_stuck_for_good and work.run.operation == "start"


def _finish(work: Work) -> None:
    outcome, sent = work.outcome, tell_unanswered(work)
    if not outcome.changed and not sent:
        _forget_calls(work)
    outcome.finish("done", f"{sent}: {outcome.reason}" if sent else outcome.reason, outcome.cause)


def _forget_calls(work: Work) -> None:
    """Another actor brought the server here, so failed calls do not count if it is stopped again."""
    work.outcome.action, work.outcome.call_warning = "none", None
    work.counted_from = len(work.attempts)


def _fail_by_rule(work: Work) -> None:
    """Fail with the reason of the rule. Where another server protects the machine, its agent needs no advice."""
    outcome = work.outcome
    if outcome.namesake:
        fail(work, outcome.namesake, NAMESAKE_CAUSE)
    else:
        fail(work, outcome.reason, outcome.cause)


ON_VERDICT: dict[Verdict, Callable[[Work], None]] = {
    "start": _plan_start,
    "stop": _plan_stop,
    "done": _finish,
    "wait": _keep_waiting,
    "fail": _fail_by_rule,
}


def predict(run: Run) -> None:
    """In check mode, predict the next calls and defer the rest."""
    operation = run.operation
    for work in [] if run.is_over else next(in_turn(run), []):
        work.outcome.action, work.outcome.changed = operation, True
        work.outcome.predicted_state = OPERATIONS[operation].leads_to
        work.outcome.finish("done", f"would {operation}: {work.outcome.reason}", work.outcome.cause)
    defer_without_place(run)


def act(run: Run) -> None:
    """Make the calls that are due, concurrently. Raises a fatal DrsError."""
    with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
        for batch in in_turn(run):
            list(pool.map(_send, batch))
            if run.error:
                raise run.error
    defer_without_place(run)


def _send(work: Work) -> None:
    """Make the call that is due."""
    run, outcome = work.run, work.outcome
    work.is_due = False
    try:
        server = run.api.send(run.operation, outcome.source_server_id)
    except DrsError as error:
        work.record(error)
        if error.facts.is_sent:
            outcome.action = run.operation
        ON_ERROR[error.kind](work)
        return
    work.record(None)
    work.observe_at = run.clock() + run.options.wait_delay
    outcome.action, outcome.latest, outcome.changed = run.operation, server, True
    warns_of_error = OPERATIONS[run.operation].is_limited
    outcome.explain(work.rule, warn_of_error=warns_of_error)
    # What a stop is warned of was said before the call, and the answer may still show it.
    outcome.warning = outcome.warning if warns_of_error else None
    outcome.reason = outcome.cause = f"DRS accepted the {run.operation}"
    if not run.options.wait:
        outcome.finish("done", outcome.reason)


def _on_not_applied(work: Work) -> None:
    """Make no further call, but observe first if an earlier one got no response."""
    work.observe_at = work.run.clock()
    if not work.unanswered:
        _give_up(work)


def _on_conflict(work: Work) -> None:
    pause = min(LONGEST_CONFLICT_PAUSE, CONFLICT_PAUSE * 2 ** (work.ended_as("conflict") - 1))
    work.observe_at = work.run.clock()
    work.call_at = work.observe_at + pause


def _on_no_answer(work: Work) -> None:
    pause = min(LONGEST_OBSERVE_PAUSE, SHORTEST_OBSERVE_PAUSE * 2 ** (len(work.unanswered) - 1))
    work.observe_at = work.call_at = work.run.clock() + pause


def _on_fatal(work: Work) -> None:
    work.run.error = work.attempts[-1].error


def _on_not_sent(_work: Work) -> None:
    """The deadline ends the run."""


def _on_not_tried(work: Work) -> None:
    """When waiting, the circuit breaker may let a later call through."""
    if not work.run.options.wait:
        _give_up(work)


ON_ERROR: dict[ErrorKind, Callable[[Work], None]] = {
    "throttled": _on_not_applied,
    "unanswered": _on_no_answer,
    "conflict": _on_conflict,
    "quota": _on_not_applied,
    "refused": _on_not_applied,
    "fatal": _on_fatal,
    "not_sent": _on_not_sent,
    "not_tried": _on_not_tried,
}
