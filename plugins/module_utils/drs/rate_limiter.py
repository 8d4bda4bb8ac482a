# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pace at which a throttled service is called. Standard library only; the clock and the sleep are handed in."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable

SLOWER_AT_FIRST = 0.7
SLOWER = 0.95
FASTER = 0.0005
"""What the first throttled call does to the rate, what each later one does, and what each success does, times the
successes in a row. They balance at one throttled call in ten."""

PROBE = 1.1
"""How much faster the calls may go after a throttled one than they came through lately."""

LATELY = 2.0
ENOUGH = 4
"""Seconds over which is seen what came through, and how many calls it takes at the least to measure a rate."""

FIRST_PAUSE = 0.03
LONGER = 1.5
"""Seconds between two calls when nothing comes through any more, and how much longer that gets each time."""

FREE = 0.0001
SLOWEST = 1.0
"""Seconds between two calls that are no pace any more, and at the most."""

HOPELESS_AFTER = 30.0
"""Seconds of nothing but throttling after which a throttled call is given up."""


class RateLimiter:
    """The pace of one operation, for all threads together.

    Free until the first throttled call. From then on it is found by small steps, slower with a throttled call and ever
    faster with successes in a row, which suits a bucket of any size and a count by the second. botocore's adaptive mode
    lets the rate sink by 30 % at each throttled call and its standard mode lets every thread guess for itself;
    docs/benchmarks.md has all three side by side.
    """

    def __init__(self, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._clock = clock
        self._sleep = sleep
        self._turnstile = threading.Lock()
        self._lock = threading.Lock()
        self._turns = 0
        self._first_turn = self._last_turn = -math.inf
        self._interval = 0.0
        self._pause = 0.0
        self._slowed_at = -math.inf
        self._in_a_row = 0
        self._passed_at = -math.inf
        self._successes: deque[float] = deque()
        self._futile_since: float | None = None

    def acquire(self, until: float = math.inf) -> float:
        """Sleep until the next call may be sent, not beyond C(until). Gives the time then, which C(note) asks for."""
        with self._turnstile:
            early = min(until, self._last_turn + self._distance()) - self._clock()
            if early > 0:
                self._sleep(early)
            self._last_turn = self._clock()
            if not self._turns:
                self._first_turn = self._last_turn
            self._turns += 1
            return self._last_turn

    def record(self, turn: float, throttled: bool) -> None:
        """Take note of the answer to the call that was sent at C(turn)."""
        with self._lock:
            now = self._clock()
            if not throttled:
                self._speed_up(now)
            elif turn >= self._slowed_at:  # the others were under way already, and tell nothing new
                self._slow_down(now)

    def lets_calls_through(self) -> bool:
        """Whether a call came through lately."""
        return self._clock() - self._passed_at <= LATELY

    def is_exhausted(self) -> bool:
        """Whether nothing but throttling came back for so long that a further attempt is no use."""
        return self._futile_since is not None and self._clock() - self._futile_since >= HOPELESS_AFTER

    def _distance(self) -> float:
        return 0.0 if self.is_exhausted() else max(self._interval, self._pause)

    def _speed_up(self, now: float) -> None:
        self._in_a_row += 1
        self._passed_at = now
        self._pause, self._futile_since = 0.0, None
        if self._interval:
            self._interval /= 1 + FASTER * self._in_a_row
            self._successes.append(now)
            if self._interval < FREE:
                self._interval = 0.0
                self._successes.clear()

    def _slow_down(self, now: float) -> None:
        if self._interval:
            interval = max(self._interval / SLOWER, self._measured(now) / PROBE)
        else:
            interval = (now - self._first_turn) / self._turns / SLOWER_AT_FIRST
        self._interval = min(SLOWEST, interval)
        if not self._in_a_row:
            self._pause = min(SLOWEST, max(FIRST_PAUSE, self._pause * LONGER))
        self._futile_since = now if self._futile_since is None else self._futile_since
        self._slowed_at, self._in_a_row = now, 0

    def _measured(self, now: float) -> float:
        """Seconds between two calls that came through lately, 0 where these were too few to tell."""
        while len(self._successes) > ENOUGH and self._successes[0] < now - LATELY:
            self._successes.popleft()
        enough = len(self._successes) >= ENOUGH
        return (now - self._successes[0]) / (len(self._successes) - 1) if enough else 0.0
