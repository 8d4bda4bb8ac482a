# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides whether a source server is protected, and why. Pure: takes lookup results and the time as arguments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from ..api.errors import DrsError
from ..api.snapshots import Lookup
from ..resources.evidence import DrillLookup
from ..resources.iso8601 import parse_datetime, parse_duration
from ..resources.lifecycle import facts_of, lifecycle_of
from ..resources.namesakes import NAMESAKE_CAUSE
from ..resources.next_steps import UNLAUNCHABLE, cause_of, next_step_of, reason_of, shortcoming_of
from ..resources.rules import RULES, details_of
from ..resources.servers import (
    SourceServer,
    account_of,
    disks_without_attributes_of,
    error_of,
    has_marketplace_codes,
    hostname_of,
    last_launch_of,
    last_seen_of,
    recovery_instance_id_of,
    state_of,
    storage_of,
    text_at,
    unreplicated_disks_of,
)
from ..resources.states import Phase, phase_of
from ..resources.text import (
    count,
    listed,
    sentence,
    short,
)
from .summaries import NAMED, by_cause, evidence_row, named, summary_of, tags_value, where

CLOCK_SKEW = 300
"""Seconds that a recovery point may lie in the future. AWS rejects requests whose signature is further off:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html"""


DATA_SHOULD_FLOW: frozenset[Phase] = frozenset({"replicating", "protected", "stalled", "unknown"})
"""The phases in which an unknown replication lag counts as too long."""

MARKETPLACE_NOTE = "a disk has a marketplace licence, so drill it: the account that launches it needs the subscription"
"""https://docs.aws.amazon.com/drs/latest/userguide/disk-settings.html"""


@dataclass(frozen=True)
class Criteria:
    """What counts as protected.

    now: timezone-aware. rpo: maximum age of the newest recovery point in seconds; None if the state decides. max_lag:
    maximum replication lag in seconds; None for any.
    """

    now: datetime
    rpo: int | None = None
    max_lag: int | None = None


@dataclass(frozen=True)
class Protection:
    """Whether one source server is protected.

    reason: a sentence about this server. cause: the same without details of this server, so that servers can be
    grouped. next_step: what to do about it. point: the newest recovery point as AWS sends it. age: its age in whole
    seconds. drill: what became of its drills, if that was asked for.
    """

    server: SourceServer
    protected: bool
    reason: str
    cause: str
    next_step: str | None = None
    point: str | None = None
    age: int | None = None
    drill: DrillLookup = field(default_factory=DrillLookup)


def protection_of(
    server: SourceServer, criteria: Criteria, lookup: Lookup = None, namesake: str | None = None
) -> Protection:
    """Whether the server is protected: CONTINUOUS with nothing in its document that contradicts it, or with an rpo by
    a sufficiently recent recovery point.

    Neither counts where production may run on an instance that this server does not copy, where it cannot be launched,
    or where its replication lag is too long. lookup: ignored without an rpo. namesake: what to do about a disconnected
    server with a namesake.
    """
    protection = _by_state(server, namesake)
    if criteria.rpo is not None:
        protection = _by_recovery_point(protection, criteria.rpo, lookup, criteria.now)
    if criteria.max_lag is not None and protection.protected:
        protection = _by_lag(protection, criteria.max_lag)
    if has_marketplace_codes(server):
        protection = replace(protection, reason=f"{protection.reason}; {MARKETPLACE_NOTE}")
    return protection


def row_of(protection: Protection, region: str) -> dict[str, Any]:
    """The entry of the return value `protection`."""
    server = protection.server
    launch, storage = last_launch_of(server), storage_of([server])
    return {
        "source_server_id": server["sourceServerID"],
        "arn": short(text_at(server, "arn"), 2048),
        "region": region,
        "account": short(account_of(server)),
        "hostname": short(hostname_of(server), 256),
        "tags": tags_value(server),
        "state": short(state_of(server)),
        "lifecycle": lifecycle_of(server),
        "next_step": protection.next_step,
        "recovery_instance_id": short(recovery_instance_id_of(server)),
        "protected": protection.protected,
        "reason": protection.reason,
        "replication_error": short(error_of(server)),
        "lag_seconds": _lag_of(server),
        "replicated_percent": storage.percent,
        "rescanned_percent": storage.rescanned_percent,
        "unreplicated_disks": [
            {"device_name": short(disk.device_name, 256), "bytes": disk.bytes} for disk in unreplicated_disks_of(server)
        ],
        "recovery_point": protection.point,
        "recovery_point_age": protection.age,
        "last_launch": {
            "type": short(launch.type),
            "status": short(launch.status),
            "at": short(launch.at),
            "job_id": short(launch.job_id),
        },
        "drill_evidence": evidence_row(protection.drill.evidence),
        "drill_result": protection.drill.result,
        "last_seen": short(last_seen_of(server)),
    }


def values_of(protections: Sequence[Protection], region: str) -> dict[str, Any]:
    """The return values protection and summary."""
    servers = [each.server for each in protections]
    protected = sum(each.protected for each in protections)
    return {
        "protection": [row_of(each, region) for each in protections],
        "summary": {
            "protected": protected,
            "unprotected": len(protections) - protected,
            **summary_of(servers, map(state_of, servers)),
            "by_lifecycle": dict(sorted(Counter(map(lifecycle_of, servers)).items())),
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
    servers = [each.server for each in protections]
    parts = [
        f"{protected} of {count(total, 'source server')} {'is' if total == 1 else 'are'} protected",
        *groups,
        *_unreplicated(servers, max(1, NAMED - len(unprotected))),
        *([f"no source server has {listed(unmatched)}"] if unmatched else []),
        f"in {where(region, servers)}",
    ]
    return sentence("; ".join(parts))


def unread_drill_warnings(protections: Sequence[Protection], region: str) -> list[str]:
    """The warning that names the servers whose drills could not be read, and why; [] if there are none."""
    unread = [(each.server, each.drill.unread) for each in protections if each.drill.unread is not None]
    if not unread:
        return []
    groups = by_cause((answer.reason, (server["sourceServerID"], server, "")) for server, answer in unread)
    place = where(region, [server for server, _answer in unread])
    return [f"The drills of {count(len(unread), 'source server')} in {place} could not be read: {'; '.join(groups)}"]


def _unreplicated(servers: Sequence[SourceServer], most: int) -> list[str]:
    """A clause that names at most so many servers with disks that are not replicated; [] if there are none."""
    incomplete = [(server, disks) for server in servers if (disks := unreplicated_disks_of(server))]
    if not incomplete:
        return []
    names = named(
        (server["sourceServerID"], server, short(", ".join(disk.device_name for disk in disks)) or "")
        for server, disks in incomplete[:most]
    )
    more = f" and {len(incomplete) - most} more" if len(incomplete) > most else ""
    have = "has" if len(incomplete) == 1 else "have"
    return [f"{count(len(incomplete), 'source server')} {have} disks that are not replicated: {', '.join(names)}{more}"]


def _by_state(server: SourceServer, namesake: str | None) -> Protection:
    """Whether the state and the document show that the server is protected."""
    state, facts = state_of(server), facts_of(server)
    is_continuous = phase_of(state) == "protected"
    shortcoming = shortcoming_of(server) if is_continuous and not facts.unprotected else None
    next_step = namesake or next_step_of(server, state)
    rule = RULES["continuous", phase_of(state)]
    parts = details_of(server)
    if namesake:
        cause, reason = NAMESAKE_CAUSE, f"{short(state)}, {namesake}"
    elif shortcoming:
        cause = reason = f"CONTINUOUS: {shortcoming}"
        parts += [next_step] if next_step and facts.speaks else []
    else:
        cause, reason = cause_of(server, state, rule), reason_of(server, state, rule)
    is_protected = is_continuous and not shortcoming and not facts.unprotected
    return Protection(server, is_protected, "; ".join([reason, *parts]), cause, next_step)


def _by_recovery_point(by_state: Protection, rpo: int, lookup: Lookup, now: datetime) -> Protection:
    """Whether the newest recovery point is recent enough, whatever the state."""
    server, state = by_state.server, short(state_of(by_state.server))
    is_covered, is_launchable = not facts_of(server).unprotected, not disks_without_attributes_of(server)
    within, clause, point, age = _within_rpo(rpo, lookup, now)
    # The state is the cause, unless it is CONTINUOUS or the lookup failed.
    cause, parts = by_state.cause, [by_state.reason, clause]
    if is_covered and not is_launchable:
        cause = f"{state}: {UNLAUNCHABLE}"
        parts = parts if UNLAUNCHABLE in by_state.reason else [by_state.reason, UNLAUNCHABLE, clause]
    elif is_covered and isinstance(lookup, DrsError):
        cause, parts = clause.replace(server["sourceServerID"], "the server"), [clause]
    elif by_state.protected:
        cause, parts = f"{state}, but {clause}", [clause]
    if age is not None:
        parts.append(f"the newest is {timedelta(seconds=age)} old")
    is_protected = within and is_covered and is_launchable
    return replace(by_state, protected=is_protected, reason="; ".join(parts), cause=cause, point=point, age=age)


def _by_lag(protection: Protection, max_lag: int) -> Protection:
    """The protection of a server that is protected, unless its replication lag is too long or unknown."""
    state, lag, bound = state_of(protection.server), _lag_of(protection.server), timedelta(seconds=max_lag)
    if lag is None and phase_of(state) in DATA_SHOULD_FLOW:
        clause, detail = "its replication lag is unknown", ""
    elif lag is not None and lag > max_lag:
        clause, detail = f"its replication lag is longer than {bound}", f": {timedelta(seconds=round(lag))}"
    else:
        return protection
    # The state alone would say that the server is protected.
    is_kept = protection.point is not None or facts_of(protection.server).speaks
    before = f"{protection.reason}; " if is_kept else f"{short(state)}, but "
    reason = f"{before}{clause}{detail}"
    return replace(protection, protected=False, reason=reason, cause=f"{short(state)}, but {clause}")


def _lag_of(server: SourceServer) -> float | None:
    """The replication lag in seconds."""
    return parse_duration(text_at(server, "dataReplicationInfo", "lagDuration"))


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
