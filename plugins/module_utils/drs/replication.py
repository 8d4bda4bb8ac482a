# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observe, decide, act, settle: bring a fleet of source servers to a goal.

The service, the clock and the sleep are handed in. C(_look) observes, C(_judge) asks the rule of states.py, C(_send)
acts; none does the work of another.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.faults import Fault
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.outcomes import Outcome
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.servers import (
    SourceServer,
    error_text_of,
    progress_of,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.states import Goal, decide

CALLS_AT_ONCE = 10

IDS_A_REQUEST = 200
"""DescribeSourceServersRequestFiltersIDs in the service model: max 200."""

CONFLICTS = 2
CONFLICT_PAUSE = 3.0
"""Seconds between a conflict and the next call for that server."""

FIRST_LOOK_AGAIN = 0.5
LONGEST_LOOK_AGAIN = 8.0
"""Seconds between a call that ended without an answer and the look that tells its effect; doubled each time."""

REFUSALS_IN_A_ROW = 5

LAST_LOOK = 5.0
"""Seconds that the look at the deadline may take before its remaining requests are left out."""


Item = TypeVar("Item")


class Service(Protocol):
    """What this room needs of AWS. Each call raises Fault, and begins no new attempt after C(until) of the clock."""

    region: str
    attempts: int

    def describe(self, source_server_ids: Sequence[str], until: float) -> list[SourceServer]:
        """The source servers with these IDs (1 to 200), unknown ones absent."""

    def describe_every(self, until: float) -> list[SourceServer]:
        """Every source server of the region."""

    def start(self, source_server_id: str, until: float) -> SourceServer:
        """StartReplication."""

    def stop(self, source_server_id: str, until: float) -> SourceServer:
        """StopReplication."""


@dataclass(frozen=True)
class Aim:
    """What a run is to bring about.

    C(wait_timeout) and C(wait_delay): seconds. C(max_starts): None for no limit. C(why_held): why a server is to be
    left alone although the rule says start, None where it is not.
    """

    goal: Goal
    check_mode: bool = False
    wait: bool = False
    wait_timeout: float = math.inf
    wait_delay: float = 15.0
    max_starts: int | None = None
    why_held: Callable[[SourceServer], str | None] | None = None


class _Brake:
    """Ends a round of calls after five refusals in a row with one code, and all calls once one of them was final.

    A throttled call neither counts nor ends the row.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._row = 0
        self.code = ""
        self.tripped = False
        self.fatal: Fault | None = None

    def note(self, fault: Fault | None) -> None:
        """Take note of a call: its fault, None where it was accepted."""
        with self._lock:
            if fault is None:
                self._row = 0
            elif fault.kind == "fatal":
                self.fatal, self.tripped = fault, True
            elif fault.kind != "throttled":
                self._row = self._row + 1 if _code(fault) == self.code else 1
                self.code = _code(fault)
                self.tripped = self.tripped or self._row >= REFUSALS_IN_A_ROW

    def is_final_for(self, outcomes: Sequence[Outcome]) -> bool:
        """Whether the refusals that stand in a row failed one of these servers."""
        return self._row >= REFUSALS_IN_A_ROW and any(
            outcome.failed and outcome.call_fault and _code(outcome.call_fault) == self.code for outcome in outcomes
        )


def _code(fault: Fault) -> str:
    return fault.code or fault.kind


def pursue(
    aim: Aim,
    outcomes: Sequence[Outcome],
    service: Service,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    report: Callable[[Sequence[Outcome]], None] = lambda _outcomes: None,
) -> Fault | None:
    """Bring the source servers to the goal, as far as it can be reached; every outcome is settled afterwards.

    C(outcomes): one for each server, looked at already or not. C(report): called after each look of a wait. Gives the
    fault that ended the run for all servers, None where each server has an end of its own.
    """
    until = clock() + aim.wait_timeout if aim.wait else math.inf
    brake = _Brake()
    try:
        _look([o for o in outcomes if o.first is None], service, until, clock)
        while True:
            _choose(aim, outcomes, service, brake, clock())
            if aim.check_mode:
                _predict(outcomes)
                return None
            _act(aim, outcomes, service, brake, until, clock)
            if clock() >= until:
                _expire(aim, outcomes)
            if aim.wait:
                report(outcomes)
            pending = _open(outcomes)
            if not pending:
                return None
            pause = min(until, *(o.look_at for o in pending)) - clock()
            if pause > 0:
                sleep(pause)
            _look(pending, service, until, clock)
    except Fault as fault:
        for outcome in _open(outcomes):
            outcome.fail(f"{_so_far(outcome)}{fault.message}", fault)
        return fault


def batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """The items, as many at a time as one DescribeSourceServers may name."""
    return (items[begin : begin + IDS_A_REQUEST] for begin in range(0, len(items), IDS_A_REQUEST))


def _open(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [outcome for outcome in outcomes if not outcome.settled]


def _look(outcomes: Sequence[Outcome], service: Service, until: float, clock: Callable[[], float]) -> None:
    """Describe the source servers. A request that fails for good is its servers' fault, a fatal one is raised."""
    for looked_at in batches(outcomes):
        if clock() >= until + LAST_LOOK:
            return
        try:
            servers = service.describe([o.source_server_id for o in looked_at], until)
        except Fault as fault:
            if fault.kind == "fatal":
                raise
            for outcome in looked_at:
                outcome.look_fault = fault
            continue
        found = {server["sourceServerID"]: server for server in servers}
        for outcome in looked_at:
            outcome.see(found.get(outcome.source_server_id))


def _choose(aim: Aim, outcomes: Sequence[Outcome], service: Service, brake: _Brake, now: float) -> None:
    """Settle what needs no call, and mark the others with the call that is due, within C(max_starts)."""
    called = [outcome for outcome in _open(outcomes) if outcome.call_fault]
    for outcome in _open(outcomes):
        _judge(aim, outcome, service, now)
    if any(outcome.call_fault is None for outcome in called):
        brake.note(None)  # a look showed that what ended the row was no refusal
    _give_up(outcomes, brake)
    if aim.max_starts is not None:
        begun = sum(outcome.action == "start" for outcome in outcomes)
        fresh = [outcome for outcome in _due(outcomes) if outcome.due == "start" and outcome.action == "none"]
        for outcome in fresh[max(0, aim.max_starts - begun) :]:
            outcome.deferred = True
            outcome.settle(f"max_starts ({aim.max_starts}) is reached: run the task again for the next wave")


def _give_up(outcomes: Sequence[Outcome], brake: _Brake) -> None:
    if brake.is_final_for(outcomes):
        for outcome in _due(outcomes):
            outcome.fail(f"not tried: {REFUSALS_IN_A_ROW} calls in a row were refused ({brake.code})")


def _due(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [outcome for outcome in _open(outcomes) if outcome.due != "none"]


def _judge(aim: Aim, outcome: Outcome, service: Service, now: float) -> None:
    """Ask the rule about one source server, and settle it or say which call is due."""
    outcome.due, outcome.look_at = "none", now + aim.wait_delay
    if outcome.look_fault is not None:
        if outcome.first is None or not aim.wait:
            outcome.fail(f"{_so_far(outcome)}{outcome.look_fault.message}", outcome.look_fault)
        return
    if outcome.latest is None and not outcome.absent:
        return  # the time ran out before the first look
    if outcome.absent:
        unknown = f"DRS does not know this ID in {service.region}"
        outcome.fail("it was deleted from DRS during this run" if outcome.first else unknown)
        return
    if outcome.unanswered and outcome.accepted_at is None and _took_effect(outcome):
        outcome.accepted_at, outcome.changed, outcome.left_stopped = now, True, True
        outcome.call_fault = None
    accepted_ago = None if outcome.accepted_at is None else now - outcome.accepted_at
    rule = decide(aim.goal, outcome.state, accepted_ago, outcome.left_stopped)
    error = error_text_of(outcome.latest)
    outcome.reason, outcome.warning = f"{rule.reason} ({error})" if error else rule.reason, rule.warning
    if rule.verdict == "fail":
        outcome.fail(outcome.reason)
    elif rule.verdict in ("start", "stop"):
        _judge_call(aim, outcome, rule.verdict, service.attempts, now)
    else:
        outcome.call_fault = None
        if not outcome.changed:
            outcome.action = "none"  # somebody else brought it here
        if rule.verdict == "done" or not aim.wait or aim.check_mode:
            outcome.settle(outcome.reason)


def _judge_call(aim: Aim, outcome: Outcome, call: Literal["start", "stop"], attempts: int, now: float) -> None:
    held = aim.why_held and aim.why_held(outcome.latest or {})
    if held:
        outcome.held = True
        outcome.settle(held)
    elif outcome.call_fault and (outcome.conflicts >= CONFLICTS or outcome.unanswered >= attempts):
        outcome.fail(outcome.call_fault.message, outcome.call_fault, disproved=outcome.conflicts == 0)
    elif now < outcome.call_at:
        outcome.look_at = outcome.call_at
    else:
        outcome.due = call


def _took_effect(outcome: Outcome) -> bool:
    """Whether a call that ended without an answer shows in the state that was seen since."""
    stopped = outcome.state == "STOPPED"
    return stopped if outcome.action == "stop" else not stopped and outcome.state is not None


def _so_far(outcome: Outcome) -> str:
    """What to say before a fault that ends the run for a server."""
    if outcome.unclear:
        return f"the {outcome.action} was sent and may have taken effect, then: "
    if outcome.changed:
        return f"DRS accepted the {outcome.action}, then: "
    return "not tried: " if outcome.due != "none" else ""


def _predict(outcomes: Sequence[Outcome]) -> None:
    for outcome in _due(outcomes):
        outcome.action, outcome.changed = outcome.due, True
        outcome.predicted_state = "INITIATING" if outcome.due == "start" else "STOPPED"
        outcome.settle(f"would {outcome.due}: {outcome.reason}")


def _act(
    aim: Aim,
    outcomes: Sequence[Outcome],
    service: Service,
    brake: _Brake,
    until: float,
    clock: Callable[[], float],
) -> None:
    """Make the calls that are due, some at once. Raises the Fault after which every other call would fail alike."""
    due = _due(outcomes)
    if not due:
        return
    brake.tripped = False

    def send(outcome: Outcome) -> None:
        if not brake.tripped and clock() < until:
            _send(aim, outcome, service, brake, until, clock)

    with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
        list(pool.map(send, due))
    if brake.fatal:
        raise brake.fatal
    _give_up(outcomes, brake)
    again_at = max(outcome.call_at for outcome in due)
    for outcome in _due(outcomes):
        outcome.look_at = outcome.call_at = again_at


def _send(
    aim: Aim, outcome: Outcome, service: Service, brake: _Brake, until: float, clock: Callable[[], float]
) -> None:
    call = service.start if outcome.due == "start" else service.stop
    outcome.action, outcome.due = outcome.due, "none"
    try:
        outcome.latest = call(outcome.source_server_id, until)
    except Fault as fault:
        brake.note(fault)
        _take(outcome, fault, clock())
        return
    brake.note(None)
    now = clock()
    outcome.accepted_at, outcome.changed, outcome.look_at = now, True, now + aim.wait_delay
    outcome.call_fault, outcome.reason = None, f"DRS accepted the {outcome.action}"
    if not aim.wait:
        outcome.settle(outcome.reason)


def _take(outcome: Outcome, fault: Fault, now: float) -> None:
    """Take note of a failed call: what is unclear gets another look, and the rule is asked again."""
    outcome.call_fault = fault
    if fault.kind == "conflict":
        outcome.conflicts += 1
        outcome.look_at, outcome.call_at = now, now + CONFLICT_PAUSE
    elif fault.kind == "unanswered":
        outcome.unanswered += 1
        outcome.unclear = True
        pause = min(LONGEST_LOOK_AGAIN, FIRST_LOOK_AGAIN * 2 ** (outcome.unanswered - 1))
        outcome.look_at = outcome.call_at = now + pause
    else:
        outcome.fail(fault.message, fault)


def _expire(aim: Aim, outcomes: Sequence[Outcome]) -> None:
    for outcome in _open(outcomes):
        fault = outcome.look_fault or outcome.call_fault
        parts = [
            f"{_so_far(outcome)}{outcome.reason}",
            progress_of(outcome.latest),
            fault.message if fault else "",
            f"wait_timeout ({aim.wait_timeout:g} s) is over",
        ]
        outcome.fail("; ".join(part for part in parts if part), fault)
