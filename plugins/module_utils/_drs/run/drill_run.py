# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of drills: its source servers with what it remembers of each, and its dependencies."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from ..api.errors import DrsError
from ..api.recovery import RecoveryApi
from ..resources.evidence import Evidence
from ..resources.jobs import Job, LaunchAction
from ..resources.operations import BatchOperation
from ..resources.rows import Ruling
from .drill_options import DrillOptions
from .outcomes import Outcome

SHOWS_WITHIN = 300.0
"""Seconds within which a job, an instance or the end of an instance is listed. Assumed: AWS documents no limit."""


@dataclass
class DrillOutcome(Outcome):
    """The outcome of one source server in a run of drills.

    job_id, launched_at: the drill's job and its creation as AWS sends it. instance_id: the recovery instance of the
    drill. duration: seconds from that to the end of the launch. before, after: what there was and is, for the diff.
    kept: the IDs of drill instances that state absent leaves.
    """

    job_id: str | None = None
    instance_id: str | None = None
    launched_at: str | None = None
    duration: float | None = None
    launch_actions: list[LaunchAction] = field(default_factory=list)
    evidence: Evidence | None = None
    before: str = ""
    after: str = ""
    kept: Sequence[str] = ()


@dataclass(eq=False)
class Call:
    """A call for a batch of servers, or a drill of somebody else that a server waits for.

    at: when it was sent. job_id: None while an answer without a job may have taken effect. known_jobs: those that the
    look before the call listed. error: why there was no answer.
    """

    operation: BatchOperation
    source_server_ids: frozenset[str]
    instance_ids: frozenset[str]
    at: float
    job_id: str | None = None
    known_jobs: frozenset[str] = frozenset()
    error: DrsError | None = None
    is_own: bool = True


@dataclass(eq=False)
class DrillWork:
    """One source server in the run.

    ruling: what the table said last. is_due: whether its call is to be made now. drill, termination: the calls that it
    waits for. doomed: the instances that the termination is for. sent_ids: those for which a call was sent, which is
    never repeated, or in check mode would be. has_succeeded: whether its drill ended well, and with terminate its
    instance is gone. observe_error: why it could not be described. send_error: why its call could not be made the last
    time, although it was due.
    """

    outcome: DrillOutcome
    ruling: Ruling | None = None
    is_due: bool = False
    drill: Call | None = None
    termination: Call | None = None
    doomed: tuple[str, ...] = ()
    sent_ids: set[str] = field(default_factory=set)
    has_succeeded: bool = False
    is_predicted: bool = False
    observe_error: DrsError | None = None
    send_error: DrsError | None = None

    @property
    def server_id(self) -> str:
        return self.outcome.source_server_id

    @property
    def is_open(self) -> bool:
        return self.outcome.end is None

    @property
    def holds_place(self) -> bool:
        """Whether it is in drill, or may be, or failed in its drill. With terminate, until its instance is gone."""
        return self.is_predicted or (self.drill is not None and not self.has_succeeded)

    @property
    def may_have_changed(self) -> bool:
        """Whether a call of this run took effect, or may have."""
        own = [call for call in (self.drill, self.termination) if call is not None and call.is_own]
        return self.outcome.changed or bool(own)


def utc_now() -> datetime:
    return datetime.now(timezone.utc)


@dataclass
class DrillRun:
    """One run over all its source servers."""

    options: DrillOptions
    api: RecoveryApi
    outcomes: Sequence[DrillOutcome]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = utc_now
    report: Callable[[Sequence[DrillOutcome]], None] = lambda _outcomes: None
    error: DrsError | None = None
    """The error that ended the run for all servers."""
    expired: bool = False
    """Whether the deadline ended the run."""
    running: list[str] = field(default_factory=list)
    """The IDs of the jobs that go on after the deadline, or an error that ended the run."""
    full: frozenset[str] = frozenset()
    """The jobs that ran when DRS refused a batch for its quotas. Until one of them ends, no other batch is sent."""
    is_blind: bool = False
    """Whether the last look was not answered."""

    calls: list[Call] = field(default_factory=list)
    """The calls of this run that were accepted, or may have been."""
    jobs: list[Job] = field(default_factory=list)
    """The jobs of this run, as last seen."""

    def __post_init__(self) -> None:
        self.work = [DrillWork(outcome) for outcome in self.outcomes]
        self.began = self.now()

    @property
    def open(self) -> list[DrillWork]:
        return [work for work in self.work if work.is_open]

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return self.clock() >= self.api.until

    @property
    def fresh_since(self) -> datetime:
        """From when a drill is fresh. With a max_age of 0 none is: clocks differ, and AWS's may be ahead."""
        age = self.options.max_age
        return self.began - timedelta(days=age) if age else datetime.max.replace(tzinfo=timezone.utc)

    @property
    def old_before(self) -> datetime | None:
        """Until when an instance must have been launched to be terminated; None for any."""
        is_limited = self.options.goal == "absent" and self.options.min_age > 0
        return self.began - timedelta(hours=self.options.min_age) if is_limited else None

    @property
    def free_places(self) -> int | None:
        """How many more servers may be in drill; None for no limit."""
        limit = self.options.max_in_progress
        return None if limit is None else max(0, limit - sum(work.holds_place for work in self.work))
