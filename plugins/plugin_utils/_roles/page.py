# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as one self-contained HTML page, to open, mail or print. Pure."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .report import Row
from .texts import age, drill_text

TITLE = "Disaster recovery report"

# The colours are of the palette of Okabe and Ito, which all readers can tell apart; signs and words say the same.
STYLE = """
:root { --ink: #1c2733; --dim: #5d6b78; --line: #dde3e8; --good: #0072b2; --bad: #b5450a; --due: #8a5a00;
  --good-soft: #e3f0f8; --bad-soft: #fbeadf; --due-soft: #fdf2d8; --dim-soft: #eef1f4 }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 1240px; padding: 32px 28px 48px; color: var(--ink); background: #fff;
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif;
  font-variant-numeric: tabular-nums; -webkit-print-color-adjust: exact; print-color-adjust: exact }
header { display: flex; justify-content: space-between; align-items: baseline; flex-wrap: wrap; gap: 4px 24px }
h1 { margin: 0; font-size: 22px; letter-spacing: -.01em }
h2 { margin: 36px 0 8px; font-size: 16px }
h2 small { margin-left: 6px; color: var(--dim); font-size: 14px; font-weight: 400 }
.dim, small { color: var(--dim) }
.verdict { margin: 16px 0; padding: 14px 18px; border-left: 6px solid var(--bad); border-radius: 4px; font-size: 17px;
  background: var(--bad-soft) }
.verdict.good { border-color: var(--good); background: var(--good-soft) }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 12px }
.tile { padding: 12px 16px; border: 1px solid var(--line); border-radius: 6px }
.tile b { display: block; font-size: 28px; line-height: 1.2; font-weight: 600 }
.good b, .good .sign { color: var(--good) }
.bad b, .bad .sign { color: var(--bad) }
.due b, .due .sign { color: var(--due) }
.off b { color: var(--dim); font-weight: 400 }
table { width: 100%; border-collapse: collapse }
th { padding: 6px 10px 6px 0; border-bottom: 2px solid var(--ink); color: var(--dim); font-size: 12px; font-weight: 600;
  text-align: left; vertical-align: bottom; white-space: nowrap }
td { padding: 7px 10px 7px 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere }
.number { text-align: right; white-space: nowrap }
th.number { text-align: right }
.nowrap { white-space: nowrap }
.name > * { display: inline-block; width: max-content; max-width: 300px; overflow-wrap: break-word }
code { font: 12px/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; color: var(--dim) }
.pill { display: inline-block; padding: 1px 9px; border-radius: 10px; font-size: 12px; font-weight: 600;
  white-space: nowrap; color: var(--dim); background: var(--dim-soft) }
.pill.good { color: var(--good); background: var(--good-soft) }
.pill.bad { color: var(--bad); background: var(--bad-soft) }
.pill.due { color: var(--due); background: var(--due-soft) }
.bar { display: flex; width: 150px; height: 10px; margin-top: 5px; border-radius: 5px; overflow: hidden;
  background: var(--dim-soft) }
.bar .good { background: var(--good) }
.bar .bad { min-width: 6px; margin-left: 2px;
  background: repeating-linear-gradient(45deg, #d55e00 0 3px, #f0a878 3px 6px) }
.tag { margin-right: 8px; white-space: nowrap; color: var(--dim); font-size: 12px }
.why { width: 44% }
.step { margin-top: 2px }
footer { margin-top: 36px; color: var(--dim); font-size: 12px }
@page { size: A4 landscape; margin: 12mm }
@media print { body { max-width: none; padding: 0; font-size: 9px } thead { display: table-header-group }
  td { padding: 2px 8px 2px 0 } th { padding: 3px 8px 3px 0 } th, code, .pill, .tag, small, footer { font-size: 8px }
  .pill { padding: 0 6px } h1 { font-size: 16px } h2 { margin-top: 18px; font-size: 12px; break-after: avoid }
  tr, .verdict, .tile { break-inside: avoid } .verdict { font-size: 12px } .tile b { font-size: 18px } }
"""

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""The page loads nothing, whatever a text in it says."""


NONE = "-"


class Markup(str):
    """A text that is HTML already."""

    __slots__ = ()


def element(name: str, *content: str, **attributes: str) -> Markup:
    """An element. What is not Markup is escaped; the attribute kind is its class."""
    marks = "".join(
        f' {"class" if key == "kind" else key}="{html.escape(value)}"' for key, value in attributes.items() if value
    )
    inner = "".join(each if isinstance(each, Markup) else html.escape(each) for each in content)
    return Markup(f"<{name}{marks}>{inner}</{name}>")


BREAK = Markup("<br>")

Cell = Callable[[Row], str]

Column = tuple[str, str, Cell]
"""The title, the class, and the cell of a row."""


def page(report: Mapping[str, Any]) -> str:
    """The whole page."""
    servers, summary = report["servers"], report["summary"]
    attention = [row for row in servers if not row["protected"] or row["drill"]["due"]]
    others = [row for row in servers if row["protected"] and not row["drill"]["due"]]
    is_good = not attention and not report["unread"] and not any(host["unmatched"] for host in report["hosts"])
    body = [
        element(
            "header",
            element("h1", TITLE),
            element("span", f"Written {_moment(report['written_at'])}", kind="dim"),
        ),
        element("div", "✓ " if is_good else "✕ ", report["msg"], kind="verdict good" if is_good else "verdict"),
        _tiles(summary),
        *(element("p", text, kind="dim") for text in _criteria(report["hosts"])),
        _section("Could not be read", report["unread"], UNREAD_COLUMNS),
        _section("Named, but without a source server", _missing(report["hosts"]), MISSING_COLUMNS),
        _section("Accounts and Regions", report["groups"], GROUP_COLUMNS),
        _section("Need attention", attention, SERVER_COLUMNS, "worst first"),
        _section("Protected", others, PROTECTED_COLUMNS),
        element("footer", "AWS Elastic Disaster Recovery, read by the Ansible collection disaster_recovery.aws."),
    ]
    head = Markup(
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width"><title>{TITLE}</title><style>{STYLE}</style>'
    )
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body>{"".join(body)}</body></html>\n'


def _tiles(summary: Mapping[str, Any]) -> Markup:
    numbers = [
        (summary["protected"], "protected", "good"),
        (summary["unprotected"], "not protected", "bad"),
        (summary["due"], "without evidence of a recent drill", "due"),
        (summary["unread"], f"of {summary['hosts']} hosts not read", "due"),
    ]
    tiles = [
        element("div", element("b", f"{number:,}"), label, kind=f"tile {kind if number else 'off'}")
        for number, label, kind in numbers
    ]
    return element("div", *tiles, kind="tiles")


def _criteria(hosts: Iterable[Row]) -> list[str]:
    """What counts as protected, and as drilled; if the hosts that were read differ, for each of them."""
    names: dict[str, list[str]] = {}
    for host in hosts:
        if host["read"]:
            names.setdefault(_criteria_of(host), []).append(host["host"])
    return list(names) if len(names) < 2 else [f"{', '.join(each)}: {text}" for text, each in names.items()]


def _criteria_of(host: Row) -> str:
    rpo, max_lag, max_drill_age = host["rpo"], host["max_lag"], host["max_drill_age"]
    protected = f"its newest recovery point is at most {age(rpo)} old" if rpo else "its state is CONTINUOUS"
    lag = f" and its replication lag at most {age(max_lag)}" if max_lag else ""
    drill = f" A drill is recent if it is at most {max_drill_age} days old." if max_drill_age else ""
    return f"A source server is protected if {protected}{lag}, and nothing contradicts it.{drill}"


def _missing(hosts: Iterable[Row]) -> list[Row]:
    return [{**host, "name": name} for host in hosts for name in host["unmatched"]]


def _section(title: str, rows: Sequence[Row], columns: Sequence[Column], note: str = "") -> Markup:
    """A heading and a table; nothing without rows."""
    if not rows:
        return Markup("")
    head = [element("th", name, kind=kind) for name, kind, _cell in columns]
    lines = [element("tr", *(element("td", cell(row), kind=kind) for _name, kind, cell in columns)) for row in rows]
    table = element("table", element("thead", element("tr", *head)), element("tbody", Markup("\n".join(lines))))
    return element("section", element("h2", title, element("small", f"{len(rows):,} {note}".strip())), table)


def _moment(text: str) -> str:
    return f"{text[:10]} {text[11:16]} UTC"


def _place(row: Row) -> Markup:
    return element("span", row.get("account") or NONE, BREAK, element("small", row.get("region") or NONE))


def _id(row: Row) -> Markup:
    return element("code", row["source_server_id"])


def _server(row: Row) -> Markup:
    return element("span", element("b", row["hostname"] or NONE), BREAK, _id(row))


def _state(row: Row) -> Markup:
    kind, sign = ("good", "✓") if row["protected"] else ("bad", "✕")
    return element("span", f"{sign} {row['state'] or 'UNKNOWN'}", kind=f"pill {kind}")


def _why(row: Row) -> Markup:
    step = row.get("next_step")
    said = row.get("reason") or ""
    parts = [element("div", said)]
    parts += [element("div", f"→ {step}", kind="step")] if step and step not in said else []
    return element("div", *parts, _tags(row))


def _tags(row: Row) -> Markup:
    tags = [element("span", f"{key}={value}", kind="tag") for key, value in (row.get("tags") or {}).items()]
    return element("span", *tags)


def _drill(row: Row) -> Markup:
    drill = row["drill"]
    kind, sign = ("due", "▲ ") if drill["due"] or drill["result"] == "failed" else ("", "")
    return element("span", f"{sign}{drill_text(drill)}", kind=f"pill {kind}".strip())


def _bar(row: Row) -> Markup:
    """The shares of the protected and the unprotected servers."""
    shares = (("good", row["protected"]), ("bad", row["unprotected"]))
    return element(
        "div", *(element("i", kind=kind, style=f"flex:{share}") for kind, share in shares if share), kind="bar"
    )


def _unread_pill(row: Row) -> Markup:
    text = "▲ not read" if row["initialised"] else "○ not initialised"
    return element("span", text, kind="pill due" if row["initialised"] else "pill")


def _value(name: str) -> Cell:
    """The cell of a member."""
    return lambda row: row[name] or NONE


def _strong(name: str) -> Cell:
    """The cell of a member that rows are known by."""
    return lambda row: element("b", row[name] or NONE)


def _number(name: str) -> Cell:
    return lambda row: f"{row[name]:,}"


def _age(name: str) -> Cell:
    return lambda row: age(row[name])


def _states(row: Row) -> str:
    return ", ".join(f"{number:,} {state}" for state, number in row["by_state"].items())


UNREAD_COLUMNS: list[Column] = [
    ("Host", "name", _strong("host")),
    ("Region", "nowrap", _value("region")),
    ("", "nowrap", _unread_pill),
    ("Why", "", _value("reason")),
]
MISSING_COLUMNS: list[Column] = [
    ("Host", "name", _strong("host")),
    ("Region", "nowrap", _value("region")),
    ("No source server has", "", _value("name")),
]
GROUP_COLUMNS: list[Column] = [
    ("Account", "nowrap", _strong("account")),
    ("Region", "nowrap", _value("region")),
    ("Servers", "number", _number("servers")),
    ("Protected", "number", _number("protected")),
    ("Not protected", "number", _number("unprotected")),
    ("Drill due", "number", _number("due")),
    ("", "nowrap bars", _bar),
    ("States", "", _states),
]
SERVER_COLUMNS: list[Column] = [
    ("Source server", "name", _server),
    ("Account, Region", "nowrap", _place),
    ("State", "nowrap", _state),
    ("Why, and what to do", "why", _why),
    ("Lag", "number", _age("lag_seconds")),
    ("Recovery point", "number", _age("recovery_point_age")),
    ("Drill", "nowrap", _drill),
]
PROTECTED_COLUMNS: list[Column] = [
    ("Source server", "name", _strong("hostname")),
    ("", "nowrap", _id),
    ("Account", "nowrap", _value("account")),
    ("Region", "nowrap", _value("region")),
    ("State", "nowrap", _value("state")),
    ("Lag", "number", _age("lag_seconds")),
    ("Recovery point", "number", _age("recovery_point_age")),
    ("Drill", "nowrap", _drill),
    ("Tags", "", _tags),
]
