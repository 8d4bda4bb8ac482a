# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Live progress of a wait: a line after each poll that shows a change, and after a minute without one."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timezone

from ..resources.decisions import rule_for
from ..resources.iso8601 import parse_datetime
from ..resources.lifecycle import is_stuck
from ..resources.operations import OPERATION_FOR, OPERATIONS, Goal
from ..resources.servers import (
    error_of,
    failed_step_of,
    hostname_of,
    is_rescanning,
    storage_of,
    text_at,
)
from ..resources.states import phase_of
from ..resources.text import printable
from .outcomes import End, Outcome

AT_LEAST_EVERY = 60.0
"""Seconds after which a poll is reported even if nothing changed."""

STUCK_NAMED = 20
"""Maximum number of stuck servers named in one line."""

REACHED: dict[Goal, str] = {"replicating": "replicating", "continuous": "protected", "stopped": "stopped"}
OTHER_ENDS: tuple[End, ...] = ("failed", "held", "deferred")
RESCANNING = "continuous, rescanning"
"""What a server does that reads CONTINUOUS and is kept from being protected by a rescan."""

UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


class Progress:
    """Writes a line after a poll if the outcomes have changed or the last line is a minute old.

    A stuck server is named once when it gets stuck, and again only if its error code changes.
    """

    def __init__(self, goal: Goal, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._goal = goal
        self._write = write
        self._clock = clock
        self._shown: list[str] = []
        self._stuck: set[str] = set()
        self._written_at = 0.0

    def __call__(self, outcomes: Sequence[Outcome]) -> None:
        """Report the outcomes after a poll."""
        stuck = {stuck_name(outcome): outcome for outcome in outcomes if waits_for_help(outcome)}
        shown = [*(label(self._goal, outcome) for outcome in outcomes), *stuck]
        if shown == self._shown and self._clock() - self._written_at < AT_LEAST_EVERY:
            return
        newly_stuck = [outcome for name, outcome in stuck.items() if name not in self._stuck]
        self._write(progress_line(self._goal, outcomes, newly_stuck, datetime.now(timezone.utc)))
        self._shown, self._stuck, self._written_at = shown, set(stuck), self._clock()


def progress_line(goal: Goal, outcomes: Sequence[Outcome], newly_stuck: Sequence[Outcome], now: datetime) -> str:
    """One line: how many source servers reached the goal, what the others are doing, and the ETA of the slowest.

    newly_stuck: servers to name with their state and error code. If there is only one server, its name replaces counts.
    """
    if len(outcomes) == 1:
        return _line_of_one(goal, outcomes[0], now)
    ends = Counter(outcome.end for outcome in outcomes)
    pending = [outcome for outcome in outcomes if outcome.end is None]
    parts = [f"{ends['done']}/{len(outcomes)} {REACHED[goal]}", *_doing(goal, pending)]
    parts += [f"{ends[end]} {end}" for end in OTHER_ENDS if ends[end]]
    if newly_stuck:
        more = [f"and {len(newly_stuck) - STUCK_NAMED} more"] if len(newly_stuck) > STUCK_NAMED else []
        parts.append(", ".join([*map(stuck_name, newly_stuck[:STUCK_NAMED]), *more]))
    etas = [(eta, outcome) for outcome in pending if (eta := _eta(outcome))]
    if etas:
        eta, slowest = max(etas, key=lambda pair: pair[0])
        parts.append(f"slowest {_name(slowest)} {_shown_eta(eta, now)}")
    return " · ".join(parts)


def _doing(goal: Goal, pending: Sequence[Outcome]) -> list[str]:
    """How many servers are doing what, most frequent first."""
    groups: dict[str, list[Outcome]] = {}
    for outcome in pending:
        groups.setdefault(label(goal, outcome), []).append(outcome)
    by_size = sorted(groups.items(), key=lambda item: -len(item[1]))
    return [f"{len(group)} {what}{_share(what, group)}" for what, group in by_size]


def _line_of_one(goal: Goal, outcome: Outcome, now: datetime) -> str:
    eta = _eta(outcome)
    what = label(goal, outcome)
    parts = [_name(outcome), what + (_share(what, [outcome]) if outcome.end is None else "")]
    if waits_for_help(outcome) and (trouble := _trouble(outcome)):
        parts.append(" ".join(trouble))
    if outcome.end is None and eta:
        parts.append(_shown_eta(eta, now))
    return " · ".join(parts)


def label(goal: Goal, outcome: Outcome) -> str:
    """A short label of what a source server is doing. Servers with the same label are counted together."""
    if outcome.end is not None:
        return REACHED[goal] if outcome.end == "done" else outcome.end
    verdict = rule_for(goal, outcome.latest, outcome.state).verdict
    if outcome.changed and (verdict == "done" or verdict in OPERATIONS[OPERATION_FOR[goal]].pending):
        return f"{outcome.action} accepted"
    if verdict in OPERATIONS and outcome.action == "none":
        return "waiting for a place"
    if phase_of(outcome.state) == "protected" and is_rescanning(outcome.latest):
        return RESCANNING
    return printable(outcome.state or "no state").lower().replace("_", " ")


def waits_for_help(outcome: Outcome) -> bool:
    """Whether the run waits for a server on which no data flows until somebody intervenes."""
    return outcome.end is None and is_stuck(outcome.latest, outcome.state)


def stuck_name(outcome: Outcome) -> str:
    """The server with its state and error code, such as "s-… web1 STALLED AGENT_NOT_SEEN"."""
    return " ".join([_name(outcome), printable(outcome.state), *_trouble(outcome)])


def _trouble(outcome: Outcome) -> list[str]:
    """The error code and the failed initiation step."""
    return [printable(text) for text in (error_of(outcome.latest), failed_step_of(outcome.latest)) if text]


def _name(outcome: Outcome) -> str:
    texts = (outcome.source_server_id, hostname_of(outcome.document))
    return " ".join(printable(text) for text in texts if text)


def _share(what: str, outcomes: Sequence[Outcome]) -> str:
    """The rescanned or the replicated share of the disks; empty if these servers are doing neither."""
    storage = storage_of(outcome.latest for outcome in outcomes)
    if what == RESCANNING:
        return f", {storage.rescanned_percent}% of {_size(storage.total)}"
    if phase_of(outcomes[0].state) != "replicating" or not storage.total:
        return ""
    return f", {storage.percent}% of {_size(storage.total)}"


def _size(count: float) -> str:
    for unit in UNITS[:-1]:
        if count < 1024:
            return f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} {UNITS[-1]}"


def _eta(outcome: Outcome) -> datetime | None:
    return parse_datetime(text_at(outcome.latest, "dataReplicationInfo", "etaDateTime"))


def _shown_eta(eta: datetime, now: datetime) -> str:
    day = "" if eta.date() == now.date() else f"{eta:%Y-%m-%d} "
    return f"ETA {day}{eta:%H:%M} UTC"
