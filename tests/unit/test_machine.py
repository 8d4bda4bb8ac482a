# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stateful property tests: faults, other actors and runs over one fleet in any order, and finally an undisturbed run.

test_promises.py covers a single run. Here each run finds the state left by earlier runs, lost calls and other actors.
"""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import (
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
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

pytestmark = pytest.mark.no_cover

SERVERS = 5
ANY_SERVER = st.integers(0, SERVERS - 1).map(sid)
STATES = st.sampled_from(["STOPPED", "STOPPED", "INITIATING", "INITIAL_SYNC", "CONTINUOUS", "STALLED", "DISCONNECTED"])
CALLS_END = st.sampled_from(
    [
        End(NO_ANSWER),
        End(NO_ANSWER, after_effect=True),
        End(ERROR_500),
        End(ERROR_500, after_effect=True),
        End(CONFLICT),
        End(REFUSED),
        End(THROTTLED),
        End(EXPIRED),
    ]
)
DESCRIBES_END = st.sampled_from([End(NO_ANSWER, takes=20), End(ERROR_500), End(THROTTLED), End(EXPIRED)])
LIMITS = st.sampled_from([(5, 15), (60, 15), (900, 60)])
"""wait_timeout and wait_delay. Looks in shorter turns show the same servers again: nothing changes them."""


class FleetOverDays(RuleBasedStateMachine):
    """DRS itself (FakeDrs) fails the test for a start without a Describe that said STOPPED, and for a repeated one."""

    @initialize(states=st.lists(STATES, min_size=SERVERS, max_size=SERVERS))
    def begin(self, states: list[Seen]) -> None:
        self.drs = FakeDrs({sid(number): FakeServer([state]) for number, state in enumerate(states)})
        self.last: Run | None = None

    @rule(source_server_id=ANY_SERVER, ends=st.lists(CALLS_END, min_size=1, max_size=3))
    def the_next_starts_go_wrong(self, source_server_id: str, ends: list[End]) -> None:
        self.drs.servers[source_server_id].starts += ends

    @rule(ends=st.lists(DESCRIBES_END, min_size=1, max_size=2))
    def the_next_describes_go_wrong(self, ends: list[End]) -> None:
        self.drs.describes += ends

    @rule(source_server_id=ANY_SERVER, path=st.lists(STATES, min_size=1, max_size=2))
    def a_start_leads_elsewhere(self, source_server_id: str, path: list[Seen]) -> None:
        self.drs.servers[source_server_id].started = ["INITIATING", *path]

    @rule(source_server_id=ANY_SERVER, seconds=st.sampled_from([0.0, 1.0, 30.0, 400.0]))
    def a_start_shows_late(self, source_server_id: str, seconds: float) -> None:
        self.drs.servers[source_server_id].stale = seconds

    @rule(source_server_id=ANY_SERVER, state=st.one_of(STATES, st.just(GONE)))
    def somebody_acts_between_two_runs(self, source_server_id: str, state: Seen) -> None:
        self.drs.servers[source_server_id].path = [state]

    @rule(source_server_id=ANY_SERVER, state=STATES)
    def somebody_acts_during_the_next_run(self, source_server_id: str, state: Seen) -> None:
        self.drs.servers[source_server_id].path = [self.drs.servers[source_server_id].path[0], state]

    @rule(source_server_id=ANY_SERVER, holds=st.lists(st.booleans(), min_size=1, max_size=3))
    def a_hold_appears(self, source_server_id: str, holds: list[bool]) -> None:
        self.drs.servers[source_server_id].holds = holds

    @rule(block=st.integers(1, SERVERS), ends=st.sampled_from([[End(REFUSED)] * 3, [End(CONFLICT)] * 6]))
    def a_block_of_neighbours_is_refused(self, block: int, ends: list[End]) -> None:
        for number in range(block):
            self.drs.servers[sid(number)].starts = [*ends]

    @rule(seconds=st.sampled_from([1.0, 60.0, 86400.0]))
    def time_passes(self, seconds: float) -> None:
        self.drs.clock.pass_(seconds)

    @rule(
        goal=st.sampled_from(["replicating", "continuous"]),
        max_in_progress=st.sampled_from([None, None, 1, 2]),
        holds=st.booleans(),
    )
    def the_task_runs(self, goal: str, max_in_progress: int | None, holds: bool) -> None:
        self.go(goal=goal, max_in_progress=max_in_progress, holds=holds)

    @rule(limits=LIMITS, goal=st.sampled_from(["replicating", "continuous"]))
    def the_task_runs_and_waits(self, limits: tuple[int, int], goal: str) -> None:
        wait_timeout, wait_delay = limits
        self.go(goal=goal, wait=True, wait_timeout=wait_timeout, wait_delay=wait_delay)

    @rule()
    def the_task_runs_again_for_those_that_failed(self) -> None:
        failed = self.last.ids_with(lambda outcome: outcome.failed) if self.last else []
        if failed:
            self.go(*failed, goal="replicating")

    def go(self, *source_server_ids: str, **options: Any) -> Run:
        self.last = run = self.drs.run(*source_server_ids, **options)
        meant = source_server_ids or tuple(self.drs.servers)
        assert [outcome.source_server_id for outcome in run.outcomes] == list(meant)
        return run

    @invariant()
    def no_start_without_a_describe_that_said_stopped(self) -> None:
        run = getattr(self, "last", None)
        if isinstance(run, Run):
            assert {call.seen for call in run.of("start")} <= {"STOPPED"}
            assert {call.operation for call in run.calls} <= {"describe", "start"}

    @invariant()
    def every_start_that_took_effect_is_reported(self) -> None:
        run = getattr(self, "last", None)
        if isinstance(run, Run):
            assert run.took_effect <= run.reported

    def teardown(self) -> None:
        """Without further faults, one run completes the remaining work, and the next one has nothing to do."""
        if not hasattr(self, "drs"):
            return
        self.drs.describes = []
        for server in self.drs.servers.values():
            server.starts, server.holds, server.stale, server.stale_until = [], [], 0.0, 0.0
            server.path, server.started = [server.path[0]], ["INITIATING", "CONTINUOUS"]
        left = sorted(each for each, server in self.drs.servers.items() if server.path[0] == "STOPPED")
        lost = sorted(each for each, server in self.drs.servers.items() if server.path[0] in ("DISCONNECTED", GONE))

        first = self.go(goal="replicating")
        assert first.writes == left
        assert first.ids_with(lambda outcome: outcome.changed) == left
        assert first.ids_with(lambda outcome: outcome.failed) == lost

        second = self.go(goal="replicating")
        assert second.writes == []
        assert second.ids_with(lambda outcome: outcome.changed) == []


TestFleetOverDays = FleetOverDays.TestCase
TestFleetOverDays.settings = settings(
    max_examples=300, stateful_step_count=20, deadline=None, derandomize=True, database=None
)
