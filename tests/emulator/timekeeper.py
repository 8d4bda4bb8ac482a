# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The time in an emulated world: moments, and the units in which timelines and jobs advance."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Timekeeper:
    """Tells the time of a world that begins now, at `birth`; `clock` gives seconds that only grow.

    A unit is a Describe, or where `step_seconds` is set, so many seconds.
    """

    def __init__(self, clock: Callable[[], float], step_seconds: float | None) -> None:
        self.clock = clock
        self.birth = datetime.now(timezone.utc)
        self._step_seconds = step_seconds
        self._began = clock()

    def moment(self) -> datetime:
        """Now, an aware datetime."""
        return self.birth + timedelta(seconds=self.clock() - self._began)

    def units(self, since: float, describes: int) -> float:
        """The units since the clock read `since`, with so many Describes; the first Describe is at unit 0."""
        return describes - 1 if self._step_seconds is None else (self.clock() - since) / self._step_seconds

    def moment_at(self, since: float, unit: float) -> datetime:
        """When that unit came, at most now: Describes have no time of their own."""
        if self._step_seconds is None:
            return self.moment()
        return self.birth + timedelta(seconds=since - self._began + unit * self._step_seconds)
