# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accessors for the members of a sourceServer. Pure, no AWS calls.

Any member may be absent, and a hostile or newer service may send any JSON type: a member with the wrong type is treated
as absent.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from .iso8601 import parse_datetime

SourceServer = Mapping[str, Any]
"""A sourceServer as botocore parses it: camelCase keys."""

RecoverySnapshot = Mapping[str, Any]
"""A recoverySnapshot as botocore parses it: camelCase keys."""


SOURCE_SERVER_ID = re.compile(r"s-[0-9a-zA-Z]{17}")
"""SourceServerID in the service model. botocore does not check the pattern."""

ACCOUNT_ID = re.compile(r"[0-9]{12}")
"""AccountID in the service model."""

LARGEST_LONG = 2**63

HINTS = ("sourceProperties", "identificationHints")
"""Where the hints stand that identify the machine."""


def member(document: Any, *path: str) -> Any:
    """The member at the path; None if there is none."""
    for name in path:
        # Not Mapping: JSON objects are dicts, and this runs a hundred times per look at a server.
        if not isinstance(document, dict):
            return None
        document = document.get(name)
    return document


def text_at(document: Any, *path: str) -> str | None:
    """The string at the path; None if there is none or it is empty."""
    value = member(document, *path)
    return value if isinstance(value, str) and value else None


def objects_at(document: Any, *path: str) -> Iterator[Mapping[str, Any]]:
    """The objects in the list at the path."""
    value = member(document, *path)
    return (item for item in value if isinstance(item, Mapping)) if isinstance(value, list) else iter(())


def _bytes_at(document: Any, name: str) -> int:
    value = member(document, name)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return int(value) if is_number and 0 < value < LARGEST_LONG else 0


def state_of(server: SourceServer | None) -> str | None:
    """The data replication state; None if AWS reported none."""
    return text_at(server, "dataReplicationInfo", "dataReplicationState")


def hostname_of(server: SourceServer | None) -> str | None:
    """The hostname from the identification hints, or the FQDN if there is none."""
    hints = member(server, *HINTS)
    return text_at(hints, "hostname") or text_at(hints, "fqdn")


def tags_of(server: SourceServer | None) -> dict[str, str]:
    """The tags."""
    tags = member(server, "tags")
    return {key: value for key, value in tags.items() if isinstance(value, str)} if isinstance(tags, Mapping) else {}


def ec2_instance_id_of(server: SourceServer | None) -> str | None:
    """The ID of the EC2 instance that the server copies; None if it is no EC2 instance."""
    return text_at(server, *HINTS, "awsInstanceID")


def vmware_uuid_of(server: SourceServer | None) -> str | None:
    """The UUID of the VMware machine that the server copies."""
    return text_at(server, *HINTS, "vmWareUuid")


def account_of(server: SourceServer | None) -> str | None:
    """The account that the source server belongs to, from its ARN."""
    return account_in(text_at(server, "arn"))


def account_in(arn: str | None) -> str | None:
    """The account in an ARN; None if there is none."""
    parts = (arn or "").split(":")
    return parts[4] or None if len(parts) > 5 else None


def staging_account_of(server: SourceServer | None) -> str | None:
    """The account in which the server replicates: for an extended server, that of its staging source server."""
    return text_at(server, "stagingArea", "stagingAccountID")


def staging_arn_of(server: SourceServer | None) -> str | None:
    """The ARN of the staging source server, if this server is extended from one."""
    return text_at(server, "stagingArea", "stagingSourceServerArn")


def extension_status_of(server: SourceServer | None) -> str | None:
    """EXTENDED, EXTENSION_ERROR or NOT_EXTENDED."""
    return text_at(server, "stagingArea", "status")


def recovery_instance_id_of(server: SourceServer | None) -> str | None:
    """The ID of the recovery instance, which is that of its EC2 instance."""
    return text_at(server, "recoveryInstanceId")


def reversed_arn_of(server: SourceServer | None) -> str | None:
    """The ARN of the source server in the opposite replication direction. It stays after a failback."""
    return text_at(server, "reversedDirectionSourceServerArn")


class LastLaunch(NamedTuple):
    """The last launch of a drill or recovery instance, as AWS sends it.

    type: DRILL or RECOVERY. status: such as PENDING or LAUNCHED. at: when it was requested. job_id: its job.
    """

    type: str | None = None
    status: str | None = None
    at: str | None = None
    job_id: str | None = None


def last_launch_of(server: SourceServer | None) -> LastLaunch:
    """The last launch; all None if there was none."""
    launch = member(server, "lifeCycle", "lastLaunch")
    initiated = member(launch, "initiated")
    return LastLaunch(
        type=text_at(initiated, "type"),
        status=text_at(launch, "status"),
        at=text_at(initiated, "apiCallDateTime"),
        job_id=text_at(initiated, "jobID"),
    )


def error_of(server: SourceServer | None) -> str | None:
    """The code of the dataReplicationError, such as AGENT_NOT_SEEN."""
    return text_at(server, "dataReplicationInfo", "dataReplicationError", "error")


def raw_error_of(server: SourceServer | None) -> str | None:
    """The raw text of the dataReplicationError."""
    return text_at(server, "dataReplicationInfo", "dataReplicationError", "rawError")


def last_seen_of(server: SourceServer | None) -> str | None:
    """When DRS last saw the agent of the server, as AWS sends it."""
    return text_at(server, "lifeCycle", "lastSeenByServiceDateTime")


def seconds_unseen_of(server: SourceServer | None, now: datetime) -> float | None:
    """The seconds since DRS last saw the agent, by the clock of `now` (timezone-aware); None if that is unknown."""
    seen = parse_datetime(last_seen_of(server))
    return None if seen is None else (now - seen).total_seconds()


SILENT_AFTER = 600.0
"""Seconds. Agents of healthy servers are seen every minute; the limit is ours."""


def silence_of(server: SourceServer | None, now: datetime) -> float | None:
    """The seconds for which a server has not been seen that reads CONTINUOUS all the same; None if it is not silent."""
    unseen = seconds_unseen_of(server, now)
    is_silent = state_of(server) == "CONTINUOUS" and unseen is not None and unseen > SILENT_AFTER
    return unseen if is_silent else None


def failed_step_of(server: SourceServer | None) -> str | None:
    """The last step of the data replication initiation that failed, such as LAUNCH_REPLICATION_SERVER."""
    steps = objects_at(server, "dataReplicationInfo", "dataReplicationInitiation", "steps")
    failed = [text_at(step, "name") for step in steps if step.get("status") == "FAILED"]
    return failed[-1] if failed else None


@dataclass(frozen=True)
class Storage:
    """Total bytes of the replicated disks of one or more source servers."""

    total: int = 0
    replicated: int = 0
    backlogged: int = 0
    rescanned: int = 0

    @property
    def percent(self) -> float | None:
        """The replicated share, 0 to 100 with one decimal; None if there is nothing to replicate."""
        return round(min(100.0, 100 * (self.replicated / self.total)), 1) if self.total else None

    @property
    def rescanned_percent(self) -> float | None:
        """The rescanned share, 0 to 100 with one decimal, rounded down: 100 means that the rescan is finished."""
        return math.floor(1000 * min(self.rescanned, self.total) / self.total) / 10 if self.total else None


def storage_of(servers: Iterable[SourceServer | None]) -> Storage:
    """The combined storage of these servers."""
    disks = [disk for server in servers for disk in replicated_disks_of(server)]
    return Storage(
        total=sum(_bytes_at(disk, "totalStorageBytes") for disk in disks),
        replicated=sum(_bytes_at(disk, "replicatedStorageBytes") for disk in disks),
        backlogged=sum(_bytes_at(disk, "backloggedStorageBytes") for disk in disks),
        rescanned=sum(_bytes_at(disk, "rescannedStorageBytes") for disk in disks),
    )


def replicated_disks_of(server: SourceServer | None) -> list[Mapping[str, Any]]:
    """The replicated disks."""
    return list(objects_at(server, "dataReplicationInfo", "replicatedDisks"))


def is_rescanning(server: SourceServer | None) -> bool:
    """Whether a rescan of a disk has begun and is not finished.

    Healthy disks were seen with as many rescanned as total bytes. Absent or 0 says nothing.
    """
    return any(
        0 < _bytes_at(disk, "rescannedStorageBytes") < _bytes_at(disk, "totalStorageBytes")
        for disk in replicated_disks_of(server)
    )


def rescan_of(server: SourceServer | None) -> str | None:
    """How far the rescan is, such as "rescan 40 % done"; None if there is none."""
    percent = storage_of([server]).rescanned_percent
    return f"rescan {math.floor(percent or 0)} % done" if is_rescanning(server) else None


def disks_without_attributes_of(server: SourceServer | None) -> list[str]:
    """The replicated disks whose volume attributes DRS could not read, by device name ("-" where it is unknown).

    https://docs.aws.amazon.com/drs/latest/userguide/recovery-plans-validation.html: such a server cannot be recovered.
    """
    return [
        text_at(disk, "deviceName") or "-"
        for disk in replicated_disks_of(server)
        if (text_at(disk, "volumeStatus") or "").startswith("MISSING_VOLUME_ATTRIBUTES")
    ]


def has_marketplace_codes(server: SourceServer | None) -> bool:
    """Whether a replicated disk has a marketplace licence, to which the account of the launch must subscribe.

    https://docs.aws.amazon.com/drs/latest/userguide/disk-settings.html
    """
    return any(
        text_at(disk, "volumeStatus") == "CONTAINS_MARKETPLACE_PRODUCT_CODES" for disk in replicated_disks_of(server)
    )


@dataclass(frozen=True)
class Disk:
    """A disk of the source server, with its size in bytes."""

    device_name: str
    bytes: int


def unreplicated_disks_of(server: SourceServer | None) -> list[Disk]:
    """The disks of the source server that are not among the replicated ones; none if no replicated disk is listed."""
    replicated = {text_at(disk, "deviceName") for disk in replicated_disks_of(server)} - {None}
    disks = [
        Disk(name, _bytes_at(disk, "bytes"))
        for disk in objects_at(server, "sourceProperties", "disks")
        if (name := text_at(disk, "deviceName"))
    ]
    return [disk for disk in disks if disk.device_name not in replicated] if replicated else []


def is_disconnected_on_purpose(server: SourceServer | None) -> bool:
    """Whether a DISCONNECTED server was disconnected with DisconnectSourceServer, or its agent removed.

    DisconnectSourceServer sets the totalStorageBytes of each replicated disk to zero and removes the lagDuration:
    https://docs.aws.amazon.com/drs/latest/APIReference/API_DisconnectSourceServer.html. That an agent that was removed
    by hand leaves the same is an assumption.
    """
    return (
        state_of(server) == "DISCONNECTED"
        and bool(replicated_disks_of(server))
        and storage_of([server]).total == 0
        and text_at(server, "dataReplicationInfo", "lagDuration") is None
    )


def progress_of(server: SourceServer | None) -> str:
    """The replication progress: failed initiation step, replicated percent, rescan, lag and ETA as AWS sends them."""
    percent = storage_of([server]).percent
    step = failed_step_of(server)
    lag = text_at(server, "dataReplicationInfo", "lagDuration")
    eta = text_at(server, "dataReplicationInfo", "etaDateTime")
    parts = [
        step and f"failed step {step}",
        None if percent is None else f"replicated {percent} %",
        rescan_of(server),
        lag and f"lag {lag}",
        eta and f"ETA {eta}",
    ]
    return ", ".join(part for part in parts if part)
