# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""reconcile() with a wait, on a clock that only sleeping moves."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.calls import CALLS_AT_ONCE
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.errors import DrsError
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.operations import Operation, Verdict
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.servers import SourceServer
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.results.replication import failure_message
from ansible_collections.disaster_recovery.aws.tests.unit.decision_table import GOALS, ROWS
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import (
    ANSWERED,
    CONFLICT,
    ERROR_500,
    EXPIRED,
    GONE,
    NO_ANSWER,
    THROTTLED,
    End,
    FakeDrs,
    FakeServer,
    Run,
    Seen,
    error,
    sid,
)

SYNC: list[Seen] = ["INITIATING", "INITIAL_SYNC", "CONTINUOUS"]

# The end for each verdict, of a server that never changes state.
ENDS: dict[Verdict, str] = {"start": "done", "stop": "done", "done": "done", "wait": "deadline", "fail": "failed"}
CASES = [
    *((state, goal, ENDS[verdict]) for state, goal, verdict in ROWS),
    *((GONE, goal, "failed") for goal in GOALS),
]


def wait(drs: FakeDrs, *ids: str, goal: str = "continuous", timeout: float = 600, **options: Any) -> Run:
    return drs.run(*ids, goal=goal, wait=True, wait_timeout=timeout, **options)


def one(path: list[Seen], **script: Any) -> FakeDrs:
    return FakeDrs({sid(0): FakeServer(path, **script)})


@pytest.mark.parametrize(("state", "goal", "end"), CASES)
def test_a_server_that_never_changes_state_has_the_documented_end(state: Seen, goal: str, end: str) -> None:
    run = wait(one([state]), goal=goal)

    assert run.only.end is not None
    assert run.only.failed == (end != "done")
    assert (run.took == 600) == (end == "deadline")
    assert ("wait_timeout" in run.only.reason) == (end == "deadline")
    if end == "failed":
        assert run.took == 0


@pytest.mark.parametrize(
    ("goal", "state", "describes"), [("replicating", "INITIAL_SYNC", 3), ("continuous", "CONTINUOUS", 4)]
)
def test_a_start_is_waited_for_until_its_goal(goal: str, state: str, describes: int) -> None:
    run = wait(one(["STOPPED"]), goal=goal)
    assert run.described_at == [0, *(15 * number for number in range(1, describes))]
    assert (run.only.state, run.only.changed, run.only.failed, run.only.action) == (state, True, False, "start")


def test_a_start_that_shows_late_is_pending_and_not_repeated() -> None:
    run = wait(one(["STOPPED"], stale=100.0))
    assert len(run.of("start")) == 1
    assert (run.only.state, run.only.failed) == ("CONTINUOUS", False)


def test_a_start_that_does_not_show_for_five_minutes_fails() -> None:
    run = wait(one(["STOPPED"], stale=10_000.0), timeout=3600)
    assert len(run.of("start")) == 1
    assert run.took == 300
    assert run.only.reason.startswith("reads STOPPED 300 s after DRS accepted the start")
    assert (run.only.failed, run.only.changed) == (True, True)


def test_the_path_need_not_be_monotonic_nor_show_initiating() -> None:
    path: list[Seen] = ["INITIAL_SYNC", "RESCAN", "INITIAL_SYNC", "BACKLOG", "CREATING_SNAPSHOT", "CONTINUOUS"]
    run = wait(one(["STOPPED"], started=path))
    assert (run.only.state, run.only.failed, run.took) == ("CONTINUOUS", False, 6 * 15)


@pytest.mark.parametrize("stuck", ["STALLED", "PAUSED", "SOMETHING_NEW"])
def test_a_server_that_is_stuck_can_recover(stuck: str) -> None:
    run = wait(one(["STOPPED"], started=["INITIAL_SYNC", stuck, stuck, "INITIAL_SYNC", "CONTINUOUS"]))
    assert (run.only.state, run.only.failed, run.only.warning) == ("CONTINUOUS", False, None)


def test_a_server_that_is_stuck_until_the_deadline_fails_and_names_its_error() -> None:
    run = wait(one(["STOPPED"], started=["INITIAL_SYNC", "STALLED"]))
    assert (run.took, run.only.failed, run.only.changed) == (600, True, True)
    assert "AGENT_NOT_SEEN" in run.only.reason
    assert "wait_timeout (600 s)" in run.only.reason
    assert run.only.warning is None, "what failed is not warned about as well"


def test_the_deadline_tells_how_far_the_server_is() -> None:
    info = {
        "dataReplicationState": "INITIAL_SYNC",
        "lagDuration": "PT16H20M38.697305S",
        "etaDateTime": "2026-11-23T14:05:00.123456+00:00",
        "replicatedDisks": [{"totalStorageBytes": 1000, "replicatedStorageBytes": 613}],
        "dataReplicationInitiation": {
            "steps": [
                {"name": "WAIT", "status": "SUCCEEDED"},
                {"name": "LAUNCH_REPLICATION_SERVER", "status": "FAILED"},
                {"name": "BOOT_REPLICATION_SERVER", "status": "SKIPPED"},
            ]
        },
    }
    run = wait(one(["INITIAL_SYNC"], members={"dataReplicationInfo": info}))
    for known in ("61.3 %", "PT16H20M38.697305S", "2026-11-23T14:05:00.123456+00:00", "LAUNCH_REPLICATION_SERVER"):
        assert known in run.only.reason


def test_a_server_that_disconnects_meanwhile_fails_at_once() -> None:
    run = wait(one(["STOPPED"], started=["INITIAL_SYNC", "DISCONNECTED", "CONTINUOUS"]))
    assert (run.took, run.only.state, run.only.failed, run.only.changed) == (30, "DISCONNECTED", True, True)
    assert "its agent's service runs" in run.only.reason


def test_a_server_that_somebody_stops_after_our_start_fails_and_is_not_started_again() -> None:
    run = wait(one(["STOPPED"], started=["INITIATING", "STOPPED"]))
    assert len(run.of("start")) == 1
    assert (run.took, run.only.failed, run.only.changed) == (30, True, True)
    assert "CloudTrail" in run.only.reason


def test_a_lost_start_that_was_seen_and_is_stopped_by_somebody_is_not_started_again() -> None:
    run = wait(one(["STOPPED"], started=["INITIATING", "STOPPED"], starts=[End(NO_ANSWER, after_effect=True)]))
    assert len(run.of("start")) == 1
    assert (run.only.failed, run.only.changed, run.only.error_code) == (True, True, None)
    assert "STOPPED again" in run.only.reason


def test_a_server_that_ran_and_is_stopped_meanwhile_by_somebody_is_started_once() -> None:
    run = wait(one(["INITIAL_SYNC", "INITIAL_SYNC", "STOPPED"]))
    assert len(run.of("start")) == 1
    assert (run.only.failed, run.only.changed, run.only.state) == (False, True, "CONTINUOUS")


def test_a_start_in_the_middle_of_the_wait_may_show_late_too() -> None:
    run = wait(one(["INITIAL_SYNC", "INITIAL_SYNC", "STOPPED"], stale=40.0))
    assert len(run.of("start")) == 1
    assert (run.only.failed, run.only.changed, run.only.state) == (False, True, "CONTINUOUS")


def test_a_rolling_task_starts_the_next_server_as_one_arrives() -> None:
    drs = FakeDrs(["STOPPED"] * 3)

    run = wait(drs, max_in_progress=1)

    assert [call.ids for call in run.of("start")] == [(sid(0),), (sid(1),), (sid(2),)]
    assert [outcome.state for outcome in run.outcomes] == ["CONTINUOUS"] * 3
    assert all(outcome.end == "done" and outcome.changed for outcome in run.outcomes)


def test_a_canary_that_stalls_keeps_the_others_from_being_started_until_the_deadline() -> None:
    drs = FakeDrs(["STOPPED"] * 3)
    drs.servers[sid(0)].started = ["INITIATING", "STALLED"]

    run = wait(drs, max_in_progress=1)

    assert (run.took, run.writes) == (600, [sid(0)])
    assert [outcome.end for outcome in run.outcomes] == ["failed", "deferred", "deferred"]
    assert run.outcomes[1].reason == f"1 of 1 places are taken: {sid(0)} STALLED"
    assert run.run.expired


def test_a_server_in_the_queue_that_somebody_else_starts_is_not_started_again() -> None:
    drs = FakeDrs({sid(0): FakeServer(["STOPPED"]), sid(1): FakeServer(["STOPPED", "INITIAL_SYNC", "CONTINUOUS"])})
    run = wait(drs, max_in_progress=1)
    assert run.writes == [sid(0)]
    assert [(outcome.end, outcome.changed) for outcome in run.outcomes] == [("done", True), ("done", False)]


def test_a_queue_is_not_waited_for_where_nobody_can_give_a_place_away() -> None:
    drs = FakeDrs(["STOPPED"] * 2)
    drs.servers[sid(0)].stale = 10_000.0

    run = wait(drs, max_in_progress=1, timeout=3600)

    assert run.took == 300, "the canary fails after 300 s, and may be on its way all the same"
    assert [outcome.end for outcome in run.outcomes] == ["failed", "deferred"]


@pytest.mark.parametrize("path", [["STOPPED"], ["INITIAL_SYNC", "INITIAL_SYNC", GONE]])
def test_a_server_that_is_deleted_meanwhile_fails(path: list[Seen]) -> None:
    run = wait(one(path, started=["INITIATING", GONE]))
    assert (run.took, run.only.failed, run.only.state) == (30, True, None)
    assert "deleted" in run.only.reason
    assert run.only.changed == (path == ["STOPPED"])


@pytest.mark.parametrize("end", [ERROR_500, THROTTLED, NO_ANSWER], ids=["500", "429", "no answer"])
def test_failing_describes_in_the_middle_are_survived(end: DrsError) -> None:
    drs = one(["STOPPED"])
    drs.describes = [End(), End(end), End(end), End(), End(end)]

    run = wait(drs)

    assert (run.only.state, run.only.failed, run.only.error_code) == ("CONTINUOUS", False, None)
    assert len(run.of("start")) == 1


def test_describes_that_fail_until_the_deadline_are_reported() -> None:
    drs = one(["INITIAL_SYNC"])
    drs.describes = [End(), *[End(ERROR_500)] * 99]

    run = wait(drs)

    assert (run.took, run.only.failed, run.only.error_code) == (600, True, ERROR_500.code)
    assert run.only.error_message == ERROR_500.error_message
    assert ERROR_500.message in run.only.reason
    assert run.only.state == "INITIAL_SYNC"


def test_a_failed_describe_never_leads_to_a_start() -> None:
    drs = one(["INITIAL_SYNC", "STOPPED"])
    drs.describes = [End(), *[End(ERROR_500)] * 99]
    assert wait(drs).writes == []


def test_credentials_that_expire_in_the_middle_end_the_wait_with_all_that_is_known() -> None:
    drs = FakeDrs(["CONTINUOUS", "STOPPED", "INITIAL_SYNC", "DISCONNECTED"])
    drs.describes = [End(), End(), End(EXPIRED)]

    run = wait(drs)

    assert run.ended_by is not None
    assert run.took == 30
    protected, started, running, disconnected = run.outcomes
    assert (protected.failed, protected.changed) == (False, False)
    assert (started.failed, started.changed, started.state) == (True, True, "INITIATING")
    assert EXPIRED.message in started.reason
    assert "accepted the start" in started.reason
    assert (running.failed, running.changed, running.error_code) == (True, False, EXPIRED.code)
    assert "its agent's service runs" in disconnected.reason
    assert running.error_message == EXPIRED.error_message


def test_servers_that_run_already_are_waited_for() -> None:
    run = wait(FakeDrs({sid(0): FakeServer(["INITIATING", "INITIAL_SYNC", "CONTINUOUS"])}))
    assert (run.took, run.only.failed, run.only.changed, run.only.action) == (30, False, False, "none")


@pytest.mark.parametrize("last", ["STOPPED", "DISCONNECTED"])
def test_a_stop_is_waited_for_until_nothing_replicates(last: str) -> None:
    run = wait(one(["CONTINUOUS"], stopped=["CONTINUOUS", "STALLED", last]), goal="stopped")
    assert len(run.of("stop")) == 1
    assert (run.took, run.only.state, run.only.failed, run.only.changed) == (45, last, False, True)


def test_a_stop_that_never_shows_fails_at_the_deadline() -> None:
    run = wait(one(["CONTINUOUS"], stopped=["CONTINUOUS"]), goal="stopped")
    assert len(run.of("stop")) == 1
    assert (run.took, run.only.failed, run.only.changed) == (600, True, True)


@pytest.mark.parametrize(
    ("delay", "timeout", "slept"),
    [(15, 60, [15, 15, 15, 15]), (25, 60, [25, 25, 10]), (600, 60, [60]), (1, 2.5, [1, 1, 0.5])],
)
def test_the_pause_is_the_lesser_of_the_delay_and_the_time_left(
    delay: float, timeout: float, slept: list[float]
) -> None:
    drs = one(["INITIATING"])
    run = wait(drs, timeout=timeout, wait_delay=delay)
    assert drs.clock.slept == slept
    assert len(run.described_at) == len(slept) + 1, "the last Describe is at the deadline"


def test_a_server_that_reaches_its_goal_at_the_last_observation_is_no_failure() -> None:
    run = wait(one(["INITIAL_SYNC", "INITIAL_SYNC", "CONTINUOUS"]), timeout=20)
    assert (run.took, run.only.failed) == (20, False)


def test_no_call_is_made_after_the_deadline() -> None:
    run = wait(one(["INITIATING", "STOPPED"]), timeout=10)
    assert run.writes == []
    assert run.only.failed


def test_a_describe_that_hangs_at_the_deadline_overruns_it_by_less_than_30_s() -> None:
    drs = FakeDrs(["INITIAL_SYNC"] * 1000)
    drs.describes = [*[End()] * 5, *[End(NO_ANSWER, takes=25.0)] * 99]

    run = wait(drs, timeout=10)

    assert run.took <= 10 + 30
    assert all(outcome.failed and "wait_timeout" in outcome.reason for outcome in run.outcomes)


def test_the_api_has_the_deadline() -> None:
    run = wait(one(["STOPPED"]))
    assert {call.until - run.calls[0].at for call in run.calls} == {600}


def test_servers_that_the_first_observation_does_not_reach_before_the_deadline_say_that_the_time_is_over() -> None:
    drs = FakeDrs(["STOPPED"] * 400)
    drs.describes = [End(takes=20.0)]

    run = wait(drs, timeout=10)

    assert run.writes == []
    assert all(outcome.failed and "wait_timeout" in outcome.reason for outcome in run.outcomes)


def test_300_servers_cost_two_describes_an_observation() -> None:
    drs = FakeDrs(["INITIATING"] * 300)
    run = wait(drs, timeout=60)
    assert [len(call.ids) for call in run.of("describe")] == [200, 100] * 5


def test_a_server_that_is_done_is_not_asked_again() -> None:
    drs = FakeDrs(["CONTINUOUS", "INITIATING", "DISCONNECTED", "STOPPED"])

    run = wait(drs, timeout=60)

    first, *later = [call.ids for call in run.of("describe")]
    assert len(first) == 4
    assert later == [(sid(1), sid(3))] * 3 + [(sid(1),)]


def test_each_observation_is_reported_and_the_last_one_too() -> None:
    run = wait(one(["STOPPED"]))
    assert run.reports == [["INITIATING"], ["INITIATING"], ["INITIAL_SYNC"], ["CONTINUOUS"]]


def test_nothing_is_reported_without_a_wait() -> None:
    assert FakeDrs(["STOPPED"]).run().reports == []


def test_held_servers_are_not_waited_for() -> None:
    drs = FakeDrs(["STOPPED"] * 2)
    drs.servers[sid(0)].holds = [True]

    run = wait(drs, holds=True)

    assert run.writes == [sid(1)]
    assert run.took == 45
    assert [outcome.state for outcome in run.outcomes] == ["STOPPED", "CONTINUOUS"]


def test_the_wait_goes_on_where_somebody_else_was_quicker() -> None:
    run = wait(one(["STOPPED", *SYNC]))
    assert (run.only.state, run.only.changed, run.only.failed, run.only.action) == ("CONTINUOUS", False, False, "none")


def test_a_resolved_conflict_is_not_reported_at_the_deadline() -> None:
    run = wait(one(["STOPPED", "INITIATING"]))
    assert run.only.failed
    assert run.only.error_code is None
    assert CONFLICT.message not in run.only.reason


@pytest.mark.parametrize(("describes", "before"), [(1, 1), (3, 2)], ids=["one conflict", "two conflicts"])
def test_a_server_that_somebody_else_starts_and_stops_again_is_tried_again(describes: int, before: int) -> None:
    path: list[Seen] = [*["STOPPED"] * describes, "STALLED", "STOPPED"]
    ends = [End(CONFLICT)] * (before + 1)
    run = FakeDrs({sid(0): FakeServer(path, starts=ends)}).run(wait=True, wait_timeout=600)
    assert (run.only.end, run.only.changed, run.only.action) == ("done", True, "start")
    assert len(run.of("start")) == before + 2


def test_a_server_that_is_stopped_again_while_nothing_is_answered_says_that_it_was_not_tried_again() -> None:
    servers = {sid(number): FakeServer(["STOPPED"], starts=[End(NO_ANSWER)] * 9) for number in range(1, 21)}
    drs = FakeDrs({sid(0): FakeServer(["STOPPED", "STALLED", "STOPPED"], starts=[End(CONFLICT)]), **servers})
    run = drs.run(wait=True, wait_timeout=50)
    assert run.outcomes[0].reason.startswith("not tried again: 20 calls in a row were not answered")
    assert (run.outcomes[0].end, run.outcomes[0].action) == ("failed", "none")


def test_a_server_whose_turn_comes_when_nothing_is_answered_says_that_it_was_not_tried() -> None:
    drs = FakeDrs({sid(number): FakeServer(["STOPPED"], starts=[End(NO_ANSWER)] * 9) for number in range(60)})
    last = drs.run().outcomes[-1]
    assert (last.end, last.action) == ("failed", "none")
    assert last.reason.startswith("not tried: ")


def test_after_a_lost_answer_the_server_is_observed_before_the_next_regular_observation() -> None:
    run = wait(one(["STOPPED"], starts=[End(NO_ANSWER, after_effect=True)]))
    assert run.described_at[1] < 15
    assert (run.only.changed, run.only.failed) == (True, False)


def test_a_lost_start_that_does_not_show_before_the_deadline_may_have_taken_effect() -> None:
    drs = one(["STOPPED"], starts=[End(NO_ANSWER, after_effect=True)] * 99, stale=250.0)

    run = wait(drs, timeout=10)

    assert run.took_effect == {sid(0)}
    assert (run.only.failed, run.only.changed) == (True, False)
    assert "may have taken effect" in run.only.reason


def test_a_server_whose_start_was_never_answered_is_observed_while_it_may_show_late() -> None:
    drs = one(["STOPPED"], starts=[End(ERROR_500, after_effect=True)] * 99, stale=120.0)
    run = wait(drs)
    assert (run.only.failed, run.only.changed, run.only.state) == (False, True, "CONTINUOUS")


def test_a_start_that_was_never_answered_and_never_showed_fails_when_it_cannot_show_any_more() -> None:
    run = wait(one(["STOPPED"], starts=[End(ERROR_500)] * 99))
    assert 300 <= run.took < 330
    assert (run.only.failed, run.only.changed) == (True, False)
    assert run.only.reason.startswith("the start was sent 6 times, never answered, still STOPPED: ")


def test_a_failing_server_does_not_keep_the_others_from_being_waited_for() -> None:
    drs = FakeDrs(["DISCONNECTED", "STOPPED"])
    run = wait(drs)
    assert [outcome.failed for outcome in run.outcomes] == [True, False]
    assert run.outcomes[1].state == "CONTINUOUS"


def test_at_the_deadline_the_reason_is_reported_in_full() -> None:
    info = {"dataReplicationState": "INITIAL_SYNC", "lagDuration": "PT5M"}
    outcome = wait(one(["INITIAL_SYNC"], members={"dataReplicationInfo": info})).only
    assert outcome.detail == "lag PT5M"
    assert outcome.reason.endswith("; lag PT5M; wait_timeout (600 s) expired")
    assert outcome.cause.startswith("INITIAL_SYNC, ")
    assert "lag" not in outcome.cause


def test_at_the_deadline_the_error_of_the_last_describe_is_reported_in_full() -> None:
    drs = one(["INITIATING"])
    drs.describes = [End(), *[End(ERROR_500)] * 99]

    outcome = wait(drs).only

    assert outcome.reason.endswith(f"; {ERROR_500.message}; wait_timeout (600 s) expired")
    assert outcome.cause.startswith("INITIATING, ")
    assert "AWS" not in outcome.cause
    assert outcome.error_code == "InternalServerException"
    assert outcome.detail == ""


def test_at_the_deadline_a_lost_start_is_reported_in_full() -> None:
    outcome = wait(one(["STOPPED"], starts=[End(ERROR_500)] * 99), timeout=1).only
    for word in ("sent 2 times", "never answered", "still STOPPED", "may have taken effect"):
        assert word in outcome.reason
        assert word in outcome.cause
    assert outcome.reason.endswith(f"; {ERROR_500.message}; wait_timeout (1 s) expired")
    assert "AWS" not in outcome.cause


def test_at_the_deadline_an_error_after_an_accepted_start_is_reported_in_full() -> None:
    drs = one(["STOPPED"])
    drs.describes = [End(), *[End(ERROR_500)] * 99]

    outcome = wait(drs).only

    assert outcome.reason.startswith("DRS accepted the start; ")
    assert outcome.reason.endswith(f"; {ERROR_500.message}; wait_timeout (600 s) expired")


def test_a_server_that_was_never_described_before_the_deadline_says_so() -> None:
    drs = FakeDrs(["STOPPED"] * 201)
    drs.describes = [End(takes=20.0)]

    last = wait(drs, timeout=10).outcomes[-1]

    assert (last.reason, last.cause) == ("not described in time; wait_timeout (10 s) expired", "not described in time")


def test_a_start_not_sent_in_time_has_a_complete_reason() -> None:
    not_sent = error("not_sent", None, "StartReplication was not sent before wait_timeout")
    outcome = wait(one(["STOPPED"], starts=[End(not_sent, takes=0)] * 9999), timeout=3, wait_delay=1).only
    assert outcome.reason == f"not tried: {not_sent.message}; wait_timeout (3 s) expired"
    assert outcome.cause.startswith("STOPPED, ")
    assert (outcome.error_code, outcome.action) == (None, "none")


def test_the_observation_at_the_deadline_may_take_five_seconds() -> None:
    drs = FakeDrs(["INITIATING"] * 1000)
    drs.describes = [*[End()] * 5, *[End(takes=2.5)] * 99]

    run = wait(drs, timeout=10)

    assert [call.at - run.calls[0].at for call in run.of("describe")[5:]] == [10, 12.5]
    assert run.took == 15


@pytest.mark.parametrize("minutes", [5, 30])
def test_a_wait_outlives_an_outage_and_sends_one_start_a_minute_meanwhile(minutes: int) -> None:
    drs = FakeDrs(["STOPPED"] * 60)
    outage_ends_at = drs.clock() + minutes * 60

    class Outage(FakeDrs):
        def send(self, operation: Operation, source_server_id: str) -> SourceServer:
            self.every_start = End(NO_ANSWER) if self.clock() < outage_ends_at else ANSWERED
            return super().send(operation, source_server_id)

    drs.__class__ = Outage
    run = wait(drs, timeout=minutes * 60 + 900, wait_delay=60)
    during = [call for call in run.of("start") if call.at < outage_ends_at]
    assert len(during) <= 20 + CALLS_AT_ONCE + minutes
    assert [outcome.reason for outcome in run.outcomes if outcome.failed] == []


def test_a_wait_outlives_an_outage_of_the_listing() -> None:
    drs = FakeDrs(["STALLED"], describes=[End(), *[End(ERROR_500)] * 10])
    run = wait(drs, timeout=3600)
    assert run.only.error_code is None
    failed = run.of("describe")[1:11]
    assert all(after.at - before.at >= 15 for before, after in pairwise(failed))


def test_a_conflict_is_waited_out_with_growing_pauses() -> None:
    run = wait(one(["STOPPED"], starts=[End(CONFLICT)] * 6), timeout=600)
    assert (run.only.end, run.only.changed, run.only.state) == ("done", True, "CONTINUOUS")
    at = [call.at - run.calls[0].at for call in run.of("start")]
    assert [after - before for before, after in pairwise(at)] == [3, 6, 12, 24, 48, 60]


def test_a_conflict_that_does_not_end_fails_at_the_deadline_with_what_aws_said_and_a_hint() -> None:
    run = wait(one(["STOPPED"], starts=[End(CONFLICT)] * 99), timeout=300)
    assert (run.only.end, run.only.changed, run.only.error_code) == ("failed", False, CONFLICT.code)
    assert CONFLICT.message in run.only.reason
    assert "quota of replicating source servers" in run.only.reason
    assert run.took == 300
    message = failure_message(run.run) or ""
    assert CONFLICT.message in message
    assert "quota of replicating source servers" in message


def test_a_refused_stop_has_no_hint_at_the_quota_of_replicating_servers() -> None:
    drs = one(["CONTINUOUS"], stops=[End(CONFLICT)] * 99)
    for options in ({"wait": False}, {"wait_timeout": 300}):
        reason = drs.run(goal="stopped", **options).only.reason
        assert CONFLICT.message in reason
        assert "; a job may hold the server" in reason
        assert "quota" not in reason


def test_a_start_that_pauses_after_a_conflict_leaves_its_place_to_the_next_server() -> None:
    servers = {
        sid(0): FakeServer(["STOPPED"], starts=[End(CONFLICT)] * 5),
        sid(1): FakeServer(["STOPPED"], started=["INITIATING", *["INITIAL_SYNC"] * 3, "CONTINUOUS"]),
    }
    run = wait(FakeDrs(servers), max_in_progress=1, timeout=600)
    assert [call.ids[0] for call in run.of("start")][:2] == [sid(0), sid(1)]
    assert [outcome.end for outcome in run.outcomes] == ["done", "done"]
    seen: dict[str, Seen] = {}
    for call in run.calls:
        seen.update(call.saw)
        if call.operation == "start":
            others = {state for each, state in seen.items() if each != call.ids[0]}
            assert others <= {"STOPPED", "CONTINUOUS"}, "another server was in progress"


def test_without_a_wait_a_conflict_keeps_its_place_for_its_one_retry() -> None:
    drs = FakeDrs({sid(0): FakeServer(["STOPPED"], starts=[End(CONFLICT)]), sid(1): FakeServer(["STOPPED"])})
    run = drs.run(max_in_progress=1)
    assert [call.ids[0] for call in run.of("start")] == [sid(0), sid(0)]
    assert [outcome.end for outcome in run.outcomes] == ["done", "deferred"]
