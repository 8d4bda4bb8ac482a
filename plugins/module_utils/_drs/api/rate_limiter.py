# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limits the rate of calls to a service that throttles. Standard library only.

`tests/unit/test_rate_limiter.py` states what a user would notice, and shows by simulation that no part can go.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

SLOWER = 0.85
FASTER = 1.005
"""Factors applied to the rate after a throttled call and a successful one. 33 successes offset one throttled call."""

FIRST_INTERVAL = 0.005
LONGEST_INTERVAL = 2.0
"""Seconds between calls: FIRST_INTERVAL / SLOWER after the first throttled call, then never more than the longest."""

PAUSE = 0.05
"""Minimum seconds between calls while none succeeds, since a limit may let calls through only once a second."""

RECOVERY = 1.5
QUIET = 3.0
"""After a time in which all calls were throttled, the factor for a successful call is RECOVERY, up to the rate before.
It applies once no call was throttled for QUIET seconds, since a limit per second throttles some in every second."""

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
        self._interval_before = 0.0
        self._slowed_at = -math.inf
        self._passed_at = -math.inf
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
        recovers = self._interval > self._interval_before and now - self._slowed_at >= QUIET
        self._interval /= RECOVERY if recovers else FASTER

    def _slow_down(self, now: float) -> None:
        self._interval = min(LONGEST_INTERVAL, max(self._interval, FIRST_INTERVAL) / SLOWER)
        self._slowed_at = now
        if self._throttled_since is None:
            self._throttled_since = now
            self._interval_before = self._interval
