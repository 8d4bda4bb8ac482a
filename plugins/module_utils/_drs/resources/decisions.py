# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do about a source server, and why: decided from its whole document. Pure."""

from __future__ import annotations

from dataclasses import replace

from .lifecycle import LIFECYCLES, Lifecycle, has_launched_recovery, lifecycle_of
from .next_steps import shortcoming_of
from .operations import Goal
from .rules import RULES, Rule
from .servers import SourceServer
from .states import Phase, phase_of

STOP_LOSES: dict[Lifecycle, str] = {
    "launching": "a recovery of it is being launched, and its recovery snapshots may be the only copy",
    "failback": "a failback depends on its replication",
    "failed_over": "its recovery instance may be production, and its recovery snapshots the only copy of the source",
    "reversed": "its recovery instance may be production, and its recovery snapshots the only copy of the source",
}
"""What depends on the replication of a server in these lifecycles, those whose stop is guarded."""

FAILED_BACK_LOSES = "this copy is needed until replication is reversed from its recovery instance"
"""The same for a reversed copy that was failed back itself."""

FORCE = "set force: true to stop it all the same"


def phase_in(server: SourceServer | None, state: str | None) -> Phase:
    """The phase of the server in this state (in check mode the predicted one), by its whole document."""
    phase = phase_of(state)
    return "unsettled" if phase == "protected" and shortcoming_of(server) else phase


def rule_for(goal: Goal, server: SourceServer | None, state: str | None, force: bool = False) -> Rule:
    """The rule for the server in this state. force: whether to stop it although something may be lost."""
    rule = RULES[goal, phase_in(server, state)]
    if rule.verdict != "stop" and not rule.needs_force:
        return rule
    lifecycle = lifecycle_of(server)
    if not LIFECYCLES[lifecycle].guards_stop and not rule.needs_force:
        return rule
    loss = STOP_LOSES.get(lifecycle, rule.reason)
    if lifecycle == "failback" and has_launched_recovery(server):
        loss = FAILED_BACK_LOSES
    if force:
        return Rule("stop", f"force stops it although {loss}", warn=True, is_guard=True)
    return replace(rule, verdict="fail", reason=f"{loss}; {FORCE}", is_guard=True)
