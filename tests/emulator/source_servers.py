# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Realistic source servers as DRS describes them: plain dicts, never changed in place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple
from zlib import crc32

from .model import known_part, structure

Document = dict[str, Any]

ACCOUNT_ID = "111122223333"
DEFAULT_REGION = "eu-west-1"
GIB = 1024**3
ADDED = datetime(2026, 1, 12, 8, 30, 15, 481516, tzinfo=timezone.utc)

# Members of dataReplicationInfo that describe the staging area, and so outlive a change of state.
STAGING_MEMBERS = ("stagingAvailabilityZone", "stagingOutpostArn")

# Order of https://docs.aws.amazon.com/drs/latest/APIReference/API_DataReplicationInitiationStep.html
INITIATION_STEPS = (
    "WAIT",
    "CREATE_SECURITY_GROUP",
    "LAUNCH_REPLICATION_SERVER",
    "BOOT_REPLICATION_SERVER",
    "AUTHENTICATE_WITH_SERVICE",
    "DOWNLOAD_REPLICATION_SOFTWARE",
    "CREATE_STAGING_DISKS",
    "ATTACH_STAGING_DISKS",
    "PAIR_REPLICATION_SERVER_WITH_AGENT",
    "CONNECT_AGENT_TO_REPLICATION_SERVER",
    "START_DATA_TRANSFER",
)


class Traits(NamedTuple):
    """What goes with a data replication state: shares of the storage (0 to 1), ISO 8601 lag, time left, error."""

    replicated: float | None = None
    total: float = 1.0
    backlogged: float = 0.0
    lag: str | None = None
    time_left: timedelta | None = None
    error: Mapping[str, str] | None = None


# Recorded answers have no lagDuration and no elapsedReplicationDuration in these states. The model's documentation of
# DisconnectSourceServer: "The totalStorageBytes property for each of dataReplicationInfo.replicatedDisks will be set to
# zero". An unlisted state has no traits.
NOT_REPLICATING = ("STOPPED", "DISCONNECTED")
TRAITS: Mapping[str, Traits] = {
    "STOPPED": Traits(),
    "INITIATING": Traits(replicated=0.0),
    "INITIAL_SYNC": Traits(replicated=0.4, lag="PT16H20M38.697305S", time_left=timedelta(hours=6)),
    "RESCAN": Traits(replicated=1.0, lag="PT2H11M9.120482S", time_left=timedelta(hours=1)),
    "BACKLOG": Traits(replicated=1.0, backlogged=0.02, lag="PT12M40.3S", time_left=timedelta(minutes=20)),
    "CREATING_SNAPSHOT": Traits(replicated=1.0, lag="PT4M2.5S"),
    "CONTINUOUS": Traits(replicated=1.0, lag="P0D"),
    "PAUSED": Traits(replicated=0.4, lag="PT3H5M"),
    "STALLED": Traits(
        replicated=0.4,
        backlogged=0.1,
        lag="PT5H48M12.9S",
        error={"error": "AGENT_NOT_SEEN", "rawError": "The AWS Replication Agent was not seen for 15 minutes."},
    ),
    "DISCONNECTED": Traits(replicated=0.0, total=0.0),
}


def source_server(source_server_id: str, *, region: str = DEFAULT_REGION, **members: Any) -> Document:
    """A full source server; `members` (camelCase, as in DRS) override the realistic ones deeply, None deletes.

    Two shorthands: `state` (default STOPPED) shapes the whole dataReplicationInfo, `hostname` names the server.
    """
    overrides = dict(members)
    state = overrides.pop("state", None) or state_of(overrides) or "STOPPED"
    hostname = overrides.pop("hostname", None) or f"server-{source_server_id[-4:]}"
    server = in_state(_skeleton(source_server_id, region, hostname), state, moment=ADDED)
    return merged(known_part(structure("SourceServer"), server), overrides)


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> Document:
    """A copy of `base` with `changes` merged in deeply: dicts merge, None deletes, anything else replaces."""
    result = {name: value for name, value in base.items() if changes.get(name, base) is not None}
    for name, value in changes.items():
        if isinstance(value, Mapping):
            old = base.get(name)
            result[name] = merged(old if isinstance(old, Mapping) else {}, value)
        elif value is not None:
            result[name] = value
    return result


def member(server: Mapping[str, Any], *path: str) -> Any:
    """The member at the end of `path`; None where it, or anything on the way to it, is not what it should be."""
    value: Any = server
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def state_of(server: Mapping[str, Any]) -> Any:
    """The data replication state of a source server, None where it has none."""
    return member(server, "dataReplicationInfo", "dataReplicationState")


def in_state(
    server: Mapping[str, Any],
    state: str,
    moment: datetime,
    replicated: float | None = None,
    error: Mapping[str, Any] | None = None,
) -> Document:
    """A copy of `server` whose dataReplicationInfo and lifeCycle say `state`, entered at `moment`.

    `replicated` (a share, 0 to 1) and `error` (a DataReplicationError) take the place of what goes with the state.
    """
    # A script may depart from the model: the state, the disks and their sizes may be of any type.
    traits = TRAITS.get(state, Traits()) if isinstance(state, str) else Traits()
    share = traits.replicated if replicated is None else replicated
    info: Document = {"dataReplicationState": state}
    for name in STAGING_MEMBERS:
        if member(server, "dataReplicationInfo", name) is not None:
            info[name] = member(server, "dataReplicationInfo", name)
    if share is not None:
        info["replicatedDisks"] = _replicated_disks(server, share, traits)
    if traits.lag is not None:
        info["lagDuration"] = traits.lag
    if traits.time_left is not None:
        info["etaDateTime"] = zulu(moment + traits.time_left)
    if error or traits.error:
        info["dataReplicationError"] = dict(error or traits.error or {})
    if state == "INITIATING":
        info["dataReplicationInitiation"] = _initiation(moment)
    elapsed = None if state in NOT_REPLICATING else "PT4H12M7.314159S"
    known = known_part(structure("DataReplicationInfo"), info)
    return {**merged(server, {"lifeCycle": {"elapsedReplicationDuration": elapsed}}), "dataReplicationInfo": known}


def zulu(moment: datetime) -> str:
    """A moment in the form of the model's pattern, `2026-01-12T08:30:15Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _replicated_disks(server: Mapping[str, Any], replicated: float, traits: Traits) -> list[Document]:
    disks = member(server, "sourceProperties", "disks")
    return [_replicated_disk(disk, replicated, traits) for disk in (disks if isinstance(disks, list) else [])]


def _replicated_disk(disk: Any, replicated: float, traits: Traits) -> Document:
    size = member(disk, "bytes")
    total = size if isinstance(size, int) else 0
    return {
        "deviceName": member(disk, "deviceName") or "/dev/sda",
        "totalStorageBytes": int(total * traits.total),
        "replicatedStorageBytes": int(total * replicated),
        "rescannedStorageBytes": 0,
        "backloggedStorageBytes": int(total * traits.backlogged),
        "volumeStatus": "REGULAR",
    }


def _initiation(moment: datetime) -> Document:
    steps = [{"name": name, "status": "NOT_STARTED"} for name in INITIATION_STEPS]
    steps[0]["status"] = "IN_PROGRESS"
    return {
        "startDateTime": zulu(moment),
        "nextAttemptDateTime": zulu(moment + timedelta(minutes=30)),
        "steps": steps,
    }


def _skeleton(source_server_id: str, region: str, hostname: str) -> Document:
    return {
        "sourceServerID": source_server_id,
        "arn": f"arn:aws:drs:{region}:{ACCOUNT_ID}:source-server/{source_server_id}",
        "tags": {},
        "lastLaunchResult": "NOT_STARTED",
        "dataReplicationInfo": {"stagingAvailabilityZone": f"{region}a"},
        "lifeCycle": {
            "addedToServiceDateTime": ADDED.isoformat(),
            "firstByteDateTime": (ADDED + timedelta(minutes=11)).isoformat(),
            "lastSeenByServiceDateTime": zulu(ADDED + timedelta(days=40)),
        },
        "sourceProperties": {
            "lastUpdatedDateTime": zulu(ADDED + timedelta(days=40)),
            "recommendedInstanceType": "m5.large",
            "identificationHints": {
                "fqdn": f"{hostname}.example.com",
                "hostname": hostname,
                "awsInstanceID": f"i-{crc32(source_server_id.encode()):017x}",
            },
            "networkInterfaces": [{"macAddress": "0a:58:a9:fe:00:01", "ips": ["10.0.0.10"], "isPrimary": True}],
            "disks": [
                {"deviceName": "/dev/nvme0n1", "bytes": 32 * GIB},
                {"deviceName": "/dev/nvme1n1", "bytes": 128 * GIB},
            ],
            "cpus": [{"cores": 2, "modelName": "Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz"}],
            "ramBytes": 8 * GIB,
            "os": {"fullString": "Linux version 6.1.0-18-cloud-amd64 (Debian 12.5)"},
            "supportsNitroInstances": True,
        },
        "stagingArea": {"status": "NOT_EXTENDED", "stagingAccountID": ACCOUNT_ID},
        "sourceCloudProperties": {
            "originAccountID": ACCOUNT_ID,
            "originRegion": "eu-central-1",
            "originAvailabilityZone": "eu-central-1a",
        },
        "replicationDirection": "FAILOVER",
        "agentVersion": "6.5.12",
    }
