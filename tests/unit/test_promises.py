# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Property tests of the invariants of reconcile(), under any mix of faults, other actors and stale responses."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any, TypeVar

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.operations import Goal
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.states import PHASES
from ansible_collections.disaster_recovery.aws.tests.unit.decision_table import decide
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import (
    ANSWERED,
    CONFLICT,
    ERROR_500,
    EXPIRED,
    GONE,
    NO_ANSWER,
    REFUSED,
    THROTTLED,
    End,
    FakeDrs,
    FakeServer,
    Run,
    Seen,
    sid,
)
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.no_cover

Options = dict[str, Any]
Value = TypeVar("Value")

LEFT_ALONE_BY_A_STOP = {"STOPPED", "DISCONNECTED", "STALLED", "PAUSED", "SOMETHING_NEW", None, GONE}

STATES: list[Seen] = [*["STOPPED"] * 8, "CONTINUOUS", *PHASES, "SOMETHING_NEW", None, GONE]
ENDS = [
    ANSWERED,
    End(NO_ANSWER, after_effect=True),
    End(ERROR_500),
    End(ERROR_500, after_effect=True),
    End(CONFLICT),
    End(REFUSED),
    End(REFUSED),
    End(THROTTLED),
    End(EXPIRED),
]
DESCRIBES = st.sampled_from(
    [ANSWERED, ANSWERED, End(takes=24), End(THROTTLED), End(ERROR_500, takes=24), End(NO_ANSWER), End(EXPIRED)]
)


def lists(values: Sequence[Value], least: int, most: int) -> st.SearchStrategy[list[Value]]:
    """As st.lists, in two draws instead of two for each element: drawing took longer than the run."""
    return st.one_of(
        [st.sampled_from([list(each) for each in product(values, repeat=length)]) for length in range(least, most + 1)]
    )


FAULTS = lists(ENDS, 0, 3)
PATHS = lists(STATES, 1, 2)
STARTED = lists(STATES, 0, 2)
STOPPED = st.sampled_from(STATES)
STALE = st.sampled_from([0.0, 2.0, 40.0, 400.0])
HOLDS = lists([False, True], 0, 3)


@st.composite
def servers(draw: st.DrawFn) -> FakeServer:
    ends = draw(FAULTS)
    return FakeServer(
        path=draw(PATHS),
        started=["INITIATING", *draw(STARTED)],
        stopped=[draw(STOPPED), "STOPPED"],
        stale=draw(STALE),
        starts=[*ends],
        stops=[*ends],
        holds=draw(HOLDS),
    )


def with_limits(options: Options) -> Options:
    wait_timeout, wait_delay = options.pop("limits")
    return {**options, "wait_timeout": wait_timeout, "wait_delay": wait_delay}


LIMITS = st.sampled_from([(1, 1), (1, 60), (20, 1), (20, 15), (299, 15), (300, 15), (300, 60), (1000, 15), (1000, 60)])
"""wait_timeout and wait_delay. A look every second for minutes shows the same servers again: nothing changes them."""


def options_of(wait: st.SearchStrategy[bool]) -> st.SearchStrategy[Options]:
    return st.fixed_dictionaries(
        {
            "goal": st.sampled_from(["replicating", "replicating", "continuous", "stopped"]),
            "check_mode": st.sampled_from([False, False, False, False, True]),
            "wait": wait,
            "limits": LIMITS,
            "max_in_progress": st.sampled_from([None, None, 1, 3]),
            "holds": st.booleans(),
        }
    ).map(with_limits)


OPTIONS = options_of(wait=st.booleans())


def quietly(examples: int) -> settings:
    """So many examples, the same ones each time, and no files left behind."""
    return settings(max_examples=examples, deadline=None, derandomize=True, database=None)


FLEETS = st.lists(servers(), min_size=1, max_size=7)
OUTAGES = st.lists(DESCRIBES, max_size=6)


@st.composite
def worlds(draw: st.DrawFn) -> FakeDrs:
    fleet = draw(FLEETS)
    return FakeDrs({sid(number): server for number, server in enumerate(fleet)}, draw(OUTAGES))


def stop_all_faults(drs: FakeDrs) -> None:
    """Stop all faults, other actors and staleness."""
    drs.describes = []
    for server in drs.servers.values():
        server.path, server.stale_until, server.stale = [server.path[0]], 0.0, 0.0
        server.starts, server.stops, server.holds = [], [], []
        server.started, server.stopped = ["INITIATING"], ["STOPPED"]


def truth(drs: FakeDrs) -> dict[str, Seen]:
    return {source_server_id: server.path[0] for source_server_id, server in drs.servers.items()}


def every_server_has_an_outcome_that_is_settled_and_gives_its_reason(drs: FakeDrs, _aim: Options, run: Run) -> None:
    assert [outcome.source_server_id for outcome in run.outcomes] == list(drs.servers)
    assert run.ids_with(lambda outcome: outcome.end is None) == []
    assert run.ids_with(lambda outcome: not outcome.reason) == []


def the_run_ends_in_time(_drs: FakeDrs, options: Options, run: Run) -> None:
    assert run.took <= options["wait_timeout"] + 30
    deadline = run.calls[0].at + options["wait_timeout"]
    assert all(call.at < deadline for call in run.calls if call.operation != "describe")


def a_start_follows_a_describe_that_said_stopped_and_a_stop_one_that_said_data_flows(
    _drs: FakeDrs, _aim: Options, run: Run
) -> None:
    assert {call.seen for call in run.of("start")} <= {"STOPPED"}
    assert not {call.seen for call in run.of("stop")} & LEFT_ALONE_BY_A_STOP


def only_the_calls_of_the_goal_are_made_and_none_in_check_mode(drs: FakeDrs, options: Options, run: Run) -> None:
    call = "stop" if options["goal"] == "stopped" else "start"
    assert {each.operation for each in run.calls} <= {"describe", call}
    if options["check_mode"]:
        assert run.writes == []
        assert not drs.clock.slept


def no_more_servers_are_in_progress_than_allowed(_drs: FakeDrs, options: Options, run: Run) -> None:
    if options["goal"] == "stopped" or options["max_in_progress"] is None:
        return
    seen: dict[str, Seen] = {}
    called: set[str] = set()
    for call in run.calls:
        seen.update(call.saw)
        if call.operation != "start":
            continue
        # A repeated start keeps the place of the first, whatever others have started meanwhile.
        needs_place = not called.issuperset(call.ids)
        called |= {*call.ids} if call.may_take_effect else set()
        in_progress = {
            each
            for each, state in seen.items()
            if state != GONE and (is_under_way(options["goal"], state) or (each in called and state == "STOPPED"))
        }
        assert not needs_place or len(in_progress | {*call.ids}) <= options["max_in_progress"]


def is_under_way(goal: Goal, state: Seen) -> bool:
    return decide(goal, state).verdict == "wait"


def held_and_deferred_servers_were_never_called(_drs: FakeDrs, _aim: Options, run: Run) -> None:
    left_alone = run.ids_with(lambda outcome: outcome.end in ("held", "deferred"))
    assert not {*left_alone} & {*run.writes}
    for outcome in run.outcomes:
        if outcome.end in ("held", "deferred"):
            assert (outcome.action, outcome.changed) == ("none", False)
        if "not tried" in outcome.reason:
            assert (outcome.action, outcome.source_server_id in run.writes) == ("none", False)


def no_change_is_reported_where_no_call_was_made(_drs: FakeDrs, options: Options, run: Run) -> None:
    changed = run.ids_with(lambda outcome: outcome.changed)
    acted_on = run.ids_with(lambda outcome: outcome.action != "none")
    if options["check_mode"]:
        assert changed == acted_on
    else:
        assert set(changed) <= set(acted_on) & set(run.writes)


def a_change_is_reported_wherever_a_call_of_this_run_took_effect_or_may_have(
    _drs: FakeDrs, _aim: Options, run: Run
) -> None:
    assert run.took_effect <= run.reported


def only_failed_servers_have_an_error_code(_drs: FakeDrs, _aim: Options, run: Run) -> None:
    assert run.ids_with(lambda outcome: outcome.error_code is not None and not outcome.failed) == []


PROMISES = [
    every_server_has_an_outcome_that_is_settled_and_gives_its_reason,
    the_run_ends_in_time,
    a_start_follows_a_describe_that_said_stopped_and_a_stop_one_that_said_data_flows,
    only_the_calls_of_the_goal_are_made_and_none_in_check_mode,
    no_more_servers_are_in_progress_than_allowed,
    held_and_deferred_servers_were_never_called,
    no_change_is_reported_where_no_call_was_made,
    a_change_is_reported_wherever_a_call_of_this_run_took_effect_or_may_have,
    only_failed_servers_have_an_error_code,
]


@quietly(examples=750)
@given(drs=worlds(), options=options_of(wait=st.just(False)))
def test_every_promise_holds_whatever_happens(drs: FakeDrs, options: Options) -> None:
    hold_every_promise(drs, options)


@quietly(examples=750)
@given(drs=worlds(), options=options_of(wait=st.just(True)))
def test_every_promise_holds_whatever_happens_in_a_wait(drs: FakeDrs, options: Options) -> None:
    hold_every_promise(drs, options)


def hold_every_promise(drs: FakeDrs, options: Options) -> None:
    run = drs.run(**options)  # DRS holds two promises itself, see FakeDrs
    for promise in PROMISES:
        promise(drs, options, run)


@quietly(examples=300)
@given(drs=worlds(), options=OPTIONS)
def test_a_quiet_run_afterwards_does_what_is_left_and_the_next_one_nothing(drs: FakeDrs, options: Options) -> None:
    goal = options["goal"]
    drs.run(**options)
    stop_all_faults(drs)
    before = truth(drs)

    second = drs.run(goal=goal)
    third = drs.run(goal=goal)

    left = [
        source_server_id
        for source_server_id, state in before.items()
        if (state not in LEFT_ALONE_BY_A_STOP if goal == "stopped" else state == "STOPPED")
    ]
    assert second.writes == left
    assert second.ids_with(lambda outcome: outcome.changed) == left
    assert third.writes == []
    assert third.ids_with(lambda outcome: outcome.changed) == []


@quietly(examples=100)
@given(drs=worlds(), goal=st.sampled_from(["replicating", "stopped"]))
def test_check_mode_predicts_what_a_quiet_run_does(drs: FakeDrs, goal: str) -> None:
    stop_all_faults(drs)

    def reported(run: Run) -> list[tuple[object, ...]]:
        return [(each.action, each.changed, each.failed, each.state) for each in run.outcomes]

    assert reported(drs.run(goal=goal, check_mode=True)) == reported(drs.run(goal=goal))


@quietly(examples=200)
@given(drs=worlds(), limit=st.integers(1, 3), goal=st.sampled_from(["replicating", "continuous"]))
def test_runs_in_waves_start_every_server_that_can_be_started(drs: FakeDrs, limit: int, goal: str) -> None:
    """Refused servers keep failing, and nothing is stuck: the same task, again and again, starts all the others."""
    refused = {each for each, server in drs.servers.items() if REFUSED in [end.error for end in server.starts]}
    stop_all_faults(drs)
    for each, server in drs.servers.items():
        if PHASES.get(server.path[0] or "") in ("stalled", "paused", None) and server.path[0] not in (None, GONE):
            server.path = ["STOPPED"]
        server.path, server.started = [*server.path, *server.path[:1]], ["INITIATING", "CONTINUOUS"]
        server.starts = [End(REFUSED)] * 99 if each in refused else []
        if server.path[0] in ("INITIATING", "INITIAL_SYNC", "CREATING_SNAPSHOT", "RESCAN", "BACKLOG"):
            server.path = [server.path[0], "CONTINUOUS"]
    startable = {each for each, state in truth(drs).items() if state == "STOPPED"} - refused

    runs = [drs.run(goal=goal, max_in_progress=limit) for _hour in range(3 * len(drs.servers) + 3)]

    assert {each for run in runs for each in run.took_effect} == startable
    assert runs[-1].ids_with(lambda outcome: outcome.end == "deferred") == []
