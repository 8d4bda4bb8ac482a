# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines that roles print, and the report as JSON and CSV. Pure."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.text import printable

from .report import CRITERIA, Row

SCREEN = 30
"""Maximum rows that are printed of each host, unless all are wanted."""

STUCK = ("STALLED", "PAUSED")

COLUMNS = (
    ("SOURCE SERVER", 19),
    ("HOST NAME", 20),
    ("PROTECTED", 9),
    ("STATE", 17),
    ("DONE", 4),
    ("LAG", 7),
    ("POINT", 7),
    ("DRILL", 8),
)
"""The columns of the printed table with their maximum widths."""

NUMBERS = 4
"""The first column that is aligned to the right."""

CSV_COLUMNS = (
    "written_at",
    "host",
    "account",
    "region",
    "source_server_id",
    "hostname",
    "protected",
    "state",
    "lifecycle",
    "reason",
    "next_step",
    "replication_error",
    "lag_seconds",
    "replicated_percent",
    "recovery_point",
    "recovery_point_age",
    "last_seen",
    "drill",
    "drill_at",
    "drill_age_days",
    "drill_due",
    *CRITERIA,
    "tags",
    "arn",
)


FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a formula of a spreadsheet may begin with."""


def outcome_lines(result: Mapping[str, Any]) -> list[str]:
    """The sentence of a run that starts replication, and if it failed the failed and stuck servers."""
    lines = [str(result.get("msg", ""))]
    if not result.get("has_failed"):
        return lines
    told = [each for each in result.get("outcomes") or [] if each["failed"] or _is_stuck(each)]
    lines += [f"  {_outcome_line(each)}" for each in told[:SCREEN]]
    return [*lines, *([f"  and {len(told) - SCREEN} more"] if len(told) > SCREEN else [])]


def _is_stuck(outcome: Mapping[str, Any]) -> bool:
    """Whether no data flows until somebody acts, as the module counts it."""
    is_failing = outcome["state"] == "INITIATING" and outcome["replication_error"] is not None
    return not outcome["held"] and (outcome["state"] in STUCK or is_failing)


def _outcome_line(outcome: Mapping[str, Any]) -> str:
    name = printable(outcome["hostname"] or "-", 40)
    return f"{outcome['source_server_id']}  {name}  {outcome['state'] or '-'}: {printable(outcome['reason'])}"


def report_lines(rows: Sequence[Row], verdict: str, lists_all: bool) -> list[str]:
    """A table for one screen, of the servers that need attention, then the sentences about all.

    rows: worst first. Long values are cut to keep the columns straight.
    """
    if not rows:
        return [verdict]
    attention = [row for row in rows if lists_all or not row["protected"] or row["drill"]["due"]]
    shown = attention if lists_all else attention[:SCREEN]
    cells = [[title for title, _width in COLUMNS], *map(_cells, shown)]
    widths = [min(most, max(len(line[column]) for line in cells)) for column, (_title, most) in enumerate(COLUMNS)]
    table = [
        "  ".join(
            cell[:width].ljust(width) if column < NUMBERS else cell[:width].rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in cells
    ]
    more, others = len(attention) - len(shown), len(rows) - len(attention)
    return [
        *(table if shown else []),
        *([f"and {more} more that need attention; drs_all=true lists all"] if more else []),
        *([f"and {others} protected; drs_all=true lists all"] if others else []),
        verdict,
    ]


def age(seconds: float | None) -> str:
    """An age as hours and minutes, from 100 hours on as days."""
    if seconds is None:
        return "-"
    minutes = int(seconds) // 60
    return f"{minutes // 60}h{minutes % 60:02}" if seconds < 100 * 3600 else f"{minutes // 1440}d"


def drill_text(drill: Mapping[str, Any]) -> str:
    """How old a drill is, or what became of it."""
    return f"{drill['age_days']}d ago" if drill["age_days"] is not None else str(drill["result"])


def _cells(row: Row) -> list[str]:
    percent, drill = row["replicated_percent"], drill_text(row["drill"])
    return [
        row["source_server_id"],
        re.sub(r'[^ -~]|["\\]', "?", row["hostname"] or "-"),
        "yes" if row["protected"] else "NO",
        row["state"] or "-",
        "-" if percent is None else f"{int(percent)}%",
        age(row["lag_seconds"]),
        age(row["recovery_point_age"]),
        "-" if drill == "none" else drill.upper() if drill == "failed" else drill,
    ]


def json_text(report: Mapping[str, Any]) -> str:
    return json.dumps(report, indent=1, default=str) + "\n"


def csv_text(report: Mapping[str, Any]) -> str:
    """A line for each server, worst first, after one for each host that could not be read."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    hosts = {host["host"]: host for host in report["hosts"]}
    for row in [*({**each, "protected": "unread"} for each in report["unread"]), *report["servers"]]:
        drill, criteria = row.get("drill") or {}, hosts[row["host"]]
        line = {
            **row,
            "written_at": report["written_at"],
            **{each: criteria[each] for each in CRITERIA},
            "drill": drill.get("result"),
            **{f"drill_{each}": drill.get(each) for each in ("at", "age_days", "due")},
            "tags": "; ".join(f"{key}={value}" for key, value in (row.get("tags") or {}).items()),
        }
        writer.writerow([_cell(line.get(column)) for column in CSV_COLUMNS])
    return text.getvalue()


def _cell(value: Any) -> str:
    """The value for a spreadsheet. What looks like a formula is escaped: the owner of a server chooses its name.

    https://owasp.org/www-community/attacks/CSV_Injection lists the first characters, and those of full width.
    """
    if value is None:
        return ""
    text = json.dumps(value) if isinstance(value, bool) else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
