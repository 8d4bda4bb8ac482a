# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.errors import InvalidOptions
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.operations import Goal
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.options import (
    parse_max_lag,
    parse_options,
    parse_rpo,
)

DEFAULTS: dict[str, Any] = {
    "source_server_id": "s-1234567890abcdefg",
    "source_server_ids": None,
    "filters": None,
    "exclude_filters": None,
    "state": "started",
    "delete_snapshots": False,
    "force": False,
    "wait": False,
    "wait_until": "replicating",
    "wait_timeout": 3600,
    "wait_delay": 15,
    "max_in_progress": None,
    "return_source_servers": True,
}
WEB = {"hostname": "web1"}
STOPPED = {"replication-state": "STOPPED"}
STOP = {"state": "stopped", "delete_snapshots": True}
YEAR = 365 * 24 * 3600


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"state": "stopped"},
            "state: stopped permanently deletes every recovery snapshot: set delete_snapshots: true",
        ),
        ({"state": "stopped", "filters": WEB}, "state: stopped takes IDs only, never filters: name each source server"),
        ({**STOP, "filters": WEB}, "state: stopped takes IDs only, never filters: name each source server"),
        ({"max_in_progress": 0}, "max_in_progress must be at least 1"),
        ({"max_in_progress": -1}, "max_in_progress must be at least 1"),
        ({"wait_timeout": 0}, f"wait_timeout must be from 1 to {YEAR} seconds"),
        ({"wait_timeout": -5, "wait": True}, f"wait_timeout must be from 1 to {YEAR} seconds"),
        ({"wait_timeout": YEAR + 1}, f"wait_timeout must be from 1 to {YEAR} seconds"),
        ({"wait_timeout": 10**400}, f"wait_timeout must be from 1 to {YEAR} seconds"),
        ({"wait_delay": 0}, f"wait_delay must be from 1 to {YEAR} seconds"),
        ({"wait_delay": -(10**400)}, f"wait_delay must be from 1 to {YEAR} seconds"),
        ({"wait_delay": YEAR + 1}, f"wait_delay must be from 1 to {YEAR} seconds"),
        ({"exclude_filters": [WEB]}, "exclude_filters requires filters"),
        ({"wait": True, "filters": STOPPED}, "wait: true cannot be combined with replication-state"),
        ({"wait": True, "filters": {**WEB, **STOPPED}}, "wait: true cannot be combined with replication-state"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_options_that_cannot_be_combined_are_rejected(given: dict[str, Any], message: str) -> None:
    for check_mode in (False, True):
        with pytest.raises(InvalidOptions) as raised:
            parse_options(DEFAULTS | given, check_mode)
        assert str(raised.value).startswith(message)
        assert len(str(raised.value)) < 200


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"delete_snapshots": True},
        STOP,
        {**STOP, "wait": True},
        {"wait_timeout": 1, "wait_delay": 1},
        {"wait_timeout": YEAR, "wait_delay": YEAR},
        {"max_in_progress": 1},
        {"filters": STOPPED},
        {"filters": WEB, "wait": True},
        {"filters": WEB, "exclude_filters": [STOPPED]},
        {"filters": WEB, "exclude_filters": [WEB], "wait": True},
        {"filters": WEB, "exclude_filters": [STOPPED], "wait": True},
        {"filters": WEB, "exclude_filters": [WEB, {**WEB, **STOPPED}], "wait": True},
        {"exclude_filters": []},
    ],
    ids=str,
)
def test_options_that_can_be_combined_are_not_rejected(given: dict[str, Any]) -> None:
    parse_options(DEFAULTS | given, check_mode=False)


@pytest.mark.parametrize(
    ("given", "goal"),
    [
        ({}, "replicating"),
        ({"delete_snapshots": True}, "replicating"),
        ({"wait_until": "continuous"}, "continuous"),
        (STOP, "stopped"),
        ({**STOP, "wait_until": "continuous"}, "stopped"),
    ],
    ids=str,
)
def test_the_options_name_the_goal(given: dict[str, Any], goal: Goal) -> None:
    options = parse_options(DEFAULTS | given, check_mode=False)
    assert options.goal == goal
    assert (options.wait, options.check_mode, options.max_in_progress) == (False, False, None)
    assert (options.wait_timeout, options.wait_delay) == (3600, 15)


def test_the_options_of_a_wait_reach_it_and_check_mode_never_waits() -> None:
    given = {"wait": True, "wait_timeout": 600, "wait_delay": 5, "max_in_progress": 2}
    real, check = (parse_options(DEFAULTS | given, check_mode) for check_mode in (False, True))
    assert (real.wait, real.wait_timeout, real.wait_delay, real.max_in_progress) == (True, 600, 5, 2)
    assert (check.wait, check.check_mode, check.max_in_progress) == (False, True, 2)


def test_only_filters_hold_servers_and_ids_are_warned_of() -> None:
    by_id = parse_options(DEFAULTS, check_mode=False)
    by_filters = parse_options(DEFAULTS | {"source_server_id": None, "filters": WEB}, check_mode=False)
    assert (by_id.holds, by_filters.holds) == (False, True)


@pytest.mark.parametrize("rpo", [None, 600, 3600, YEAR])
def test_a_recovery_point_objective_is_taken_as_it_is(rpo: int | None) -> None:
    assert parse_rpo(rpo) == rpo


@pytest.mark.parametrize("rpo", [0, -1, 60, 599, YEAR + 1, 10**400])
def test_a_recovery_point_objective_that_would_always_be_missed_is_rejected(rpo: int) -> None:
    with pytest.raises(InvalidOptions) as raised:
        parse_rpo(rpo)
    assert str(raised.value) == (
        f"rpo must be from 600 to {YEAR} seconds (one year): DRS takes a recovery point every 10 minutes; max_lag takes"
        " shorter times"
    )


@pytest.mark.parametrize("max_lag", [None, 1, 1800, YEAR])
def test_a_longest_lag_is_taken_as_it_is(max_lag: int | None) -> None:
    assert parse_max_lag(max_lag) == max_lag


@pytest.mark.parametrize("max_lag", [0, -1, YEAR + 1])
def test_a_longest_lag_of_absurd_size_is_rejected(max_lag: int) -> None:
    with pytest.raises(InvalidOptions) as raised:
        parse_max_lag(max_lag)
    assert str(raised.value) == f"max_lag must be from 1 to {YEAR} seconds (one year)"
