# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pace, against services that limit their callers in the ways that there are."""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable
from itertools import count

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.pace import HOPELESS_AFTER, SLOWEST, Pace
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.replication import CALLS_AT_ONCE
from hypothesis import given
from hypothesis import strategies as st

from .fakes import FakeClock

Passes = Callable[[float], bool]
"""Whether a call at this time passes the limit."""

LATENCY = 0.05
JITTER = 0.002


def bucket(rate: float, size: float) -> Passes:
    """A bucket of this size, into which flow so many tokens a second."""
    level, filled_at = size, 0.0

    def passes(now: float) -> bool:
        nonlocal level, filled_at
        level, filled_at = min(size, level + (now - filled_at) * rate), now
        if level < 1:
            return False
        level -= 1
        return True

    return passes


def each_second(rate: float) -> Passes:
    """So many calls in each second of the clock."""
    second, passed = 0, 0

    def passes(now: float) -> bool:
        nonlocal second, passed
        if int(now) > second:
            second, passed = int(now), 0
        passed += 1
        return passed <= rate

    return passes


def any_second(rate: int) -> Passes:
    """So many calls in whichever second."""
    passed: deque[float] = deque(maxlen=rate)

    def passes(now: float) -> bool:
        if len(passed) == rate and passed[0] > now - 1:
            return False
        passed.append(now)
        return True

    return passes


def run(passes: Passes, calls: int, seed: int = 0) -> tuple[float, float]:
    """Get so many calls through with the threads of a run. Gives the seconds that takes, and the share throttled."""
    clock, chance = FakeClock(0.0), random.Random(seed)
    pace = Pace(clock, clock.sleep)
    order = count()
    events: list[tuple[float, int, Callable[[], None]]] = []
    open_, throttled, sent, turnstile_free_at = calls, 0, 0, 0.0

    def at(when: float, what: Callable[[], None]) -> None:
        heapq.heappush(events, (when, next(order), what))

    def jitter() -> float:
        return chance.uniform(0, JITTER)

    def queue() -> None:
        nonlocal turnstile_free_at
        if turnstile_free_at > clock.at:
            at(turnstile_free_at, queue)
            return
        turn = pace.await_turn()
        turnstile_free_at = turn
        at(turn + jitter(), lambda: arrive(turn))

    def arrive(turn: float) -> None:
        nonlocal sent, throttled
        passed = passes(clock.at)
        sent += 1
        throttled += not passed
        at(clock.at + LATENCY + jitter(), lambda: end(turn, passed))

    def end(turn: float, passed: bool) -> None:
        nonlocal open_
        pace.note(turn, throttled=not passed)
        open_ -= passed
        if open_ >= CALLS_AT_ONCE or not passed:
            queue()

    for _thread in range(CALLS_AT_ONCE):
        at(jitter(), queue)
    while open_:
        clock.at, _order, what = heapq.heappop(events)
        what()
    return clock.at, throttled / sent


# What the limit is, how many times as long as it dictates the calls may take, and the share that may be throttled.
LIMITS = {
    "2 a second, a bucket of 2": (lambda: bucket(2, 2), 2, 1.05, 0.25),
    "20 a second, a bucket of 1": (lambda: bucket(20, 1), 20, 1.2, 0.2),
    "20 a second, a bucket of 2": (lambda: bucket(20, 2), 20, 1.05, 0.2),
    "20 a second, a bucket of 20": (lambda: bucket(20, 20), 20, 1.0, 0.2),
    "20 a second, a bucket of 40": (lambda: bucket(20, 40), 20, 1.0, 0.2),
    "20 in each second": (lambda: each_second(20), 20, 1.15, 0.25),
    "20 in any second": (lambda: any_second(20), 20, 1.15, 0.25),
    "100 a second, a bucket of 1": (lambda: bucket(100, 1), 100, 1.6, 0.2),
    "100 a second, a bucket of 2": (lambda: bucket(100, 2), 100, 1.25, 0.2),
    "100 a second, a bucket of 5": (lambda: bucket(100, 5), 100, 1.05, 0.2),
    "100 a second, a bucket of 100": (lambda: bucket(100, 100), 100, 1.0, 0.2),
    "100 in each second": (lambda: each_second(100), 100, 1.15, 0.25),
    "100 in any second": (lambda: any_second(100), 100, 1.15, 0.25),
}


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS)
@pytest.mark.parametrize("seed", range(3))
def test_the_rate_of_the_limit_is_kept_and_few_calls_are_wasted(
    limit: tuple[Callable[[], Passes], int, float, float], seed: int
) -> None:
    make, rate, times, share = limit
    seconds, throttled = run(make(), 300, seed)
    assert seconds <= times * 300 / rate
    assert throttled <= share


def test_without_a_limit_nobody_waits() -> None:
    seconds, throttled = run(lambda _now: True, 300)
    assert throttled == 0
    assert seconds <= 300 / CALLS_AT_ONCE * (LATENCY + 2 * JITTER)


def test_after_a_while_without_a_limit_the_calls_are_as_quick_as_before() -> None:
    clock = FakeClock()
    pace = Pace(clock, clock.sleep)
    for turn in range(400):
        pace.note(pace.await_turn(), throttled=10 <= turn < 20)
    clock.slept.clear()
    pace.await_turn()
    assert sum(clock.slept) < 0.01


@given(st.lists(st.tuples(st.booleans(), st.floats(0.001, 5)), max_size=200))
def test_no_call_waits_longer_than_the_slowest_pace(answers: list[tuple[bool, float]]) -> None:
    clock = FakeClock()
    pace = Pace(clock, clock.sleep)
    for throttled, seconds in answers:
        turn = pace.await_turn()
        clock.pass_(seconds)
        pace.note(turn, throttled)
    assert max(clock.slept, default=0) <= SLOWEST


def test_nothing_but_throttling_is_hopeless_after_a_while_and_delays_no_call_any_more() -> None:
    clock = FakeClock()
    pace = Pace(clock, clock.sleep)
    begin = clock()
    while not pace.is_hopeless():
        turn = pace.await_turn()
        clock.pass_(LATENCY)
        pace.note(turn, throttled=True)
    assert HOPELESS_AFTER <= clock() - begin < HOPELESS_AFTER + 2
    clock.slept.clear()
    pace.note(pace.await_turn(), throttled=False)
    assert not clock.slept
    assert not pace.is_hopeless()
