# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reconcile: observe, plan and act until every source server has an end.

observe() describes, plan() applies the rules of states.py, and act() makes the calls. The API, the clock and the sleep
function are injected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from ..api.calls import CALLS_AT_ONCE, batches
from ..api.circuit_breaker import (
    UNANSWERED_IN_A_ROW,
    CircuitBreaker,
)
from ..api.errors import DrsError, ErrorKind
from ..resources.servers import progress_of, state_of
from ..resources.states import OPERATIONS, Verdict, decide
from ..resources.text import printable, short, times
from .places import (
    defer,
    defer_without_place,
    free_places,
    in_progress,
    next_batch,
)
from .run import Run, Work

CONFLICTS = 2
CONFLICT_PAUSE = 3.0
"""Attempts that may end in a conflict, and the seconds between a conflict and the next call for that server."""

SHORTEST_PAUSE = 0.5
LONGEST_PAUSE = 8.0
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
    else:
        act(run)
    if run.is_over:
        expire(run)
    if run.waits:
        run.report(run.outcomes)
    return bool(run.open)


def observe(run: Run, open_work: Sequence[Work]) -> None:
    """Describe the source servers. A failed request is recorded for its servers; a fatal error is raised."""
    breaker = CircuitBreaker()
    error: DrsError | None = None
    for batch in batches(open_work):
        if run.clock() >= run.api.until + LAST_OBSERVATION:
            return
        if not breaker.is_open:
            error = _describe(run, batch)
            breaker.record(answered=error is None or error.kind != "unanswered", calls=run.api.attempts)
        for work in batch:
            work.observe_error = error


def _describe(run: Run, batch: Sequence[Work]) -> DrsError | None:
    """Describe one batch of servers. Returns the error of the request, if any; a fatal error is raised."""
    try:
        servers = run.api.describe([work.outcome.source_server_id for work in batch])
    except DrsError as error:
        if error.kind == "fatal":
            raise
        return error
    found = {server["sourceServerID"]: server for server in servers}
    for work in batch:
        work.outcome.observe(found.get(work.outcome.source_server_id))
    return None


def plan(run: Run) -> None:
    """Apply the rule to every open server: finish it, keep it waiting, or mark the call that is due."""
    for work in run.open:
        work.due, work.observe_at = None, run.clock() + run.options.wait_delay
        if work.observe_error is not None:
            if work.outcome.first is None or not run.waits:
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
        work.accepted_at, work.call_error = run.clock(), None
        work.effect_seen = outcome.changed = True
    accepted_ago = None if work.accepted_at is None else run.clock() - work.accepted_at
    rule = decide(run.options.goal, outcome.state, accepted_ago, work.effect_seen)
    outcome.explain(rule)
    ON_VERDICT[rule.verdict](work)


def _plan_start(work: Work) -> None:
    """The rule asks for a start: hold the server if filters have to, otherwise plan the call."""
    options = work.run.options
    hold = options.hold_reason(work.outcome.latest or {})
    if hold and options.holds:
        _hold(work, hold)
        return
    _plan_call(work)
    if hold and work.due:
        work.outcome.hold_warning = f"named by ID and not held, but {hold}"


def _plan_call(work: Work) -> None:
    """Mark the call as due, unless the server is given up or has to pause first."""
    if work.run.breaker.is_open or work.is_exhausted:
        _give_up(work)
    elif work.run.clock() < work.call_at:
        work.observe_at = work.call_at
    else:
        work.due = work.run.operation


def _hold(work: Work, hold: str) -> None:
    """Hold the server, or fail it if a call was already sent: held implies that nothing was sent."""
    if work.sent:
        fail(work, f"{hold}, after this run called {OPERATIONS[work.run.operation].api_name} for it")
    else:
        work.outcome.warning = f"held, {hold}"
        work.outcome.finish("held", f"{hold}; name it by its ID to {work.run.operation} it", cause=hold)


def _give_up(work: Work) -> None:
    """Make no further call. When waiting, an earlier call without a response may still show its effect."""
    now = work.run.clock()
    if work.run.waits and now < work.shows_until:
        work.observe_at = min(work.observe_at, work.shows_until)
        return
    work.is_disproved = now >= work.shows_until
    if work.call_error:
        fail_with(work, work.call_error)
    else:
        tried = "not tried again" if work.sent else "not tried"
        fail(work, f"{tried}: {UNANSWERED_IN_A_ROW} calls in a row were not answered")


def _keep_waiting(work: Work) -> None:
    if not work.run.waits:
        _finish(work)
    elif not work.outcome.changed:
        _forget_calls(work)


def _finish(work: Work) -> None:
    outcome, sent = work.outcome, _unanswered(work)
    if not outcome.changed and not sent:
        _forget_calls(work)
    outcome.finish("done", f"{sent}: {outcome.reason}" if sent else outcome.reason, outcome.cause)


def _forget_calls(work: Work) -> None:
    """Another actor brought the server here, so failed calls do not count if it is stopped again."""
    work.outcome.action, work.outcome.hold_warning, work.call_error = "none", None, None
    work.conflicts, work.is_exhausted = 0, False


def _fail_by_rule(work: Work) -> None:
    fail(work, work.outcome.reason, work.outcome.cause)


ON_VERDICT: dict[Verdict, Callable[[Work], None]] = {
    "start": _plan_start,
    "stop": _plan_call,
    "done": _finish,
    "wait": _keep_waiting,
    "fail": _fail_by_rule,
}


def predict(run: Run) -> None:
    """In check mode, predict the next calls and defer the rest."""
    for work in next_batch(run):
        if work.due is not None:
            work.outcome.action, work.outcome.changed = work.due, True
            work.outcome.predicted_state = OPERATIONS[work.due].leads_to
            work.outcome.finish("done", f"would {work.due}: {work.outcome.reason}", work.outcome.cause)
    defer_without_place(run)


def act(run: Run) -> None:
    """Make the calls that are due, concurrently. Raises a fatal DrsError."""
    while batch := next_batch(run):
        with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
            list(pool.map(_send, batch))
        if run.error:
            raise run.error
    if run.breaker.is_open:
        for work in run.due:
            work.due = None
            _plan_call(work)
    else:
        defer_without_place(run)


def _send(work: Work) -> None:
    """Make the call that is due, unless the run has ended in the meantime."""
    run, operation = work.run, work.due
    if operation is None or run.error or run.breaker.is_open or run.is_over:
        return
    work.due = None
    try:
        server = run.api.send(operation, work.outcome.source_server_id)
    except DrsError as error:
        work.call_error = error
        if error.kind != "not_sent":
            _count(work, answered=error.kind != "unanswered")
        ON_ERROR[error.kind](work)
        return
    _count(work, answered=True)
    work.accepted_at, work.call_error = run.clock(), None
    work.observe_at = work.accepted_at + run.options.wait_delay
    work.outcome.latest, work.outcome.changed = server, True
    work.outcome.reason = work.outcome.cause = f"DRS accepted the {operation}"
    if not run.waits:
        work.outcome.finish("done", work.outcome.reason)


def _count(work: Work, *, answered: bool) -> None:
    """Record that a call was sent."""
    work.sent += 1
    work.outcome.action = work.run.operation
    work.run.breaker.record(answered=answered)


def _on_not_applied(work: Work) -> None:
    """Make no further call, but observe first if an earlier one got no response."""
    work.is_exhausted, work.observe_at = True, work.run.clock()
    if not work.unanswered:
        _give_up(work)


def _on_conflict(work: Work) -> None:
    work.conflicts += 1
    work.is_exhausted = work.is_exhausted or work.conflicts >= CONFLICTS
    work.observe_at = work.run.clock()
    work.call_at = work.observe_at + CONFLICT_PAUSE


def _on_no_answer(work: Work) -> None:
    work.unanswered += 1
    work.is_exhausted = work.is_exhausted or work.unanswered >= work.run.api.attempts
    now, pause = work.run.clock(), min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** (work.unanswered - 1))
    work.shows_until = now + OPERATIONS[work.run.operation].shows_within
    work.observe_at = work.call_at = now + pause


def _on_fatal(work: Work) -> None:
    work.run.error = work.call_error


def _on_not_sent(_work: Work) -> None:
    """Nothing to record."""


ON_ERROR: dict[ErrorKind, Callable[[Work], None]] = {
    "throttled": _on_not_applied,
    "unanswered": _on_no_answer,
    "conflict": _on_conflict,
    "refused": _on_not_applied,
    "fatal": _on_fatal,
    "not_sent": _on_not_sent,
}


def fail(work: Work, reason: str, cause: str = "") -> None:
    """Finish the server as failed. Calls without a response are mentioned before the reason."""
    sent = _unanswered(work)
    reason, cause = (f"{sent}: {text}" if sent else text for text in (reason, cause or reason))
    work.outcome.finish("failed", reason, cause.replace(work.outcome.source_server_id, "the server"))
    work.outcome.warning = work.outcome.error_code = None
    if not work.may_have_taken_effect:
        work.outcome.hold_warning = None


def fail_with(work: Work, error: DrsError) -> None:
    """Finish the server as failed by this error, and say what was done before it."""
    before = ""
    if work.accepted_at is not None:
        before = f"DRS accepted the {work.outcome.action}, then: "
    elif work.due is not None and not work.sent:
        before = "not tried: "
    fail(work, f"{before}{error.message}")
    work.outcome.error_code = error.code


def _unanswered(work: Work) -> str:
    """What was sent without a response, and what is known about it; empty if nothing was."""
    if work.accepted_at is not None or not work.unanswered:
        return ""
    state = work.outcome.state
    parts = [
        f"the {work.outcome.action} was sent {times(work.sent)}",
        "never answered" if work.unanswered == work.sent else f"{work.unanswered} of them not answered",
    ]
    if state is not None:
        parts.append(f"{'still' if state == state_of(work.outcome.first) else 'now'} {short(state)}")
    if not work.is_disproved:
        parts.append("and may have taken effect")
    return ", ".join(parts)


def expire(run: Run) -> None:
    """At the deadline, defer the servers that never got a place and fail the rest."""
    holders = in_progress(run)
    for work in run.open:
        run.expired = True
        if free_places(run) is not None and not work.sent and work.rule.verdict in OPERATIONS:
            defer(work, holders)
        else:
            _expire(work)


def _expire(work: Work) -> None:
    outcome, error = work.outcome, work.observe_error or work.call_error
    outcome.detail = printable(progress_of(outcome.latest))
    reason = outcome.reason or "not described in time"
    if error and error.kind == "not_sent":
        reason, error = error.message, None
    parts = [
        reason,
        outcome.detail,
        error.message if error else "",
        f"wait_timeout ({work.run.options.wait_timeout:g} s) expired",
    ]
    fail(work, "; ".join(part for part in parts if part), outcome.cause or reason)
    outcome.error_code = error.code if error else None
