# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of reconcile() that does not wait. See test_wait.py for the wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.calls import CALLS_AT_ONCE
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.errors import (
    ERROR_KINDS,
    DrsError,
    ErrorKind,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.lifecycle import LIFECYCLES
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.next_steps import (
    copied_by_start,
    next_step_of,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.operations import Operation, Verdict
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.servers import SourceServer
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.outcomes import Outcome
from ansible_collections.disaster_recovery.aws.tests.unit.decision_table import GOALS, ROWS, TABLE, WARNED, decide
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import (
    ANSWERED,
    CONFLICT,
    ERROR_500,
    EXPIRED,
    GONE,
    NO_ANSWER,
    REFUSED,
    REGION,
    THROTTLED,
    End,
    FakeDrs,
    FakeServer,
    Run,
    Seen,
    error,
    sid,
)

# The action for each verdict, in a run that does not wait.
AT_ONCE: dict[Verdict, str] = {"start": "start", "stop": "stop", "done": "none", "wait": "none", "fail": "fail"}
CASES = [
    *((state, goal, AT_ONCE[verdict], goal != "stopped" and state in WARNED) for state, goal, verdict in ROWS),
    *((GONE, goal, "fail", False) for goal in GOALS),
]
AFTER = {"start": "INITIATING", "stop": "STOPPED"}


@pytest.mark.parametrize(("state", "goal", "end", "warned"), CASES)
@pytest.mark.parametrize("check_mode", [False, True])
def test_each_state_and_goal_has_the_documented_action(
    state: Seen, goal: str, end: str, warned: bool, check_mode: bool
) -> None:
    drs = FakeDrs([state])

    run = drs.run(goal=goal, check_mode=check_mode)

    shown = None if state == GONE else state
    call = end if end in AFTER else "none"
    assert [each.operation for each in run.calls] == ["describe", *([call] if call in AFTER and not check_mode else [])]
    assert (run.only.action, run.only.changed, run.only.failed) == (call, call in AFTER, end == "fail")
    assert run.only.state == AFTER.get(call, shown)
    assert (run.only.warning is not None) == warned
    assert run.only.end is not None
    assert run.only.reason
    assert run.ended_by is None
    assert not drs.clock.slept


@pytest.mark.parametrize(("state", "goal", "end", "_warned"), CASES)
def test_a_second_run_changes_nothing(state: Seen, goal: str, end: str, _warned: bool) -> None:
    drs = FakeDrs([state])
    drs.run(goal=goal)

    again = drs.run(goal=goal)

    assert again.writes == []
    assert (again.only.action, again.only.changed, again.only.failed) == ("none", False, end == "fail")


@pytest.mark.parametrize("wait", [False, True])
def test_check_mode_settles_every_server_and_waits_for_none(wait: bool) -> None:
    drs = FakeDrs([*TABLE, GONE])

    run = drs.run(goal="continuous", check_mode=True, wait=wait, wait_timeout=600)

    assert [call.operation for call in run.calls] == ["describe"]
    assert not drs.clock.slept
    assert run.ids_with(lambda outcome: outcome.end is None) == []


def test_check_mode_shows_the_server_as_it_is_and_predicts_the_state() -> None:
    outcome = FakeDrs(["STOPPED"]).run(check_mode=True).only
    assert outcome.latest is outcome.first
    assert outcome.state == "INITIATING"
    assert outcome.reason.startswith("would start")


def test_an_unknown_id_fails_with_the_region_and_the_others_go_on() -> None:
    drs = FakeDrs(["STOPPED"])

    run = drs.run(sid(7), sid(0))

    unknown, known = run.outcomes
    assert (unknown.failed, unknown.action, unknown.state) == (True, "none", None)
    assert REGION in unknown.reason
    assert (known.failed, known.changed) == (False, True)


def test_a_server_that_was_described_already_is_not_described_again() -> None:
    drs = FakeDrs(["STOPPED", "CONTINUOUS"])
    (seen,) = drs.describe([sid(0)])
    outcomes = [Outcome(sid(0), first=seen, latest=seen), Outcome(sid(1))]

    run = drs.go_on(outcomes)

    assert [call.ids for call in run.of("describe")] == [(sid(1),)]
    assert run.writes == [sid(0)]


def test_201_servers_cost_two_describes_and_keep_their_order() -> None:
    drs = FakeDrs(["STOPPED"] * 201)
    ids = [sid(number) for number in range(200, -1, -1)]

    run = drs.run(*ids)

    assert [len(call.ids) for call in run.of("describe")] == [200, 1]
    assert [outcome.source_server_id for outcome in run.outcomes] == ids
    assert run.writes == sorted(ids)
    assert all(outcome.changed and outcome.end for outcome in run.outcomes)


def test_a_conflict_because_somebody_else_started_it_is_no_failure() -> None:
    drs = FakeDrs({sid(0): FakeServer(["STOPPED", "INITIATING"])})

    run = drs.run()

    assert len(run.of("start")) == 1
    assert (run.only.action, run.only.changed, run.only.failed) == ("none", False, False)
    assert run.only.error_code is None
    assert run.only.state == "INITIATING"


def test_two_racing_runs_report_one_change_and_no_failure() -> None:
    drs = FakeDrs(["STOPPED"])
    (seen,) = drs.describe([sid(0)])
    slow = [Outcome(sid(0), first=seen, latest=seen)]
    quick = drs.run()

    late = drs.go_on(slow)

    assert (quick.only.changed, quick.only.failed) == (True, False)
    assert (late.only.changed, late.only.failed) == (False, False)


def test_a_conflict_that_persists_fails_after_a_second_try_with_the_words_of_aws() -> None:
    quota = error("conflict", "ConflictException", "Maximum number of replicating servers reached")
    drs = FakeDrs({sid(0): FakeServer(["STOPPED"], starts=[End(quota)] * 9)})

    run = drs.run()

    assert len(run.of("start")) == 2
    assert (run.only.failed, run.only.changed, run.only.action) == (True, False, "start")
    assert run.only.error_code == "ConflictException"
    assert quota.message in run.only.reason
    first, second = run.of("start")
    assert 1 <= second.at - first.at <= 10, "the second try comes after a pause"


def test_a_conflict_that_passes_is_a_start() -> None:
    run = FakeDrs({sid(0): FakeServer(["STOPPED"], starts=[End(CONFLICT)])}).run()
    assert len(run.of("start")) == 2
    assert (run.only.changed, run.only.failed, run.only.error_code) == (True, False, None)


@pytest.mark.parametrize("lost", [NO_ANSWER, ERROR_500], ids=["no answer", "500"])
@pytest.mark.parametrize(
    ("goal", "path", "state"), [("replicating", ["STOPPED"], "INITIATING"), ("stopped", ["CONTINUOUS"], "STOPPED")]
)
def test_a_lost_answer_after_the_effect_is_found_by_a_describe_and_counts_as_a_change(
    lost: DrsError, goal: str, path: list[Seen], state: str
) -> None:
    ends = [End(lost, after_effect=True)]
    drs = FakeDrs({sid(0): FakeServer(path, starts=[*ends], stops=[*ends])})

    run = drs.run(goal=goal)

    assert [call.operation for call in run.calls] == ["describe", run.only.action, "describe"]
    assert (run.only.changed, run.only.failed, run.only.state, run.only.error_code) == (True, False, state, None)


@pytest.mark.parametrize("lost", [NO_ANSWER, ERROR_500], ids=["no answer", "500"])
@pytest.mark.parametrize(
    ("goal", "path", "state"), [("replicating", ["STOPPED"], "INITIATING"), ("stopped", ["CONTINUOUS"], "STOPPED")]
)
def test_a_lost_answer_before_the_effect_is_followed_by_a_describe_and_another_call(
    lost: DrsError, goal: str, path: list[Seen], state: str
) -> None:
    ends = [End(lost)]
    drs = FakeDrs({sid(0): FakeServer(path, starts=[*ends], stops=[*ends])})

    run = drs.run(goal=goal)

    assert [call.operation for call in run.calls] == ["describe", run.only.action] * 2
    assert (run.only.changed, run.only.failed, run.only.state, run.only.error_code) == (True, False, state, None)


def test_a_start_that_is_never_answered_fails_after_the_attempts_of_the_service() -> None:
    drs = FakeDrs({sid(0): FakeServer(["STOPPED"], starts=[End(ERROR_500)] * 99)})

    run = drs.run()

    assert len(run.of("start")) == drs.attempts
    assert (run.only.failed, run.only.error_code) == (True, "InternalServerException")
    assert ERROR_500.message in run.only.reason
    assert run.took < 60


def test_a_lost_answer_whose_effect_shows_late_still_counts_as_a_change() -> None:
    lost = [End(NO_ANSWER, after_effect=True)]
    run = FakeDrs({sid(0): FakeServer(["STOPPED"], stale=1.0, starts=lost)}).run()
    assert (run.only.changed, run.only.failed) == (True, False)


@pytest.mark.parametrize("lost", [NO_ANSWER, ERROR_500], ids=["no answer", "500"])
def test_a_server_seen_stopped_after_every_attempt_was_not_started(lost: DrsError) -> None:
    drs = FakeDrs({sid(0): FakeServer(["STOPPED"], starts=[End(lost)] * 99)})

    run = drs.run()

    assert run.took_effect == set()
    assert (run.only.failed, run.only.changed) == (True, False)


@pytest.mark.parametrize("lost", [NO_ANSWER, ERROR_500], ids=["no answer", "500"])
def test_a_lost_start_and_a_refused_one_are_no_change_but_may_have_taken_effect(lost: DrsError) -> None:
    ends = [End(lost, after_effect=True), End(REFUSED)]
    drs = FakeDrs({sid(0): FakeServer(["STOPPED"], stale=250.0, starts=ends)})

    run = drs.run()

    assert run.took_effect == {sid(0)}
    assert (run.only.failed, run.only.changed) == (True, False)
    assert "sent 2 times, 1 of them not answered, still STOPPED, and may have taken effect" in run.only.reason
    assert REFUSED.message in run.only.reason


def test_with_a_wait_a_lost_start_is_observed_after_a_refused_one() -> None:
    ends = [End(NO_ANSWER, after_effect=True), End(REFUSED)]
    drs = FakeDrs({sid(0): FakeServer(["STOPPED"], stale=250.0, starts=ends)})
    run = drs.run(wait=True, wait_timeout=600)
    assert (run.only.failed, run.only.changed, run.only.state) == (False, True, "INITIAL_SYNC")


def test_a_start_without_an_answer_and_without_a_describe_after_it_says_that_it_may_have_taken_effect() -> None:
    drs = FakeDrs({sid(0): FakeServer(["STOPPED"], starts=[End(NO_ANSWER, after_effect=True)])})
    drs.describes = [End(), End(ERROR_500)]

    run = drs.run()

    assert (run.only.failed, run.only.changed) == (True, False)
    assert "may have taken effect" in run.only.reason
    assert run.only.error_code == "InternalServerException"


@pytest.mark.parametrize("end", [THROTTLED, REFUSED, error("refused", "ResourceNotFoundException")], ids=str)
def test_one_refused_server_fails_and_the_others_go_on(end: DrsError) -> None:
    drs = FakeDrs(["STOPPED"] * 30)
    drs.servers[sid(3)].starts = [End(end)] * 9

    run = drs.run()

    assert run.writes == sorted(drs.servers), "each is called once, the refused one too"
    assert run.ids_with(lambda outcome: outcome.failed) == [sid(3)]
    assert run.ids_with(lambda outcome: not outcome.changed) == [sid(3)]
    assert (run.outcomes[3].error_code, run.outcomes[3].action) == (end.code, "start")
    assert run.outcomes[3].error_message == end.error_message
    assert run.outcomes[3].reason == end.message
    assert run.ended_by is None


def test_every_server_is_tried_even_if_all_starts_are_throttled() -> None:
    drs = FakeDrs(["STOPPED"] * 30)
    drs.every_start = End(THROTTLED)
    assert len(drs.run().of("start")) == 30


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException", "ConflictException"])
@pytest.mark.parametrize("goal", ["replicating", "stopped"])
def test_refused_neighbours_keep_no_other_server_from_being_called(goal: str, code: str) -> None:
    drs = FakeDrs(["STOPPED" if goal == "replicating" else "CONTINUOUS"] * 200)
    kind: ErrorKind = "conflict" if code == "ConflictException" else "refused"
    for number in range(20):
        drs.servers[sid(number)].starts = drs.servers[sid(number)].stops = [End(error(kind, code))] * 9

    run = drs.run(goal=goal)

    refused = [sid(number) for number in range(20)]
    assert run.ids_with(lambda outcome: outcome.failed) == refused
    assert run.ids_with(lambda outcome: not outcome.changed) == refused
    assert {outcome.error_code for outcome in run.outcomes[:20]} == {code}
    assert not any("not tried" in outcome.reason for outcome in run.outcomes)


def test_a_service_that_does_not_answer_is_not_called_by_the_rest_of_the_fleet() -> None:
    drs = FakeDrs(["STOPPED"] * 200)
    drs.every_start = End(ERROR_500)

    run = drs.run()

    called = set(run.writes)
    assert 20 <= len(run.writes) < 20 + CALLS_AT_ONCE
    assert run.ids_with(lambda outcome: outcome.changed) == []
    for outcome in run.outcomes:
        assert outcome.failed
        assert ("not tried" in outcome.reason) == (outcome.source_server_id not in called)
        assert ("may have taken effect" in outcome.reason) == (outcome.source_server_id in called)
        assert outcome.action == ("start" if outcome.source_server_id in called else "none")


def test_nineteen_calls_without_an_answer_end_nothing() -> None:
    drs = FakeDrs(["STOPPED"] * 19)
    for server in drs.servers.values():
        server.starts = [End(NO_ANSWER)]
    assert drs.run().ids_with(lambda outcome: outcome.failed or not outcome.changed) == []


def test_servers_called_before_the_service_stopped_answering_are_described_once_more() -> None:
    drs = FakeDrs(["STOPPED"] * 60)
    drs.every_start = End(ERROR_500, after_effect=True)

    run = drs.run()

    assert set(run.ids_with(lambda outcome: outcome.changed)) == run.took_effect == set(run.writes)
    assert len(run.ids_with(lambda outcome: outcome.reason.startswith("not tried"))) == 60 - len(run.writes)


def test_a_start_that_is_never_answered_tells_how_often_it_was_sent_and_what_is_known() -> None:
    drs = FakeDrs({sid(0): FakeServer(["STOPPED"], starts=[End(ERROR_500)] * 99)})
    reason = drs.run().only.reason
    assert reason.startswith("the start was sent 6 times, never answered, still STOPPED, and may have taken effect: ")


def test_a_fleet_that_never_answers_ends_with_every_outcome() -> None:
    drs = FakeDrs(["STOPPED"] * 60)
    drs.every_start = End(ERROR_500)

    run = drs.run()

    assert all(outcome.failed and outcome.end for outcome in run.outcomes)
    assert run.took < 120


def test_a_fleet_that_somebody_else_starts_at_the_same_time_fails_nowhere() -> None:
    drs = FakeDrs({sid(number): FakeServer(["STOPPED", "INITIATING"]) for number in range(60)})

    run = drs.run()

    assert run.ids_with(lambda outcome: outcome.failed or outcome.changed or outcome.action != "none") == []


def test_conflicts_of_which_some_are_races_and_one_persists_leave_no_healthy_server_behind() -> None:
    drs = FakeDrs(
        {
            sid(0): FakeServer(["STOPPED"], starts=[End(CONFLICT)] * 9),
            **{sid(number): FakeServer(["STOPPED", "INITIATING"]) for number in range(1, 20)},
            **{sid(number): FakeServer(["STOPPED"]) for number in range(20, 60)},
        }
    )

    run = drs.run()

    assert run.ids_with(lambda outcome: outcome.failed) == [sid(0)]


def test_a_fatal_error_in_the_first_observation_ends_the_run_with_every_outcome() -> None:
    drs = FakeDrs(["STOPPED"] * 201)
    drs.describes = [End(), End(EXPIRED)]

    run = drs.run()

    assert run.writes == []
    assert run.ended_by is not None
    assert run.ended_by.code == EXPIRED.code
    assert all(outcome.failed and (outcome.end is not None) and not outcome.changed for outcome in run.outcomes)
    assert all(EXPIRED.message in outcome.reason for outcome in run.outcomes)


class ExpiringDrs(FakeDrs):
    """Its credentials expire after three starts, whichever come first."""

    def _start(self, source_server_id: str) -> SourceServer:
        started = sum(call.operation == "start" for call in self.journal)
        self.every_start = ANSWERED if started < 3 else End(EXPIRED)
        return super()._start(source_server_id)


def test_a_fatal_error_in_a_start_makes_no_further_calls_and_tells_who_was_not_tried() -> None:
    run = ExpiringDrs(["CONTINUOUS"] + ["STOPPED"] * 60).run()

    assert run.ended_by is not None
    assert [call.operation for call in run.calls].count("describe") == 1
    assert 4 <= len(run.writes) < 4 + CALLS_AT_ONCE
    assert not run.outcomes[0].failed
    assert {outcome.source_server_id for outcome in run.outcomes if outcome.changed} == set(run.writes[:3])
    rest = [outcome for outcome in run.outcomes[1:] if not outcome.changed]
    assert len(rest) == 57
    assert all(outcome.failed and outcome.end is not None for outcome in rest)
    assert not any(outcome.failed for outcome in run.outcomes if outcome.changed)
    assert all((outcome.source_server_id in run.writes) != outcome.reason.startswith("not tried") for outcome in rest)


@pytest.mark.parametrize(("end", "number"), [(ERROR_500, 4), (THROTTLED, 6)], ids=["500", "429"])
def test_describes_end_where_the_service_does_not_answer_and_go_on_where_it_refuses(end: DrsError, number: int) -> None:
    drs = FakeDrs(["STOPPED"] * 1200)
    drs.describes = [End(end)] * 6

    run = drs.run()

    assert len(run.of("describe")) == number, "an unanswered Describe stands for 6 attempts, and 20 open the breaker"
    assert {outcome.reason for outcome in run.outcomes[: number * 200]} == {end.message}
    assert {outcome.reason.split(":")[0] for outcome in run.outcomes[number * 200 :]} <= {"not tried"}


def test_ten_calls_are_made_at_once() -> None:
    together = threading.Barrier(CALLS_AT_ONCE)

    class Slow(FakeDrs):
        def send(self, operation: Operation, source_server_id: str) -> SourceServer:
            together.wait(timeout=5)
            return super().send(operation, source_server_id)

    assert len(Slow(["STOPPED"] * CALLS_AT_ONCE).run().writes) == CALLS_AT_ONCE


def test_a_request_that_fails_for_good_fails_its_servers_and_no_other() -> None:
    drs = FakeDrs(["STOPPED"] * 201)
    drs.describes = [End(ERROR_500)]

    run = drs.run()

    assert run.writes == [sid(200)]
    assert len(run.ids_with(lambda outcome: outcome.failed)) == 200
    assert run.outcomes[0].error_code == ERROR_500.code
    assert run.outcomes[0].error_message == ERROR_500.error_message
    assert run.ended_by is None


def test_max_in_progress_starts_a_canary_and_the_same_run_again_the_next_wave_once_it_has_arrived() -> None:
    drs = FakeDrs(["STOPPED", "CONTINUOUS", "STOPPED", "STOPPED", "DISCONNECTED", "STOPPED"])
    waves = [drs.run(max_in_progress=2) for _wave in range(4)]

    first, third = [sid(0), sid(2)], [sid(3), sid(5)]
    assert [wave.writes for wave in waves] == [first, [], third, []], "the second run sees the first wave INITIATING"
    assert [wave.ids_with(lambda outcome: outcome.end == "deferred") for wave in waves] == [third, third, [], []]
    deferred = waves[1].outcomes[3]
    assert (deferred.failed, deferred.changed, deferred.action, deferred.state) == (False, False, "none", "STOPPED")
    assert deferred.reason == f"2 of 2 places are taken: {sid(0)} INITIATING, {sid(2)} INITIATING"


@pytest.mark.parametrize(
    ("state", "end"), [("STALLED", "failed"), ("PAUSED", "failed"), ("INITIATING", "done"), ("SOMETHING_NEW", "done")]
)
@pytest.mark.parametrize("check_mode", [False, True])
def test_a_server_in_progress_keeps_its_place_and_fails_if_it_is_stuck(state: str, end: str, check_mode: bool) -> None:
    run = FakeDrs(["STOPPED", state, "STOPPED"]).run(max_in_progress=1, check_mode=check_mode)
    assert run.writes == []
    assert [outcome.end for outcome in run.outcomes] == ["deferred", end, "deferred"]
    assert run.outcomes[0].reason == f"1 of 1 places are taken: {sid(1)} {state}"


def test_with_continuous_a_server_that_syncs_holds_its_place_too() -> None:
    assert FakeDrs(["STOPPED", "INITIAL_SYNC"]).run(max_in_progress=1, goal="continuous").writes == []
    assert FakeDrs(["STOPPED", "INITIAL_SYNC"]).run(max_in_progress=1).writes == [sid(0)]


def test_check_mode_predicts_the_canary_and_the_deferred() -> None:
    run = FakeDrs(["STOPPED"] * 3).run(max_in_progress=1, check_mode=True)
    assert [outcome.state for outcome in run.outcomes] == ["INITIATING", "STOPPED", "STOPPED"]
    assert [outcome.end for outcome in run.outcomes] == ["done", "deferred", "deferred"]


@pytest.mark.parametrize("refusal", [REFUSED, CONFLICT, THROTTLED], ids=str)
def test_a_refused_start_gives_its_place_to_the_next_server(refusal: DrsError) -> None:
    drs = FakeDrs(["STOPPED"] * 6)
    for number in range(3):
        drs.servers[sid(number)].starts = [End(refusal)] * 9

    run = drs.run(max_in_progress=2)

    assert run.ids_with(lambda outcome: outcome.failed) == [sid(0), sid(1), sid(2)]
    assert run.ids_with(lambda outcome: outcome.changed) == [sid(3), sid(4)]
    assert run.ids_with(lambda outcome: outcome.end == "deferred") == [sid(5)]


def test_a_start_that_may_have_taken_effect_keeps_its_place() -> None:
    drs = FakeDrs(["STOPPED"] * 2)
    drs.servers[sid(0)].starts = [End(NO_ANSWER)] * 99
    run = drs.run(max_in_progress=1)
    assert [outcome.end for outcome in run.outcomes] == ["failed", "deferred"]
    assert set(run.writes) == {sid(0)}


class Stateless(FakeDrs):
    """Answers a start without a state."""

    def send(self, operation: Operation, source_server_id: str) -> SourceServer:
        return {**super().send(operation, source_server_id), "dataReplicationInfo": {}}


@pytest.mark.parametrize("wait", [False, True])
def test_an_accepted_start_keeps_its_place_where_the_answer_has_no_state(wait: bool) -> None:
    run = Stateless(["STOPPED"] * 3).run(max_in_progress=1, wait=wait, wait_timeout=10, wait_delay=20)
    assert len(run.writes) == 1
    assert run.outcomes[0].changed


@pytest.mark.parametrize("state", ["DISCONNECTED", "STOPPED", None])
def test_a_started_server_that_fails_keeps_its_place(state: Seen) -> None:
    drs = FakeDrs({sid(0): FakeServer(["STOPPED"], started=["INITIATING", state]), sid(1): FakeServer(["STOPPED"])})
    run = drs.run(max_in_progress=1, wait=True, wait_timeout=600)
    assert [outcome.end for outcome in run.outcomes] == ["failed", "deferred"]
    assert run.writes == [sid(0)]
    assert sid(0) in run.outcomes[1].reason


def test_a_started_server_that_is_deleted_gives_its_place_to_the_next_one() -> None:
    drs = FakeDrs({sid(0): FakeServer(["STOPPED"], started=[GONE]), sid(1): FakeServer(["STOPPED"])})
    run = drs.run(max_in_progress=1, wait=True, wait_timeout=600)
    assert run.writes == [sid(0), sid(1)]
    assert [outcome.end for outcome in run.outcomes] == ["failed", "done"]


def test_a_start_that_met_a_conflict_keeps_its_place_until_it_is_tried_again() -> None:
    drs = FakeDrs(["STOPPED"] * 2)
    drs.servers[sid(0)].starts = [End(CONFLICT)]
    run = drs.run(max_in_progress=1)
    assert run.writes == [sid(0)] * 2
    assert [outcome.end for outcome in run.outcomes] == ["done", "deferred"]


@pytest.mark.parametrize(
    ("holders", "named"),
    [
        (1, f"{sid(0)} web0 PAUSED"),
        (3, f"{sid(0)} web0 PAUSED, {sid(1)} web1 PAUSED, {sid(2)} web2 PAUSED"),
        (5, f"{sid(0)} web0 PAUSED, {sid(1)} web1 PAUSED, {sid(2)} web2 PAUSED, and 2 more"),
    ],
)
def test_the_deferred_name_the_first_three_that_hold_a_place(holders: int, named: str) -> None:
    drs = FakeDrs(["PAUSED"] * holders + ["STOPPED"])
    for number in range(holders):
        hints = {"identificationHints": {"hostname": f"web{number}"}}
        drs.servers[sid(number)].members = {"sourceProperties": hints}

    deferred = drs.run(max_in_progress=1).outcomes[-1]

    assert deferred.reason == f"{holders} of 1 places are taken: {named}"
    assert deferred.cause == f"deferred, since {holders} of 1 places are taken"
    assert deferred.warning is None


@pytest.mark.parametrize("check_mode", [False, True])
def test_at_the_deadline_the_deferred_do_not_claim_that_places_are_taken(check_mode: bool) -> None:
    drs = FakeDrs(["STOPPED"] * 2, describes=[End(takes=60.0)])
    run = drs.run(max_in_progress=2, wait_timeout=60, check_mode=check_mode)
    assert (run.writes, run.run.expired) == ([], True)
    for outcome in run.outcomes:
        assert (outcome.end, outcome.reason) == ("deferred", "not started before wait_timeout (60 s) expired")


def test_max_in_progress_does_not_limit_stops_that_are_not_answered() -> None:
    drs = FakeDrs(["CONTINUOUS"] * 3)
    for server in drs.servers.values():
        server.stops = [End(NO_ANSWER)]
    run = drs.run(goal="stopped", max_in_progress=1)
    assert {call.at for call in run.of("stop")[:3]} == {run.calls[0].at}


def test_max_in_progress_does_not_limit_stops() -> None:
    assert len(FakeDrs(["CONTINUOUS"] * 3).run(goal="stopped", max_in_progress=1).writes) == 3


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_held_server_is_left_alone_only_where_the_rule_says_start(check_mode: bool) -> None:
    drs = FakeDrs(
        {sid(n): FakeServer([s], holds=[True]) for n, s in enumerate(["STOPPED", "CONTINUOUS", "DISCONNECTED"])}
    )

    run = drs.run(holds=True, check_mode=check_mode)

    assert run.writes == []
    held, running, disconnected = run.outcomes
    assert (held.end, held.changed, held.action, held.state) == ("held", False, "none", "STOPPED")
    assert (held.reason, held.cause) == (next_step_of(held.latest, "STOPPED"), FAILBACK)
    assert held.warning == f"held, {FAILBACK}"
    assert running.end == "done"
    assert disconnected.end == "failed"


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_server_named_by_id_is_started_with_a_warning_that_filters_would_hold_it(check_mode: bool) -> None:
    run = FakeDrs({sid(0): FakeServer(["STOPPED"], holds=[True])}).run(check_mode=check_mode)
    assert run.only.changed
    assert run.only.warnings == [(HOLD_WARNING, copied_by_start(run.only.latest))]


FAILBACK = LIFECYCLES["failback"].cause
HOLD_WARNING = f"filters would hold it, but it is named by ID: {FAILBACK}"
LOST = End(NO_ANSWER, after_effect=True)


@pytest.mark.parametrize(
    ("server", "options", "is_warned"),
    [
        (FakeServer(["STOPPED"]), {"wait": True}, True),
        (FakeServer(["STOPPED"], starts=[LOST]), {}, True),
        (FakeServer(["STOPPED"], started=["STALLED"]), {"wait": True}, True),
        (FakeServer(["STOPPED"], started=["DISCONNECTED"]), {"wait": True}, True),
        (FakeServer(["STOPPED"], starts=[End(NO_ANSWER)] * 9), {}, True),
        (FakeServer(["STOPPED"], starts=[End(REFUSED)]), {}, False),
        (FakeServer(["STOPPED", "INITIATING", "CONTINUOUS"], starts=[End(CONFLICT)]), {"wait": True}, False),
    ],
    ids=["waited for", "lost answer", "stuck", "disconnected", "not answered", "refused", "started by another"],
)
def test_the_warning_about_a_hold_stays_where_this_run_may_have_started_the_server(
    server: FakeServer, options: dict[str, Any], is_warned: bool
) -> None:
    run = FakeDrs({sid(0): replace(server, holds=[True])}).run(**options, wait_timeout=60)
    assert (HOLD_WARNING in [cause for cause, _detail in run.only.warnings]) == is_warned


def test_a_deferred_server_is_not_warned_of() -> None:
    servers = {sid(0): FakeServer(["PAUSED"]), sid(1): FakeServer(["STOPPED"], holds=[True])}
    run = FakeDrs(servers).run(max_in_progress=1)
    assert run.outcomes[1].warnings == []


@pytest.mark.parametrize("wait", [False, True])
@pytest.mark.parametrize("number", [1, 201])
def test_where_no_server_could_be_described_the_error_ended_the_run_for_all(wait: bool, number: int) -> None:
    drs = FakeDrs(["CONTINUOUS"] * number, describes=[End(ERROR_500)] * 2)
    run = drs.run(wait=wait, wait_timeout=60)
    assert run.ended_by is not None
    assert run.ended_by.code == ERROR_500.code
    assert all(outcome.failed for outcome in run.outcomes)


def test_an_error_of_one_request_does_not_end_the_run_for_all() -> None:
    run = FakeDrs(["CONTINUOUS"] * 201, describes=[End(ERROR_500)]).run()
    assert run.ended_by is None
    assert [outcome.failed for outcome in run.outcomes] == [True] * 200 + [False]


def test_a_held_server_takes_no_place() -> None:
    drs = FakeDrs(["STOPPED"] * 3)
    drs.servers[sid(0)].holds = [True]

    run = drs.run(max_in_progress=1, holds=True)

    assert run.writes == [sid(1)]
    assert [outcome.end for outcome in run.outcomes] == ["held", "done", "deferred"]


@pytest.mark.parametrize("end", [End(NO_ANSWER), End(ERROR_500), End(CONFLICT)], ids=["no answer", "500", "409"])
def test_a_server_that_was_called_is_never_held(end: End) -> None:
    drs = FakeDrs({sid(0): FakeServer(["STOPPED"], starts=[end], holds=[False, False, True])})

    run = drs.run(holds=True)

    assert (run.only.end, run.only.changed, run.only.action) == ("failed", False, "start")
    assert FAILBACK in run.only.reason
    assert ("may have taken effect" in run.only.reason) == (end.error is not CONFLICT)


def test_a_lost_stop_of_a_server_that_disconnects_is_no_change_but_may_have_taken_effect() -> None:
    server = FakeServer(["CONTINUOUS", "DISCONNECTED"], stops=[End(NO_ANSWER)])
    run = FakeDrs({sid(0): server}).run(goal="stopped")
    assert (run.only.end, run.only.changed, run.only.action) == ("done", False, "stop")
    for word in ("stop was sent once", "never answered", "now DISCONNECTED", "may have taken effect", "AGENT_NOT_SEEN"):
        assert word in run.only.reason


def test_a_lost_start_that_took_effect_is_a_change_although_the_server_would_be_held_by_now() -> None:
    drs = FakeDrs(
        {sid(0): FakeServer(["STOPPED"], starts=[End(NO_ANSWER, after_effect=True)], holds=[False, False, True])}
    )
    run = drs.run(holds=True)
    assert (run.only.end, run.only.changed, run.only.state) == ("done", True, "INITIATING")


def test_an_extra_server_in_the_answer_is_not_touched() -> None:
    drs = FakeDrs(["STOPPED", "STOPPED"])
    assert drs.run(sid(1)).writes == [sid(1)]


def test_the_pause_before_a_describe_doubles_from_half_a_second_to_eight_seconds() -> None:
    run = FakeDrs({sid(0): FakeServer(["STOPPED"], starts=[End(NO_ANSWER)] * 99)}).run()
    begin = run.calls[0].at
    assert [call.at - begin for call in run.of("start")] == [0, 0.5, 1.5, 3.5, 7.5, 15.5]
    assert run.described_at == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 23.5]


def test_three_seconds_pass_between_a_conflict_and_the_next_call() -> None:
    run = FakeDrs({sid(0): FakeServer(["STOPPED"], starts=[End(CONFLICT)] * 9)}).run()
    begin = run.calls[0].at
    assert [call.at - begin for call in run.of("start")] == [0, 3]


ADVICE = "AGENT_NOT_SEEN, check that the source server is up and its agent runs and reaches DRS on TCP 443"
SEE_THE_AGENT = decide("replicating", "DISCONNECTED").reason
LOST_THEN_REFUSED = (
    "the start was sent 2 times, 1 of them not answered, still STOPPED, and may have taken effect: "
    "AccessDeniedException: so says AWS"
)

# The options of a run, what it finds, and the reason and cause that it gives.
SENTENCES: dict[str, tuple[dict[str, object], FakeServer, str, str]] = {
    "running": ({}, FakeServer(["INITIAL_SYNC"]), "data is replicating", "INITIAL_SYNC, data is replicating"),
    "stalled": (
        {},
        FakeServer(["STALLED"]),
        f"replication has stalled, no data is flowing; {ADVICE}",
        f"STALLED: {ADVICE}",
    ),
    "disconnected": ({}, FakeServer(["DISCONNECTED"]), f"{SEE_THE_AGENT}; {ADVICE}", f"DISCONNECTED, {SEE_THE_AGENT}"),
    "disconnected, last seen": (
        {},
        FakeServer(["DISCONNECTED"], members={"lifeCycle": {"lastSeenByServiceDateTime": "2026-11-23T14:05:00Z"}}),
        f"{SEE_THE_AGENT}; {ADVICE}; last seen 2026-11-23T14:05:00Z",
        f"DISCONNECTED, {SEE_THE_AGENT}",
    ),
    "running, last seen": (
        {},
        FakeServer(["BACKLOG"], members={"lifeCycle": {"lastSeenByServiceDateTime": "2026-11-23T14:05:00Z"}}),
        "data is replicating",
        "BACKLOG, data is replicating",
    ),
    "stalled without an error": (
        {},
        FakeServer(["STALLED"], members={"dataReplicationInfo": {"dataReplicationState": "STALLED"}}),
        "replication has stalled, no data is flowing",
        "STALLED, replication has stalled, no data is flowing",
    ),
    "initiating": (
        {},
        FakeServer(["INITIATING"]),
        "replication is being initiated, no data is flowing yet",
        "INITIATING, replication is being initiated, no data is flowing yet",
    ),
    "without a state": (
        {},
        FakeServer([None]),
        "AWS reported no data replication state",
        "AWS reported no data replication state",
    ),
    "unknown": (
        {},
        FakeServer([GONE]),
        f"DRS does not know this ID in {REGION}",
        f"DRS does not know this ID in {REGION}",
    ),
    "started": ({}, FakeServer(["STOPPED"]), "DRS accepted the start", "DRS accepted the start"),
    "stopped": ({"goal": "stopped"}, FakeServer(["BACKLOG"]), "DRS accepted the stop", "DRS accepted the stop"),
    "would start": (
        {"check_mode": True},
        FakeServer(["STOPPED"]),
        "would start: replication is stopped",
        "STOPPED, replication is stopped",
    ),
    "would stop": (
        {"check_mode": True, "goal": "stopped"},
        FakeServer(["RESCAN"]),
        "would stop: data is replicating",
        "RESCAN, data is replicating",
    ),
    "refused": (
        {},
        FakeServer(["STOPPED"], starts=[End(error("refused", "AccessDenied", f"{sid(0)} is not yours"))]),
        f"{sid(0)} is not yours",
        "the server is not yours",
    ),
    "lost, then refused": (
        {},
        FakeServer(["STOPPED"], starts=[End(NO_ANSWER), End(REFUSED)]),
        LOST_THEN_REFUSED,
        LOST_THEN_REFUSED,
    ),
}


@pytest.mark.parametrize(("options", "server", "reason", "cause"), SENTENCES.values(), ids=SENTENCES)
def test_the_reason_is_complete_and_the_cause_has_no_details_of_one_server(
    options: dict[str, object], server: FakeServer, reason: str, cause: str
) -> None:
    outcome = FakeDrs({sid(0): replace(server)}).run(**options).only
    assert (outcome.reason, outcome.cause) == (reason, cause)


def test_a_server_that_was_deleted_after_the_first_observation_says_so() -> None:
    run = FakeDrs({sid(0): FakeServer(["STOPPED", GONE], starts=[End(CONFLICT)])}).run()
    assert run.only.reason == run.only.cause
    assert "deleted" in run.only.reason


@pytest.mark.parametrize(
    ("now", "reason"),
    [(GONE, "deleted"), (None, "no data replication state")],
)
def test_a_start_without_a_response_is_reported_where_the_state_is_unknown(now: str | None, reason: str) -> None:
    run = FakeDrs({sid(0): FakeServer(["STOPPED", now], starts=[End(NO_ANSWER)])}).run()
    assert "sent once, never answered, and may have taken effect: " in run.only.reason
    assert reason in run.only.reason


def test_a_server_with_a_conflict_is_not_reported_as_not_tried_when_the_run_ends() -> None:
    drs = FakeDrs(["STOPPED"] * (CALLS_AT_ONCE + 2))
    for server in drs.servers.values():
        server.starts = [End(CONFLICT)]
    drs.servers[sid(0)].starts.append(End(EXPIRED))

    run = drs.run()

    assert run.ended_by is not None
    assert len(run.of("start")) > CALLS_AT_ONCE + 2
    assert not any("not tried" in outcome.reason for outcome in run.outcomes)


def timed(drs: FakeDrs, **options: Any) -> tuple[float, Run]:
    """A run, after the seconds of CPU that it takes."""
    drs.patience = 20_000
    began = time.process_time()
    run = drs.run(**options)
    return time.process_time() - began, run


def run_of_4000(drs_of: Callable[[int], FakeDrs], **options: Any) -> Run:
    """A run of 4,000 servers, which may take 3 times as long for each as one of 500, on a machine of any speed."""
    few = min(timed(drs_of(500), **options)[0] for _attempt in range(3))
    many, run = timed(drs_of(4000), **options)
    assert many / 4000 < 3 * few / 500
    return run


@pytest.mark.parametrize("end", [End(REFUSED), End(THROTTLED)], ids=["403", "429"])
def test_one_place_and_4000_servers_take_no_longer_for_each_server_than_500(end: End) -> None:
    def drs_of(servers: int) -> FakeDrs:
        return FakeDrs({sid(number): FakeServer(["STOPPED"], starts=[end] * 3) for number in range(servers)})

    run_of_4000(drs_of, max_in_progress=1)


def test_the_deadline_ends_a_wait_of_4000_servers_with_one_place_as_fast_for_each_as_one_of_500() -> None:
    def drs_of(servers: int) -> FakeDrs:
        return FakeDrs(["STALLED", *["STOPPED"] * (servers - 1)])

    run = run_of_4000(drs_of, wait=True, max_in_progress=1, wait_timeout=20)
    assert [outcome.end for outcome in run.outcomes] == ["failed", *["deferred"] * 3999]


@pytest.mark.parametrize("wait", [False, True])
@pytest.mark.parametrize("kind", [kind for kind, facts in ERROR_KINDS.items() if facts.is_sent and not facts.ends_run])
def test_a_start_is_not_repeated_without_end_whatever_it_ends_in(kind: ErrorKind, wait: bool) -> None:
    ends = [End(NO_ANSWER), *[End(error(kind))] * 500]
    run = FakeDrs({sid(0): FakeServer(["STOPPED"], starts=ends)}).run(wait=wait, wait_timeout=600)
    assert run.only.end == "failed"
    assert len(run.of("start")) <= (15 if wait and kind == "conflict" else run.run.api.attempts)
