# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls with a hard time limit, whatever their socket does. Standard library only."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

Result = TypeVar("Result")


def call_within(seconds: float, call: Callable[[], Result]) -> Result:
    """Return or raise what the call does. After `seconds`, abandons it and raises TimeoutError.

    A read timeout limits each read, not the whole response: an occasional byte keeps a request alive forever. The
    abandoned thread is a daemon, so it does not keep the process alive.
    """
    results: SimpleQueue[tuple[bool, Result | BaseException]] = SimpleQueue()

    def work() -> None:
        try:
            results.put((True, call()))
        except BaseException as error:
            results.put((False, error))

    threading.Thread(target=work, daemon=True).start()
    try:
        returned, result = results.get(timeout=max(0.0, seconds))
    except Empty:
        raise TimeoutError(f"no answer within {max(0.0, seconds):.0f} s") from None
    if returned:
        return result  # type: ignore[return-value]
    raise result  # type: ignore[misc]
