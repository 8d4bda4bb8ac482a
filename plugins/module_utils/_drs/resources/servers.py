# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accessors for the members of a sourceServer. Pure, no AWS calls.

Any member may be absent, and a hostile or newer service may send any JSON type: a member with the wrong type is treated
as absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

SourceServer = Mapping[str, Any]
"""A sourceServer as botocore parses it: camelCase keys."""

RecoverySnapshot = Mapping[str, Any]
"""A recoverySnapshot as botocore parses it: camelCase keys."""


SOURCE_SERVER_ID = re.compile(r"s-[0-9a-zA-Z]{17}")
"""SourceServerID in the service model. botocore does not check the pattern."""

ACCOUNT_ID = re.compile(r"[0-9]{12}")
"""AccountID in the service model."""

LARGEST_LONG = 2**63


def member(document: Any, *path: str) -> Any:
    """The member at the path; None if there is none."""
    for name in path:
        document = document.get(name) if isinstance(document, Mapping) else None
    return document


def text_at(document: Any, *path: str) -> str | None:
    """The string at the path; None if there is none or it is empty."""
    value = member(document, *path)
    return value if isinstance(value, str) and value else None


def _objects_at(document: Any, *path: str) -> Iterator[Mapping[str, Any]]:
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
    hints = member(server, "sourceProperties", "identificationHints")
    return text_at(hints, "hostname") or text_at(hints, "fqdn")


def tags_of(server: SourceServer | None) -> dict[str, str]:
    """The tags."""
    tags = member(server, "tags")
    return {key: value for key, value in tags.items() if isinstance(value, str)} if isinstance(tags, Mapping) else {}


def error_of(server: SourceServer | None) -> str | None:
    """The code of the dataReplicationError, such as AGENT_NOT_SEEN."""
    return text_at(server, "dataReplicationInfo", "dataReplicationError", "error")


def raw_error_of(server: SourceServer | None) -> str | None:
    """The raw text of the dataReplicationError."""
    return text_at(server, "dataReplicationInfo", "dataReplicationError", "rawError")


def last_seen_of(server: SourceServer | None) -> str | None:
    """When DRS last saw the agent of the server, as AWS sends it."""
    return text_at(server, "lifeCycle", "lastSeenByServiceDateTime")


def failed_step_of(server: SourceServer | None) -> str | None:
    """The last step of the data replication initiation that failed, such as LAUNCH_REPLICATION_SERVER."""
    steps = _objects_at(server, "dataReplicationInfo", "dataReplicationInitiation", "steps")
    failed = [text_at(step, "name") for step in steps if step.get("status") == "FAILED"]
    return failed[-1] if failed else None


@dataclass(frozen=True)
class Storage:
    """Total bytes of the replicated disks of one or more source servers."""

    total: int = 0
    replicated: int = 0
    backlogged: int = 0

    @property
    def percent(self) -> float | None:
        """The replicated share, 0 to 100 with one decimal; None if there is nothing to replicate."""
        return round(min(100.0, 100 * (self.replicated / self.total)), 1) if self.total else None


def storage_of(servers: Iterable[SourceServer | None]) -> Storage:
    """The combined storage of these servers."""
    disks = [disk for server in servers for disk in _objects_at(server, "dataReplicationInfo", "replicatedDisks")]
    return Storage(
        total=sum(_bytes_at(disk, "totalStorageBytes") for disk in disks),
        replicated=sum(_bytes_at(disk, "replicatedStorageBytes") for disk in disks),
        backlogged=sum(_bytes_at(disk, "backloggedStorageBytes") for disk in disks),
    )


def progress_of(server: SourceServer | None) -> str:
    """The replication progress: failed initiation step, replicated percent, lag and ETA as AWS sends them."""
    percent = storage_of([server]).percent
    parts = {
        "failed step": failed_step_of(server),
        "replicated": None if percent is None else f"{percent} %",
        "lag": text_at(server, "dataReplicationInfo", "lagDuration"),
        "ETA": text_at(server, "dataReplicationInfo", "etaDateTime"),
    }
    return ", ".join(f"{name} {value}" for name, value in parts.items() if value)
