# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls about drills: jobs and their logs, recovery instances, launch configurations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Protocol

from ..resources.iso8601 import parse_datetime
from ..resources.jobs import Job, JobLogItem, job_id_of
from ..resources.operations import Batch, BatchOperation
from ..resources.recovery_instances import LaunchConfiguration, RecoveryInstance, instance_id_of
from ..resources.servers import RecoverySnapshot, SourceServer, text_at
from .calls import (
    DESCRIBE_INSTANCES,
    DESCRIBE_JOBS,
    DESCRIBE_LOG,
    DESCRIBE_SNAPSHOTS,
    GET_CONFIGURATION,
    SNAPSHOTS_PER_PAGE,
    DrsApi,
    batches,
)
from .errors import unreadable


class RecoveryApi(Protocol):
    """The DRS operations that a drill uses, in one region. Each method raises DrsError.

    until: the deadline of the run on its clock, as for the replication of source servers.
    """

    region: str
    until: float

    def describe(self, source_server_ids: Sequence[str]) -> list[SourceServer]:
        """The source servers with these IDs, in any order; unknown ones are absent."""

    def jobs(self, since: datetime) -> list[Job]:
        """The jobs that were created since then, in any order."""

    def job_log(self, job_id: str) -> list[JobLogItem]:
        """The log of this job."""

    def recovery_instances(self, source_server_ids: Sequence[str]) -> list[RecoveryInstance]:
        """The recovery instances of these source servers, also those whose records linger."""

    def launch_configuration(self, source_server_id: str) -> LaunchConfiguration:
        """The launch configuration of this source server."""

    def snapshot_before(self, source_server_id: str, moment: datetime | None) -> RecoverySnapshot | None:
        """The newest recovery snapshot of this source server, at or before the moment; None if there is none."""

    def send(self, operation: BatchOperation, resource: Batch) -> Mapping[str, Any]:
        """Make the call for this batch. Returns its job."""


class DrsRecoveryApi(DrsApi):
    """AWS Elastic Disaster Recovery in one region, with what a drill needs."""

    def jobs(self, since: datetime) -> list[Job]:
        """The jobs that were created since then, from all pages. Raises DrsError, which is fatal if it is refused."""
        request = {"filters": {"fromDate": _moment(since)}}
        return list(self._pages(DESCRIBE_JOBS, request, lambda job: job_id_of(job) is not None))

    def job_log(self, job_id: str) -> list[JobLogItem]:
        """The log of this job, from all pages. Raises DrsError."""
        return list(self._pages(DESCRIBE_LOG, {"jobID": job_id}, lambda item: text_at(item, "event") is not None))

    def recovery_instances(self, source_server_ids: Sequence[str]) -> list[RecoveryInstance]:
        """The recovery instances of these source servers. Raises DrsError, which is fatal if it is refused.

        One that cannot be told from others makes the page unreadable.
        """
        return [
            instance
            for batch in batches(source_server_ids)
            for instance in self._pages(
                DESCRIBE_INSTANCES, {"filters": {"sourceServerIDs": list(batch)}}, _is_identified
            )
        ]

    def launch_configuration(self, source_server_id: str) -> LaunchConfiguration:
        """The launch configuration of this source server. Raises DrsError."""

        def call() -> LaunchConfiguration:
            answer = self._request(GET_CONFIGURATION, {"sourceServerID": source_server_id})
            if text_at(answer, "sourceServerID") != source_server_id:
                raise unreadable(GET_CONFIGURATION, self.region)
            return answer

        return self._attempt(GET_CONFIGURATION, call)

    def snapshot_before(self, source_server_id: str, moment: datetime | None) -> RecoverySnapshot | None:
        """The newest recovery snapshot of this source server, at or before the moment. Raises DrsError.

        Snapshots are dated by their timestamp; one without it is still being taken, and none. That DRS compares the
        same member is an assumption, so the filter leaves a second, and each snapshot is compared again.
        """
        request: dict[str, Any] = {
            "sourceServerID": source_server_id,
            "order": "DESC",
            "maxResults": SNAPSHOTS_PER_PAGE,
        }
        if moment is not None:
            request["filters"] = {"toDateTime": _moment(moment + timedelta(seconds=1))}
        pages = self._pages(DESCRIBE_SNAPSHOTS, request, lambda item: item.get("sourceServerID") == source_server_id)
        dated = ((parse_datetime(text_at(each, "timestamp")), each) for each in pages)
        return next((each for at, each in dated if at is not None and (moment is None or at <= moment)), None)


def _is_identified(instance: Mapping[str, Any]) -> bool:
    return instance_id_of(instance) is not None and text_at(instance, "sourceServerID") is not None


def _moment(moment: datetime) -> str:
    """The moment as the service model has it, in whole seconds."""
    return f"{moment.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
