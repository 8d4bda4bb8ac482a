# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limits the rate of calls to a service that throttles. Standard library only.

The effect of each part in a simulation (`python -m tests.unit.test_rate_limiter`) of 300 calls from 10 threads, 50 ms
each: the time as a multiple of N/R, and the throttled calls, worst of three runs. * marks a missed test bound. "each":
limit per clock second. "any": limit in a sliding second. "back": a limit that returns after 4000 calls.

                                           no   MEASURED   MEASURED      HEAD-      PAUSE   SHORTEST      1.01,
    calls per second       current    measure    _FROM 2  _CALLS 10     ROOM 1          0         ~0       0.81
    2, bucket of 2       1.00 18%   1.00 19%   1.01 13%   1.00 18%   1.03 17%   1.00 22%   1.00 26%*  1.00 17%
    20, bucket of 1      1.18 13%   1.19 18%   1.20 10%*  1.18 13%   1.18 13%   1.18 13%   1.21 18%*  1.26 14%*
    20, bucket of 2      1.01 12%   1.00 18%    1.01 9%   1.01 12%   1.02 11%   1.01 12%   1.00 15%   1.00 12%
    20, bucket of 20     0.94 13%   0.94 18%   0.94 10%   0.94 13%   0.94 12%   0.94 13%   0.94 15%   0.94 13%
    20, bucket of 40     0.87 11%   0.87 17%    0.87 9%   0.87 11%   0.87 11%   0.87 11%   0.87 12%   0.87 12%
    20, each             1.03 16%   1.03 16%   1.03 16%   1.03 16%   1.04 16%   1.02 21%   1.02 21%   1.05 16%
    20, any              1.06 15%   1.06 15%   1.06 15%   1.06 15%   1.06 15%   1.05 20%   1.05 20%   1.07 15%
    100, bucket of 1     1.32 10%   1.29 12%   2.34 10%*  1.32 10%    1.48 9%   1.32 10%   2.25 16%*  1.35 12%
    100, bucket of 2      1.15 6%    1.03 8%    1.15 6%    1.15 6%    1.31 5%*   1.15 6%    1.51 9%*   1.11 8%
    100, bucket of 5      1.01 8%    1.01 8%    1.01 8%    1.01 8%    1.00 7%    1.01 8%   1.01 10%   1.02 10%
    100, bucket of 100    0.69 7%    0.69 7%    0.69 7%    0.69 5%    0.70 5%    0.69 7%    0.69 8%    0.69 6%
    100, each            1.13 14%   1.12 14%   1.13 14%   1.18 14%*  1.15 14%*  1.28 16%*  1.21 16%*  1.17 15%*
    100, any             1.11 10%   1.11 10%   1.11 10%   1.11 10%   1.11 10%   1.28 16%*  1.27 16%*  1.11 13%
    1, back               0.86 63    0.88 66    0.88 58    0.86 63    0.87 63    0.87 89*  0.87 153*   0.86 56
    20, back              0.88 38    0.89 58*   1.05 25*   0.88 38    1.02 35    0.88 38    0.88 48*   0.88 36

The other three constants have tests of their own. Without LONGEST_INTERVAL, which bounds how far the rate falls while
all calls are throttled, one row changes by 0.01. LATELY, which decides when Retry-After is honoured, and
EXHAUSTED_AFTER, when to give up, change none.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable

SLOWER = 0.85
FASTER = 1.005
"""Factors applied to the rate after a throttled call and a successful one. 33 successes offset one throttled call.
Further throttled calls already in flight do not count, so 6 to 18 % are throttled in total (see the table)."""

SHORTEST_INTERVAL = 0.005
LONGEST_INTERVAL = 1.0
"""Seconds between calls: SHORTEST_INTERVAL / SLOWER after the first throttled call, then never more than the longest.
Below the shortest, the limit ends."""

HEADROOM = 1.3
MEASURED_FROM = 4
MEASURED_CALLS = 20
"""After throttling, the rate is at most HEADROOM times the measured rate of the last MEASURED_CALLS successful calls,
if there were at least MEASURED_FROM."""

PAUSE = 0.05
"""Minimum seconds between calls while none succeeds, to sit out a per-second limit without lowering the rate."""

LATELY = 2.0
"""Seconds for which a successful call shows that the service still accepts calls."""

EXHAUSTED_AFTER = 30.0
"""Seconds of continuous throttling after which the rate limiter is exhausted."""


class RateLimiter:
    """Limits the call rate of one operation. Thread-safe.

    Calls are not limited until the first one is throttled. The rate then falls with each throttled call and rises with
    each successful one. docs/benchmarks.md compares this with botocore's retry modes.
    """

    def __init__(self, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        """clock: returns monotonic seconds. sleep: waits for the given seconds."""
        self._clock = clock
        self._sleep = sleep
        self._turnstile = threading.Lock()
        self._lock = threading.Lock()
        self._acquired_at = -math.inf
        self._interval = 0.0
        self._slowed_at = -math.inf
        self._passed_at = -math.inf
        self._passed: deque[float] = deque(maxlen=MEASURED_CALLS)
        self._throttled_since: float | None = None

    def acquire(self, until: float = math.inf) -> float:
        """Sleep until the next call may be sent, but not beyond `until`. Returns the current time."""
        with self._turnstile:
            seconds = min(until, self._acquired_at + self._distance()) - self._clock()
            if seconds > 0:
                self._sleep(seconds)
            self._acquired_at = self._clock()
            return self._acquired_at

    def record(self, acquired_at: float, throttled: bool) -> None:
        """Record whether the call that `acquire` admitted at `acquired_at` was throttled."""
        with self._lock:
            now = self._clock()
            if not throttled:
                self._speed_up(now)
            elif acquired_at >= self._slowed_at:  # calls sent before the rate fell say nothing about the new rate
                self._slow_down(now)

    def lets_calls_through(self) -> bool:
        """Whether a call succeeded within the last `LATELY` seconds."""
        return self._clock() - self._passed_at <= LATELY

    def is_exhausted(self) -> bool:
        """Whether all calls of the last `EXHAUSTED_AFTER` seconds were throttled."""
        return self._throttled_since is not None and self._clock() - self._throttled_since >= EXHAUSTED_AFTER

    def _distance(self) -> float:
        """Seconds between calls."""
        if self._throttled_since is None:
            return self._interval
        if self.is_exhausted():
            return 0.0
        throttled_again = self._slowed_at > self._throttled_since
        return max(self._interval, PAUSE) if throttled_again else self._interval

    def _speed_up(self, now: float) -> None:
        self._passed_at = now
        self._throttled_since = None
        self._interval /= FASTER
        self._passed.append(now)
        if self._interval < SHORTEST_INTERVAL:
            self._interval = 0.0
            self._passed.clear()

    def _slow_down(self, now: float) -> None:
        slower = max(self._interval, SHORTEST_INTERVAL) / SLOWER
        self._interval = min(LONGEST_INTERVAL, max(slower, self._measured_interval(now) / HEADROOM))
        self._slowed_at = now
        if self._throttled_since is None:
            self._throttled_since = now

    def _measured_interval(self, now: float) -> float:
        """Average seconds between recent successful calls; 0 if there were too few."""
        if len(self._passed) < MEASURED_FROM:
            return 0.0
        return (now - self._passed[0]) / (len(self._passed) - 1)
