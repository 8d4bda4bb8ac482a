# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The circuit breaker, on a fake clock."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.circuit_breaker import (
    PROBE_EVERY,
    UNANSWERED_IN_A_ROW,
    CircuitBreaker,
)
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import FakeClock


def after(clock: FakeClock, *answered: bool) -> CircuitBreaker:
    """A circuit breaker after calls that were answered or not."""
    breaker = CircuitBreaker(clock)
    for each in answered:
        breaker.record(answered=each)
    return breaker


@pytest.mark.parametrize(("unanswered", "is_open"), [(0, False), (1, False), (19, False), (20, True), (21, True)])
def test_it_opens_after_20_unanswered_calls_in_a_row(unanswered: int, is_open: bool) -> None:
    assert UNANSWERED_IN_A_ROW == 20
    breaker = after(FakeClock(), *[False] * unanswered)
    assert (breaker.is_open, breaker.lets_through()) == (is_open, not is_open)


@pytest.mark.parametrize("unanswered_before", [0, 1, 19])
def test_an_answer_restarts_the_count(unanswered_before: int) -> None:
    assert not after(FakeClock(), *[False] * unanswered_before, True, *[False] * 19).is_open
    assert after(FakeClock(), *[False] * unanswered_before, True, *[False] * 20).is_open


def test_an_open_breaker_lets_one_call_a_minute_through() -> None:
    clock = FakeClock()
    breaker = after(clock, *[False] * 20)
    let_through = []
    for second in range(200):
        if breaker.lets_through():
            let_through.append(second)
            breaker.record(answered=False)
        clock.pass_(1)
    assert let_through == [60, 120, 180]


def test_an_answer_closes_it() -> None:
    clock = FakeClock()
    breaker = after(clock, *[False] * 20)
    clock.pass_(PROBE_EVERY)
    assert breaker.lets_through()
    assert not breaker.lets_through(), "a second call, while the first one is still under way"
    breaker.record(answered=True)
    assert breaker.lets_through()
    assert not breaker.is_open


def test_calls_of_many_threads_are_all_counted() -> None:
    breaker = CircuitBreaker(FakeClock())
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _call: breaker.record(answered=False), range(20)))
    assert breaker.is_open
