# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recovery snapshots: what a script says of them, and how DRS lists them.

Facts, where not marked as an assumption, are of
https://docs.aws.amazon.com/drs/latest/APIReference/API_DescribeRecoverySnapshots.html and of a recorded answer in
https://aws.amazon.com/blogs/compute/implementing-backup-for-workloads-running-on-aws-outposts-servers/: without an
`order` the newest comes first; `expectedTimestamp` is a ten-minute mark, `timestamp` lies some minutes behind it with
microseconds, and both end in +00:00. Examples in AWS's documentation end in Z. `timestamp` is optional.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from typing import Any

from botocore.utils import parse_timestamp

from .paging import invalid_input, page_of
from .readers import BOOLEAN, NUMBER, ScriptError, check_conforms
from .source_servers import ADDED, Document, member, merged

# "1 PIT Snapshot per 10 minutes for the prior 1 hour" (the hourly and daily ones are left out):
# https://docs.aws.amazon.com/drs/latest/userguide/point-in-time-faq.html
DEFAULT_AGES = (240.0, 840.0, 1440.0, 2040.0, 2640.0, 3240.0)
INTERVAL = 10  # minutes

# Ages are at most a thousand years, in seconds.
OLDEST = 31_557_600_000


@dataclass(frozen=True)
class SnapshotSeed:
    """A snapshot as a script gives it: its age in seconds, and members that override the realistic ones."""

    age: float = 0.0
    members: Document = field(default_factory=dict)


@dataclass(frozen=True)
class Snapshot:
    """A snapshot of one source server, taken at an aware datetime."""

    taken: datetime
    members: Document = field(default_factory=dict)


def read_snapshots(value: Any, where: str) -> tuple[SnapshotSeed, ...]:
    """Reads a list of ages and objects; raises ScriptError."""
    if not isinstance(value, (list, tuple)):
        raise ScriptError(f"{where} is not a list.")
    return tuple(_seed(item, f"{where}[{index}]") for index, item in enumerate(value))


def snapshots_at(moment: datetime, seeds: tuple[SnapshotSeed, ...]) -> tuple[Snapshot, ...]:
    """The snapshots of `seeds`, whose ages count back from `moment`."""
    return tuple(Snapshot(moment - timedelta(seconds=seed.age), seed.members) for seed in seeds)


def default_snapshots(state: Any, moment: datetime) -> tuple[Snapshot, ...]:
    """What a server in that state has at `moment` where the script does not say."""
    if state != "CONTINUOUS":
        return ()
    return snapshots_at(moment, tuple(SnapshotSeed(age) for age in DEFAULT_AGES))


def described_snapshots(
    server: Document, snapshots: tuple[Snapshot, ...], params: Mapping[str, Any], page_size: int
) -> Document:
    """A DescribeRecoverySnapshotsResponse. Raises ServiceError.

    Assumed: the filters bound `timestamp`, inclusively; a snapshot without one counts as taken at its age.
    """
    bounds = moments_between(params.get("filters", {}), "fromDateTime", "toDateTime")
    descending = params.get("order", "DESC") == "DESC"
    documents = {}
    for snapshot in snapshots:
        document = snapshot_document(server, snapshot)
        moment = moment_of(document.get("timestamp")) or snapshot.taken
        if bounds[0] <= moment <= bounds[1]:
            documents[f"{moment:%Y-%m-%dT%H:%M:%S.%f} {document.get('snapshotID')}"] = document
    page, token = page_of(sorted(documents, reverse=descending), params, page_size, descending)
    return {"items": [documents[key] for key in page], **token}


def snapshot_document(server: Document, snapshot: Snapshot) -> Document:
    """A full RecoverySnapshot of that source server."""
    source_server_id, taken = server.get("sourceServerID"), snapshot.taken
    disks = member(server, "sourceProperties", "disks")
    mark = taken.replace(minute=taken.minute - taken.minute % INTERVAL, second=0, microsecond=0)
    document = {
        "snapshotID": f"pit-{_seventeen(source_server_id, taken)}",
        "sourceServerID": source_server_id,
        "expectedTimestamp": mark.isoformat(),
        "timestamp": taken.isoformat(),
        # "one EBS snapshot for each volume being replicated": the user guide's page on point in time snapshots.
        "ebsSnapshots": [
            f"snap-{_seventeen(source_server_id, taken, number)}"
            for number in range(len(disks) if isinstance(disks, list) else 0)
        ],
    }
    return merged(document, snapshot.members)


def _seed(value: Any, where: str) -> SnapshotSeed:
    if not isinstance(value, Mapping):
        return SnapshotSeed(_age(value, where))
    members = {name: item for name, item in value.items() if name not in ("age", "conform")}
    seed = SnapshotSeed(_age(value.get("age", 0), f"{where}.age"), members)
    if BOOLEAN(value.get("conform", True), f"{where}.conform"):
        document = snapshot_document({"sourceServerID": "s-0123456789abcdef0"}, Snapshot(ADDED, members))
        check_conforms("RecoverySnapshot", document, where)
    return seed


def _age(value: Any, where: str) -> float:
    age = float(NUMBER(value, where))
    if age > OLDEST:
        raise ScriptError(f"{where} is more than {OLDEST}.")
    return age


def moments_between(filters: Mapping[str, Any], first: str, last: str) -> tuple[datetime, datetime]:
    """The first and the last moment that these two members of `filters` let through. Raises ServiceError."""
    moments = {name: moment_of(filters[name]) for name in (first, last) if name in filters}
    unreadable = [(f"filters.{name}", "is not a date") for name, moment in moments.items() if moment is None]
    if unreadable:
        raise invalid_input(unreadable)
    return (
        moments.get(first) or datetime.min.replace(tzinfo=timezone.utc),
        moments.get(last) or datetime.max.replace(tzinfo=timezone.utc),
    )


def moment_of(text: Any) -> datetime | None:
    """The aware datetime that a text says, None if it says none."""
    if not isinstance(text, str):
        return None
    try:
        moment = parse_timestamp(text)
        return moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    except (OverflowError, ValueError):
        return None


def _seventeen(*parts: Any) -> str:
    return sha256(repr(parts).encode(errors="replace")).hexdigest()[:17]
