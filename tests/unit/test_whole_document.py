# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run does about a server whose document says more than its state."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.errors import DrsError
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.decisions import STOP_LOSES, rule_for
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.lifecycle import (
    LIFECYCLES,
    Lifecycle,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.next_steps import next_step_of
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.operations import Goal, Operation
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.servers import SourceServer
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.results.replication import values_of
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.options import RunOptions
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.outcomes import Outcome
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.places import defer
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.progress import progress_line
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.run import Run as ReconcileRun
from ansible_collections.disaster_recovery.aws.tests.unit.decision_table import GOALS, TABLE
from ansible_collections.disaster_recovery.aws.tests.unit.documents import (
    MEMBERS,
    REVERSED_ARN,
    document,
    launched,
)
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import (
    ANSWERED,
    CONFLICT,
    NO_ANSWER,
    REFUSED,
    End,
    FakeDrs,
    FakeServer,
    Run,
    sid,
)

STUCK = ("DISCONNECTED", "STALLED", "PAUSED")
NOT_NORMAL = [lifecycle for lifecycle in LIFECYCLES if lifecycle != "normal"]
GONE_SITE = ("launching", "failed_over", "reversed")


def server_with(lifecycle: Lifecycle, *path: str, **script: Any) -> FakeServer:
    """A fake server of this lifecycle, with these states in turn."""
    return FakeServer(list(path), members=MEMBERS[lifecycle], **script)


def run_one(server: FakeServer, **options: Any) -> Run:
    return FakeDrs({sid(1): server}).run(**options)


@pytest.mark.parametrize("wait", [False, True])
@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("lifecycle", LIFECYCLES)
def test_filters_hold_a_stopped_server_unless_it_is_normal(lifecycle: Lifecycle, check_mode: bool, wait: bool) -> None:
    run = run_one(server_with(lifecycle, "STOPPED"), holds=True, check_mode=check_mode, wait=wait, wait_timeout=60)
    if lifecycle == "normal":
        assert run.only.changed
        return
    assert (run.only.end, run.only.changed, run.only.action, run.writes) == ("held", False, "none", [])
    assert run.only.reason == next_step_of(run.only.latest, "STOPPED")
    assert run.only.warnings == [(f"held, {LIFECYCLES[lifecycle].cause}", "")]


FAILED_BACK = {**MEMBERS["failback"], **launched("RECOVERY", "LAUNCHED")}
REVERSED_AFTER_FAILOVER = {**MEMBERS["failed_over"], "reversedDirectionSourceServerArn": REVERSED_ARN}


@pytest.mark.parametrize(
    ("members", "told"),
    [
        (FAILED_BACK, "held, failed back, reverse replication from the new instance"),
        (REVERSED_AFTER_FAILOVER, "held, failed over, see that its reversed copy exists"),
    ],
)
def test_the_warning_about_a_held_server_says_how_far_the_failover_has_come(members: dict[str, Any], told: str) -> None:
    run = run_one(FakeServer(["STOPPED"], members=members), holds=True)
    ((warning, _detail),) = run.only.warnings
    assert warning.startswith(told)


def test_a_stop_of_a_copy_that_was_failed_back_says_what_must_come_first() -> None:
    run = run_one(FakeServer(["CONTINUOUS"], members=FAILED_BACK), goal="stopped")
    assert "this copy is needed until replication is reversed from its recovery instance; set force" in run.only.reason


@pytest.mark.parametrize("state", ["STALLED", "DISCONNECTED"])
@pytest.mark.parametrize("lifecycle", GONE_SITE)
def test_what_is_said_of_a_held_server_names_its_error_without_a_check(lifecycle: Lifecycle, state: str) -> None:
    run = run_one(server_with(lifecycle, state), holds=True)
    assert run.only.reason == f"{next_step_of(run.only.latest, state)}; AGENT_NOT_SEEN"
    assert run.only.warnings == [(f"held, {LIFECYCLES[lifecycle].cause}", "AGENT_NOT_SEEN")]
    assert "check that" not in f"{run.only.reason} {run.only.warnings}"


def held_after_an_unanswered_start(end: End, stale: float) -> Run:
    server = FakeServer(["STOPPED"], starts=[end], stale=stale, holds=[False, False, True])
    return run_one(server, holds=True, wait=True, wait_timeout=600)


def test_an_unanswered_start_is_looked_on_for_although_filters_would_hold_the_server_by_now() -> None:
    run = held_after_an_unanswered_start(End(NO_ANSWER, after_effect=True), stale=200)
    assert (run.only.end, run.only.changed, len(run.writes)) == ("done", True, 1)


def test_an_unanswered_start_that_never_shows_fails_after_five_minutes_where_filters_hold_the_server() -> None:
    run = held_after_an_unanswered_start(End(NO_ANSWER), stale=0)
    assert (run.only.end, run.only.changed, len(run.writes), run.took) == ("failed", False, 1, 300)
    assert LIFECYCLES["failback"].cause in run.only.reason


@pytest.mark.parametrize("state", STUCK)
@pytest.mark.parametrize("lifecycle", LIFECYCLES)
def test_filters_hold_a_stuck_server_whose_site_may_be_gone(lifecycle: Lifecycle, state: str) -> None:
    run = run_one(server_with(lifecycle, state), holds=True)
    assert (run.only.end == "held") == (lifecycle in GONE_SITE)
    assert (run.only.end == "failed") == (lifecycle not in GONE_SITE and state == "DISCONNECTED")


@pytest.mark.parametrize("lifecycle", NOT_NORMAL)
def test_a_server_named_by_id_is_started_with_a_warning_that_says_what_is_copied(lifecycle: Lifecycle) -> None:
    run = run_one(server_with(lifecycle, "STOPPED"))
    assert run.writes == [sid(1)]
    ((cause, copied),) = run.only.warnings
    assert cause.endswith(LIFECYCLES[lifecycle].cause)
    assert "cop" in copied


@pytest.mark.parametrize("state", ["STALLED", "PAUSED"])
@pytest.mark.parametrize("lifecycle", LIFECYCLES)
def test_a_wait_for_a_stuck_server_that_failed_over_is_in_vain(lifecycle: Lifecycle, state: str) -> None:
    run = run_one(server_with(lifecycle, state), wait=True, wait_timeout=600)
    assert run.only.failed
    assert (run.took == 0) == (lifecycle in ("failed_over", "reversed"))
    assert run.writes == []


@pytest.mark.parametrize("state", [*STUCK[1:], "CONTINUOUS"])
@pytest.mark.parametrize("lifecycle", LIFECYCLES)
def test_a_wait_for_a_stop_goes_on_until_the_state_shows_it(lifecycle: Lifecycle, state: str) -> None:
    server = server_with(lifecycle, state, stale=40)
    run = run_one(server, goal="stopped", force=True, wait=True, wait_timeout=600)
    assert (run.only.end, run.only.state, len(run.writes)) == ("done", "STOPPED", 1)


@pytest.mark.parametrize("lifecycle", LIFECYCLES)
def test_a_wait_for_an_initiating_server_goes_on_whatever_its_error(lifecycle: Lifecycle) -> None:
    error = {"dataReplicationState": "INITIATING", "dataReplicationError": {"error": "AGENT_NOT_SEEN"}}
    members = {**MEMBERS[lifecycle], "dataReplicationInfo": error}
    run = run_one(FakeServer(["INITIATING"], members=members), wait=True, wait_timeout=600)
    assert run.took == 600


def test_a_held_server_takes_no_place() -> None:
    drs = FakeDrs({sid(1): server_with("failed_over", "STALLED"), sid(2): FakeServer(["STOPPED"])})
    run = drs.run(holds=True, max_in_progress=1)
    assert [outcome.end for outcome in run.outcomes] == ["held", "done"]
    assert run.writes == [sid(2)]


@pytest.mark.parametrize("state", ["CONTINUOUS", "INITIAL_SYNC", "INITIATING"])
@pytest.mark.parametrize("lifecycle", LIFECYCLES)
def test_a_stop_that_would_lose_something_needs_force(lifecycle: Lifecycle, state: str) -> None:
    run = run_one(server_with(lifecycle, state), goal="stopped")
    forced = run_one(server_with(lifecycle, state), goal="stopped", force=True)
    assert (forced.only.changed, forced.writes) == (True, [sid(1)])
    if lifecycle not in STOP_LOSES:
        assert (run.only.changed, run.only.warnings) == (True, [])
        assert forced.only.warnings == []
        return
    assert (run.only.failed, run.only.changed, run.writes) == (True, False, [])
    assert STOP_LOSES[lifecycle] in run.only.reason
    assert "force: true" in run.only.reason
    ((warning, _detail),) = forced.only.warnings
    assert STOP_LOSES[lifecycle] in warning


@pytest.mark.parametrize("state", ["STALLED", "PAUSED", "SOMETHING_NEW"])
@pytest.mark.parametrize("check_mode", [False, True])
def test_a_stop_without_a_known_flow_of_data_needs_force(state: str, check_mode: bool) -> None:
    run = run_one(FakeServer([state]), goal="stopped", check_mode=check_mode)
    forced = run_one(FakeServer([state]), goal="stopped", force=True, check_mode=check_mode)
    assert (run.only.failed, run.only.changed, run.writes) == (True, False, [])
    assert "only copy left; set force: true" in run.only.reason
    assert (forced.only.failed, forced.only.changed, len(forced.only.warnings)) == (False, True, 1)
    assert forced.writes == ([] if check_mode else [sid(1)])


@pytest.mark.parametrize("end", [ANSWERED, End(NO_ANSWER, after_effect=True), End(CONFLICT)])
@pytest.mark.parametrize("wait", [False, True])
@pytest.mark.parametrize("stale", [0.0, 40.0])
def test_the_warning_about_a_stop_by_force_outlasts_the_looks_that_follow(stale: float, wait: bool, end: End) -> None:
    server = FakeServer(["STALLED"], stops=[end], stale=stale)
    run = run_one(server, goal="stopped", force=True, wait=wait, wait_timeout=600)
    assert run.took_effect == {sid(1)}
    ((warning, _detail),) = run.only.warnings
    assert "force stops it although" in warning


class AnswersWithTheOldState(FakeDrs):
    """Its answer to a stop does not show the effect yet. What the service answers is not known."""

    def send(self, operation: Operation, source_server_id: str) -> SourceServer:
        answer = super().send(operation, source_server_id)
        answer["dataReplicationInfo"]["dataReplicationState"] = "PAUSED"
        return answer


def test_a_stop_by_force_is_warned_of_once_whatever_its_answer_shows() -> None:
    drs = AnswersWithTheOldState({sid(1): FakeServer(["STALLED"])})
    ((warning, _detail),) = drs.run(goal="stopped", force=True).only.warnings
    assert "force stops it although" in warning


@pytest.mark.parametrize("state", ["STOPPED", "DISCONNECTED"])
@pytest.mark.parametrize("lifecycle", LIFECYCLES)
@pytest.mark.parametrize("force", [False, True])
def test_nothing_guards_a_server_on_which_nothing_replicates(lifecycle: Lifecycle, state: str, force: bool) -> None:
    run = run_one(server_with(lifecycle, state), goal="stopped", force=force)
    assert (run.only.end, run.only.changed, run.writes, run.only.warnings) == ("done", False, [], [])


def test_a_server_without_a_state_is_never_stopped() -> None:
    assert run_one(FakeServer([None]), goal="stopped", force=True).only.failed


def test_force_does_nothing_to_a_start() -> None:
    for state in TABLE:
        for goal in GOALS[:2]:
            assert rule_for(goal, document(state), state, force=True) == rule_for(goal, document(state), state)


RESCANNING = {"replicatedDisks": [{"totalStorageBytes": 100, "rescannedStorageBytes": 40}]}


@pytest.mark.parametrize(
    ("info", "is_settled"),
    [
        ({}, True),
        (RESCANNING, False),
        ({"replicatedDisks": [{"totalStorageBytes": 100, "rescannedStorageBytes": 0}]}, True),
        ({"replicatedDisks": [{"totalStorageBytes": 100, "rescannedStorageBytes": 100}]}, True),
        ({"dataReplicationError": {"error": "SNAPSHOTS_FAILURE"}}, False),
        ({"replicatedDisks": [{"deviceName": "/dev/sda", "volumeStatus": "MISSING_VOLUME_ATTRIBUTES"}]}, False),
    ],
    ids=["healthy", "rescan", "no rescan", "rescanned", "error", "cannot be launched"],
)
def test_a_continuous_server_is_done_where_nothing_contradicts_it(info: dict[str, Any], is_settled: bool) -> None:
    members = {"dataReplicationInfo": {"dataReplicationState": "CONTINUOUS", **info}}
    server = FakeServer(["CONTINUOUS"], members=members)
    waited = run_one(server, goal="continuous", wait=True, wait_timeout=60)
    assert waited.only.failed != is_settled
    assert run_one(server, goal="replicating", wait=True, wait_timeout=60).only.end == "done"
    others = FakeDrs({sid(1): server, sid(2): FakeServer(["STOPPED"])}).run(goal="continuous", max_in_progress=1)
    assert (others.writes == [sid(2)]) == is_settled, "an unsettled server takes a place"


@pytest.mark.parametrize("state", ["INITIATING", "BACKLOG", "CONTINUOUS", "STALLED", "PAUSED"])
def test_a_replication_error_is_warned_of_in_every_state(state: str) -> None:
    error = {"dataReplicationState": state, "dataReplicationError": {"error": "NOT_CONVERGING"}}
    server = FakeServer([state], members={"dataReplicationInfo": error})
    ((warning, _detail),) = run_one(server).only.warnings
    assert "NOT_CONVERGING, check" in warning
    assert run_one(server, goal="stopped", force=True).only.warnings == [] or state in ("STALLED", "PAUSED")


@pytest.mark.parametrize("lifecycle", LIFECYCLES)
@pytest.mark.parametrize("end", [REFUSED, CONFLICT, NO_ANSWER, None])
@pytest.mark.parametrize("wait", [False, True])
@pytest.mark.parametrize("state", ["STOPPED", "DISCONNECTED"])
def test_the_sentence_about_a_failed_server_has_the_code_of_its_error_once(
    state: str, wait: bool, end: DrsError | None, lifecycle: Lifecycle
) -> None:
    error = {"dataReplicationState": state, "dataReplicationError": {"error": "AGENT_NOT_SEEN"}}
    members = {**MEMBERS[lifecycle], "dataReplicationInfo": error}
    server = FakeServer([state], members=members, started=[state], starts=[End(end)] * 99)
    run = run_one(server, wait=wait, wait_timeout=600)
    assert run.only.failed or (not wait and end is None)
    assert run.only.reason.count("AGENT_NOT_SEEN") == run.only.failed


def test_the_sentence_about_a_server_that_could_not_be_stopped_has_no_error_of_its_replication() -> None:
    error = {"dataReplicationState": "BACKLOG", "dataReplicationError": {"error": "NOT_CONVERGING"}}
    server = FakeServer(["BACKLOG"], members={"dataReplicationInfo": error}, stops=[End(REFUSED)])
    assert run_one(server, goal="stopped").only.reason == REFUSED.message


@pytest.mark.parametrize("lifecycle", ["failed_over", "reversed", "extended", "launching"])
def test_the_error_of_a_server_whose_lifecycle_speaks_has_no_advice_about_its_agent(lifecycle: Lifecycle) -> None:
    error = {"dataReplicationState": "BACKLOG", "dataReplicationError": {"error": "AGENT_NOT_SEEN"}}
    server = FakeServer(["BACKLOG"], members={**MEMBERS[lifecycle], "dataReplicationInfo": error})
    ((warning, _detail),) = run_one(server).only.warnings
    assert "AGENT_NOT_SEEN" in warning
    assert "check that" not in warning


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("lifecycle", ["failed_over", "reversed", "launching", "extended", "extension_error"])
def test_a_stop_of_a_server_whose_lifecycle_speaks_has_no_advice_about_its_agent(
    lifecycle: Lifecycle, force: bool
) -> None:
    run = run_one(server_with(lifecycle, "STALLED"), goal="stopped", force=force, check_mode=True)
    told = f"{run.only.reason} {run.only.cause} {run.only.warnings}"
    assert "AGENT_NOT_SEEN" in told
    assert "check that" not in told


@pytest.mark.parametrize("lifecycle", LIFECYCLES)
def test_while_no_state_shows_an_accepted_start_the_reason_says_so(lifecycle: Lifecycle) -> None:
    run = run_one(server_with(lifecycle, "STOPPED", stale=1000), wait=True, wait_timeout=100)
    assert "DRS accepted the start, but the state does not show it yet" in run.only.reason
    assert "DRS accepted the start, but the state does not show it yet" in run.only.cause


def hinted(**hints: str) -> dict[str, Any]:
    return {"sourceProperties": {"identificationHints": hints}}


def test_a_disconnected_server_whose_machine_another_server_protects_is_stale() -> None:
    servers = {
        sid(1): FakeServer(["DISCONNECTED"], members=hinted(awsInstanceID="i-1")),
        sid(2): FakeServer(["CONTINUOUS"], members=hinted(awsInstanceID="i-1")),
        sid(3): FakeServer(["DISCONNECTED"], members=hinted(awsInstanceID="i-3", hostname="Web1")),
        sid(4): FakeServer(["CONTINUOUS"], members=hinted(awsInstanceID="i-4", hostname="web1")),
        sid(5): FakeServer(["DISCONNECTED"], members=hinted(hostname="alone")),
    }
    outcomes = FakeDrs(servers).run().outcomes
    stale, question, alone = outcomes[0], outcomes[2], outcomes[4]
    assert (stale.end, question.end, alone.end) == ("failed", "failed", "failed")
    told = f"{sid(2)} copies the same machine and is CONTINUOUS: this record is stale, delete it"
    assert (stale.reason, stale.detail) == (f"{told}; AGENT_NOT_SEEN", "AGENT_NOT_SEEN")
    assert "if this machine (i-3) was replaced" in question.reason
    assert stale.cause == question.cause != alone.cause
    assert (stale.namesake, alone.namesake) == (told, None)


@pytest.mark.parametrize("goal", GOALS)
def test_the_next_step_of_a_stale_record_is_the_same_for_every_goal(goal: Goal) -> None:
    states = ["DISCONNECTED", "CONTINUOUS"]
    servers = {sid(n): FakeServer([each], members=hinted(awsInstanceID="i-1")) for n, each in enumerate(states)}
    stale, other = values_of(FakeDrs(servers).run(goal=goal, check_mode=True).outcomes, diff=False)["outcomes"]
    told = f"{sid(1)} copies the same machine and is CONTINUOUS: this record is stale, delete it"
    assert (stale["next_step"], other["next_step"]) == (told, None)
    assert stale["failed"] == (goal != "stopped")


def test_a_server_that_becomes_disconnected_is_compared_with_all_that_was_listed() -> None:
    drs = FakeDrs({sid(1): FakeServer(["INITIATING", "DISCONNECTED"], members=hinted(awsInstanceID="i-1"))})
    other = {
        "sourceServerID": sid(2),
        "dataReplicationInfo": {"dataReplicationState": "CONTINUOUS"},
        **hinted(awsInstanceID="i-1"),
    }
    outcome = drs.run(wait=True, wait_timeout=60, listed=[other]).only
    assert outcome.namesake == f"{sid(2)} copies the same machine and is CONTINUOUS: this record is stale, delete it"


def test_a_stuck_server_that_nobody_waits_behind_does_not_fail() -> None:
    run = FakeDrs(["STALLED", "STOPPED"]).run(max_in_progress=2)
    assert [outcome.end for outcome in run.outcomes] == ["done", "done"]


def test_an_initiating_server_with_an_error_is_stuck() -> None:
    error = {
        "dataReplicationState": "INITIATING",
        "dataReplicationError": {"error": "FAILED_TO_BOOT_REPLICATION_SERVER"},
    }
    canary = FakeServer(["INITIATING"], members={"dataReplicationInfo": error})
    run = FakeDrs({sid(1): canary, sid(2): FakeServer(["STOPPED"])}).run(max_in_progress=1)
    assert [outcome.end for outcome in run.outcomes] == ["failed", "deferred"]


def test_with_a_wait_only_the_deadline_ends_the_gate() -> None:
    run = FakeDrs(["STALLED", "STOPPED"]).run(max_in_progress=1, wait=True, wait_timeout=300)
    assert run.took == 300
    assert [outcome.end for outcome in run.outcomes] == ["failed", "deferred"]


def test_a_start_that_was_refused_and_finds_no_place_again_fails_with_what_aws_said() -> None:
    servers = {
        sid(1): FakeServer(["STOPPED"], starts=[End(CONFLICT)] * 9),
        sid(2): FakeServer(["STOPPED"], started=["INITIATING", "DISCONNECTED"]),
    }
    run = FakeDrs(servers).run(wait=True, max_in_progress=1, wait_timeout=600)
    refused, started = run.outcomes
    assert (started.end, started.changed) == ("failed", True)
    assert (refused.end, refused.action, refused.error_code) == ("failed", "start", CONFLICT.code)
    assert CONFLICT.message in refused.reason


def test_a_server_that_this_run_started_is_not_failed_as_stuck_before_it_was_observed_again() -> None:
    error = {"dataReplicationState": "STOPPED", "dataReplicationError": {"error": "NOT_CONVERGING"}}
    servers = {sid(1): FakeServer(["STOPPED"], members={"dataReplicationInfo": error}), sid(2): FakeServer(["STOPPED"])}
    run = FakeDrs(servers).run(max_in_progress=1)
    assert [outcome.failed for outcome in run.outcomes] == [False, False]


def test_a_deferred_server_keeps_the_warning_about_its_error() -> None:
    error = {"dataReplicationState": "STOPPED", "dataReplicationError": {"error": "NOT_CONVERGING"}}
    waiting = FakeServer(["STOPPED"], members={"dataReplicationInfo": error})
    run = FakeDrs({sid(1): FakeServer(["INITIATING"]), sid(2): waiting}).run(max_in_progress=1)
    assert run.outcomes[1].end == "deferred"
    assert "NOT_CONVERGING" in str(run.outcomes[1].warnings)


def test_a_server_whose_start_was_accepted_is_not_told_to_be_started_at_the_deadline() -> None:
    run = run_one(FakeServer(["STOPPED"], stale=1000), wait=True, wait_timeout=100)
    (row,) = values_of(run.outcomes, diff=False)["outcomes"]
    assert (row["failed"], row["state"], row["next_step"]) == (True, "STOPPED", None)


@pytest.mark.parametrize(
    ("script", "took"),
    [({"started": ["INITIATING", "STOPPED"]}, 30), ({"stale": 1000}, 300)],
    ids=["it was seen to run", "it was never seen to run"],
)
def test_a_server_that_was_stopped_after_its_start_is_told_to_be_started(script: dict[str, Any], took: float) -> None:
    run = run_one(FakeServer(["STOPPED"], **script), wait=True, wait_timeout=900)
    (row,) = values_of(run.outcomes, diff=False)["outcomes"]
    assert (row["failed"], row["changed"], row["next_step"], run.took) == (True, True, "start its replication", took)


def test_a_server_whose_start_was_never_answered_is_told_to_be_started() -> None:
    run = run_one(FakeServer(["STOPPED"], starts=[End(NO_ANSWER)] * 9), wait=True, wait_timeout=100)
    (row,) = values_of(run.outcomes, diff=False)["outcomes"]
    assert (row["failed"], row["next_step"]) == (True, "start its replication")


def test_a_server_keeps_its_host_name_although_the_answer_to_its_start_has_none() -> None:
    servers = [hinted(hostname="web1") | {"sourceServerID": sid(1)}, {"sourceServerID": sid(1)}]
    outcome = Outcome(
        sid(1), first=servers[0], latest={**servers[1], **state("INITIATING")}, action="start", changed=True
    )
    assert progress_line("replicating", [outcome], [], datetime.now(timezone.utc)).startswith(f"{sid(1)} web1 ")
    waiting = Outcome(sid(2), latest={"sourceServerID": sid(2), **state("STOPPED")})
    run = ReconcileRun(RunOptions("replicating", max_in_progress=1), FakeDrs({}), [outcome, waiting])
    defer(run.work[1], run.work[:1])
    assert waiting.reason == f"1 of 1 places are taken: {sid(1)} web1 INITIATING"


def state(name: str) -> dict[str, Any]:
    return {"dataReplicationInfo": {"dataReplicationState": name}}
