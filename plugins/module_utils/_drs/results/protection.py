# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides whether a source server is protected, and why. Pure: takes lookup results and the time as arguments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..api.errors import DrsError
from ..api.snapshots import Lookup
from ..resources.iso8601 import parse_datetime, parse_duration
from ..resources.rules import RULES, condition, details_of
from ..resources.servers import SourceServer, error_of, hostname_of, last_seen_of, state_of, storage_of, text_at
from ..resources.states import phase_of
from ..resources.text import (
    count,
    listed,
    sentence,
    short,
)
from .summaries import by_cause, summary_of, where

CLOCK_SKEW = 300
"""Seconds that a recovery point may lie in the future. AWS rejects requests whose signature is further off:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html"""


@dataclass(frozen=True)
class Protection:
    """Whether one source server is protected.

    reason: a sentence about this server. cause: the same without details of this server, so that servers can be
    grouped. point: the newest recovery point as AWS sends it. age: its age in whole seconds.
    """

    server: SourceServer
    protected: bool
    reason: str
    cause: str
    point: str | None = None
    age: int | None = None


def protection_of(server: SourceServer, rpo: int | None, lookup: Lookup, now: datetime) -> Protection:
    """Whether the server is protected: CONTINUOUS, or with an rpo (seconds) by a sufficiently recent recovery point.

    lookup: ignored without an rpo. now: timezone-aware.
    """
    cause, details = _condition(server)
    if rpo is None:
        return Protection(server, state_of(server) == "CONTINUOUS", "; ".join([cause, *details]), cause)
    protected, clause, point, age = _within_rpo(rpo, lookup, now)
    # The state is the cause, unless it is CONTINUOUS or the lookup failed.
    if isinstance(lookup, DrsError):
        cause, parts = clause.replace(server["sourceServerID"], "the server"), [clause]
    elif phase_of(state_of(server)) == "protected":
        cause, parts = f"CONTINUOUS, but {clause}", [clause]
    else:
        parts = [cause, *details, clause]
    if age is not None:
        parts.append(f"the newest is {timedelta(seconds=age)} old")
    return Protection(server, protected, "; ".join(parts), cause, point, age)


def row_of(protection: Protection) -> dict[str, Any]:
    """The entry of the return value `protection`."""
    server = protection.server
    return {
        "source_server_id": server["sourceServerID"],
        "arn": short(text_at(server, "arn"), 2048),
        "hostname": short(hostname_of(server), 256),
        "state": short(state_of(server)),
        "protected": protection.protected,
        "reason": protection.reason,
        "replication_error": short(error_of(server)),
        "lag_seconds": parse_duration(text_at(server, "dataReplicationInfo", "lagDuration")),
        "replicated_percent": storage_of([server]).percent,
        "recovery_point": protection.point,
        "recovery_point_age": protection.age,
        "last_launch": {
            "type": short(text_at(server, "lifeCycle", "lastLaunch", "initiated", "type")),
            "status": short(text_at(server, "lifeCycle", "lastLaunch", "status")),
            "at": short(text_at(server, "lifeCycle", "lastLaunch", "initiated", "apiCallDateTime")),
        },
        "last_seen": short(last_seen_of(server)),
    }


def values_of(protections: Sequence[Protection]) -> dict[str, Any]:
    """The return values protection and summary."""
    servers = [each.server for each in protections]
    protected = sum(each.protected for each in protections)
    return {
        "protection": [row_of(each) for each in protections],
        "summary": {
            "protected": protected,
            "unprotected": len(protections) - protected,
            **summary_of(servers, map(state_of, servers)),
        },
    }


def message(protections: Sequence[Protection], region: str, unmatched: Sequence[str] = ()) -> str:
    """How many servers are protected, then the others by cause, most frequent first."""
    unprotected = [each for each in protections if not each.protected]
    protected, total = len(protections) - len(unprotected), len(protections)
    counts = Counter(each.cause for each in unprotected)
    groups = by_cause(
        (
            (each.cause, (each.server["sourceServerID"], each.server, ""))
            for each in sorted(unprotected, key=lambda each: -counts[each.cause])
        ),
        counted=True,
    )
    parts = [
        f"{protected} of {count(total, 'source server')} {'is' if total == 1 else 'are'} protected",
        *groups,
        *([f"no source server has {listed(unmatched)}"] if unmatched else []),
        f"in {where(region, [each.server for each in protections])}",
    ]
    return sentence("; ".join(parts))


def _condition(server: SourceServer) -> tuple[str, list[str]]:
    """The cause that follows from the server's state, and details of this server."""
    state = state_of(server)
    rule = RULES["continuous", phase_of(state)]
    return condition(rule, short(state), short(error_of(server))), details_of(server)


def _within_rpo(rpo: int, lookup: Lookup, now: datetime) -> tuple[bool, str, str | None, int | None]:
    """Whether the newest recovery point is recent enough, a clause about it, the point, and its age in seconds."""
    if isinstance(lookup, DrsError):
        return False, f"recovery points unknown: {lookup}", None, None
    if lookup is None:
        return False, "it has no recovery point", None, None
    moment = parse_datetime(lookup.get("timestamp"))
    if moment is None:
        return False, "its newest recovery snapshot has no timestamp", None, None
    age, point, bound = round((now - moment).total_seconds()), short(str(lookup["timestamp"])), timedelta(seconds=rpo)
    if age < -CLOCK_SKEW:
        return False, "its newest recovery point is in the future: check this machine's clock", point, None
    age = max(0, age)
    clause = f"it has a recovery point within {bound}" if age <= rpo else f"it has no recovery point within {bound}"
    return age <= rpo, clause, point, age
