# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Converts and validates the options of a drill. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from ..api.errors import InvalidOptions
from ..resources.iso8601 import parse_datetime
from ..resources.text import printable
from .options import LONGEST_DRILL_AGE, Params, check_limits, check_selectors

DrillGoal = Literal["drilled", "absent"]

HOURS = 24

_ZONE = re.compile(r"(?:[Zz]|[+-]\d\d:?\d\d)\Z")


@dataclass(frozen=True)
class DrillOptions:
    """The options of a run.

    max_age: days. min_age: hours. wait_timeout, wait_delay: seconds. max_in_progress: None for no limit. point_in_time:
    timezone-aware, None for the latest data. holds: whether to leave a server alone on which production may depend
    (filters) or fail it (IDs).
    """

    goal: DrillGoal = "drilled"
    check_mode: bool = False
    max_age: int = 90
    min_age: int = 0
    terminate: bool = False
    point_in_time: datetime | None = None
    max_in_progress: int | None = None
    wait: bool = True
    wait_timeout: float = math.inf
    wait_delay: float = 30.0
    job_tags: Mapping[str, str] = field(default_factory=dict)
    holds: bool = False


def parse_drill_options(params: Params, check_mode: bool) -> DrillOptions:
    """The options of the run. Raises InvalidOptions for invalid values and combinations.

    Options of the other state are ignored.
    """
    check_limits(params)
    check_selectors(params)
    drills = params["state"] == "drilled"
    _check_age("max_age", params["max_age"], LONGEST_DRILL_AGE, "days")
    _check_age("min_age", params["min_age"], LONGEST_DRILL_AGE * HOURS, "hours")
    if drills and params["terminate"] and not params["wait"]:
        raise InvalidOptions("terminate: true requires wait: true, since only a drill that ended can be terminated")
    return DrillOptions(
        goal=params["state"],
        check_mode=check_mode,
        max_age=params["max_age"],
        min_age=params["min_age"],
        terminate=drills and params["terminate"],
        point_in_time=_moment(params["point_in_time"]) if drills else None,
        max_in_progress=params["max_in_progress"] if drills else None,
        wait=params["wait"] and not check_mode,
        wait_timeout=params["wait_timeout"],
        wait_delay=params["wait_delay"],
        job_tags=_tags(params["job_tags"]) if drills else {},
        holds=params["filters"] is not None,
    )


def _check_age(option: str, age: int, longest: int, unit: str) -> None:
    """Raises InvalidOptions for an age that is out of its range."""
    if not 0 <= age <= longest:
        raise InvalidOptions(f"{option} must be from 0 to {longest} {unit} (ten years)")


def _moment(text: str | None) -> datetime | None:
    """The point in time; None if it is not set or empty. Raises InvalidOptions unless it has a time zone."""
    if text is None or not text.strip():
        return None
    moment = parse_datetime(text)
    if moment is None or not _ZONE.search(text.strip()):
        example = "2026-11-23T14:05:00Z"
        raise InvalidOptions(
            f"point_in_time takes a date and time with a zone, such as {example}, not {printable(repr(text))}"
        )
    return moment


def _tags(tags: Mapping[str, Any] | None) -> dict[str, str]:
    """The tags of the jobs. Raises InvalidOptions for a value that is neither a string, a number nor a boolean."""
    wrong = [key for key, value in (tags or {}).items() if not isinstance(value, (str, int, float))]
    if wrong:
        raise InvalidOptions(f"job_tags: {printable(str(wrong[0]))} takes a string")
    return {str(key): str(value) for key, value in (tags or {}).items()}
