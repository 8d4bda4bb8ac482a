# Copyright: Contributors to the Ansible project
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

# Order of https://docs.aws.amazon.com/drs/latest/APIReference/API_DataReplicationInitiationStep.html. The status of
# each step after the initiation is that of servers that were CONTINUOUS, in the capture that TRAITS cites.
INITIATION_STEPS: Mapping[str, str] = {
    "WAIT": "SUCCEEDED",
    "CREATE_SECURITY_GROUP": "SKIPPED",
    "LAUNCH_REPLICATION_SERVER": "SKIPPED",
    "BOOT_REPLICATION_SERVER": "SKIPPED",
    "AUTHENTICATE_WITH_SERVICE": "SKIPPED",
    "DOWNLOAD_REPLICATION_SOFTWARE": "SKIPPED",
    "CREATE_STAGING_DISKS": "SUCCEEDED",
    "ATTACH_STAGING_DISKS": "SUCCEEDED",
    "PAIR_REPLICATION_SERVER_WITH_AGENT": "SUCCEEDED",
    "CONNECT_AGENT_TO_REPLICATION_SERVER": "SUCCEEDED",
    "START_DATA_TRANSFER": "SUCCEEDED",
}


class Traits(NamedTuple):
    """What goes with a data replication state.

    `total` is a share of the disks' sizes, the other three are shares of that total (0 to 1; `replicated` None: no
    disk is listed). `lag` is an ISO 8601 duration, `error` a DataReplicationError, and `silent` is for how long the
    agent had not been seen when the state was entered (None: it is seen all the time).
    """

    replicated: float | None = None
    rescanned: float = 0.0
    backlogged: float = 0.0
    total: float = 1.0
    lag: str | None = None
    time_left: timedelta | None = None
    error: Mapping[str, str] | None = None
    silent: timedelta | None = None


# The traits that scripts may set, as numbers.
SHARES = ("replicated", "rescanned", "backlogged", "total")

# Recorded answers have no lagDuration and no elapsedReplicationDuration in these states.
NOT_REPLICATING = ("STOPPED", "DISCONNECTED")

# A healthy disk has rescanned = replicated = total and no backlog: captured servers in aws-samples/drs-tools,
# drs-plan-automation/samples/sample_data/sample_result.json. The other numbers are assumptions, and so is that a server
# that lost its agent keeps its disks' sizes and was seen until 15 minutes before it became STALLED or DISCONNECTED. An
# unlisted state has no traits.
TRAITS: Mapping[str, Traits] = {
    "STOPPED": Traits(),
    "INITIATING": Traits(replicated=0.0),
    "INITIAL_SYNC": Traits(replicated=0.4, lag="PT16H20M38.697305S", time_left=timedelta(hours=6)),
    "RESCAN": Traits(replicated=1.0, rescanned=0.4, lag="PT2H11M9.120482S", time_left=timedelta(hours=1)),
    "BACKLOG": Traits(
        replicated=1.0, rescanned=1.0, backlogged=0.02, lag="PT12M40.3S", time_left=timedelta(minutes=20)
    ),
    "CREATING_SNAPSHOT": Traits(replicated=1.0, rescanned=1.0, lag="PT4M2.5S"),
    "CONTINUOUS": Traits(replicated=1.0, rescanned=1.0, lag="P0D"),
    "PAUSED": Traits(replicated=0.4, lag="PT3H5M"),
    "STALLED": Traits(
        replicated=0.4,
        backlogged=0.1,
        lag="PT5H48M12.9S",
        error={"error": "AGENT_NOT_SEEN", "rawError": "The AWS Replication Agent was not seen for 15 minutes."},
        silent=timedelta(minutes=15),
    ),
    "DISCONNECTED": Traits(replicated=1.0, rescanned=1.0, silent=timedelta(minutes=15)),
}

# DisconnectSourceServer: "The totalStorageBytes property for each of dataReplicationInfo.replicatedDisks will be set to
# zero", https://docs.aws.amazon.com/drs/latest/APIReference/API_DisconnectSourceServer.html
DISCONNECTED_ON_PURPOSE: Mapping[str, Any] = {"total": 0.0}

# Servers of the same capture were last seen 20 to 50 seconds ago; the interval and the delay are assumptions.
REPORT_INTERVAL = timedelta(seconds=50)
REPORT_DELAY = timedelta(seconds=10)


def source_server(source_server_id: str, *, region: str = DEFAULT_REGION, **members: Any) -> Document:
    """A full source server; `members` (camelCase, as in DRS) override the realistic ones deeply, None deletes.

    Shorthands: `state` (default STOPPED) shapes the whole dataReplicationInfo, `replicated`, `rescanned`, `backlogged`
    and `total` take the place of the shares that go with the state, `hostname` names the server.
    """
    overrides = dict(members)
    state = overrides.pop("state", None) or state_of(overrides) or "STOPPED"
    hostname = overrides.pop("hostname", None) or f"server-{source_server_id[-4:]}"
    shares = {name: overrides.pop(name) for name in SHARES if name in overrides}
    server = in_state(_skeleton(source_server_id, region, hostname), state, ADDED, shares)
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
    server: Mapping[str, Any], state: Any, moment: datetime, given: Mapping[str, Any] | None = None
) -> Document:
    """A copy of `server` whose dataReplicationInfo and lifeCycle say `state`, entered at `moment`.

    `given` traits take the place of those that go with the state.
    """
    traits = _traits_of(state)._replace(**(given or {}))
    info: Document = {"dataReplicationState": state}
    for name in STAGING_MEMBERS:
        if member(server, "dataReplicationInfo", name) is not None:
            info[name] = member(server, "dataReplicationInfo", name)
    if traits.replicated is not None:
        info["replicatedDisks"] = _replicated_disks(server, traits)
    if traits.lag is not None:
        info["lagDuration"] = traits.lag
    if traits.time_left is not None:
        info["etaDateTime"] = zulu(moment + traits.time_left)
    if traits.error:
        info["dataReplicationError"] = dict(traits.error)
    if isinstance(state, str) and state in TRAITS and state not in NOT_REPLICATING:
        info["dataReplicationInitiation"] = _initiation(server, state, moment)
    elapsed = None if state in NOT_REPLICATING else "PT4H12M7.314159S"
    known = known_part(structure("DataReplicationInfo"), info)
    return {**merged(server, {"lifeCycle": {"elapsedReplicationDuration": elapsed}}), "dataReplicationInfo": known}


def seen_at(server: Document, entered: datetime, now: datetime) -> Document:
    """`server`, in its state since `entered`, or a copy that says when DRS saw its agent last.

    Now and then up to `now`, or before it entered a state in which the agent is silent.
    """
    silent = _traits_of(state_of(server)).silent
    last = zulu(_last_report(entered, now) if silent is None else entered - silent)
    life_cycle = server.get("lifeCycle", {})
    if life_cycle.get("lastSeenByServiceDateTime") == last:
        return server
    return {**server, "lifeCycle": {**life_cycle, "lastSeenByServiceDateTime": last}}


def scripts_last_seen(changes: Mapping[str, Any]) -> bool:
    """Whether these members of a source server say when its agent was seen last, or leave no place for that."""
    life_cycle = changes.get("lifeCycle", {})
    return not isinstance(life_cycle, Mapping) or "lastSeenByServiceDateTime" in life_cycle


def zulu(moment: datetime) -> str:
    """A moment in the form of the model's pattern, `2026-01-12T08:30:15Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _traits_of(state: Any) -> Traits:
    # A script may depart from the model: the state, the disks and their sizes may be of any type.
    return TRAITS.get(state, Traits()) if isinstance(state, str) else Traits()


def _last_report(entered: datetime, now: datetime) -> datetime:
    return now - REPORT_DELAY - (now - entered) % REPORT_INTERVAL


def _replicated_disks(server: Mapping[str, Any], traits: Traits) -> list[Document]:
    disks = member(server, "sourceProperties", "disks")
    return [_replicated_disk(disk, traits) for disk in (disks if isinstance(disks, list) else [])]


def _replicated_disk(disk: Any, traits: Traits) -> Document:
    size = member(disk, "bytes")
    total = int((size if isinstance(size, int) else 0) * traits.total)
    return {
        "deviceName": member(disk, "deviceName") or "/dev/sda",
        "totalStorageBytes": total,
        "replicatedStorageBytes": int(total * (traits.replicated or 0.0)),
        "rescannedStorageBytes": int(total * traits.rescanned),
        "backloggedStorageBytes": int(total * traits.backlogged),
        "volumeStatus": "REGULAR",
    }


def _initiation(server: Mapping[str, Any], state: str, moment: datetime) -> Document:
    before = member(server, "dataReplicationInfo", "dataReplicationInitiation")
    if state != "INITIATING" and isinstance(before, Mapping):
        times = {name: value for name, value in before.items() if name != "steps"}
    else:
        times = {"startDateTime": zulu(moment), "nextAttemptDateTime": zulu(moment + timedelta(minutes=30))}
    if state == "INITIATING":
        statuses = {**dict.fromkeys(INITIATION_STEPS, "NOT_STARTED"), "WAIT": "IN_PROGRESS"}
    else:
        statuses = dict(INITIATION_STEPS)
    return {**times, "steps": [{"name": name, "status": status} for name, status in statuses.items()]}


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
            # A server that was never launched, in the same capture.
            "lastLaunch": {"initiated": {}},
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
