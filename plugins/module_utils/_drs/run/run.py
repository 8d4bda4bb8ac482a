# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run: its source servers with what it remembers of each, and its dependencies."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ..api.calls import Api
from ..api.errors import ERROR_KINDS, DrsError, ErrorKind
from ..resources.decisions import rule_for
from ..resources.operations import OPERATION_FOR, OPERATIONS, Operation
from ..resources.rules import Rule
from ..resources.servers import SourceServer
from .options import RunOptions
from .outcomes import Outcome


@dataclass(frozen=True)
class Attempt:
    """A call for one source server.

    at: when it ended. error: None if it was accepted. looks: how often the server was described before.
    """

    at: float
    error: DrsError | None
    looks: int


@dataclass(eq=False)
class Work:
    """One source server in the run: its outcome, its calls, and the times of what comes next.

    is_due: whether to make the call now. attempts: its calls. counted_from: the index of the first one that still
    counts. effect_at: when the effect of a call was last observed. looks, observed_at: how often, and when it was last
    described. observe_error: why it could not be described. observe_at, call_at: times of the next observation and the
    earliest next call.
    """

    run: Run
    outcome: Outcome
    is_due: bool = False
    attempts: list[Attempt] = field(default_factory=list)
    counted_from: int = 0
    effect_at: float | None = None
    looks: int = 0
    observed_at: float = -math.inf
    observe_error: DrsError | None = None
    observe_at: float = -math.inf
    call_at: float = -math.inf

    @property
    def is_open(self) -> bool:
        return self.outcome.end is None

    def record(self, error: DrsError | None) -> None:
        """Record how a call ended."""
        self.attempts.append(Attempt(self.run.clock(), error, self.looks))

    def observe(self, server: SourceServer | None) -> None:
        """Record an observation: the source server, or None if DRS does not know it."""
        self.looks, self.observed_at = self.looks + 1, self.run.clock()
        self.outcome.observe(server)

    @property
    def sent(self) -> int:
        """How many calls were sent."""
        return sum(attempt.error is None or attempt.error.facts.is_sent for attempt in self.attempts)

    @property
    def unanswered(self) -> list[Attempt]:
        """The calls without a response."""
        return [each for each in self.attempts if each.error and each.error.facts.may_have_taken_effect]

    @property
    def accepted_at(self) -> float | None:
        """When the call was accepted, or its effect last observed; None if neither."""
        accepted = [attempt.at for attempt in self.attempts if attempt.error is None]
        return self.effect_at if self.effect_at is not None else max(accepted, default=None)

    @property
    def may_have_taken_effect(self) -> bool:
        return self.accepted_at is not None or bool(self.unanswered)

    @property
    def shows_until(self) -> float:
        """How long the state may not show the effect of the last call without a response."""
        last = max((attempt.at for attempt in self.unanswered), default=-math.inf)
        return last + OPERATIONS[self.run.operation].shows_within

    @property
    def call_error(self) -> DrsError | None:
        """The error that the server fails with: of its last call that was sent, otherwise of the last one."""
        if self.accepted_at is not None:
            return None
        errors = [attempt.error for attempt in self.attempts[self.counted_from :] if attempt.error]
        return next((error for error in reversed(errors) if error.facts.is_sent), errors[-1] if errors else None)

    @property
    def has_attempt_left(self) -> bool:
        """Whether another call may help."""
        return all(
            self.ended_as(kind) < (self.run.api.attempts if facts.most_calls is None else facts.most_calls)
            for kind, facts in ERROR_KINDS.items()
            if not (facts.may_pass and self.run.options.wait)
        )

    def ended_as(self, kind: ErrorKind) -> int:
        """How many of the calls that still count ended in an error of this kind."""
        return sum(each.error is not None and each.error.kind == kind for each in self.attempts[self.counted_from :])

    @property
    def is_seen_after_conflict(self) -> bool:
        """Whether the last call was not applied because of a conflict, and the state has been observed since."""
        last = self.attempts[-1] if self.attempts else None
        return bool(last and last.error and last.error.facts.may_pass and last.looks < self.looks)

    @property
    def rule(self) -> Rule:
        """The rule for the source server as it was last seen, ignoring earlier calls."""
        options = self.run.options
        return rule_for(options.goal, self.outcome.latest, self.outcome.state, options.force)


@dataclass
class Run:
    """One run over all its source servers."""

    options: RunOptions
    api: Api
    outcomes: Sequence[Outcome]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    report: Callable[[Sequence[Outcome]], None] = lambda _outcomes: None
    error: DrsError | None = None
    """The error that ended the run for all servers."""
    listed: Sequence[SourceServer] = ()
    """All source servers that the listing under filters returned, whether or not they match."""
    namesakes: Mapping[str, str] = field(default_factory=dict)
    """By source server ID, what to do about a disconnected server whose machine another server protects."""
    expired: bool = False
    """Whether the deadline ended the run."""

    def __post_init__(self) -> None:
        # Filters have just listed their servers.
        self.work = [
            Work(self, outcome, observed_at=-math.inf if outcome.latest is None else self.clock())
            for outcome in self.outcomes
        ]

    @property
    def open(self) -> list[Work]:
        return [work for work in self.work if work.is_open]

    @property
    def due(self) -> list[Work]:
        return [work for work in self.open if work.is_due]

    @property
    def all_servers(self) -> list[SourceServer]:
        """All known source servers as last seen, whether or not they are selected."""
        selected = {outcome.source_server_id: None if outcome.absent else outcome.latest for outcome in self.outcomes}
        listed = {server["sourceServerID"]: server for server in self.listed}
        return [server for server in {**listed, **selected}.values() if server is not None]

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return self.clock() >= self.api.until

    @property
    def operation(self) -> Operation:
        """The operation that brings a source server to the goal."""
        return OPERATION_FOR[self.options.goal]
