# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run: its options, its source servers with their working state, and its dependencies."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..api.calls import Api
from ..api.circuit_breaker import CircuitBreaker
from ..api.errors import DrsError
from ..resources.states import (
    OPERATION_FOR,
    RULES,
    Operation,
    Rule,
    phase_of,
)
from .options import RunOptions
from .outcomes import Outcome


@dataclass(eq=False)
class Work:
    """One source server in the run: its outcome, and the working state of its observations and calls.

    due: the call to make. sent: the number of calls made. accepted_at: when the call was accepted, or its effect last
    observed. effect_seen: its effect was observed. unanswered: the number of calls without a response. shows_until: how
    long the state may not show the effect of the last of them. is_disproved: it was observed after that without an
    effect. is_exhausted: no attempt is left. observe_at, call_at: times of the next observation and the earliest next
    call.
    """

    run: Run
    outcome: Outcome
    due: Operation | None = None
    observe_error: DrsError | None = None
    call_error: DrsError | None = None
    sent: int = 0
    conflicts: int = 0
    unanswered: int = 0
    shows_until: float = -math.inf
    accepted_at: float | None = None
    effect_seen: bool = False
    is_disproved: bool = False
    is_exhausted: bool = False
    observe_at: float = -math.inf
    call_at: float = -math.inf

    @property
    def is_open(self) -> bool:
        return self.outcome.end is None

    @property
    def may_have_taken_effect(self) -> bool:
        return self.accepted_at is not None or self.unanswered > 0

    @property
    def rule(self) -> Rule:
        """The rule for the state alone, ignoring earlier calls."""
        return RULES[self.run.options.goal, phase_of(self.outcome.state)]


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
        self.work = [Work(self, outcome) for outcome in self.outcomes]

    @property
    def open(self) -> list[Work]:
        return [work for work in self.work if work.is_open]

    @property
    def due(self) -> list[Work]:
        return [work for work in self.open if work.due is not None]

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return self.clock() >= self.api.until

    @property
    def waits(self) -> bool:
        return self.options.wait and not self.options.check_mode

    @property
    def operation(self) -> Operation:
        """The operation that brings a source server to the goal."""
        return OPERATION_FOR[self.options.goal]
