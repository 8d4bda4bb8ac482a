# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is observed of a source server around a drill, and what proves that a drill succeeded. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from .iso8601 import parse_datetime
from .jobs import (
    DRILL,
    ActionsResult,
    Job,
    JobLogItem,
    actions_result,
    concerns,
    created_at,
    failed_action_in,
    initiator_of,
    is_active,
    is_completed,
    job_id_of,
    launch_actions_in,
    launch_end_in,
    launch_status_in,
)
from .recovery_instances import (
    LaunchConfiguration,
    RecoveryInstance,
    instance_id_of,
    is_drill_instance,
    is_living,
    launched_by,
)
from .servers import RecoverySnapshot, SourceServer, last_launch_of, text_at


@dataclass(frozen=True)
class Unreadable:
    """An answer that could not be read. reason: a sentence. code, text: AWS's own. is_final: whether AWS refused it."""

    reason: str
    code: str | None = None
    text: str | None = None
    is_final: bool = True


Log: TypeAlias = Sequence[JobLogItem] | Unreadable
Configuration: TypeAlias = LaunchConfiguration | Unreadable
Snapshots: TypeAlias = Sequence[RecoverySnapshot] | Unreadable


@dataclass(frozen=True)
class Observed:
    """What is known of one source server when it is decided what to do.

    server: None if DRS does not know it. jobs: those that concern it, newest first. recovery_job: a START_RECOVERY job
    that runs anywhere in the Region. instances: its recovery instances. logs: by job ID, as far as asked for, what they
    say of it. configuration, snapshots: None if not asked for. snapshots: at most the newest one that may be used.
    since: from when evidence is fresh. now: timezone-aware. point_in_time: the latest date of the snapshot, None for
    the latest data.
    """

    source_server_id: str
    server: SourceServer | None
    now: datetime
    since: datetime
    jobs: Sequence[Job] = ()
    recovery_job: Job | None = None
    instances: Sequence[RecoveryInstance] = ()
    logs: Mapping[str, Log] = field(default_factory=dict)
    configuration: Configuration | None = None
    snapshots: Snapshots | None = None
    point_in_time: datetime | None = None

    @property
    def living(self) -> list[RecoveryInstance]:
        """Its recovery instances that still exist."""
        return [instance for instance in self.instances if is_living(instance)]


@dataclass(frozen=True)
class Evidence:
    """A drill that succeeded.

    job_id: its job. at: the creation of the job as AWS sends it, or where the job is no longer listed, when the launch
    was requested. launch_actions: what they say together. instance_id: its recovery instance, as far as known.
    ended_at: when the launch ended.
    """

    job_id: str
    at: str
    launch_actions: ActionsResult
    instance_id: str | None = None
    ended_at: str | None = None


@dataclass(frozen=True)
class Unasked:
    """The log of this job decides, and was not asked for."""

    job_id: str


Judgement: TypeAlias = "Evidence | Unasked | Unreadable | None"


def fresh_evidence(observed: Observed) -> Judgement:
    """The newest fresh evidence; Unasked or Unreadable where a log decides; None if there is none.

    Where DRS no longer lists the job of the last launch (no retention is documented), that launch itself decides.
    """
    judgements = (judge(observed, job) for job in _fresh_drills(observed))
    return next((each for each in judgements if each is not None), None) or _last_launch(observed)


def judge(observed: Observed, job: Job) -> Judgement:
    """Whether this job proves a drill of the source server.

    What participants show after a termination is not known, so the log decides, unless the instance is there.
    """
    job_id, server_id = job_id_of(job), observed.source_server_id
    if job_id is None or not _is_completed_drill(job) or launch_status_in(job, server_id) == "FAILED":
        return None
    if failed_action_in(job, server_id) is not None:
        return None
    log = observed.logs.get(job_id)
    items = () if log is None or isinstance(log, Unreadable) else log
    end, instance_id = launch_end_in(items, server_id), drill_instance_of(observed, job_id)
    if end is None and not (launch_status_in(job, server_id) == "LAUNCHED" and instance_id):
        return Unasked(job_id) if log is None else log if isinstance(log, Unreadable) else None
    return Evidence(
        job_id,
        text_at(job, "creationDateTime") or "",
        actions_result(launch_actions_in(job, server_id)),
        instance_id or text_at(end, "eventData", "targetInstanceID"),
        text_at(end, "logDateTime"),
    )


DrillResult = Literal["done", "failed", "running", "unknown"]

DRILL_RESULTS: dict[str, DrillResult] = {
    "LAUNCHED": "done",
    "TERMINATED": "done",
    "FAILED": "failed",
    "PENDING": "running",
    "IN_PROGRESS": "running",
}
"""What a launch status says about a drill. TERMINATED: its instance was launched, and is gone.
https://docs.aws.amazon.com/drs/latest/APIReference/API_LastLaunch.html"""


@dataclass(frozen=True)
class DrillLookup:
    """What a report can tell of the drills of one source server.

    result: done with fresh evidence, else what became of the newest fresh drill, unknown where an answer that decides
    could not be read, None if there was no fresh drill. unread: that answer.
    """

    result: DrillResult | None = None
    evidence: Evidence | None = None
    unread: Unreadable | None = None


def drill_lookup(observed: Observed, judgement: Judgement) -> DrillLookup:
    """What to tell of the source server for which this is the fresh evidence."""
    if isinstance(judgement, Evidence):
        return DrillLookup("done", evidence=judgement)
    if isinstance(judgement, Unreadable):
        return DrillLookup("unknown", unread=judgement)
    return DrillLookup(_unproven_result(observed))


def _unproven_result(observed: Observed) -> DrillResult | None:
    """What became of the newest fresh drill, which is no evidence. A launch that looks done is not enough."""
    newest = next((job for job in _fresh_drills(observed) if initiator_of(job) == DRILL), None)
    if newest is not None:
        return "failed" if is_completed(newest) else "running" if is_active(newest) else "unknown"
    launch = last_launch_of(observed.server)
    at = parse_datetime(launch.at)
    if launch.type != "DRILL" or at is None or at < observed.since:
        return None
    result = DRILL_RESULTS.get(launch.status or "", "unknown")
    return "unknown" if result == "done" else result


def is_seen_by_its_instance(observed: Observed) -> bool:
    """Whether a fresh drill is proven if its instance lives, whatever its log says."""
    return any(
        _is_completed_drill(job)
        and launch_status_in(job, observed.source_server_id) == "LAUNCHED"
        and failed_action_in(job, observed.source_server_id) is None
        for job in _fresh_drills(observed)
    )


def drill_instance_of(observed: Observed, job_id: str) -> str | None:
    """The ID of the living instance, marked as a drill, that this job launched."""
    found = (each for each in observed.living if launched_by(each) == job_id and is_drill_instance(each))
    return next((instance_id_of(each) for each in found), None)


def _is_completed_drill(job: Job) -> bool:
    return initiator_of(job) == DRILL and is_completed(job)


def _fresh_drills(observed: Observed) -> Iterator[Job]:
    for job in observed.jobs:
        created = created_at(job)
        if (
            created is not None
            and created >= observed.since
            and concerns(job, observed.source_server_id, observed.server)
        ):
            yield job


def _last_launch(observed: Observed) -> Evidence | None:
    launch = last_launch_of(observed.server)
    at = parse_datetime(launch.at)
    is_listed = any(job_id_of(job) == launch.job_id for job in observed.jobs)
    is_drill = launch.type == "DRILL" and launch.status in ("LAUNCHED", "TERMINATED")
    if is_listed or not is_drill or launch.job_id is None or launch.at is None or at is None or at < observed.since:
        return None
    return Evidence(launch.job_id, launch.at, "unknown", drill_instance_of(observed, launch.job_id))
