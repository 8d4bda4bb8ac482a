# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pace at which a throttled service is called. Standard library only; the clock and the sleep are handed in."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

WINDOW = 10.0
"""Seconds over which the rate is measured that the service lets through."""

SLOWEST = 0.5
"""Seconds between two calls at the most."""

PROBE = 1.05
"""How much faster than the measured rate the calls go, so that it is found when the service lets more through."""

HOPELESS_AFTER = 30.0
"""Seconds of nothing but throttling after which a throttled call is given up."""


class Pace:
    """The pace of one operation, for all threads together.

    Free until the first throttled call. From then on the calls go a little faster than the service let them through
    lately, and a hundredth faster with each success in a row: one in six to twenty is throttled, no rate is lost.
    botocore's adaptive mode lets the rate sink by 30 % at each throttled call and its standard mode lets every thread
    guess for itself; docs/benchmarks.md has all three side by side.
    """

    def __init__(self, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._throttled_since: float | None = None
        self._futile_since: float | None = None
        self._successes: deque[float] = deque()
        self._in_a_row = 0
        self._next_turn = clock()

    def await_turn(self) -> bool:
        """Sleep until the next call may be sent. Gives whether that took any time."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._next_turn)
            self._next_turn = turn + self._interval(now)
        if turn > now:
            self._sleep(turn - now)
        return turn > now

    def note(self, throttled: bool) -> None:
        """Take note of an answer."""
        with self._lock:
            now = self._clock()
            if throttled:
                self._in_a_row = 0
                self._throttled_since = now if self._throttled_since is None else self._throttled_since
                self._futile_since = now if self._futile_since is None else self._futile_since
            elif self._throttled_since is not None:
                self._in_a_row += 1
                self._futile_since = None
                self._successes.append(now)

    def is_hopeless(self) -> bool:
        """Whether nothing but throttling came back for so long that a further attempt is no use."""
        return self._futile_since is not None and self._clock() - self._futile_since >= HOPELESS_AFTER

    def _interval(self, now: float) -> float:
        if self._throttled_since is None or self.is_hopeless():
            return 0.0
        begin = max(self._throttled_since, now - WINDOW)
        while self._successes and self._successes[0] < begin:
            self._successes.popleft()
        measured = (now - begin) / max(1, len(self._successes))
        return min(SLOWEST, measured / (PROBE + self._in_a_row / 100))
