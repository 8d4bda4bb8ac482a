# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stops calling a service that does not answer. Standard library only."""

from __future__ import annotations

import threading

UNANSWERED_IN_A_ROW = 20


class CircuitBreaker:
    """Opens after 20 calls in a row without an answer, and stays open. Safe for threads.

    An error that the service answers, such as AccessDeniedException, is an answer.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._open = False

    @property
    def is_open(self) -> bool:
        """Whether no further call may be made."""
        return self._open

    def record(self, answered: bool, calls: int = 1) -> None:
        """Note how one call ended, or so many calls in a row."""
        with self._lock:
            self._in_a_row = 0 if answered else self._in_a_row + calls
            self._open = self._open or self._in_a_row >= UNANSWERED_IN_A_ROW
