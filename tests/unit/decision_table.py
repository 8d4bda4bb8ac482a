# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision table, read from the integration target `states`."""

from __future__ import annotations

from pathlib import Path

import yaml
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.operations import Goal, Verdict
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.rules import RULES, Rule, after_call
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.states import phase_of

GOALS: tuple[Goal, ...] = ("replicating", "continuous", "stopped")

_FILE = Path(__file__).parents[1] / "integration" / "targets" / "states" / "table.yml"
_ROWS = yaml.safe_load(_FILE.read_text(encoding="utf-8"))["table"]

TABLE: dict[str | None, dict[Goal, Verdict]] = {row["state"]: {goal: row[goal] for goal in GOALS} for row in _ROWS}
"""State and goal to the verdict. None: no state in the answer."""

ROWS = [(state, goal, verdict) for state, verdicts in TABLE.items() for goal, verdict in verdicts.items()]

WARNED = frozenset(row["state"] for row in _ROWS if row["warn"])
"""The states of which a task that starts servers warns."""


def decide(goal: Goal, state: str | None, accepted_ago: float | None = None, effect_seen: bool = False) -> Rule:
    """The rule for a state alone, after an accepted call where `accepted_ago` is given."""
    rule = RULES[goal, phase_of(state)]
    return rule if accepted_ago is None else after_call(rule, goal, state, accepted_ago, effect_seen)
