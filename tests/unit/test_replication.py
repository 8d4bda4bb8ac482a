# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of C(pursue) that does not wait. See test_wait.py for the wait."""

from __future__ import annotations

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.outcomes import Outcome
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.replication import CALLS_AT_ONCE
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import (
    CONFLICT,
    ERROR_500,
    EXPIRED,
    GONE,
    REFUSED,
    REGION,
    SILENCE,
    THROTTLED,
    End,
    FakeDrs,
    FakeServer,
    Seen,
    fault,
    sid,
)

# Table 3.2 of the design without a wait: what is done for started and stopped, and whether a warning is given.
TABLE: dict[Seen, tuple[str, str, bool]] = {
    "STOPPED": ("start", "none", False),
    "INITIATING": ("none", "stop", False),
    "INITIAL_SYNC": ("none", "stop", False),
    "CREATING_SNAPSHOT": ("none", "stop", False),
    "RESCAN": ("none", "stop", False),
    "BACKLOG": ("none", "stop", False),
    "CONTINUOUS": ("none", "stop", False),
    "STALLED": ("none", "fail", True),
    "PAUSED": ("none", "fail", True),
    "DISCONNECTED": ("fail", "none", False),
    "SOMETHING_NEW": ("none", "fail", True),
    None: ("fail", "fail", False),
    GONE: ("fail", "fail", False),
}
CASES = [
    (state, goal, ends[goal == "stopped"], goal != "stopped" and warned)
    for state, (*ends, warned) in TABLE.items()
    for goal in ("replicating", "continuous", "stopped")
]
AFTER = {"start": "INITIATING", "stop": "STOPPED"}


@pytest.mark.parametrize(("state", "goal", "end", "warned"), CASES)
@pytest.mark.parametrize("check_mode", [False, True])
def test_each_state_and_goal_leads_to_what_the_contract_says(
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
    assert run.only.settled
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
    drs = FakeDrs(list(TABLE))

    run = drs.run(goal="continuous", check_mode=True, wait=wait, wait_timeout=600)

    assert [call.operation for call in run.calls] == ["describe"]
    assert not drs.clock.slept
    assert run.ids_with(lambda outcome: not outcome.settled) == []


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


def test_a_server_that_was_looked_at_already_is_not_looked_at_again() -> None:
    drs = FakeDrs(["STOPPED", "CONTINUOUS"])
    outcomes = [Outcome(sid(0)), Outcome(sid(1))]
    for server in drs.describe([sid(0)], 0):
        outcomes[0].see(server)

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
    assert all(outcome.changed and outcome.settled for outcome in run.outcomes)


def test_a_conflict_because_somebody_else_started_it_is_no_failure() -> None:
    drs = FakeDrs({sid(0): FakeServer(["STOPPED", "INITIATING"])})

    run = drs.run()

    assert len(run.of("start")) == 1
    assert (run.only.action, run.only.changed, run.only.failed) == ("none", False, False)
    assert run.only.error_code is None
    assert run.only.state == "INITIATING"


def test_two_runs_that_race_change_once_and_fail_never() -> None:
    drs = FakeDrs(["STOPPED"])
    slow = [Outcome(sid(0))]
    slow[0].see(drs.describe([sid(0)], 0)[0])
    quick = drs.run()

    late = drs.go_on(slow)

    assert (quick.only.changed, quick.only.failed) == (True, False)
    assert (late.only.changed, late.only.failed) == (False, False)


def test_a_conflict_that_persists_fails_after_a_second_try_with_the_words_of_aws() -> None:
    quota = fault("conflict", "ConflictException", "Maximum number of replicating servers reached")
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


@pytest.mark.parametrize("lost", [SILENCE, ERROR_500], ids=["no answer", "500"])
@pytest.mark.parametrize(
    ("goal", "path", "state"), [("replicating", ["STOPPED"], "INITIATING"), ("stopped", ["CONTINUOUS"], "STOPPED")]
)
def test_a_lost_answer_after_the_effect_is_found_by_a_look_and_counts_as_a_change(
    lost: Exception, goal: str, path: list[Seen], state: str
) -> None:
    ends = [End(lost, after_effect=True)]
    drs = FakeDrs({sid(0): FakeServer(path, starts=[*ends], stops=[*ends])})

    run = drs.run(goal=goal)

    assert [call.operation for call in run.calls] == ["describe", run.only.action, "describe"]
    assert (run.only.changed, run.only.failed, run.only.state, run.only.error_code) == (True, False, state, None)


@pytest.mark.parametrize("lost", [SILENCE, ERROR_500], ids=["no answer", "500"])
@pytest.mark.parametrize(
    ("goal", "path", "state"), [("replicating", ["STOPPED"], "INITIATING"), ("stopped", ["CONTINUOUS"], "STOPPED")]
)
def test_a_lost_answer_before_the_effect_is_followed_by_a_look_and_another_call(
    lost: Exception, goal: str, path: list[Seen], state: str
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
    lost = [End(SILENCE, after_effect=True)]
    run = FakeDrs({sid(0): FakeServer(["STOPPED"], stale=1.0, starts=lost)}).run()
    assert (run.only.changed, run.only.failed) == (True, False)


@pytest.mark.parametrize("lost", [SILENCE, ERROR_500], ids=["no answer", "500"])
def test_the_looks_are_believed_that_say_stopped_after_each_of_the_attempts(lost: Exception) -> None:
    drs = FakeDrs({sid(0): FakeServer(["STOPPED"], starts=[End(lost)] * 99)})

    run = drs.run()

    assert run.took_effect == set()
    assert (run.only.failed, run.only.changed) == (True, False)


@pytest.mark.parametrize("lost", [SILENCE, ERROR_500], ids=["no answer", "500"])
def test_a_change_is_told_when_a_lost_start_took_effect_and_the_next_one_is_refused(
    lost: Exception,
) -> None:
    ends = [End(lost, after_effect=True), End(REFUSED)]
    drs = FakeDrs({sid(0): FakeServer(["STOPPED"], stale=250.0, starts=ends)})

    run = drs.run()

    assert run.took_effect == {sid(0)}
    assert (run.only.failed, run.only.changed) == (True, True)


def test_a_start_without_an_answer_and_no_look_after_it_says_so_and_counts_as_a_change() -> None:
    drs = FakeDrs({sid(0): FakeServer(["STOPPED"], starts=[End(SILENCE, after_effect=True)])})
    drs.describes = [End(), End(ERROR_500)]

    run = drs.run()

    assert (run.only.failed, run.only.changed) == (True, True)
    assert "may have taken effect" in run.only.reason
    assert run.only.error_code == "InternalServerException"


@pytest.mark.parametrize("end", [THROTTLED, REFUSED, fault("refused", "ResourceNotFoundException")], ids=str)
def test_one_refused_server_fails_and_the_others_go_on(end: Exception) -> None:
    drs = FakeDrs(["STOPPED"] * 30)
    drs.servers[sid(3)].starts = [End(end)] * 9

    run = drs.run()

    assert run.writes == sorted(drs.servers), "each is called once, the refused one too"
    assert run.ids_with(lambda outcome: outcome.failed) == [sid(3)]
    assert run.ids_with(lambda outcome: not outcome.changed) == [sid(3)]
    assert (run.outcomes[3].error_code, run.outcomes[3].action) == (end.code, "start")
    assert run.outcomes[3].reason == end.message
    assert run.ended_by is None


def test_a_fleet_of_which_every_start_is_throttled_is_tried_to_the_last_server() -> None:
    drs = FakeDrs(["STOPPED"] * 30)
    drs.every_start = End(THROTTLED)
    assert len(drs.run().of("start")) == 30


@pytest.mark.parametrize("goal", ["replicating", "stopped"])
def test_after_five_refusals_in_a_row_the_rest_is_not_tried_and_says_so(goal: str) -> None:
    drs = FakeDrs(["STOPPED" if goal == "replicating" else "CONTINUOUS"] * 60)
    for server in drs.servers.values():
        server.starts = server.stops = [End(REFUSED)] * 9

    run = drs.run(goal=goal)

    assert 5 <= len(run.writes) < 5 + CALLS_AT_ONCE
    assert all(outcome.failed and not outcome.changed for outcome in run.outcomes)
    tried = run.ids_with(lambda outcome: outcome.error_code == REFUSED.code)
    untried = run.ids_with(lambda outcome: outcome.reason.startswith("not tried") and REFUSED.code in outcome.reason)
    assert sorted(tried) == run.writes
    assert sorted([*tried, *untried]) == sorted(drs.servers)
    assert all(run.outcomes[int(each[2:])].action == "none" for each in untried)


def test_five_conflicts_that_persist_end_the_starts_too() -> None:
    drs = FakeDrs(["STOPPED"] * 60)
    drs.every_start = End(CONFLICT)

    run = drs.run()

    assert len(set(run.writes)) < 5 + CALLS_AT_ONCE
    assert all(outcome.failed and outcome.settled for outcome in run.outcomes)


def test_a_fleet_that_never_answers_ends_with_every_outcome() -> None:
    drs = FakeDrs(["STOPPED"] * 60)
    drs.every_start = End(ERROR_500)

    run = drs.run()

    assert all(outcome.failed and outcome.settled for outcome in run.outcomes)
    assert run.took < 120


def test_five_refusals_with_different_codes_end_nothing() -> None:
    drs = FakeDrs(["STOPPED"] * 60)
    for number, server in enumerate(drs.servers.values()):
        server.starts = [End(fault("refused", f"Code{number}"))]
    assert len(drs.run().of("start")) == 60


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


def test_a_pause_in_the_answers_to_a_fleet_ends_nothing() -> None:
    drs = FakeDrs(["STOPPED"] * 60)
    for server in drs.servers.values():
        server.starts = [End(SILENCE)]

    run = drs.run()

    assert run.ids_with(lambda outcome: outcome.failed or not outcome.changed) == []


def test_a_fatal_fault_in_the_first_look_ends_the_run_with_every_outcome() -> None:
    drs = FakeDrs(["STOPPED"] * 201)
    drs.describes = [End(), End(EXPIRED)]

    run = drs.run()

    assert run.writes == []
    assert run.ended_by is not None
    assert run.ended_by.code == EXPIRED.code
    assert all(outcome.failed and outcome.settled and not outcome.changed for outcome in run.outcomes)
    assert all(EXPIRED.message in outcome.reason for outcome in run.outcomes)


def test_a_fatal_fault_in_a_start_makes_no_further_calls_and_tells_who_was_not_tried() -> None:
    drs = FakeDrs(["CONTINUOUS"] + ["STOPPED"] * 60)
    for number in range(4, 61):
        drs.servers[sid(number)].starts = [End(EXPIRED)]

    run = drs.run()

    assert run.ended_by is not None
    assert [call.operation for call in run.calls].count("describe") == 1
    assert 4 <= len(run.writes) < 4 + CALLS_AT_ONCE
    assert [run.outcomes[number].failed for number in range(4)] == [False] * 4
    assert [run.outcomes[number].changed for number in range(4)] == [False, True, True, True]
    rest = run.outcomes[4:]
    assert all(outcome.failed and outcome.settled and not outcome.changed for outcome in rest)
    assert all((outcome.source_server_id in run.writes) != outcome.reason.startswith("not tried") for outcome in rest)


def test_a_request_that_fails_for_good_fails_its_servers_and_no_other() -> None:
    drs = FakeDrs(["STOPPED"] * 201)
    drs.describes = [End(ERROR_500)]

    run = drs.run()

    assert run.writes == [sid(200)]
    assert len(run.ids_with(lambda outcome: outcome.failed)) == 200
    assert run.outcomes[0].error_code == ERROR_500.code
    assert run.ended_by is None


def test_max_starts_starts_a_canary_and_the_same_run_again_the_next_wave() -> None:
    drs = FakeDrs(["STOPPED", "CONTINUOUS", "STOPPED", "STOPPED", "DISCONNECTED", "STOPPED"])
    waves = [drs.run(max_starts=2) for _wave in range(3)]

    assert [wave.writes for wave in waves] == [[sid(0), sid(2)], [sid(3), sid(5)], []]
    assert [wave.ids_with(lambda outcome: outcome.deferred) for wave in waves] == [[sid(3), sid(5)], [], []]
    deferred = waves[0].outcomes[3]
    assert (deferred.failed, deferred.changed, deferred.action, deferred.state) == (False, False, "none", "STOPPED")
    assert "max_starts" in deferred.reason


def test_check_mode_predicts_the_canary_and_the_deferred() -> None:
    run = FakeDrs(["STOPPED"] * 3).run(max_starts=1, check_mode=True)
    assert [outcome.state for outcome in run.outcomes] == ["INITIATING", "STOPPED", "STOPPED"]
    assert [outcome.deferred for outcome in run.outcomes] == [False, True, True]


def test_max_starts_does_not_start_another_server_in_place_of_a_refused_one() -> None:
    drs = FakeDrs(["STOPPED"] * 3)
    drs.servers[sid(0)].starts = [End(REFUSED)]
    assert drs.run(max_starts=1).writes == [sid(0)]


def test_max_starts_does_not_limit_stops() -> None:
    assert len(FakeDrs(["CONTINUOUS"] * 3).run(goal="stopped", max_starts=1).writes) == 3


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_held_server_is_left_alone_only_where_the_rule_says_start(check_mode: bool) -> None:
    drs = FakeDrs(["STOPPED", "CONTINUOUS", "DISCONNECTED"])

    run = drs.run(why_held=lambda _server: "it is failed over", check_mode=check_mode)

    assert run.writes == []
    held, running, disconnected = run.outcomes
    assert (held.held, held.failed, held.changed, held.action) == (True, False, False, "none")
    assert (held.state, held.reason) == ("STOPPED", "it is failed over")
    assert (running.held, running.failed) == (False, False)
    assert (disconnected.held, disconnected.failed) == (False, True)


def test_a_held_server_does_not_use_up_max_starts() -> None:
    drs = FakeDrs(["STOPPED"] * 3)
    held = sid(0)

    run = drs.run(max_starts=1, why_held=lambda server: "held" if server["sourceServerID"] == held else None)

    assert run.writes == [sid(1)]
    assert [outcome.deferred for outcome in run.outcomes] == [False, False, True]


def test_an_extra_server_in_the_answer_is_not_touched() -> None:
    drs = FakeDrs(["STOPPED", "STOPPED"])
    assert drs.run(sid(1)).writes == [sid(1)]
