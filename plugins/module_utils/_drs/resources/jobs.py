# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accessors for jobs and their logs. Pure, and as tolerant as those of a source server.

https://docs.aws.amazon.com/drs/latest/APIReference/API_Job.html and API_JobLog.html. A captured drill
(https://github.com/aws-samples/drs-tools, drs-plan-automation/samples/sample_data/sample_result.json) shows that
participants have no instance ID, and that the log has LAUNCH_END, which the model does not list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Literal

from .iso8601 import parse_datetime
from .servers import SourceServer, last_launch_of, objects_at, text_at

Job = Mapping[str, Any]
"""A job as botocore parses it: camelCase keys."""

JobLogItem = Mapping[str, Any]
"""An item of a job's log as botocore parses it."""

ACTIVE = frozenset({"PENDING", "STARTED"})
"""The statuses of a job that holds its source servers."""

DRILL, RECOVERY, TERMINATION = "START_DRILL", "START_RECOVERY", "TERMINATE_RECOVERY_INSTANCES"

FAILURES = frozenset({"SERVER_SKIPPED", "JOB_CANCEL"})
"""Events that tell of a failure, besides those whose name ends in FAIL or FAILED."""


def job_id_of(job: Job) -> str | None:
    """The ID of the job."""
    return text_at(job, "jobID")


def initiator_of(job: Job) -> str | None:
    """What initiated the job, such as START_DRILL."""
    return text_at(job, "initiatedBy")


def is_active(job: Job) -> bool:
    """Whether the job holds its source servers."""
    return text_at(job, "status") in ACTIVE


def is_completed(job: Job) -> bool:
    """Whether the job has ended."""
    return text_at(job, "status") == "COMPLETED"


def created_at(job: Job) -> datetime | None:
    """When the job was created."""
    return parse_datetime(text_at(job, "creationDateTime"))


def servers_in(job: Job) -> set[str]:
    """The IDs of the source servers that take part."""
    return {name for each in objects_at(job, "participatingServers") if (name := text_at(each, "sourceServerID"))}


def participant_in(job: Job, source_server_id: str) -> Mapping[str, Any] | None:
    """What the job says of this source server; None if it does not name it."""
    named = (each for each in objects_at(job, "participatingServers"))
    return next((each for each in named if text_at(each, "sourceServerID") == source_server_id), None)


OLDEST = datetime.min.replace(tzinfo=timezone.utc)


def newest_first(jobs: Iterable[Job]) -> list[Job]:
    """The jobs by their creation."""
    return sorted(jobs, key=lambda job: created_at(job) or OLDEST, reverse=True)


def jobs_by_server(jobs: Iterable[Job]) -> dict[str, list[Job]]:
    """The jobs by source server ID, each list in the order given."""
    found: dict[str, list[Job]] = {}
    for job in jobs:
        for server_id in servers_in(job):
            found.setdefault(server_id, []).append(job)
    return found


def launch_status_in(job: Job, source_server_id: str) -> str | None:
    """The status of the launch of this source server, such as LAUNCHED."""
    return text_at(participant_in(job, source_server_id), "launchStatus")


def concerns(job: Job, source_server_id: str, server: SourceServer | None) -> bool:
    """Whether the job names the source server, or the last launch of the server names the job.

    What a job shows of a server whose instance was terminated is not known.
    """
    job_id = job_id_of(job)
    return source_server_id in servers_in(job) or (job_id is not None and last_launch_of(server).job_id == job_id)


@dataclass(frozen=True)
class LaunchAction:
    """A launch action that ran on an instance. status: IN_PROGRESS, SUCCEEDED or FAILED."""

    name: str | None
    status: str | None
    optional: bool
    failure_reason: str | None


def launch_actions_in(job: Job, source_server_id: str) -> list[LaunchAction]:
    """The launch actions that the job shows for this source server."""
    return [
        LaunchAction(
            name=text_at(run, "action", "name"),
            status=text_at(run, "status"),
            optional=_is_optional(run),
            failure_reason=text_at(run, "failureReason"),
        )
        for run in objects_at(participant_in(job, source_server_id), "launchActionsStatus", "runs")
    ]


def _is_optional(run: Mapping[str, Any]) -> bool:
    action = run.get("action")
    return isinstance(action, Mapping) and action.get("optional") is True


def failed_action_in(job: Job, source_server_id: str) -> LaunchAction | None:
    """The first mandatory launch action that failed; None if there is none."""
    actions = launch_actions_in(job, source_server_id)
    return next((each for each in actions if each.status == "FAILED" and not each.optional), None)


ActionsResult = Literal["passed", "failed", "unknown"]


def actions_result(actions: Iterable[LaunchAction]) -> ActionsResult:
    """What the launch actions say together: failed also where an optional one did, passed where all succeeded.

    Whether a job still shows them after a termination is not known, so none at all are unknown.
    """
    statuses = {each.status for each in actions}
    if "FAILED" in statuses:
        return "failed"
    return "passed" if statuses == {"SUCCEEDED"} else "unknown"


def events_of(log: Iterable[JobLogItem], source_server_id: str) -> list[JobLogItem]:
    """The items of the log about this source server, oldest first as DRS lists them (assumed)."""
    return [item for item in log if text_at(item, "eventData", "sourceServerID") == source_server_id]


def launch_end_in(log: Iterable[JobLogItem], source_server_id: str) -> JobLogItem | None:
    """The item that tells of the end of a successful launch of this source server; None if there is none."""
    return next((each for each in events_of(log, source_server_id) if text_at(each, "event") == "LAUNCH_END"), None)


def is_at_end(log: Iterable[JobLogItem]) -> bool:
    """Whether the log tells of the end of its job, so that nothing more is to come."""
    return any(text_at(item, "event") == "JOB_END" for item in log)


def failure_in(log: Iterable[JobLogItem], source_server_id: str) -> JobLogItem | None:
    """The first item about this source server, or about no server, that tells of a failure; None if there is none."""
    own = (item for item in log if text_at(item, "eventData", "sourceServerID") in (source_server_id, None))
    return next((item for item in own if _tells_of_failure(text_at(item, "event") or "")), None)


def _tells_of_failure(event: str) -> bool:
    return event in FAILURES or event.endswith(("FAIL", "FAILED"))
