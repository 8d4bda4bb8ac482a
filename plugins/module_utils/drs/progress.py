# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Live progress of a wait: one line a look where something changed, and at least one a minute.

The module appends the lines to the file that the action plugin of the same name follows.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path

from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.iso8601 import parse_datetime
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.outcomes import Outcome
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.servers import storage_of, text_at
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.states import Goal, phase_of

FILE_VARIABLE = "DISASTER_RECOVERY_AWS_PROGRESS"
"""The environment variable that names the file."""

AT_LEAST_EVERY = 60.0
"""Seconds between two lines, where nothing changed."""

REACHED: dict[Goal, str] = {"replicating": "replicating", "continuous": "protected", "stopped": "stopped"}
UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


class Progress:
    """Writes a line about the outcomes when their states changed, or the last line is a minute old."""

    def __init__(self, goal: Goal, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._goal = goal
        self._write = write
        self._clock = clock
        self._states: list[tuple[str | None, bool]] = []
        self._written_at = 0.0

    def __call__(self, outcomes: Sequence[Outcome]) -> None:
        """Take note of a look."""
        states = [(outcome.state, outcome.end is not None) for outcome in outcomes]
        if states != self._states or self._clock() - self._written_at >= AT_LEAST_EVERY:
            self._write(progress_line(self._goal, outcomes, datetime.now(timezone.utc)))
            self._states, self._written_at = states, self._clock()


def append_to_file(line: str) -> None:
    """Append the line to the file that the environment names. One that cannot be written is none: it is only a view."""
    path = os.environ.get(FILE_VARIABLE)
    if path:
        try:
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")
        except OSError:
            pass


def progress_line(goal: Goal, outcomes: Sequence[Outcome], now: datetime) -> str:
    """How many source servers reached the goal, what the others are doing, and when the slowest one will be there."""
    meant = [outcome for outcome in outcomes if outcome.end not in ("held", "deferred")]
    pending = [outcome for outcome in meant if outcome.end is None]
    failed = sum(outcome.failed for outcome in meant)
    parts = [f"{len(meant) - len(pending) - failed}/{len(meant)} {REACHED[goal]}"]
    by_state: dict[str, list[Outcome]] = {}
    for outcome in pending:
        by_state.setdefault(outcome.state or "no state", []).append(outcome)
    parts += [_group(state, those) for state, those in sorted(by_state.items(), key=lambda item: -len(item[1]))]
    if failed:
        parts.append(f"{failed} failed")
    slowest = max(
        ((eta, outcome) for outcome in pending if (eta := _eta(outcome))), key=lambda pair: pair[0], default=None
    )
    if slowest:
        eta, outcome = slowest
        day = "" if eta.date() == now.date() else f"{eta:%Y-%m-%d} "
        parts.append(f"slowest {outcome.source_server_id} about {day}{eta:%H:%M} UTC")
    return " · ".join(parts)


def _group(state: str, outcomes: Sequence[Outcome]) -> str:
    count = f"{len(outcomes)} {state.lower().replace('_', ' ')}"
    storage = storage_of(outcome.latest for outcome in outcomes)
    if phase_of(state) != "replicating" or not storage.total:
        return count
    return f"{count}, {storage.percent}% of {_size(storage.total)}"


def _size(count: float) -> str:
    for unit in UNITS[:-1]:
        if count < 1024:
            return f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} {UNITS[-1]}"


def _eta(outcome: Outcome) -> datetime | None:
    return parse_datetime(text_at(outcome.latest, "dataReplicationInfo", "etaDateTime"))
