# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rate limiter against services that limit their callers in different ways.

`python -m tests.unit.test_rate_limiter` prints the table of the rate limiter's docstring.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import count

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api import rate_limiter
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.rate_limiter import RateLimiter
from hypothesis import given
from hypothesis import strategies as st

from .fakes import FakeClock

Passes = Callable[[float], bool]
"""Whether a call at this time is let through."""

THREADS = 10
CALLS = 300
LATENCY = 0.05
JITTER = 0.002


def bucket(rate: float, size: float) -> Passes:
    """A token bucket of this size, refilled with `rate` tokens a second."""
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
    """`rate` calls in each second of the clock."""
    second, passed = 0, 0

    def passes(now: float) -> bool:
        nonlocal second, passed
        if int(now) > second:
            second, passed = int(now), 0
        passed += 1
        return passed <= rate

    return passes


def any_second(rate: int) -> Passes:
    """`rate` calls in any second."""
    passed: deque[float] = deque(maxlen=rate)

    def passes(now: float) -> bool:
        if len(passed) == rate and passed[0] > now - 1:
            return False
        passed.append(now)
        return True

    return passes


def run(passes: Passes, calls: int, seed: int = 0) -> tuple[float, float]:
    """Send until this many calls came through, from several threads. Returns the seconds, and the share throttled."""
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
        acquired_at = limiter.acquire()
        turnstile_free_at = acquired_at
        at(acquired_at + jitter(), lambda: arrive(acquired_at))

    def arrive(acquired_at: float) -> None:
        nonlocal sent, throttled
        passed = passes(clock.at)
        sent += 1
        throttled += not passed
        at(clock.at + LATENCY + jitter(), lambda: end(acquired_at, passed))

    def end(acquired_at: float, passed: bool) -> None:
        nonlocal open_
        limiter.record(acquired_at, throttled=not passed)
        open_ -= passed
        if open_ >= THREADS or not passed:
            queue()

    for _thread in range(THREADS):
        at(jitter(), queue)
    while open_:
        clock.at, _order, what = heapq.heappop(events)
        what()
    return clock.at, throttled / sent


# The limit, its calls a second, the time it may take (as a multiple of N/R), and the share that may be throttled.
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

COMES_BACK: dict[str, tuple[int, int]] = {"comes back at 1 a second": (1, 80), "comes back at 20 a second": (20, 40)}
"""A limit that comes back after 4000 calls: its calls a second, and how many calls may be throttled."""

PARTS: dict[str, dict[str, float]] = {
    "no measuring": {"MEASURED_FROM": math.inf},
    "measured from 2": {"MEASURED_FROM": 2},
    "measured over 10": {"MEASURED_CALLS": 10},
    "no headroom": {"HEADROOM": 1.0},
    "no pause": {"PAUSE": 0.0},
    "first interval ~0": {"SHORTEST_INTERVAL": 1e-9},
    "+1 % / -19 %": {"FASTER": 1.01, "SLOWER": 0.81},
}
"""Variants of the rate limiter without one part, or with a constant that disables it."""


def run_limit(name: str, seed: int) -> tuple[float, float]:
    """The time, as a multiple of N/R, and the share throttled."""
    limit, rate, _times, _share = LIMITS[name]
    seconds, share = run(limit(rate), CALLS, seed)
    return seconds / (CALLS / rate), share


def run_that_comes_back(name: str, seed: int) -> tuple[float, float]:
    """The time of 100 calls after the limit came back, as a multiple of N/R, and the calls throttled meanwhile."""
    rate, _most = COMES_BACK[name]

    def comes_back_at(when: float) -> Passes:
        early, late = bucket(20, 5), bucket(rate, 5)
        return lambda now: late(now) if now > when else early(now) if 1 < now < 3 else True

    back_at, before = run(comes_back_at(math.inf), 4000, seed)
    seconds, share = run(comes_back_at(back_at), 4100, seed)
    return (seconds - back_at) / (100 / rate), 4100 * share / (1 - share) - 4000 * before / (1 - before)


BOUNDS = {name: (times, share) for name, (_limit, _rate, times, share) in LIMITS.items()}
BOUNDS |= {name: (1.05, float(most)) for name, (_rate, most) in COMES_BACK.items()}


def figures(name: str, seed: int) -> tuple[float, float]:
    """The two figures of BOUNDS."""
    return run_limit(name, seed) if name in LIMITS else run_that_comes_back(name, seed)


def is_kept(name: str, seed: int) -> bool:
    return all(figure <= bound for figure, bound in zip(figures(name, seed), BOUNDS[name], strict=True))


@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.parametrize("seed", range(3))
def test_calls_come_through_at_the_rate_of_the_limit_and_few_are_throttled(name: str, seed: int) -> None:
    times, throttled = figures(name, seed)
    most_times, most_throttled = BOUNDS[name]
    assert times <= most_times
    assert throttled <= most_throttled


@pytest.mark.parametrize("constants", PARTS.values(), ids=PARTS)
def test_each_part_is_needed_to_keep_all_bounds(constants: dict[str, float], monkeypatch: pytest.MonkeyPatch) -> None:
    for constant, value in constants.items():
        monkeypatch.setattr(rate_limiter, constant, value)
    assert not all(is_kept(name, seed) for name in BOUNDS for seed in range(3))


def send(limiter: RateLimiter, clock: FakeClock, *, throttled: bool, takes: float = LATENCY) -> None:
    """Send one call and record its answer."""
    acquired_at = limiter.acquire()
    clock.pass_(takes)
    limiter.record(acquired_at, throttled)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def limiter(clock: FakeClock) -> RateLimiter:
    return RateLimiter(clock, clock.sleep)


def test_without_a_limit_no_call_waits() -> None:
    seconds, throttled = run(lambda _now: True, CALLS)
    assert throttled == 0
    assert seconds <= CALLS / THREADS * (LATENCY + 2 * JITTER)


def test_the_intervals_after_throttling_and_after_success(limiter: RateLimiter, clock: FakeClock) -> None:
    def interval() -> float:
        clock.slept.clear()
        limiter.acquire()
        limiter.acquire()
        return clock.slept[-1] if clock.slept else 0.0

    send(limiter, clock, throttled=True)
    assert interval() == pytest.approx(0.005 / 0.85)
    send(limiter, clock, throttled=False)
    assert interval() == pytest.approx(0.005 / 0.85 / 1.005)
    send(limiter, clock, throttled=True)
    assert interval() == pytest.approx(0.005 / 0.85 / 1.005 / 0.85)
    send(limiter, clock, throttled=True)
    assert interval() == pytest.approx(0.05)
    send(limiter, clock, throttled=False)
    assert interval() == pytest.approx(0.005 / 0.85**3 / 1.005**2)


@pytest.mark.parametrize(
    ("gaps", "measured"),
    [([0.4] * 3, 0.0), ([0.4] * 4, 4 * 0.4 / 3), ([0.9] + [0.4] * 20, 20 * 0.4 / 19)],
    ids=["too few", "enough", "the last 20"],
)
def test_the_rate_falls_to_a_little_more_than_what_came_through(
    limiter: RateLimiter, clock: FakeClock, gaps: list[float], measured: float
) -> None:
    send(limiter, clock, throttled=True)
    for gap in gaps:
        send(limiter, clock, throttled=False, takes=gap)
    send(limiter, clock, throttled=True, takes=0.4)
    clock.slept.clear()
    limiter.acquire()
    limiter.acquire()
    assert clock.slept[-1] == pytest.approx(max(0.005 / 0.85 / 1.005 ** len(gaps) / 0.85, measured / 1.3))


def test_a_call_that_was_sent_before_the_rate_fell_does_not_slow_down_again(
    limiter: RateLimiter, clock: FakeClock
) -> None:
    sent = [limiter.acquire() for _call in range(5)]
    clock.pass_(LATENCY)
    for acquired_at in sent:
        limiter.record(acquired_at, throttled=True)
    limiter.acquire()
    clock.slept.clear()
    limiter.acquire()
    assert clock.slept == pytest.approx([0.005 / 0.85])


def test_a_call_that_is_sent_at_the_moment_the_rate_fell_counts(limiter: RateLimiter, clock: FakeClock) -> None:
    send(limiter, clock, throttled=True)
    send(limiter, clock, throttled=True)
    limiter.acquire()
    clock.slept.clear()
    limiter.acquire()
    assert clock.slept == pytest.approx([0.05])


def test_calls_are_not_limited_any_more_after_successes_alone(limiter: RateLimiter, clock: FakeClock) -> None:
    send(limiter, clock, throttled=True)
    clock.slept.clear()
    for _call in range(40):
        send(limiter, clock, throttled=False, takes=0)
    assert len(clock.slept) == 32
    for _call in range(4):
        send(limiter, clock, throttled=False, takes=0.4)
    send(limiter, clock, throttled=True, takes=0.4)
    limiter.acquire()
    clock.slept.clear()
    limiter.acquire()
    assert clock.slept == pytest.approx([0.005 / 0.85])


def test_no_call_waits_beyond_until(limiter: RateLimiter, clock: FakeClock) -> None:
    assert limiter.acquire(clock() - 1) == clock() == 1000
    for _call in range(40):
        send(limiter, clock, throttled=True)
    begin = limiter.acquire()
    assert limiter.acquire(begin + 0.25) == clock() == pytest.approx(begin + 0.25)
    assert limiter.acquire() == clock() == pytest.approx(begin + 1.25)


@given(st.lists(st.tuples(st.booleans(), st.floats(0.001, 5)), max_size=200))
def test_no_call_waits_longer_than_a_second(answers: list[tuple[bool, float]]) -> None:
    clock = FakeClock()
    limiter = RateLimiter(clock, clock.sleep)
    for throttled, seconds in answers:
        send(limiter, clock, throttled=throttled, takes=seconds)
    assert max(clock.slept, default=0) <= 1.0 + 1e-6


def test_it_lets_calls_through_until_two_seconds_after_a_success(limiter: RateLimiter, clock: FakeClock) -> None:
    assert not limiter.lets_calls_through()
    send(limiter, clock, throttled=False)
    clock.pass_(2.0)
    assert limiter.lets_calls_through()
    clock.pass_(0.01)
    assert not limiter.lets_calls_through()


def test_it_is_exhausted_after_30_s_of_throttling_and_then_delays_no_call(
    limiter: RateLimiter, clock: FakeClock
) -> None:
    assert not limiter.is_exhausted()
    send(limiter, clock, throttled=True)
    clock.pass_(20)
    send(limiter, clock, throttled=True)
    clock.pass_(10 - LATENCY - 0.01)
    assert not limiter.is_exhausted()
    clock.pass_(0.01 + 1e-6)
    assert limiter.is_exhausted()
    clock.slept.clear()
    limiter.acquire()
    send(limiter, clock, throttled=False)
    assert not clock.slept
    assert not limiter.is_exhausted()


def print_table() -> None:
    """The worst of three seeds: the time as a multiple of N/R, and what was throttled; * where a bound is missed."""
    columns: dict[str, dict[str, float]] = {"as it is": {}, **PARTS}
    print(f"{'':28}" + "".join(f"{title:>18}" for title in columns))
    for name in BOUNDS:
        cells = []
        for constants in columns.values():
            with pytest.MonkeyPatch.context() as monkeypatch:
                for constant, value in constants.items():
                    monkeypatch.setattr(rate_limiter, constant, value)
                worst = [max(each) for each in zip(*(figures(name, seed) for seed in range(3)), strict=True)]
                missed = "" if all(is_kept(name, seed) for seed in range(3)) else "*"
            throttled = f"{worst[1]:.0%}" if name in LIMITS else f"{worst[1]:.0f}"
            cells.append(f"{worst[0]:.2f} {throttled}{missed}")
        print(f"{name:28}" + "".join(f"{cell:>18}" for cell in cells))


if __name__ == "__main__":
    print_table()
