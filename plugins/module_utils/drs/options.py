# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the options of a task ask for, and which of them must not reach AWS together. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.replication import Aim
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.selection import STATE_KEY, Refusal, why_held
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.states import Goal

Params = Mapping[str, Any]

GOALS: dict[tuple[str, str], Goal] = {
    ("started", "replicating"): "replicating",
    ("started", "continuous"): "continuous",
    ("stopped", "replicating"): "stopped",
    ("stopped", "continuous"): "stopped",
}
"""The goal for C(state) and C(wait_until)."""

REFUSALS: list[tuple[Callable[[Params], bool], str]] = [
    (
        lambda params: params["state"] == "stopped" and params["filters"] is not None,
        "state: stopped takes IDs only, never filters: name each source server whose recovery snapshots may be deleted",
    ),
    (
        lambda params: params["state"] == "stopped" and not params["delete_snapshots"],
        "A stop deletes every recovery snapshot of the servers for good: set delete_snapshots: true to go on",
    ),
    (
        lambda params: params["max_starts"] is not None and params["max_starts"] < 1,
        "max_starts must be 1 or more; leave it out for no limit",
    ),
    (
        lambda params: params["wait_timeout"] < 1,
        "wait_timeout must be 1 second or more",
    ),
    (
        lambda params: params["wait_delay"] < 1,
        "wait_delay must be 1 second or more",
    ),
    (
        lambda params: params["wait"] and STATE_KEY in (params["filters"] or {}),
        f"wait: true does not go with the filter {STATE_KEY}: a second run would not wait for what the first started",
    ),
]
"""When options are refused, and the sentence for the user."""


def aim_of(params: Params, check_mode: bool) -> Aim:
    """What the module's C(params) ask for. Raises Refusal for options that do not go together."""
    for applies, reason in REFUSALS:
        if applies(params):
            raise Refusal(reason)
    return Aim(
        goal=GOALS[params["state"], params["wait_until"]],
        check_mode=check_mode,
        wait=params["wait"] and not check_mode,
        wait_timeout=params["wait_timeout"],
        wait_delay=params["wait_delay"],
        max_starts=params["max_starts"],
        why_held=None if params["filters"] is None else why_held,
    )
