# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stops calls to a service that does not respond. Standard library only."""

from __future__ import annotations

import threading

UNANSWERED_IN_A_ROW = 20


class CircuitBreaker:
    """Opens after 20 consecutive calls without a response, and stays open. Thread-safe.

    An error returned by the service, such as AccessDeniedException, is a response.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._open = False

    @property
    def is_open(self) -> bool:
        """Whether further calls are blocked."""
        return self._open

    def record(self, answered: bool, calls: int = 1) -> None:
        """Record how a call ended, or several consecutive calls."""
        with self._lock:
            self._in_a_row = 0 if answered else self._in_a_row + calls
            self._open = self._open or self._in_a_row >= UNANSWERED_IN_A_ROW
