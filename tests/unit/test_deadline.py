# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
import threading
import time

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.deadline import call_within


def test_the_result_of_the_call_is_returned() -> None:
    assert call_within(5, lambda: "result") == "result"
    assert call_within(5, lambda: None) is None


@pytest.mark.parametrize(
    "error", [ValueError("why"), TimeoutError("its own"), SystemExit(3), KeyboardInterrupt()], ids=repr
)
def test_the_exception_of_the_call_is_raised(error: BaseException) -> None:
    def call() -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        call_within(5, call)
    assert raised.value is error


@pytest.mark.parametrize("seconds", [0.05, 0.0, -1.0])
def test_a_call_that_takes_longer_is_abandoned(seconds: float) -> None:
    release = threading.Event()
    with pytest.raises(TimeoutError, match=r"^no answer within 0 s$") as raised:
        call_within(seconds, lambda: release.wait(0.8))
    assert raised.value.__suppress_context__
    release.set()


def test_the_seconds_are_reported_without_a_fraction() -> None:
    release = threading.Event()
    with pytest.raises(TimeoutError, match=r"^no answer within 1 s$"):
        call_within(0.6, lambda: release.wait(10))
    release.set()


def test_an_abandoned_call_does_not_keep_the_process_alive() -> None:
    release = threading.Event()
    threads: list[threading.Thread] = []

    def call() -> None:
        threads.append(threading.current_thread())
        release.wait(10)

    with pytest.raises(TimeoutError):
        call_within(0.05, call)
    assert [thread.daemon for thread in threads] == [True]
    release.set()


def test_the_call_runs_in_a_thread_of_its_own_and_none_is_left_behind() -> None:
    before = threading.active_count()
    assert call_within(60, threading.get_ident) != threading.get_ident()
    assert threading.active_count() <= before + 1
    assert math.isfinite(call_within(60, time.monotonic))
