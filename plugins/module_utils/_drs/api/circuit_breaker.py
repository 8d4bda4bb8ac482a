# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stops calls to a service that does not respond. Standard library only."""

from __future__ import annotations

import threading
from collections.abc import Callable

UNANSWERED_IN_A_ROW = 20

PROBE_EVERY = 60.0
"""Seconds between calls let through while the breaker is open."""


class CircuitBreaker:
    """Opens after 20 consecutive calls without a response. Thread-safe.

    While it is open, one call a minute is let through, and the first response closes it. An error returned by the
    service, such as AccessDeniedException, is a response.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """clock: returns monotonic seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._probed_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether calls are blocked, apart from one a minute."""
        return self._in_a_row >= UNANSWERED_IN_A_ROW

    def lets_through(self) -> bool:
        """Whether a call may be sent. If the breaker is open, this is the call of the next minute."""
        with self._lock:
            if not self.is_open:
                return True
            if self._clock() - self._probed_at < PROBE_EVERY:
                return False
            self._probed_at = self._clock()
            return True

    def record(self, answered: bool) -> None:
        """Record how a call ended."""
        with self._lock:
            was_open = self.is_open
            self._in_a_row = 0 if answered else self._in_a_row + 1
            if self.is_open and not was_open:
                self._probed_at = self._clock()
