# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What StartRecovery and TerminateRecoveryInstances refuse: all of a request, or nothing.

The texts name no server: "One or more of the Source Servers included in API call are currently being processed by a
Job" was seen in johnjcousens/aws-elasticdrs-orchestrator, docs/BUG_7_ROOT_CAUSE_ANALYSIS.md. Assumed: the other texts,
the order of the checks, and that what the model has no error for (an unknown server, one without a recovery point, an
instance that is gone) is a ConflictException, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .model import ServiceError
from .region import Region
from .snapshots import snapshot_document
from .source_servers import state_of

SERVERS = "One or more of the Source Servers included in API call"
INSTANCES = "One or more of the Recovery Instances included in API call"

# Replication from a recovery instance keeps it from being terminated unless it is in one of these states:
# https://docs.aws.amazon.com/drs/latest/userguide/failback-failover-region-region.html; which these are, is assumed.
NOT_REVERSED = (None, "NOT_STARTED", "STOPPED", "DISCONNECTED")


@dataclass(frozen=True)
class Quotas:
    """How many servers one job may have, how many jobs may be active, and how many servers in all of them.

    https://docs.aws.amazon.com/general/latest/gr/drs.html#limits_drs; that a termination counts as a job is assumed.
    """

    servers_in_job: int = 100
    jobs: int = 20
    servers_in_jobs: int = 500


@dataclass(frozen=True)
class Asked:
    """A request: the region, the source servers and recovery instances that it names, and the snapshot of a server."""

    region: Region
    server_ids: Sequence[str]
    instance_ids: Sequence[str] = ()
    snapshot_ids: Sequence[tuple[str, str]] = ()


class Check(NamedTuple):
    """A reason for a refusal: whether it holds, its message, and the code of the quota that it is about."""

    holds: Callable[[Asked, Quotas], bool]
    message: str
    quota: str | None = None


def refuse(asked: Asked, quotas: Quotas, checks: Iterable[Check]) -> None:
    """Raises ServiceError for the first check that holds: a conflict, or a quota that is exceeded."""
    for check in checks:
        if not check.holds(asked, quotas):
            continue
        if check.quota is None:
            raise ServiceError("ConflictException", check.message)
        raise ServiceError("ServiceQuotaExceededException", check.message, serviceCode="drs", quotaCode=check.quota)


def active_servers(region: Region) -> list[str]:
    """The source servers of all jobs that are not COMPLETED."""
    return [server_id for job in region.jobs.values() if job.active for server_id in job.server_ids]


def _too_many_in_a_job(asked: Asked, quotas: Quotas) -> bool:
    return len(asked.server_ids) > quotas.servers_in_job


def _too_many_jobs(asked: Asked, quotas: Quotas) -> bool:
    return sum(job.active for job in asked.region.jobs.values()) >= quotas.jobs


def _too_many_in_all_jobs(asked: Asked, quotas: Quotas) -> bool:
    return len(active_servers(asked.region)) + len(asked.server_ids) > quotas.servers_in_jobs


def _named_twice(asked: Asked, _quotas: Quotas) -> bool:
    return len(set(asked.server_ids)) < len(asked.server_ids)


def _unknown(asked: Asked, _quotas: Quotas) -> bool:
    return not set(asked.server_ids) <= asked.region.servers.keys()


def _busy(asked: Asked, _quotas: Quotas) -> bool:
    return not set(asked.server_ids).isdisjoint(active_servers(asked.region))


def _without_recovery_point(asked: Asked, _quotas: Quotas) -> bool:
    servers = [asked.region.servers[server_id] for server_id in asked.server_ids]
    return any(not server.snapshots and state_of(server.document) != "CONTINUOUS" for server in servers)


def _without_that_snapshot(asked: Asked, _quotas: Quotas) -> bool:
    return any(
        snapshot_id not in snapshot_ids(asked.region, server_id) for server_id, snapshot_id in asked.snapshot_ids
    )


def _gone(asked: Asked, _quotas: Quotas) -> bool:
    instances = asked.region.instances
    return not all(id_ in instances and instances[id_].living for id_ in asked.instance_ids)


def _reversed(asked: Asked, _quotas: Quotas) -> bool:
    instances = [asked.region.instances[instance_id].document for instance_id in asked.instance_ids]
    return any(state_of(document) not in NOT_REVERSED for document in instances)


def snapshot_ids(region: Region, source_server_id: str) -> dict[Any, Any]:
    """The IDs of a server's recovery snapshots, and the moment of each."""
    server = region.servers[source_server_id]
    return {snapshot_document(server.document, one).get("snapshotID"): one.taken for one in server.snapshots}


QUOTA_CHECKS = (
    Check(_too_many_in_a_job, "Max source servers in a single Job exceeded.", "L-B827C881"),
    Check(_too_many_jobs, "Concurrent jobs in progress exceeded.", "L-D88FAC3A"),
    Check(_too_many_in_all_jobs, "Max source servers in all Jobs exceeded.", "L-05AFA8C6"),
)
START_CHECKS = (
    Check(_unknown, f"{SERVERS} do not exist."),
    Check(_named_twice, f"{SERVERS} are named twice."),
    Check(_busy, f"{SERVERS} are currently being processed by a Job"),
    Check(_without_recovery_point, f"{SERVERS} have no recovery point."),
    Check(_without_that_snapshot, f"{SERVERS} do not have the given recovery snapshot."),
    *QUOTA_CHECKS,
)
TERMINATE_CHECKS = (
    Check(_gone, f"{INSTANCES} do not exist."),
    Check(_reversed, f"{INSTANCES} are being failed back."),
    Check(_busy, f"{INSTANCES} are currently being processed by a Job"),
    *QUOTA_CHECKS,
)
