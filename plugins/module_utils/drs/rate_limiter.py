# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rate at which a throttled operation is called. Standard library only; the clock and the sleep are handed in.

What each constant earns, by the simulation in tests/unit/test_rate_limiter.py: 300 calls of ten threads against each
limit, the worst of three seeds. First the time as a multiple of what the limit dictates, then the throttled share in
percent. The last two rows count the calls that are wasted when a limit comes back after thousands of calls. "-measure"
is without LATELY, ENOUGH and PROBE; "two" has FASTER, and -19 % for any throttled call, and nothing else.

                                    all -AT_FIRST  -measure    -PROBE    -pause   -LONGER  -SLOWEST     -FREE       two
2 a second, a bucket of 2       1.02 20   1.02 23   1.00 35   1.06 19   1.02 33   1.02 23   1.02 20   1.02 20   1.01 20
20 a second, a bucket of 1      1.15 17   1.15 19   1.16 34   1.25 15   1.15 17   1.15 17   1.15 17   1.15 17   1.33 17
20 a second, a bucket of 2      1.00 14   1.00 16   1.00 32   1.01 12   1.00 14   1.00 14   1.00 14   1.00 14   1.03 15
20 a second, a bucket of 20     0.94 15   0.94 17   0.94 31   0.94 14   0.94 15   0.94 15   0.94 15   0.94 15   0.94 15
20 a second, a bucket of 40     0.87 13   0.87 15   0.87 31   0.87 12   0.87 13   0.87 13   0.87 13   0.87 13   0.88 15
20 in each second               1.00 20   1.00 21   0.99 33   1.01 17   1.00 34   0.99 26   1.00 20   1.00 20   1.22 23
20 in any second                1.11 18   1.12 19   1.09 30   1.12 15   1.03 33   1.04 24   1.11 18   1.11 18   1.24 18
100 a second, a bucket of 1     1.47 13   1.38 15   1.33 22   1.61 11   1.43 13   1.47 13   1.47 13   1.47 13   1.36 12
100 a second, a bucket of 2     1.23  8   1.21  9   1.03 13   1.33  7   1.23  8   1.23  8   1.23  8   1.23  8   1.06  9
100 a second, a bucket of 5     1.00 12   1.01 13   1.01 18   1.00 10   1.00 12   1.00 12   1.00 12   1.00 12   1.02 12
100 a second, a bucket of 100   0.70  7   0.70  8   0.70  8   0.69  5   0.70  7   0.70  7   0.70  7   0.70  7   0.70  5
100 in each second              1.15 12   0.89 12   1.15 12   1.15 12   0.90 24   0.92 15   1.15 12   1.14 12   1.19 14
100 in any second               1.08 15   1.07 16   1.03 23   1.10 15   0.96 25   0.98 16   1.08 15   1.08 15   1.36 32
comes back at 1                      70        79       141        70       157       111        69        22        66
comes back at 20                     34        43       101        34        34        34        34        16        40

LATELY also bounds what is remembered, and SLOWEST how long a single call waits.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable

SLOWER_AT_FIRST = 0.7
SLOWER = 0.95
FASTER = 0.0005
"""The first throttled call multiplies the rate by 0.7, each later one by 0.95, each success by 1 + 0.0005 times the
successes in a row. They balance at one throttled call in 6 to 15, by the limit."""

LATELY = 2.0
ENOUGH = 4
PROBE = 1.1
"""After a throttled call the rate is at most 1.1 times that of the successes of the last 2 seconds, 4 at the least."""

FIRST_PAUSE = 0.03
LONGER = 1.5
SLOWEST = 1.0
"""Seconds between two calls while none comes through: 0.03, then 1.5 times as long each time, at most 1."""

FREE = 0.0001
"""Seconds between two calls that are no limit any more. What was measured before is forgotten then."""

EXHAUSTED_AFTER = 30.0
"""Seconds of nothing but throttling after which a throttled call is given up."""


class RateLimiter:
    """The rate of one operation, for all threads together.

    Free until the first throttled call. From then on small steps find the rate, which suits a token bucket of any size
    and a count by the second. botocore's adaptive mode cuts the rate by 30 % at each throttled call, and its standard
    mode lets every thread guess for itself; docs/benchmarks.md has all three side by side.
    """

    def __init__(self, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._clock = clock
        self._sleep = sleep
        self._queue = threading.Lock()
        self._lock = threading.Lock()
        self._acquired = 0
        self._first_acquired_at = self._last_acquired_at = -math.inf
        self._interval = 0.0
        self._pause = 0.0
        self._slowed_at = -math.inf
        self._in_a_row = 0
        self._passed_at = -math.inf
        self._successes: deque[float] = deque()
        self._throttled_since: float | None = None

    def acquire(self, until: float = math.inf) -> float:
        """Sleep until the next call may be sent, not beyond `until`. The time then, which record() asks for."""
        with self._queue:
            early = min(until, self._last_acquired_at + self._distance()) - self._clock()
            if early > 0:
                self._sleep(early)
            self._last_acquired_at = self._clock()
            if not self._acquired:
                self._first_acquired_at = self._last_acquired_at
            self._acquired += 1
            return self._last_acquired_at

    def record(self, acquired_at: float, throttled: bool) -> None:
        """Note the answer to the call that was sent at `acquired_at`."""
        with self._lock:
            now = self._clock()
            if not throttled:
                self._speed_up(now)
            elif acquired_at >= self._slowed_at:  # a call sent before the last slowdown tells nothing new
                self._slow_down(now)

    def lets_calls_through(self) -> bool:
        """Whether a call came through lately."""
        return self._clock() - self._passed_at <= LATELY

    def is_exhausted(self) -> bool:
        """Whether nothing but throttling came back for so long that a further attempt is no use."""
        return self._throttled_since is not None and self._clock() - self._throttled_since >= EXHAUSTED_AFTER

    def _distance(self) -> float:
        return 0.0 if self.is_exhausted() else max(self._interval, self._pause)

    def _speed_up(self, now: float) -> None:
        self._in_a_row += 1
        self._passed_at, self._pause, self._throttled_since = now, 0.0, None
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
            interval = (now - self._first_acquired_at) / self._acquired / SLOWER_AT_FIRST
        self._interval = min(SLOWEST, interval)
        if not self._in_a_row:
            self._pause = min(SLOWEST, max(FIRST_PAUSE, self._pause * LONGER))
        self._throttled_since = now if self._throttled_since is None else self._throttled_since
        self._slowed_at, self._in_a_row = now, 0

    def _measured(self, now: float) -> float:
        """Seconds between two of the latest successes, 0 where there are too few to tell."""
        while len(self._successes) > ENOUGH and self._successes[0] < now - LATELY:
            self._successes.popleft()
        is_enough = len(self._successes) >= ENOUGH
        return (now - self._successes[0]) / (len(self._successes) - 1) if is_enough else 0.0
