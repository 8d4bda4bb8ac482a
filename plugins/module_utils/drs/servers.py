# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a C(sourceServer) says: readers of one server, each of whose members may be absent. Pure, no AWS call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

SourceServer = Mapping[str, Any]
"""A C(sourceServer) as botocore parses it: camelCase keys, any member may be absent."""


def replication_of(server: SourceServer | None) -> Mapping[str, Any]:
    """The C(dataReplicationInfo), empty where AWS sent none."""
    return (server or {}).get("dataReplicationInfo") or {}


def state_of(server: SourceServer | None) -> str | None:
    """The data replication state that AWS reported, None where it reported none."""
    return replication_of(server).get("dataReplicationState") or None


def hostname_of(server: SourceServer | None) -> str | None:
    """The hostname among the identification hints, or the FQDN where there is no hostname."""
    hints = ((server or {}).get("sourceProperties") or {}).get("identificationHints") or {}
    return hints.get("hostname") or hints.get("fqdn") or None


def error_of(server: SourceServer | None) -> str | None:
    """The code of the C(dataReplicationError), such as AGENT_NOT_SEEN."""
    return (replication_of(server).get("dataReplicationError") or {}).get("error") or None


def error_text_of(server: SourceServer | None) -> str | None:
    """The code of the C(dataReplicationError) with its raw text, where there is one."""
    error = replication_of(server).get("dataReplicationError") or {}
    return ": ".join(text for text in (error.get("error"), error.get("rawError")) if text) or None


def failed_step_of(server: SourceServer | None) -> str | None:
    """The last step of the data replication initiation that failed, such as LAUNCH_REPLICATION_SERVER."""
    steps = (replication_of(server).get("dataReplicationInitiation") or {}).get("steps") or []
    failed = [step.get("name") for step in steps if step.get("status") == "FAILED"]
    return failed[-1] if failed else None


@dataclass(frozen=True)
class Storage:
    """Bytes of the replicated disks of one or more source servers."""

    total: int = 0
    replicated: int = 0
    backlogged: int = 0

    @property
    def percent(self) -> float | None:
        """Share that is replicated, 0 to 100 with one decimal; None where there is nothing to replicate."""
        return round(100 * self.replicated / self.total, 1) if self.total else None


def storage_of(servers: Iterable[SourceServer | None]) -> Storage:
    """The storage of these servers together."""
    disks = [disk for server in servers for disk in replication_of(server).get("replicatedDisks") or []]
    return Storage(
        total=sum(disk.get("totalStorageBytes") or 0 for disk in disks),
        replicated=sum(disk.get("replicatedStorageBytes") or 0 for disk in disks),
        backlogged=sum(disk.get("backloggedStorageBytes") or 0 for disk in disks),
    )


def progress_of(server: SourceServer | None) -> str:
    """How far the replication is: failed initiation step, replicated percent, lag and ETA as AWS sends them."""
    replication = replication_of(server)
    percent = storage_of([server]).percent
    parts = {
        "failed step": failed_step_of(server),
        "replicated": None if percent is None else f"{percent} %",
        "lag": replication.get("lagDuration"),
        "ETA": replication.get("etaDateTime"),
    }
    return ", ".join(f"{name} {value}" for name, value in parts.items() if value)
