# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reconcile: observe, plan, act, until every source server has reached the goal or an end of its own.

The API, the clock and the sleep are handed in. observe() looks, plan() asks the rule of states.py, act() calls; none
does the work of another.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.api import CALLS_AT_ONCE, Api, batches
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.circuit_breaker import (
    UNANSWERED_IN_A_ROW,
    CircuitBreaker,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.errors import DrsError, ErrorKind
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.outcomes import Outcome
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.servers import (
    SourceServer,
    error_of,
    hostname_of,
    last_seen_of,
    progress_of,
    raw_error_of,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.states import (
    OPERATION_FOR,
    OPERATIONS,
    RULES,
    Goal,
    Operation,
    Rule,
    Verdict,
    advice,
    condition,
    decide,
    phase_of,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.text import printable, times

CONFLICTS = 2
CONFLICT_PAUSE = 3.0
"""How often a call may meet a conflict, and the seconds between a conflict and the next call for that server."""

FIRST_LOOK_AGAIN = 0.5
LONGEST_LOOK_AGAIN = 8.0
"""Seconds between a call that was not answered and the look that tells its effect; doubled each time."""

LAST_LOOK = 5.0
"""Seconds that the look at the deadline may take before its remaining requests are left out."""

HOLDERS_NAMED = 3


@dataclass(frozen=True)
class RunOptions:
    """What a run is to bring about.

    wait_timeout, wait_delay: seconds. max_in_progress: None for no limit. hold_reason: why somebody stopped a server
    for a reason, None where nothing shows that. holds: whether such a server is left alone, as with filters, or started
    with a warning, as by its ID.
    """

    goal: Goal
    check_mode: bool = False
    wait: bool = False
    wait_timeout: float = math.inf
    wait_delay: float = 15.0
    max_in_progress: int | None = None
    hold_reason: Callable[[SourceServer], str | None] = lambda _server: None
    holds: bool = False


@dataclass
class Work:
    """One source server in the loop: its outcome, and the working memory of its looks and calls.

    due: the call that is to be made. sent: calls that were made. accepted_at: when the call took effect, as far as is
    known. effect_seen: a look showed it. unanswered_at: when the last call without an answer ended. is_disproved: its
    effect would have been seen by now. is_refused: no further call helps. look_at, call_at: when the next look is due,
    and the earliest next call.
    """

    outcome: Outcome
    due: Operation | None = None
    look_error: DrsError | None = None
    call_error: DrsError | None = None
    sent: int = 0
    conflicts: int = 0
    unanswered: int = 0
    unanswered_at: float = -math.inf
    accepted_at: float | None = None
    effect_seen: bool = False
    is_disproved: bool = False
    is_refused: bool = False
    look_at: float = -math.inf
    call_at: float = -math.inf

    @property
    def is_open(self) -> bool:
        return self.outcome.end is None

    @property
    def may_have_taken_effect(self) -> bool:
        return self.accepted_at is not None or self.unanswered > 0


@dataclass
class Run:
    """One run over all its source servers."""

    options: RunOptions
    api: Api
    outcomes: Sequence[Outcome]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    report: Callable[[Sequence[Outcome]], None] = lambda _outcomes: None
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)
    error: DrsError | None = None
    """The error that ended the run for all servers."""
    expired: bool = False
    """Whether the deadline ended the run."""

    def __post_init__(self) -> None:
        self.work = [Work(outcome) for outcome in self.outcomes]

    @property
    def open(self) -> list[Work]:
        return [work for work in self.work if work.is_open]

    @property
    def due(self) -> list[Work]:
        return [work for work in self.open if work.due is not None]

    @property
    def is_over(self) -> bool:
        return self.clock() >= self.api.until


def reconcile(run: Run) -> None:
    """Bring the source servers to the goal, as far as it can be reached. Every outcome has an end afterwards."""
    try:
        observe(run, [work for work in run.work if work.outcome.first is None])
        while True:
            plan(run)
            if run.options.check_mode:
                predict(run)
            else:
                act(run)
            if run.is_over:
                expire(run)
            if run.options.wait and not run.options.check_mode:
                run.report(run.outcomes)
            if not run.open:
                return
            pause = min(run.api.until, *(work.look_at for work in run.open)) - run.clock()
            if pause > 0:
                run.sleep(pause)
            observe(run, run.open)
    except DrsError as error:
        run.error = error
        for work in run.open:
            fail(work, error=error)


def observe(run: Run, open_work: Sequence[Work]) -> None:
    """Describe the source servers. A request that fails is its servers' error; a fatal one is raised."""
    breaker = CircuitBreaker()
    servers: list[SourceServer] = []
    error: DrsError | None = None
    for batch in batches(open_work):
        if run.clock() >= run.api.until + LAST_LOOK:
            return
        if not breaker.is_open:
            servers, error = _describe(run.api, [work.outcome.source_server_id for work in batch])
            breaker.record(answered=error is None or error.kind != "unanswered", calls=run.api.attempts)
        found = {server["sourceServerID"]: server for server in servers}
        for work in batch:
            work.look_error = error
            if error is None:
                _see(work, found.get(work.outcome.source_server_id))


def _describe(api: Api, source_server_ids: Sequence[str]) -> tuple[list[SourceServer], DrsError | None]:
    try:
        return api.describe(source_server_ids), None
    except DrsError as error:
        if error.kind == "fatal":
            raise
        return [], error


def _see(work: Work, server: SourceServer | None) -> None:
    work.outcome.absent = server is None
    if server is not None:
        work.outcome.first = work.outcome.first or server
        work.outcome.latest = server


def plan(run: Run) -> None:
    """Ask the rule about every open server: end it, keep it waiting, or mark it with the call that is due."""
    for work in run.open:
        work.due, work.look_at = None, run.clock() + run.options.wait_delay
        if work.look_error is not None:
            if work.outcome.first is None or not run.options.wait:
                fail(work, error=work.look_error)
        elif work.outcome.absent:
            _fail_absent(run, work)
        elif work.outcome.latest is not None:
            _plan_by_rule(run, work)


def _fail_absent(run: Run, work: Work) -> None:
    if work.outcome.first is None:
        fail(work, f"DRS does not know this ID in {run.api.region}")
    else:
        fail(work, "it was deleted from DRS during this run")


def _plan_by_rule(run: Run, work: Work) -> None:
    outcome = work.outcome
    operation = OPERATIONS[OPERATION_FOR[run.options.goal]]
    if work.may_have_taken_effect and outcome.state is not None and operation.took_effect(outcome.state):
        work.accepted_at = run.clock() if work.accepted_at is None else work.accepted_at
        work.effect_seen = outcome.changed = True
        work.call_error = None
    accepted_ago = None if work.accepted_at is None else run.clock() - work.accepted_at
    rule = decide(run.options.goal, outcome.state, accepted_ago, work.effect_seen)
    outcome.reason, outcome.cause = _explain(outcome, rule)
    outcome.warning = outcome.cause if rule.warn else None
    ON_VERDICT[rule.verdict](run, work)


def _explain(outcome: Outcome, rule: Rule) -> tuple[str, str]:
    """The reason with what only this server has, and the cause that it shares with others."""
    code, raw, seen = error_of(outcome.latest), raw_error_of(outcome.latest), last_seen_of(outcome.latest)
    parts = [rule.reason]
    if code:
        parts.append(advice(printable(code)))
    if raw:
        parts.append(printable(raw))
    if seen and phase_of(outcome.state) == "disconnected":
        parts.append(f"last seen {printable(seen)}")
    state = printable(outcome.state) if outcome.state else None
    return "; ".join(parts), condition(state, rule.reason, printable(code) if code else None)


def _plan_call(run: Run, work: Work) -> None:
    """The rule says that a call is due: hold the server, give it up, wait for the next attempt, or mark it."""
    outcome, operation = work.outcome, OPERATION_FOR[run.options.goal]
    hold = run.options.hold_reason(outcome.latest or {})
    if hold and run.options.holds and work.sent:
        fail(work, f"{hold}, after this run called {OPERATIONS[operation].api_name} for it")
    elif hold and run.options.holds:
        outcome.warning = f"held, {hold}"
        outcome.finish("held", f"{hold}; name it by its ID to {operation} it", cause=hold)
    elif work.sent and (run.breaker.is_open or work.is_refused or _is_exhausted(run, work)):
        _give_up(run, work)
    elif run.breaker.is_open:
        fail(work, f"not tried: {UNANSWERED_IN_A_ROW} calls in a row were not answered")
    elif run.clock() < work.call_at:
        work.look_at = work.call_at
    else:
        work.due = operation
        if hold:
            outcome.warning = f"named by ID and not held, but {hold}"


def _is_exhausted(run: Run, work: Work) -> bool:
    return work.conflicts >= CONFLICTS or work.unanswered >= run.api.attempts


def _give_up(run: Run, work: Work) -> None:
    """No further call is made; with a wait a call that was not answered may still show late."""
    facts = OPERATIONS[OPERATION_FOR[run.options.goal]]
    shows_until = work.unanswered_at + facts.shows_within
    if run.options.wait and run.clock() < shows_until:
        work.look_at = min(work.look_at, shows_until)
        return
    work.is_disproved = run.clock() >= shows_until
    fail(work, error=work.call_error)


def _keep_waiting(run: Run, work: Work) -> None:
    work.call_error = None
    if not work.outcome.changed:
        work.outcome.action = "none"  # somebody else brought it here
    if not run.options.wait or run.options.check_mode:
        work.outcome.finish("done", work.outcome.reason, work.outcome.cause)


def _finish(_run: Run, work: Work) -> None:
    if not work.outcome.changed:
        work.outcome.action = "none"  # somebody else brought it here
    work.outcome.finish("done", work.outcome.reason, work.outcome.cause)


def _fail_by_rule(_run: Run, work: Work) -> None:
    fail(work, work.outcome.reason, work.outcome.cause)


ON_VERDICT: dict[Verdict, Callable[[Run, Work], None]] = {
    "start": _plan_call,
    "stop": _plan_call,
    "done": _finish,
    "wait": _keep_waiting,
    "fail": _fail_by_rule,
}


def next_batch(run: Run) -> list[Work]:
    """The servers with a call that is due, as many as find a place."""
    if run.is_over or run.breaker.is_open:
        return []
    retried = [work for work in run.due if work.sent]
    fresh = [work for work in run.due if not work.sent]
    return retried + fresh[: _places(run)]


def _places(run: Run) -> int | None:
    """How many more servers may be on their way to the goal, None for no limit."""
    limit = run.options.max_in_progress
    if limit is None or run.options.goal == "stopped":
        return None
    return max(0, limit - len(_in_progress(run)))


def _in_progress(run: Run) -> list[Work]:
    """The servers on their way to the goal, those included whose start may have taken effect without being seen."""
    return [work for work in run.work if _is_in_progress(run, work)]


def _is_in_progress(run: Run, work: Work) -> bool:
    if work.outcome.state is None or work.outcome.end == "held":
        return False
    verdict = _rule(run, work).verdict
    is_called = work.may_have_taken_effect or (work.sent > 0 and work.is_open)
    return verdict == "wait" or (verdict in OPERATIONS and is_called)


def predict(run: Run) -> None:
    """In check mode: what the next calls would be. The others find no place."""
    for work in next_batch(run):
        if work.due is not None:
            work.outcome.action, work.outcome.changed = work.due, True
            work.outcome.predicted_state = OPERATIONS[work.due].leads_to
            work.outcome.finish("done", f"would {work.due}: {work.outcome.reason}", work.outcome.cause)
    _defer_without_place(run)


def act(run: Run) -> None:
    """Make the calls that are due, some at once. Raises the DrsError after which every call would fail alike."""
    while batch := next_batch(run):
        with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
            list(pool.map(partial(_send, run), batch))
        if run.error:
            raise run.error
    if run.breaker.is_open:
        for work in run.due:
            work.due = None
            _plan_call(run, work)
    elif not run.is_over:
        _defer_without_place(run)


def _defer_without_place(run: Run) -> None:
    """Defer what found no place, unless a server that is still open may give its place away."""
    holders = _in_progress(run)
    if not any(work.is_open for work in holders):
        for work in run.due:
            _defer(run, work, holders)


def _defer(run: Run, work: Work, holders: Sequence[Work]) -> None:
    named = [
        " ".join(printable(text) for text in (each.source_server_id, hostname_of(each.latest), each.state) if text)
        for each in (holder.outcome for holder in holders[:HOLDERS_NAMED])
    ]
    more = [f"and {len(holders) - HOLDERS_NAMED} more"] if len(holders) > HOLDERS_NAMED else []
    taken = f"{len(holders)} of {run.options.max_in_progress} places are taken"
    work.outcome.warning = None
    work.outcome.finish("deferred", f"{taken}: {', '.join(named + more)}" if named else taken, cause=taken)


def _send(run: Run, work: Work) -> None:
    """Make the call that is due, unless the run has come to its end meanwhile."""
    operation = work.due
    if operation is None or run.error or run.breaker.is_open or run.is_over:
        return
    work.due = None
    try:
        server = run.api.send(operation, work.outcome.source_server_id)
    except DrsError as error:
        if error.kind != "not_sent":
            work.sent += 1
            work.outcome.action = operation
            run.breaker.record(answered=error.kind != "unanswered")
        ON_ERROR[error.kind](run, work, error)
        return
    run.breaker.record(answered=True)
    work.sent += 1
    work.accepted_at, work.call_error = run.clock(), None
    work.look_at = work.accepted_at + run.options.wait_delay
    work.outcome.latest, work.outcome.action, work.outcome.changed = server, operation, True
    work.outcome.reason = work.outcome.cause = f"DRS accepted the {operation}"
    if not run.options.wait:
        work.outcome.finish("done", work.outcome.reason)


def _on_refusal(run: Run, work: Work, error: DrsError) -> None:
    """A refusal fails the server, unless an earlier call may still show its effect."""
    if work.unanswered:
        work.call_error, work.is_refused, work.look_at = error, True, run.clock()
    else:
        fail(work, error=error)


def _on_conflict(run: Run, work: Work, error: DrsError) -> None:
    work.call_error = error
    work.conflicts += 1
    work.look_at, work.call_at = run.clock(), run.clock() + CONFLICT_PAUSE


def _on_no_answer(run: Run, work: Work, error: DrsError) -> None:
    work.call_error = error
    work.unanswered += 1
    work.unanswered_at = run.clock()
    pause = min(LONGEST_LOOK_AGAIN, FIRST_LOOK_AGAIN * 2 ** (work.unanswered - 1))
    work.look_at = work.call_at = run.clock() + pause


def _on_fatal(run: Run, work: Work, error: DrsError) -> None:
    run.error = error
    work.call_error = error


def _on_not_sent(_run: Run, work: Work, error: DrsError) -> None:
    work.call_error = error


ON_ERROR: dict[ErrorKind, Callable[[Run, Work, DrsError], None]] = {
    "throttled": _on_refusal,
    "unanswered": _on_no_answer,
    "conflict": _on_conflict,
    "refused": _on_refusal,
    "fatal": _on_fatal,
    "not_sent": _on_not_sent,
}


def fail(work: Work, text: str = "", cause: str = "", error: DrsError | None = None) -> None:
    """End the server as failed: what was sent and is known, then the text, by default that of the error."""
    text = text or (error.message if error else "")
    before = _history(work, error)
    reason, shared = (": ".join(part for part in (before, tail) if part) for tail in (text, cause or text))
    work.outcome.finish("failed", reason, shared.replace(work.outcome.source_server_id, "the server"))
    work.outcome.warning, work.outcome.error_code = None, error.code if error else None


def _history(work: Work, error: DrsError | None) -> str:
    """What was sent for the server and what is known of it, where that is not said otherwise."""
    if work.accepted_at is not None:
        return f"DRS accepted the {work.outcome.action}, then" if error else ""
    if work.unanswered:
        answers = "never answered" if work.unanswered == work.sent else f"not answered {times(work.unanswered)}"
        effect = "" if work.is_disproved else ", and may have taken effect"
        return f"the {work.outcome.action} was sent {times(work.sent)}, {answers}, still {work.outcome.state}{effect}"
    return "not tried" if error and work.due is not None else ""


def expire(run: Run) -> None:
    """At the deadline: what was never sent for want of a place is deferred, everything else failed."""
    holders = _in_progress(run)
    for work in run.open:
        run.expired = True
        if _places(run) is not None and not work.sent and _rule(run, work).verdict in OPERATIONS:
            _defer(run, work, holders)
        else:
            _expire(run, work)


def _expire(run: Run, work: Work) -> None:
    outcome, error = work.outcome, work.look_error or work.call_error
    detail = progress_of(outcome.latest)
    reason = outcome.reason or "it was not looked at"
    if error and error.kind == "not_sent":
        reason, error = error.message, None
    parts = [
        reason,
        printable(detail),
        error.message if error else "",
        f"wait_timeout ({run.options.wait_timeout:g} s) is over",
    ]
    cause = outcome.cause or reason
    fail(work, "; ".join(part for part in parts if part), cause, error)
    outcome.detail = printable(detail)


def _rule(run: Run, work: Work) -> Rule:
    return RULES[run.options.goal, phase_of(work.outcome.state)]
