# Copyright: Contributors to the Ansible project
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
from hypothesis import example, given, settings
from hypothesis import strategies as st

properties = settings(max_examples=300, derandomize=True, database=None, deadline=None)
OTHER_TYPES: list[Any] = [None, True, 7, 1.5, {}, ["2026-01-12T08:30:15Z"], b"2026-01-12T08:30:15Z", ["PT5S"], b"PT5S"]

NO_DATETIMES = [
    *OTHER_TYPES,
    "",
    "2026-01-12",
    "08:30:15",
    "2026-13-12T08:30:15Z",
    "2026-02-30T08:30:15Z",
    "2026-01-12T25:30:15Z",
    "2026-01-12T08:30:15+24:00",
    "2026-01-12T08:30:15Z and more",
    "more 2026-01-12T08:30:15Z",
    "2026-01-12T08:30:15.Z",
    "2026-01-12T08:30:15+1",
    "2026-1-12T08:30:15Z",
    "02026-01-12T08:30:15Z",
    "\u0662\u0660\u0662\u0666-01-12T08:30:15Z",
    "0000-01-01T00:00:00Z",
]

NO_DURATIONS = [
    *OTHER_TYPES,
    "",
    "P",
    "PT",
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
]


@pytest.mark.parametrize(
    ("text", "second", "microsecond"),
    [
        ("2026-01-12T08:30:15Z", 15, 0),
        ("2026-01-12T08:30:15.481516+00:00", 15, 481516),
        ("2026-01-12t08:30:15z", 15, 0),
        (" 2026-01-12 08:30:15 Z\n", 15, 0),
        ("2026-01-12T08:30", 0, 0),
        ("2026-01-12T08:30:15.4Z", 15, 400000),
        ("2026-01-12T08:30:15,004", 15, 4000),
        ("2026-01-12T08:30:15.481516999999Z", 15, 481516),
    ],
)
def test_a_moment_may_be_written_in_many_ways(text: str, second: int, microsecond: int) -> None:
    assert parse_datetime(text) == datetime(2026, 1, 12, 8, 30, second, microsecond, timezone.utc)


@properties
@given(st.datetimes(), st.integers(-1439, 1439), st.sampled_from(["", ":"]))
@example(datetime.min, 0, ":")  # noqa: DTZ901
@example(datetime.min, 1, ":")  # noqa: DTZ901
@example(datetime.max, 0, ":")  # noqa: DTZ901
@example(datetime.max, -1, ":")  # noqa: DTZ901
def test_an_offset_is_subtracted_and_a_moment_that_has_no_year_in_utc_is_none(
    local: datetime, offset: int, colon: str
) -> None:
    hours, minutes = divmod(abs(offset), 60)
    parsed = parse_datetime(f"{local.isoformat()}{'-' if offset < 0 else '+'}{hours:02}{colon}{minutes:02}")
    try:
        assert parsed == (local - timedelta(minutes=offset)).replace(tzinfo=timezone.utc)
    except OverflowError:
        assert parsed is None
    assert parsed is None or parsed.tzinfo is timezone.utc


@properties
@given(st.tuples(*[st.none() | st.integers(0, 999) | st.sampled_from([0.5, 38.697305])] * 5).filter(any))
def test_the_units_of_a_duration_are_added(amounts: tuple[float | None, ...]) -> None:
    weeks, days, hours, minutes, seconds = (
        "" if amount is None else f"{amount}{unit}" for amount, unit in zip(amounts, "WDHMS", strict=True)
    )
    units = zip(("weeks", "days", "hours", "minutes", "seconds"), amounts, strict=True)
    expected = timedelta(**{unit: amount for unit, amount in units if amount}).total_seconds()
    assert parse_duration(f" P{weeks}{days}T{hours}{minutes}{seconds}\n") == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "seconds"), [("P0D", 0), ("PT16H20M38.697305S", 58838.697305), ("P2W1D", 1296000), ("P1DT", 86400)]
)
def test_a_duration_needs_no_unit_that_it_does_not_use(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds, abs=1e-6)


def test_what_is_neither_a_moment_nor_a_duration_is_none() -> None:
    assert [value for value in NO_DATETIMES if parse_datetime(value) is not None] == []
    assert [value for value in NO_DURATIONS if parse_duration(value) is not None] == []


@properties
@given(st.text(alphabet="PT0123456789.:+-ZWDHMS ", max_size=40) | st.text(max_size=20))
def test_any_text_can_be_parsed_without_an_exception(text: str) -> None:
    moment, seconds = parse_datetime(text), parse_duration(text)
    assert moment is None or moment.tzinfo is timezone.utc
    assert seconds is None or seconds >= 0
