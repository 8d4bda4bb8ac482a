# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Live progress of a run of drills: how many source servers are at the goal, and what the others are doing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence

from ..resources.servers import hostname_of
from ..resources.text import printable
from .drill_options import DrillGoal
from .drill_run import DrillOutcome
from .progress import AT_LEAST_EVERY, OTHER_ENDS

AT_GOAL: dict[DrillGoal, str] = {"drilled": "drilled", "absent": "without drill instances"}


class DrillProgress:
    """Writes a line after a look if the outcomes have changed or the last line is a minute old."""

    def __init__(
        self, goal: DrillGoal, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._goal = goal
        self._write = write
        self._clock = clock
        self._shown: list[str] = []
        self._written_at = 0.0

    def __call__(self, outcomes: Sequence[DrillOutcome]) -> None:
        """Report the outcomes after a look."""
        shown = [doing(self._goal, outcome) for outcome in outcomes]
        if shown == self._shown and self._clock() - self._written_at < AT_LEAST_EVERY:
            return
        self._write(drill_line(self._goal, outcomes))
        self._shown, self._written_at = shown, self._clock()


def drill_line(goal: DrillGoal, outcomes: Sequence[DrillOutcome]) -> str:
    """One line: how many are at the goal, what the others are doing, most frequent first, and the other ends.

    If there is only one server, its name replaces the counts.
    """
    if len(outcomes) == 1:
        (only,) = outcomes
        names = (only.source_server_id, hostname_of(only.latest))
        return " · ".join([" ".join(printable(name) for name in names if name), doing(goal, only)])
    ends = Counter(outcome.end for outcome in outcomes)
    pending = Counter(doing(goal, outcome) for outcome in outcomes if outcome.end is None)
    parts = [f"{ends['done']}/{len(outcomes)} {AT_GOAL[goal]}"]
    parts += [f"{number} {what}" for what, number in pending.most_common()]
    parts += [f"{ends[end]} {end}" for end in OTHER_ENDS if ends[end]]
    return " · ".join(parts)


def doing(goal: DrillGoal, outcome: DrillOutcome) -> str:
    """A short label of what a source server is doing, such as the last event of its job's log."""
    if outcome.end is not None:
        return AT_GOAL[goal] if outcome.end == "done" else outcome.end
    return outcome.detail or "waiting for a place"
