# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.iso8601 import (
    parse_datetime,
    parse_duration,
)
from ansible_collections.disaster_recovery.aws.tests.unit.ids import short_id
from hypothesis import given, settings
from hypothesis import strategies as st

properties = settings(max_examples=300, derandomize=True, database=None, deadline=None)
OTHER_TYPES: list[Any] = [None, True, 7, 1.5, [], ["2026-01-12T08:30:15Z"], {}, b"2026-01-12T08:30:15Z"]


def utc(year: int, month: int, day: int, *clock: int) -> datetime:
    hours, minutes, seconds, microseconds = (*clock, 0, 0, 0, 0)[:4]
    return datetime(year, month, day, hours, minutes, seconds, microseconds, timezone.utc)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-12T08:30:15Z", utc(2026, 1, 12, 8, 30, 15)),
        ("2026-01-12T08:30:15z", utc(2026, 1, 12, 8, 30, 15)),
        ("2026-01-12t08:30:15Z", utc(2026, 1, 12, 8, 30, 15)),
        ("2026-01-12 08:30:15Z", utc(2026, 1, 12, 8, 30, 15)),
        ("2026-01-12 08:30:15 Z", utc(2026, 1, 12, 8, 30, 15)),
        (" 2026-01-12T08:30:15Z\n", utc(2026, 1, 12, 8, 30, 15)),
        ("2026-01-12T08:30:15", utc(2026, 1, 12, 8, 30, 15)),
        ("2026-01-12T08:30", utc(2026, 1, 12, 8, 30)),
        ("2026-01-12T08:30:15.481516+00:00", utc(2026, 1, 12, 8, 30, 15, 481516)),
        ("2026-01-12T08:30:15.481516Z", utc(2026, 1, 12, 8, 30, 15, 481516)),
        ("2026-01-12T08:30:15.4Z", utc(2026, 1, 12, 8, 30, 15, 400000)),
        ("2026-01-12T08:30:15,004Z", utc(2026, 1, 12, 8, 30, 15, 4000)),
        ("2026-01-12T08:30:15.481516999999Z", utc(2026, 1, 12, 8, 30, 15, 481516)),
        ("2026-01-12T08:30:15+02:00", utc(2026, 1, 12, 6, 30, 15)),
        ("2026-01-12T08:30:15-0530", utc(2026, 1, 12, 14, 0, 15)),
        ("2026-01-12T00:30:15+01:00", utc(2026, 1, 11, 23, 30, 15)),
        ("0001-01-01T00:00:00Z", utc(1, 1, 1)),
        ("9999-12-31T23:59:59.999999Z", utc(9999, 12, 31, 23, 59, 59, 999999)),
        ("0001-01-01T01:00:00+01:00", utc(1, 1, 1)),
    ],
)
def test_a_moment_is_read_in_utc(text: str, moment: datetime) -> None:
    parsed = parse_datetime(text)
    assert parsed == moment
    assert parsed.tzinfo is timezone.utc


@pytest.mark.parametrize(
    "value",
    [
        *OTHER_TYPES,
        "",
        "soon",
        "2026-01-12",
        "08:30:15",
        "2026-13-12T08:30:15Z",
        "2026-02-30T08:30:15Z",
        "2026-01-12T25:30:15Z",
        "2026-01-12T08:30:15+99:00",
        "2026-01-12T08:30:15+24:00",
        "2026-01-12T08:30:15Z and more",
        "more 2026-01-12T08:30:15Z",
        "2026-01-12T08:30:15.Z",
        "2026-01-12T08:30:15+1",
        "2026-1-12T08:30:15Z",
        "02026-01-12T08:30:15Z",
        "\u0662\u0660\u0662\u0666-01-12T08:30:15Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T23:59:59-14:00",
        "10000-01-01T00:00:00Z",
    ],
    ids=short_id,
)
def test_an_invalid_datetime_is_none(value: Any) -> None:
    assert parse_datetime(value) is None


@properties
@given(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1), timezones=st.just(timezone.utc)))  # noqa: DTZ001
def test_every_moment_is_read_as_python_writes_it(moment: datetime) -> None:
    assert parse_datetime(moment.isoformat()) == moment
    assert parse_datetime(moment.astimezone(timezone(timedelta(hours=-9, minutes=-30))).isoformat()) == moment


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("P0D", 0),
        ("PT0S", 0),
        ("PT16H20M38.697305S", 58838.697305),
        ("P1W", 604800),
        ("P2W1D", 1296000),
        ("P1D", 86400),
        ("P1DT1S", 86401),
        ("P1DT", 86400),
        ("PT1H", 3600),
        ("PT1M", 60),
        ("PT1.5M", 90),
        ("P0.5D", 43200),
        (" PT5S\n", 5),
    ],
)
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize(
    "value",
    [
        *OTHER_TYPES,
        "",
        "P",
        "PT",
        "5",
        "5S",
        "PT5",
        "P5S",
        "PT-5S",
        "-PT5S",
        "P1Y",
        "P1M",
        "pt5s",
        "PT5S and more",
        "PT\u0665S",
        "P" + "9" * 400 + "D",
        "P999999999999D",
        "PT1,5S",
    ],
    ids=short_id,
)
def test_an_invalid_duration_is_none(value: Any) -> None:
    assert parse_duration(value) is None


@properties
@given(st.text(alphabet="PT0123456789.:+-ZWDHMS ", max_size=40) | st.text(max_size=20))
def test_any_text_can_be_parsed_without_an_exception(text: str) -> None:
    moment, seconds = parse_datetime(text), parse_duration(text)
    assert moment is None or moment.tzinfo is timezone.utc
    assert seconds is None or seconds >= 0
