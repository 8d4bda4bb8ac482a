# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.circuit_breaker import (
    UNANSWERED_IN_A_ROW,
    CircuitBreaker,
)


def after(*answered: bool) -> CircuitBreaker:
    breaker = CircuitBreaker()
    for each in answered:
        breaker.record(answered=each)
    return breaker


@pytest.mark.parametrize(("unanswered", "is_open"), [(0, False), (1, False), (19, False), (20, True), (21, True)])
def test_it_opens_after_20_calls_in_a_row_without_an_answer(unanswered: int, is_open: bool) -> None:
    assert UNANSWERED_IN_A_ROW == 20
    assert after(*[False] * unanswered).is_open == is_open


@pytest.mark.parametrize("unanswered_before", [0, 1, 19])
def test_an_answer_starts_the_count_over(unanswered_before: int) -> None:
    assert not after(*[False] * unanswered_before, True, *[False] * 19).is_open
    assert after(*[False] * unanswered_before, True, *[False] * 20).is_open


def test_it_stays_open() -> None:
    assert after(*[False] * 20, True).is_open
    assert after(*[False] * 20, *[True] * 100).is_open


@pytest.mark.parametrize(
    ("calls", "is_open"), [([6, 6, 6], False), ([6, 6, 6, 1], False), ([6, 6, 6, 2], True), ([20], True)]
)
def test_several_calls_count_at_once(calls: list[int], is_open: bool) -> None:
    breaker = CircuitBreaker()
    for number in calls:
        breaker.record(answered=False, calls=number)
    assert breaker.is_open == is_open


def test_answered_calls_count_nothing_however_many_they_are() -> None:
    breaker = CircuitBreaker()
    breaker.record(answered=True, calls=100)
    breaker.record(answered=False)
    assert not breaker.is_open


def test_calls_of_many_threads_are_all_counted() -> None:
    breaker = CircuitBreaker()
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _call: breaker.record(answered=False), range(20)))
    assert breaker.is_open
