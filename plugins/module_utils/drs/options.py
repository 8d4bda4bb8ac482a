# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the options of a task ask for, and which of them must not reach AWS together. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.replication import Aim
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.selection import Refusal, why_held
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.states import Goal

Params = Mapping[str, Any]

GOALS: dict[str, Goal] = {"started": "replicating", "stopped": "stopped"}

REFUSALS: list[tuple[Callable[[Params], bool], str]] = [
    (
        lambda params: params["state"] == "stopped" and params["filters"] is not None,
        "state: stopped takes IDs only, never filters: name each source server whose recovery snapshots may be deleted",
    ),
    (
        lambda params: params["state"] == "stopped" and not params["delete_snapshots"],
        "a stop deletes every recovery snapshot of the servers for good: set delete_snapshots: true to go on",
    ),
    (
        lambda params: params["max_starts"] is not None and params["max_starts"] < 1,
        "max_starts must be 1 or more; leave it out for no limit",
    ),
]
"""When options are refused, and the sentence for the user."""


def aim_of(params: Params, check_mode: bool) -> Aim:
    """What the module's C(params) ask for. Raises Refusal for options that do not go together."""
    for applies, reason in REFUSALS:
        if applies(params):
            raise Refusal(reason)
    return Aim(
        goal=GOALS[params["state"]],
        check_mode=check_mode,
        max_starts=params["max_starts"],
        why_held=None if params["filters"] is None else why_held,
    )
