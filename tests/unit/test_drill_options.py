# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.errors import InvalidOptions
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.drill_options import parse_drill_options

DEFAULTS: dict[str, Any] = {
    "source_server_id": "s-1234567890abcdefg",
    "source_server_ids": None,
    "filters": None,
    "exclude_filters": None,
    "state": "drilled",
    "max_age": 90,
    "min_age": 0,
    "terminate": False,
    "point_in_time": None,
    "max_in_progress": None,
    "wait": True,
    "wait_timeout": 7200,
    "wait_delay": 30,
    "job_tags": None,
    "return_source_servers": True,
}
WEB = {"hostname": "web1"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"max_age": -1}, "max_age must be from 0 to 3650 days (ten years)"),
        ({"max_age": 3651}, "max_age must be from 0 to 3650 days (ten years)"),
        ({"min_age": -1}, "min_age must be from 0 to 87600 hours (ten years)"),
        ({"terminate": True, "wait": False}, "terminate: true requires wait: true"),
        ({"point_in_time": "2026-11-23T14:05:00"}, "point_in_time takes a date and time with a zone"),
        ({"point_in_time": "2026-11-23"}, "point_in_time takes a date and time with a zone"),
        ({"point_in_time": "yesterday"}, "point_in_time takes a date and time with a zone"),
        ({"max_in_progress": 0}, "max_in_progress must be at least 1"),
        ({"wait_timeout": 0}, "wait_timeout must be from 1"),
        ({"wait_delay": 0}, "wait_delay must be from 1"),
        ({"exclude_filters": [WEB]}, "exclude_filters requires filters"),
        ({"job_tags": {"a": ["b"]}}, "job_tags: a takes a string"),
    ],
    ids=str,
)
def test_options_that_cannot_be_used_are_rejected(given: dict[str, Any], message: str) -> None:
    for check_mode in (False, True):
        with pytest.raises(InvalidOptions) as raised:
            parse_drill_options(DEFAULTS | given, check_mode)
        assert str(raised.value).startswith(message)


@pytest.mark.parametrize("text", ["2026-11-23T14:05:00Z", "2026-11-23T15:05:00+01:00", "2026-11-23 14:05+00:00", " "])
def test_a_point_in_time_has_a_zone(text: str) -> None:
    moment = parse_drill_options(DEFAULTS | {"point_in_time": text}, check_mode=False).point_in_time
    assert moment == (datetime(2026, 11, 23, 14, 5, tzinfo=timezone.utc) if text.strip() else None)


def test_the_options_of_the_other_state_are_ignored() -> None:
    given = {"terminate": True, "point_in_time": "yesterday", "max_in_progress": 3, "job_tags": {"a": 1}, "wait": False}
    absent = parse_drill_options(DEFAULTS | given | {"state": "absent"}, check_mode=False)
    assert (absent.terminate, absent.point_in_time, absent.max_in_progress, absent.job_tags) == (False, None, None, {})


def test_filters_hold_and_may_name_a_state_and_check_mode_never_waits() -> None:
    filtered = DEFAULTS | {"source_server_id": None, "filters": {"replication-state": "CONTINUOUS"}}
    options = parse_drill_options(filtered, check_mode=True)
    assert (options.holds, options.wait) == (True, False)
    assert not parse_drill_options(DEFAULTS, check_mode=False).holds
    assert parse_drill_options(DEFAULTS | {"job_tags": {"a": 1}}, check_mode=False).job_tags == {"a": "1"}
