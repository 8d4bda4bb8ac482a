# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parses the ISO 8601 dates and durations that AWS sends. Standard library only."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

# DRS sends both "2026-01-12T08:30:15Z" and "2026-01-12T08:30:15.481516+00:00". Digits beyond microseconds are dropped.
_DATETIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d+))?\s*(?:([Zz])|([+-]\d\d):?(\d\d))?", re.ASCII
)
# DRS sends, for example, "P0D" and "PT16H20M38.697305S".
_DURATION = re.compile(
    r"P(?:(?P<weeks>\d+(?:\.\d+)?)W)?(?:(?P<days>\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?",
    re.ASCII,
)


def parse_datetime(value: Any) -> datetime | None:
    """The time in UTC; None if the value is not a date and time. Without an offset, UTC is assumed."""
    match = _DATETIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    date, clock, fraction, _utc, hours, minutes = match.groups()
    offset = f"{hours}:{minutes}" if hours else "+00:00"
    try:
        moment = datetime.fromisoformat(f"{date}T{clock}{offset}").astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None
    return moment.replace(microsecond=int((fraction or "").ljust(6, "0")[:6]))


def parse_duration(value: Any) -> float | None:
    """The duration in seconds; None if the value is not a duration in weeks, days, hours, minutes and seconds."""
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    parts = {unit: float(number) for unit, number in match.groupdict().items() if number} if match else {}
    try:
        return timedelta(**parts).total_seconds() if parts else None
    except OverflowError:
        return None
