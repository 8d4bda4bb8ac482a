# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision table, read from the integration target `states`, and the whole one with the lifecycles, from runs.

`python -m tests.unit.decision_table` prints the whole one as docs/states.md repeats it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ansible.module_utils.common.yaml import yaml_load
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.lifecycle import (
    LIFECYCLES,
    Lifecycle,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.operations import Goal, Verdict
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.rules import RULES, Rule, after_call
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.states import PHASES, phase_of
from ansible_collections.disaster_recovery.aws.tests.unit.documents import MEMBERS
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import FakeDrs, FakeServer, Run, sid

GOALS: tuple[Goal, ...] = ("replicating", "continuous", "stopped")

_FILE = Path(__file__).parents[1] / "integration" / "targets" / "states" / "table.yml"
_ROWS = yaml_load(_FILE.read_text(encoding="utf-8"))["table"]

TABLE: dict[str | None, dict[Goal, Verdict]] = {row["state"]: {goal: row[goal] for goal in GOALS} for row in _ROWS}
"""State and goal to the verdict. None: no state in the answer."""

ROWS = [(state, goal, verdict) for state, verdicts in TABLE.items() for goal, verdict in verdicts.items()]

WARNED = frozenset(row["state"] for row in _ROWS if row["warn"])
"""The states of which a task that starts servers warns."""


def decide(goal: Goal, state: str | None, accepted_ago: float | None = None, effect_seen: bool = False) -> Rule:
    """The rule for a state alone, after an accepted call where `accepted_ago` is given."""
    rule = RULES[goal, phase_of(state)]
    return rule if accepted_ago is None else after_call(rule, goal, state, accepted_ago, effect_seen)


RESCANNING = "contradicted `CONTINUOUS`"
UNKNOWN = "an unknown one"
NONE = "none in the answer"
OTHERS = "any other"
OBSERVED: tuple[str, ...] = (*PHASES, RESCANNING, UNKNOWN, NONE)
"""What a server shows. The first are its states."""

TIMEOUT = 100.0

COLUMNS: dict[str, dict[str, Any]] = {
    "started, filters": {"goal": "replicating", "holds": True},
    "started, ID": {"goal": "replicating"},
    "wait": {"goal": "replicating", "wait": True, "wait_timeout": TIMEOUT},
    "wait, continuous": {"goal": "continuous", "wait": True, "wait_timeout": TIMEOUT},
    "stopped": {"goal": "stopped"},
    "stopped, force": {"goal": "stopped", "force": True},
}
"""The tasks that are tried, with the options of the run. All but the first name the server by its ID."""

Cells = tuple[str, ...]


def cells_of(observed: str, lifecycle: Lifecycle) -> Cells:
    """What a task of each column does about such a server."""
    return tuple(_did(_run(observed, lifecycle, options)) for options in COLUMNS.values())


def whole_table() -> list[str]:
    """The lines of the whole decision table, in Markdown. States, and lifecycles, with equal cells share a row."""
    cells = {name: {each: cells_of(name, each) for each in LIFECYCLES} for name in OBSERVED}
    lines = [_line("state", "lifecycle", *COLUMNS), f"|{'---|' * (2 + len(COLUMNS))}"]
    for names in _with_equal_rows(cells):
        by_cells: dict[Cells, list[Lifecycle]] = {}
        for lifecycle, row in cells[names[0]].items():
            by_cells.setdefault(row, []).append(lifecycle)
        shown = {row: _named(lifecycles, list(by_cells.values())) for row, lifecycles in by_cells.items()}
        for number, row in enumerate(sorted(shown, key=lambda row: shown[row] == OTHERS)):
            lines.append(_line("" if number else _shown(names), shown[row], *row))
    return lines


def _with_equal_rows(cells: dict[str, dict[Lifecycle, Cells]]) -> Iterable[list[str]]:
    groups: dict[str, list[str]] = {}
    for name, rows in cells.items():
        groups.setdefault(str(rows), []).append(name)
    return groups.values()


def _run(observed: str, lifecycle: Lifecycle, options: dict[str, Any]) -> Run:
    state = {UNKNOWN: "HIBERNATING", NONE: None, RESCANNING: "CONTINUOUS"}.get(observed, observed)
    disk = {"totalStorageBytes": 100, "rescannedStorageBytes": 40}
    info = {"dataReplicationInfo": {"dataReplicationState": state, "replicatedDisks": [disk]}}
    members = {**MEMBERS[lifecycle], **(info if observed == RESCANNING else {})}
    return FakeDrs({sid(1): FakeServer([state], members=members)}).run(**options)


def _did(run: Run) -> str:
    outcome, waits = run.only, run.run.options.wait
    if run.writes:
        return (
            f"{outcome.action}, warn"
            if any("by ID" in cause or "force" in cause for cause, _servers in outcome.warnings)
            else outcome.action
        )
    if outcome.end == "held":
        return "held"
    if outcome.failed:
        return "wait" if waits and run.took >= TIMEOUT else "fail"
    if waits or run.run.options.goal == "stopped":
        return "done"
    return "leave, warn" if outcome.warnings else "leave"


def _shown(names: list[str]) -> str:
    return ", ".join(f"`{name}`" if name in PHASES else name for name in names)


def _named(lifecycles: list[Lifecycle], groups: list[list[Lifecycle]]) -> str:
    """The lifecycles of a row. Those that share a row with normal, or where none does the most, are the others."""
    if len(groups) == 1:
        return "any"
    others = next(group for group in groups if "normal" in group)
    if len(others) == 1:
        others = max(groups, key=len)
    return OTHERS if lifecycles is others and len(others) > 1 else ", ".join(f"`{name}`" for name in lifecycles)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print("\n".join(whole_table()))
