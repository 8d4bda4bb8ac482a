# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Converts and validates the options of a task. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..api.errors import InvalidOptions
from ..resources.operations import Goal
from ..resources.selection import ACCOUNT_KEYS, FILTER_KEYS, STATE_KEY, Filters, Selection, is_literal
from ..resources.servers import ACCOUNT_ID, SOURCE_SERVER_ID
from ..resources.text import listed, printable

SHORTEST_RPO = 600
LONGEST_RPO = 31_536_000
"""Seconds: the interval of recovery points, 10 minutes, and their longest retention, a year:
https://docs.aws.amazon.com/drs/latest/userguide/point-in-time.html"""

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


@dataclass(frozen=True)
class RunOptions:
    """The options of a run.

    wait_timeout, wait_delay: seconds. max_in_progress: None for no limit. force: stop a server although something may
    be lost. holds: whether to leave a server alone that appears to have been stopped on purpose (filters) or start it
    with a warning (IDs).
    """

    goal: Goal
    check_mode: bool = False
    wait: bool = False
    wait_timeout: float = math.inf
    wait_delay: float = 15.0
    max_in_progress: int | None = None
    force: bool = False
    holds: bool = False


def parse_options(params: Params, check_mode: bool) -> RunOptions:
    """The options of the run. Raises InvalidOptions for invalid values and combinations."""
    _check_goal(params)
    check_limits(params)
    check_selectors(params)
    _check_filters(params)
    return RunOptions(
        goal=GOALS[params["state"], params["wait_until"]],
        check_mode=check_mode,
        wait=params["wait"] and not check_mode,
        wait_timeout=params["wait_timeout"],
        wait_delay=params["wait_delay"],
        max_in_progress=params["max_in_progress"],
        force=params["force"],
        holds=params["filters"] is not None,
    )


def _check_goal(params: Params) -> None:
    """Raises InvalidOptions for state: stopped without what confirms it."""
    if params["state"] == "stopped" and params["filters"] is not None:
        raise InvalidOptions(
            "state: stopped takes IDs only, never filters: name each source server whose recovery snapshots may be"
            " deleted"
        )
    if params["state"] == "stopped" and not params["delete_snapshots"]:
        raise InvalidOptions(
            "state: stopped permanently deletes every recovery snapshot: set delete_snapshots: true to confirm"
        )


def check_limits(params: Params) -> None:
    """Raises InvalidOptions for a number that is out of its range."""
    if params["max_in_progress"] is not None and params["max_in_progress"] < 1:
        raise InvalidOptions("max_in_progress must be at least 1; omit it for no limit")
    for option in ("wait_timeout", "wait_delay"):
        if not 1 <= params[option] <= MOST_SECONDS:
            raise InvalidOptions(f"{option} must be from 1 to {MOST_SECONDS} seconds (one year)")


def check_selectors(params: Params) -> None:
    """Raises InvalidOptions for excluded filters without filters."""
    if params["exclude_filters"] and params["filters"] is None:
        raise InvalidOptions("exclude_filters requires filters")


def _check_filters(params: Params) -> None:
    """Raises InvalidOptions for filters that do not go with a wait."""
    if params["wait"] and STATE_KEY in (params["filters"] or {}):
        raise InvalidOptions(
            f"wait: true cannot be combined with {STATE_KEY} in filters: a second run would not wait for what the first"
            " started"
        )


def parse_selection(params: Mapping[str, Any], selectors: Sequence[str]) -> Selection | None:
    """The selection from the one selector that is set; None if none is. A null selector counts as not set.

    Raises InvalidOptions for several selectors, for an empty one (DescribeSourceServers without IDs returns every
    server), and for what parse_ids and parse_filters reject.
    """
    selector = _selector(params, selectors)
    exclude_filters = [parse_filters("exclude_filters", entry) for entry in params["exclude_filters"] or []]
    if selector == "filters":
        return Selection(filters=parse_filters("filters", params["filters"]), exclude_filters=exclude_filters)
    if selector is None:
        return Selection(exclude_filters=exclude_filters) if exclude_filters else None
    if exclude_filters:
        raise InvalidOptions(f"exclude_filters cannot be combined with {selector}")
    return Selection(source_server_ids=parse_ids(params[selector]))


def _selector(params: Mapping[str, Any], selectors: Sequence[str]) -> str | None:
    """The selector that is set; None if none is. Raises InvalidOptions for several selectors and for an empty one."""
    # mutually_exclusive of the argument spec would count an option that is null, such as one of a role, as given.
    given = [selector for selector in selectors if params[selector] is not None]
    if not given:
        return None
    if len(given) > 1:
        raise InvalidOptions(f"Give only one of {listed(given)}")
    value = params[given[0]]
    if not value or (isinstance(value, str) and not value.strip()):
        raise InvalidOptions(f"{given[0]} is empty. Name the source servers; empty never means all")
    return given[0]


def parse_ids(value: str | Sequence[str]) -> list[str]:
    """The source server IDs without surrounding whitespace and duplicates, in order.

    Raises InvalidOptions that lists all malformed IDs.
    """
    ids = list(dict.fromkeys(str(text).strip() for text in ([value] if isinstance(value, str) else value)))
    wrong = [repr(text) for text in ids if not SOURCE_SERVER_ID.fullmatch(text)]
    if wrong:
        raise InvalidOptions(f"Invalid source server IDs (expected s- and 17 letters or digits): {listed(wrong)}")
    return ids


def parse_filters(option: str, value: Any) -> Filters:
    """The filters with each value as a list of patterns. Booleans and numbers are converted as in amazon.aws.

    Raises InvalidOptions for empty filters, an unknown key, an empty list, a value that is not a string, number,
    boolean or list of these, and an account ID that is none.
    """
    if not isinstance(value, Mapping) or not value:
        raise InvalidOptions(f"{option} has an empty entry. Name the source servers; empty never means all")
    check_keys(option, value)
    filters = {key: _patterns(option, key, patterns) for key, patterns in value.items()}
    _check_accounts(option, filters)
    return filters


def _check_accounts(option: str, filters: Filters) -> None:
    """Raises InvalidOptions for a value without a wildcard that cannot be an account ID, such as 1402433619.

    YAML reads 012345670123 as that octal number: https://yaml.org/type/int.html
    """
    for key in (key for key in ACCOUNT_KEYS if key in filters):
        wrong = [repr(text) for text in filters[key] if is_literal(text) and not ACCOUNT_ID.fullmatch(text)]
        if wrong:
            raise InvalidOptions(
                f"{option}: {key} takes account IDs of 12 digits, not {listed(wrong)}: quote them, since YAML reads a"
                " number that begins with 0 as octal"
            )


def check_keys(option: str, keys: Iterable[object]) -> None:
    """Raises InvalidOptions that lists the keys that are not filter keys."""
    unknown = [key for key in keys if key not in FILTER_KEYS and not re.fullmatch(r"tag:.+", str(key), re.DOTALL)]
    if unknown:
        raise InvalidOptions(f"{option}: unknown key {listed(unknown)}; use tag:<Key>, {listed(list(FILTER_KEYS))}")


def _patterns(option: str, key: str, value: Any) -> list[str]:
    patterns = value if isinstance(value, list) else [value]
    if not patterns or not all(isinstance(pattern, (str, bool, int, float)) for pattern in patterns):
        given = printable(repr(value))
        raise InvalidOptions(f"{option}: {key} takes a string, number, boolean or a list of these, not {given}")
    return [str(pattern).lower() if isinstance(pattern, bool) else str(pattern) for pattern in patterns]


def parse_rpo(rpo: int | None) -> int | None:
    """The recovery point objective in seconds. Raises InvalidOptions unless it is from 10 minutes to one year."""
    if rpo is not None and not SHORTEST_RPO <= rpo <= LONGEST_RPO:
        raise InvalidOptions(
            f"rpo must be from {SHORTEST_RPO} to {LONGEST_RPO} seconds (one year): DRS takes a recovery point every 10"
            " minutes; max_lag takes shorter times"
        )
    return rpo


def parse_max_lag(max_lag: int | None) -> int | None:
    """The longest replication lag in seconds. Raises InvalidOptions unless it is from 1 second to one year."""
    if max_lag is not None and not 1 <= max_lag <= MOST_SECONDS:
        raise InvalidOptions(f"max_lag must be from 1 to {MOST_SECONDS} seconds (one year)")
    return max_lag


LONGEST_DRILL_AGE = 3650
"""Days."""


def parse_max_drill_age(max_drill_age: int | None) -> int | None:
    """The days for which a drill is fresh. Raises InvalidOptions unless it is from 1 day to ten years."""
    if max_drill_age is not None and not 1 <= max_drill_age <= LONGEST_DRILL_AGE:
        raise InvalidOptions(f"max_drill_age must be from 1 to {LONGEST_DRILL_AGE} days (ten years)")
    return max_drill_age
