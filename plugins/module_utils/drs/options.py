# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Converts and validates the options of a task. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.errors import InvalidOptions
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.run import RunOptions
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.selection import STATE_KEY, hold_reason
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.states import Goal

Params = Mapping[str, Any]

GOALS: dict[tuple[str, str], Goal] = {
    ("started", "replicating"): "replicating",
    ("started", "continuous"): "continuous",
    ("stopped", "replicating"): "stopped",
    ("stopped", "continuous"): "stopped",
}
"""The goal for state and wait_until."""

MOST_SECONDS = 31_536_000
"""A year."""

INVALID: list[tuple[Callable[[Params], bool], str]] = [
    (
        lambda params: params["state"] == "stopped" and params["filters"] is not None,
        "state: stopped takes IDs only, never filters: name each source server whose recovery snapshots may be deleted",
    ),
    (
        lambda params: params["state"] == "stopped" and not params["delete_snapshots"],
        "state: stopped permanently deletes every recovery snapshot: set delete_snapshots: true to confirm",
    ),
    (
        lambda params: params["max_in_progress"] is not None and params["max_in_progress"] < 1,
        "max_in_progress must be at least 1; omit it for no limit",
    ),
    (
        lambda params: not 1 <= params["wait_timeout"] <= MOST_SECONDS,
        f"wait_timeout must be from 1 to {MOST_SECONDS} seconds (one year)",
    ),
    (
        lambda params: not 1 <= params["wait_delay"] <= MOST_SECONDS,
        f"wait_delay must be from 1 to {MOST_SECONDS} seconds (one year)",
    ),
    (
        lambda params: bool(params["exclude_filters"]) and params["filters"] is None,
        "exclude_filters requires filters",
    ),
    (
        lambda params: params["wait"] and any(STATE_KEY in filters for filters in _all_filters(params)),
        f"wait: true cannot be combined with {STATE_KEY}: a second run would not wait for what the first started",
    ),
]
"""Conditions under which options are rejected, and the message for the user."""


def parse_options(params: Params, check_mode: bool) -> RunOptions:
    """The options of the run. Raises InvalidOptions for invalid values and combinations."""
    for applies, reason in INVALID:
        if applies(params):
            raise InvalidOptions(reason)
    return RunOptions(
        goal=GOALS[params["state"], params["wait_until"]],
        check_mode=check_mode,
        wait=params["wait"] and not check_mode,
        wait_timeout=params["wait_timeout"],
        wait_delay=params["wait_delay"],
        max_in_progress=params["max_in_progress"],
        hold_reason=hold_reason,
        holds=params["filters"] is not None,
    )


def _all_filters(params: Params) -> list[Mapping[str, Any]]:
    return [params["filters"] or {}, *(params["exclude_filters"] or [])]
