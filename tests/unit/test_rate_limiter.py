# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rate limiter against services that limit their callers in different ways.

`python -m tests.unit.test_rate_limiter` prints what a batch takes at each limit, with the rate limiter as it is and
without each of its parts.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api import rate_limiter
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.rate_limiter import RateLimiter
from hypothesis import given
from hypothesis import strategies as st

from .fakes import FakeClock

# What a user would notice. No bound comes from a measurement of the rate limiter.
TIMES = 1.15
"""A batch of N calls at a limit of R a second takes N/R seconds; 15 % more is the goal of docs/benchmarks.md."""
THROTTLED = 0.2
"""The share of the calls that may be throttled, also a goal there: they fill CloudTrail and take the capacity of other
callers, since AWS limits calls per account and region."""
CATCHING_UP = 10.0
"""Seconds that a batch may lose to an interruption, in which all calls are throttled, on top of its length."""
GIVING_UP = 60.0
"""Seconds until a batch whose calls are all throttled ends, so that the user is told."""

Passes = Callable[[float], bool]
"""Whether a call at this time is let through."""

THREADS = 10
CALLS = 300
LATENCY = 0.05
JITTER = 0.002
LONGEST_RUN = 600.0


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


def interrupted(limit: Passes, begin: float, end: float) -> Passes:
    """The limit, with an interruption in which no call is let through."""
    return lambda now: not begin <= now < end and limit(now)


def none(_now: float) -> bool:
    """No call is let through."""
    return False


@dataclass(frozen=True)
class Batch:
    """What a batch took: seconds, the share of the calls that were throttled, and calls given up."""

    seconds: float
    throttled: float
    lost: int


def run(passes: Passes, retry_after: float = 0.0, seed: int = 0, limited_by: type[RateLimiter] = RateLimiter) -> Batch:
    """Send a batch from several threads, as `DrsApi` does. retry_after: seconds that a throttled call is told."""
    clock, chance = FakeClock(0.0), random.Random(seed)
    limiter = limited_by(clock, clock.sleep)
    order = count()
    events: list[tuple[float, int, Callable[[], None]]] = []
    open_, throttled, sent, lost, turnstile_free_at = CALLS, 0, 0, 0, 0.0

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
        nonlocal open_, lost
        limiter.record(acquired_at, throttled=not passed)
        gives_up = not passed and limiter.is_exhausted()
        lost += gives_up
        is_done = passed or gives_up
        open_ -= is_done
        pause = 0.0 if is_done or limiter.lets_calls_through() else retry_after
        if open_ >= THREADS or not is_done:
            at(clock.at + pause, queue)

    for _thread in range(THREADS):
        at(jitter(), queue)
    while open_ and clock.at < LONGEST_RUN:
        clock.at, _order, what = heapq.heappop(events)
        what()
    return Batch(clock.at, throttled / sent, lost)


@dataclass(frozen=True)
class Limit:
    """A limit and its bounds. most_seconds, most_throttled, most_lost: bounds of the three figures of `Batch`.

    retry_after: retryAfterSeconds of a throttled call, which DRS documents (API reference, ThrottlingException).
    """

    passes: Callable[[], Passes]
    most_seconds: float
    most_throttled: float = THROTTLED
    most_lost: int = 0
    retry_after: float = 0.0

    def is_kept_by(self, batch: Batch) -> bool:
        """Whether the batch is within the bounds."""
        return (
            batch.seconds <= self.most_seconds
            and batch.throttled <= self.most_throttled
            and batch.lost <= self.most_lost
        )


def bucket_of(size: float, rate: float) -> Limit:
    """A token bucket with its bounds."""
    return Limit(partial(bucket, rate, size), TIMES * CALLS / rate)


def interruption(rate: float, begin: float, end: float) -> Limit:
    """A token bucket of one second, with an interruption. All calls that find out whether it is over are throttled, so
    their share has no bound."""
    most_seconds = TIMES * CALLS / rate + end - begin + CATCHING_UP
    return Limit(lambda: interrupted(bucket(rate, rate), begin, end), most_seconds, most_throttled=1.0)


# AWS does not publish the limits of DRS. EC2 has token buckets that are refilled each second, such as 5 tokens and 2 a
# second for StartInstances, 10 and 1 for CreateNatGateway, 50 and 5 for most calls that change something, 100 and 20
# for most calls that read (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html). We assume the same
# kinds here. A bucket of 1 has no goal, as in docs/benchmarks.md.
LIMITS: dict[str, Limit] = {
    "1 a second, a bucket of 10": bucket_of(10, 1),
    "2 a second, a bucket of 2": bucket_of(2, 2),
    "2 a second, a bucket of 5": bucket_of(5, 2),
    "5 a second, a bucket of 50": bucket_of(50, 5),
    "20 a second, a bucket of 2": bucket_of(2, 20),
    "20 a second, a bucket of 5": bucket_of(5, 20),
    "20 a second, a bucket of 20": bucket_of(20, 20),
    "20 a second, a bucket of 100": bucket_of(100, 20),
    "100 a second, a bucket of 2": bucket_of(2, 100),
    "100 a second, a bucket of 5": bucket_of(5, 100),
    "100 a second, a bucket of 100": bucket_of(100, 100),
    "5 in each second": Limit(partial(each_second, 5), TIMES * CALLS / 5),
    "20 in each second": Limit(partial(each_second, 20), TIMES * CALLS / 20),
    "100 in each second": Limit(partial(each_second, 100), TIMES * CALLS / 100),
    "20 in any second": Limit(partial(any_second, 20), TIMES * CALLS / 20),
    "100 in any second": Limit(partial(any_second, 100), TIMES * CALLS / 100),
    "100 in each second, retry after 3": Limit(partial(each_second, 100), TIMES * CALLS / 100, retry_after=3.0),
    "20 a second, none for 5 s": interruption(20, 3, 8),
    "20 a second, none for 25 s": interruption(20, 3, 28),
    "20 a second, none at first": interruption(20, 0, 10),
    "100 a second, none at first": interruption(100, 0, 5),
    "none": Limit(lambda: none, GIVING_UP, most_throttled=1.0, most_lost=CALLS),
}

SEEDS = range(3)


class CountsCallsInFlight(RateLimiter):
    """Slows down after each throttled call, also after one that was sent before the rate fell."""

    def record(self, acquired_at: float, throttled: bool) -> None:
        super().record(math.inf if throttled else acquired_at, throttled)


@dataclass(frozen=True)
class Without:
    """The rate limiter without one part: another class, or constants that disable it. breaks: a limit that needs it."""

    breaks: str
    constants: Mapping[str, float] = field(default_factory=dict)
    limited_by: type[RateLimiter] = RateLimiter


PARTS: dict[str, Without] = {
    "calls in flight": Without("100 in each second", limited_by=CountsCallsInFlight),
    "FIRST_INTERVAL": Without("2 a second, a bucket of 5", {"FIRST_INTERVAL": 1e-9}),
    "LONGEST_INTERVAL": Without("20 a second, none for 25 s", {"LONGEST_INTERVAL": math.inf}),
    "PAUSE": Without("100 in each second", {"PAUSE": 0.0}),
    "RECOVERY": Without("20 a second, none for 5 s", {"RECOVERY": rate_limiter.FASTER}),
    "QUIET": Without("20 in each second", {"QUIET": 0.0}),
    "LATELY": Without("100 in each second, retry after 3", {"LATELY": -1.0}),
    "EXHAUSTED_AFTER": Without("none", {"EXHAUSTED_AFTER": math.inf}),
}


def batches(limit: Limit, without: Without | None = None) -> list[Batch]:
    """What the batch takes at this limit, once for each seed."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        for constant, value in without.constants.items() if without else ():
            monkeypatch.setattr(rate_limiter, constant, value)
        limited_by = without.limited_by if without else RateLimiter
        return [run(limit.passes(), limit.retry_after, seed, limited_by) for seed in SEEDS]


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS)
def test_a_batch_takes_the_time_of_the_limit_and_few_calls_are_throttled(limit: Limit) -> None:
    for batch in batches(limit):
        assert batch.seconds <= limit.most_seconds
        assert batch.throttled <= limit.most_throttled
        assert batch.lost <= limit.most_lost


@pytest.mark.parametrize("without", PARTS.values(), ids=PARTS)
def test_without_any_one_part_a_user_would_notice(without: Without) -> None:
    limit = LIMITS[without.breaks]
    assert not all(limit.is_kept_by(batch) for batch in batches(limit, without))


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
    batch = run(lambda _now: True)
    assert batch.throttled == 0
    assert batch.seconds <= CALLS / THREADS * (LATENCY + 2 * JITTER)


def interval(limiter: RateLimiter, clock: FakeClock) -> float:
    """The seconds between two calls."""
    limiter.acquire()
    acquired_at = clock()
    return limiter.acquire() - acquired_at


def test_the_intervals_after_throttling_and_after_success(limiter: RateLimiter, clock: FakeClock) -> None:
    send(limiter, clock, throttled=True)
    assert interval(limiter, clock) == pytest.approx(0.005 / 0.85)
    send(limiter, clock, throttled=False)
    assert interval(limiter, clock) == pytest.approx(0.005 / 0.85 / 1.005)
    send(limiter, clock, throttled=True)
    assert interval(limiter, clock) == pytest.approx(0.005 / 0.85 / 1.005 / 0.85)
    send(limiter, clock, throttled=True)
    assert interval(limiter, clock) == pytest.approx(0.05)
    send(limiter, clock, throttled=False)
    assert interval(limiter, clock) == pytest.approx(0.005 / 0.85**3 / 1.005**2)


@pytest.mark.parametrize(
    ("quiet", "successes", "factor"),
    [(2.99, 1, 1.005), (3.0, 1, 1.5), (3.0, 4, 1.5**4), (3.0, 6, 1.5**4 * 1.005**2)],
    ids=["too early", "quickly", "up to the rate before", "no further"],
)
def test_after_an_interruption_the_rate_returns_to_what_it_was(
    limiter: RateLimiter, clock: FakeClock, quiet: float, successes: int, factor: float
) -> None:
    for _call in range(10):
        limiter.record(clock(), throttled=True)
    clock.pass_(quiet)
    for _call in range(successes):
        limiter.record(clock(), throttled=False)
    assert interval(limiter, clock) == pytest.approx(0.005 / 0.85**10 / factor)


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


def test_after_many_successes_the_rate_falls_from_the_first_one_again(limiter: RateLimiter, clock: FakeClock) -> None:
    send(limiter, clock, throttled=True)
    for _call in range(400):
        send(limiter, clock, throttled=False)
    assert interval(limiter, clock) < 0.001
    send(limiter, clock, throttled=True)
    assert interval(limiter, clock) == pytest.approx(0.005 / 0.85)


def test_no_call_waits_beyond_until(limiter: RateLimiter, clock: FakeClock) -> None:
    assert limiter.acquire(clock() - 1) == clock() == 1000
    for _call in range(40):
        send(limiter, clock, throttled=True)
    begin = limiter.acquire()
    assert limiter.acquire(begin + 0.25) == clock() == pytest.approx(begin + 0.25)
    assert limiter.acquire() == clock() == pytest.approx(begin + 2.25)


@given(st.lists(st.tuples(st.booleans(), st.floats(0.001, 5)), max_size=200))
def test_no_call_waits_longer_than_two_seconds(answers: list[tuple[bool, float]]) -> None:
    clock = FakeClock()
    limiter = RateLimiter(clock, clock.sleep)
    for throttled, seconds in answers:
        send(limiter, clock, throttled=throttled, takes=seconds)
    assert max(clock.slept, default=0) <= 2.0 + 1e-6


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
    """Seconds and share throttled, the worst of all seeds; * where a bound is missed."""
    columns: dict[str, Without | None] = {"current": None, **{f"no {name}": part for name, part in PARTS.items()}}
    print(f"{'':34}{'at most':>9}" + "".join(f"{title:>20}" for title in columns))
    for name, limit in LIMITS.items():
        cells = []
        for without in columns.values():
            of_seeds = batches(limit, without)
            missed = " " if all(limit.is_kept_by(batch) for batch in of_seeds) else "*"
            seconds = max(batch.seconds for batch in of_seeds)
            cells.append(f"{seconds:.1f} {max(batch.throttled for batch in of_seeds):4.0%}{missed}")
        print(f"{name:34}{limit.most_seconds:9.1f}" + "".join(f"{cell:>20}" for cell in cells))


if __name__ == "__main__":
    print_table()
