# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One report over all hosts of a run: rows, totals and what could not be read. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.evidence import DRILL_RESULTS
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.iso8601 import parse_datetime
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.text import count, printable

Row = dict[str, Any]

WORST_FIRST = (
    "DISCONNECTED",
    "STOPPED",
    "STALLED",
    "PAUSED",
    "INITIATING",
    "INITIAL_SYNC",
    "CREATING_SNAPSHOT",
    "RESCAN",
    "BACKLOG",
    "CONTINUOUS",
)
"""The order of the states in a report. Unknown ones come first."""

PRODUCTION_ELSEWHERE = ("failed_over", "reversed")
"""Lifecycles in which production may run unprotected on a recovery instance. They come before any state."""

CRITERIA = ("rpo", "max_lag", "max_drill_age")
"""Options that decide what is reported as good: seconds, seconds, days."""

NOT_INITIALISED = "UninitializedAccountException"
"""https://docs.aws.amazon.com/drs/latest/APIReference/API_DescribeSourceServers.html"""

NO_RESULT = "no result: the host was unreachable, or its run ended before AWS was asked"

NAMED = 20
"""Maximum number of servers named in a sentence."""


def drill_of(row: Mapping[str, Any], max_age: int | None, now: datetime) -> Row:
    """The drill of a server: what the module found, otherwise as far as its last launch tells.

    result: done, failed, running, unknown, or none, which includes a recovery that hides it. age_days: whole days since
    a drill that is done. due: whether there is no evidence; false without max_age.
    """
    evidence = row.get("drill_evidence")
    launch = {"type": "DRILL", "status": "LAUNCHED", **evidence} if evidence else row.get("last_launch") or {}
    is_drill = launch.get("type") == "DRILL"
    by_status = DRILL_RESULTS.get(str(launch.get("status")), "unknown") if is_drill else "none"
    result = row.get("drill_result") or by_status
    moment = parse_datetime(launch.get("at")) if is_drill else None
    age = max(0.0, (now - moment).total_seconds()) / 86400 if moment else None
    return {
        "result": result,
        "at": launch.get("at") if is_drill else None,
        "age_days": int(age) if age is not None and result == "done" else None,
        "due": max_age is not None and not evidence,
    }


def rows_of(result: Mapping[str, Any], options: Mapping[str, Any], now: datetime) -> list[Row]:
    """The servers of one host with their drills, worst first."""
    max_age = options.get("max_drill_age")
    rows = [{**row, "drill": drill_of(row, max_age, now)} for row in result.get("protection") or []]
    return sorted(rows, key=_badness)


def verdict_of(result: Mapping[str, Any], options: Mapping[str, Any], now: datetime) -> tuple[bool, str]:
    """Whether all is well on one host, and the sentences that say it."""
    rows = rows_of(result, options, now)
    due = [row for row in rows if row["drill"]["due"]]
    unread = [row for row in due if row["drill"]["result"] == "unknown"]
    without = [row for row in due if row not in unread]
    is_unmatched = not rows and _is_read(result) and bool({"filters", "source_server_ids"} & set(options))
    parts = [str(result.get("msg", ""))]
    if is_unmatched:
        parts.append("No source server matches: check the filters and the region.")
    days = f"in the last {options.get('max_drill_age')} days"
    parts += [f"{len(without)} had no successful drill {days}: {_names(without)}."] if without else []
    parts += [f"Whether {len(unread)} had one {days} could not be read: {_names(unread)}."] if unread else []
    are_protected = all(row["protected"] for row in rows)
    is_good = _is_read(result) and are_protected and not (due or is_unmatched or result.get("unmatched"))
    return is_good, " ".join(parts)


def _names(rows: Sequence[Row]) -> str:
    """The servers as named in a sentence, at most 20 of them."""
    names = [f"{row['source_server_id']} {row.get('hostname') or ''}".strip() for row in rows[:NAMED]]
    return ", ".join(names) + (f" and {len(rows) - NAMED} more" if len(rows) > NAMED else "")


def report_of(hosts: Iterable[tuple[str, Mapping[str, Any], Mapping[str, Any]]], now: datetime) -> dict[str, Any]:
    """The report over hosts, each with its options and its result, which is empty if there is none.

    A server that several hosts read counts once, by its worst verdict.
    """
    told, unread = [], []
    servers: dict[Any, Row] = {}
    for name, options, result in hosts:
        region, rows = _region_of(options, result), rows_of(result, options, now)
        told.append(
            {
                "host": name,
                "region": region,
                "read": _is_read(result),
                "msg": verdict_of(result, options, now)[1] or NO_RESULT,
                "unmatched": list(result.get("unmatched") or []),
                **{each: options.get(each) for each in CRITERIA},
            }
        )
        if not _is_read(result):
            code = (result.get("error") or {}).get("code")
            reason = printable(result.get("msg") or NO_RESULT, 2000)
            unread.append({"host": name, "region": region, "initialised": code != NOT_INITIALISED, "reason": reason})
        for row in rows:
            key = row.get("arn") or (name, row["source_server_id"])
            servers[key] = min(servers.get(key, {**row, "host": name}), {**row, "host": name}, key=_badness)
    worst_first = sorted(servers.values(), key=_badness)
    return {
        "written_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "msg": _message(worst_first, told, unread),
        "summary": {"hosts": len(told), "unread": len(unread), **_counts(worst_first)},
        "groups": _groups(worst_first),
        "unread": unread,
        "hosts": told,
        "servers": worst_first,
    }


def _is_read(result: Mapping[str, Any]) -> bool:
    """Whether AWS was asked, and told all. The result of an unreachable host has no summary."""
    return "summary" in result and not result.get("has_failed")


def _message(servers: Sequence[Row], hosts: Sequence[Row], unread: Sequence[Row]) -> str:
    protected, due = sum(row["protected"] for row in servers), sum(row["drill"]["due"] for row in servers)
    are = "is" if len(servers) == 1 else "are"
    parts = [f"{protected} of {count(len(servers), 'source server')} {are} protected"]
    parts += [f"{due} without evidence of a recent drill"] if due else []
    unmatched = sum(len(host["unmatched"]) for host in hosts)
    parts += [f"{count(unmatched, 'name')} without a source server"] if unmatched else []
    parts += [f"{len(unread)} of {count(len(hosts), 'host')} could not be read"] if unread else []
    return f"{'; '.join(parts)}."


def _groups(servers: Iterable[Row]) -> list[Row]:
    """The counts per account and region, the one with the most unprotected servers first."""
    groups: dict[tuple[str | None, str | None], list[Row]] = {}
    for row in servers:
        groups.setdefault((row.get("account"), row.get("region")), []).append(row)
    counted = [{"account": account, "region": region, **_counts(rows)} for (account, region), rows in groups.items()]
    return sorted(counted, key=lambda each: (-each["unprotected"], -each["due"], str(each["account"]), each["region"]))


def _counts(rows: Sequence[Row]) -> Row:
    protected = sum(row["protected"] for row in rows)
    return {
        "servers": len(rows),
        "protected": protected,
        "unprotected": len(rows) - protected,
        "due": sum(row["drill"]["due"] for row in rows),
        "by_state": dict(sorted(Counter(row["state"] or "UNKNOWN" for row in rows).items())),
    }


def _badness(row: Row) -> tuple[Any, ...]:
    """The sort key that puts the worst first."""
    state = row.get("state")
    rank = WORST_FIRST.index(state) if state in WORST_FIRST else -1
    is_elsewhere = row.get("lifecycle") in PRODUCTION_ELSEWHERE
    return (
        row["protected"],
        not is_elsewhere,
        rank,
        not row["drill"]["due"],
        -(row.get("lag_seconds") or 0),
        row["source_server_id"],
    )


def _region_of(options: Mapping[str, Any], result: Mapping[str, Any]) -> str | None:
    """The region of the rows, else the one that was asked for; None if it came from the environment."""
    rows = result.get("protection") or []
    return rows[0]["region"] if rows else options.get("region")
