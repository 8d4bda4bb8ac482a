# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rate limiter, against services that limit their callers in the ways that there are."""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import count

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.api import CALLS_AT_ONCE
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.rate_limiter import (
    EXHAUSTED_AFTER,
    SLOWEST,
    RateLimiter,
)
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import FakeClock
from hypothesis import given
from hypothesis import strategies as st

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
    limiter = RateLimiter(clock, clock.sleep)
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
        turn = limiter.acquire()
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
        limiter.record(turn, throttled=not passed)
        open_ -= passed
        if open_ >= CALLS_AT_ONCE or not passed:
            queue()

    for _thread in range(CALLS_AT_ONCE):
        at(jitter(), queue)
    while open_:
        clock.at, _order, what = heapq.heappop(events)
        what()
    return clock.at, throttled / sent


# The limit, calls a second, how many times as long as they dictate it may take, and the share that may be throttled.
LIMITS: dict[str, tuple[Callable[[int], Passes], int, float, float]] = {
    "2 a second, a bucket of 2": (partial(bucket, size=2), 2, 1.05, 0.25),
    "20 a second, a bucket of 1": (partial(bucket, size=1), 20, 1.2, 0.2),
    "20 a second, a bucket of 2": (partial(bucket, size=2), 20, 1.05, 0.2),
    "20 a second, a bucket of 20": (partial(bucket, size=20), 20, 1.0, 0.2),
    "20 a second, a bucket of 40": (partial(bucket, size=40), 20, 1.0, 0.2),
    "20 in each second": (each_second, 20, 1.15, 0.25),
    "20 in any second": (any_second, 20, 1.15, 0.25),
    "100 a second, a bucket of 1": (partial(bucket, size=1), 100, 1.6, 0.2),
    "100 a second, a bucket of 2": (partial(bucket, size=2), 100, 1.25, 0.2),
    "100 a second, a bucket of 5": (partial(bucket, size=5), 100, 1.05, 0.2),
    "100 a second, a bucket of 100": (partial(bucket, size=100), 100, 1.0, 0.2),
    "100 in each second": (each_second, 100, 1.15, 0.25),
    "100 in any second": (any_second, 100, 1.15, 0.25),
}


@pytest.mark.parametrize(("limit", "rate", "times", "share"), LIMITS.values(), ids=LIMITS)
@pytest.mark.parametrize("seed", range(3))
def test_the_rate_of_the_limit_is_kept_and_few_calls_are_wasted(
    limit: Callable[[int], Passes], rate: int, times: float, share: float, seed: int
) -> None:
    seconds, throttled = run(limit(rate), 300, seed)
    assert seconds <= times * 300 / rate
    assert throttled <= share


@pytest.mark.parametrize(("rate", "most"), [(1, 80), (20, 40)])
@pytest.mark.parametrize("seed", range(3))
def test_a_limit_that_comes_back_after_thousands_of_calls_is_found_again(rate: int, most: int, seed: int) -> None:
    def comes_back_at(when: float) -> Passes:
        early, late = bucket(20, 5), bucket(rate, 5)
        return lambda now: late(now) if now > when else early(now) if 1 < now < 3 else True

    back_at, before = run(comes_back_at(math.inf), 4000, seed)
    seconds, share = run(comes_back_at(back_at), 4100, seed)
    wasted = 4100 * share / (1 - share) - 4000 * before / (1 - before)
    assert seconds - back_at <= 1.05 * 100 / rate
    assert wasted <= most


def test_without_a_limit_nobody_waits() -> None:
    seconds, throttled = run(lambda _now: True, 300)
    assert throttled == 0
    assert seconds <= 300 / CALLS_AT_ONCE * (LATENCY + 2 * JITTER)


def test_after_a_while_without_a_limit_the_calls_are_as_quick_as_before() -> None:
    clock = FakeClock()
    limiter = RateLimiter(clock, clock.sleep)

    def seconds_waited(calls: int, throttled: bool) -> float:
        clock.slept.clear()
        for _call in range(calls):
            turn = limiter.acquire()
            clock.pass_(LATENCY)
            limiter.record(turn, throttled)
            clock.pass_(-LATENCY)  # the others send meanwhile
        return sum(clock.slept)

    seconds_waited(10, throttled=False)
    seconds_waited(20, throttled=True)
    assert seconds_waited(10, throttled=False) > 1
    seconds_waited(400, throttled=False)
    assert seconds_waited(10, throttled=False) < 0.01


@given(st.lists(st.tuples(st.booleans(), st.floats(0.001, 5)), max_size=200))
def test_no_call_waits_longer_than_the_slowest_pace(answers: list[tuple[bool, float]]) -> None:
    clock = FakeClock()
    limiter = RateLimiter(clock, clock.sleep)
    for throttled, seconds in answers:
        turn = limiter.acquire()
        clock.pass_(seconds)
        limiter.record(turn, throttled)
    assert max(clock.slept, default=0) <= SLOWEST


def test_nothing_but_throttling_is_exhausted_after_a_while_and_delays_no_call_any_more() -> None:
    clock = FakeClock()
    limiter = RateLimiter(clock, clock.sleep)
    begin = clock()
    while not limiter.is_exhausted():
        turn = limiter.acquire()
        clock.pass_(LATENCY)
        limiter.record(turn, throttled=True)
    assert EXHAUSTED_AFTER <= clock() - begin < EXHAUSTED_AFTER + 2
    clock.slept.clear()
    limiter.record(limiter.acquire(), throttled=False)
    assert not clock.slept
    assert not limiter.is_exhausted()
