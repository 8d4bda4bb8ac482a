# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole runs of drills against the emulator, in this process."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.tests.emulator.jobs import AFTER_TERMINATION
from ansible_collections.disaster_recovery.aws.tests.unit.drill_world import DrillWorld, Script, fleet
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import REGION, sid

READS = {
    "DescribeSourceServers",
    "DescribeJobs",
    "DescribeJobLogItems",
    "DescribeRecoveryInstances",
    "DescribeRecoverySnapshots",
    "GetLaunchConfiguration",
}
PRODUCTION = "i-0aaaaaaaaaaaaaaaa"
DENIED: Script = {"code": "AccessDeniedException", "status": 403, "times": None}


def fault(operation: str, **members: Any) -> Script:
    return {"faults": [{"operation": operation, **members}]}


def recovered(number: int, **members: Any) -> Script:
    """A recovery instance of this server on which production may run."""
    return {"sourceServerID": sid(number), "recoveryInstanceID": PRODUCTION, "isDrill": False, **members}


def test_a_drill_is_made_once_and_then_is_fresh() -> None:
    world = DrillWorld(fleet({}, {}))
    first, second = world.run(), world.run()
    assert first.ends == second.ends == ["done", "done"]
    assert first.drilled == [[sid(1), sid(2)]]
    assert [outcome.changed for outcome in first.outcomes] == [True, True]
    assert [outcome.changed for outcome in second.outcomes] == [False, False]
    assert set(second.operations) <= READS
    outcome = first.outcomes[0]
    assert outcome.evidence is not None
    assert (outcome.job_id, outcome.instance_id, outcome.duration) == (
        outcome.evidence.job_id,
        outcome.instance_id,
        120,
    )
    assert outcome.instance_id in world.instances()


@pytest.mark.parametrize("goal", ["drilled", "absent"])
def test_check_mode_predicts_and_sends_nothing(goal: str) -> None:
    world = DrillWorld(fleet({}, {"state": "STOPPED"}, recovery_instances=[{"sourceServerID": sid(1)}]))
    check = world.run(goal=goal, check_mode=True, wait=False)
    assert set(check.operations) <= READS
    assert world.clock.slept == []
    real = world.run(goal=goal)
    assert [outcome.changed for outcome in check.outcomes] == [outcome.changed for outcome in real.outcomes]
    assert [outcome.action for outcome in check.outcomes] == [outcome.action for outcome in real.outcomes]
    assert check.outcomes[0].reason.startswith("would ")


def test_what_is_dear_is_asked_only_for_those_that_got_so_far_and_a_look_comes_right_before_the_call() -> None:
    result = DrillWorld(fleet({}, {"state": "STOPPED"}, {"state": "STALLED", "snapshots": [600]})).run(wait=False)
    asked = [call["sourceServerID"] for call in result.of("GetLaunchConfiguration")]
    assert sorted(asked) == [sid(1), sid(3)]
    assert [call["sourceServerID"] for call in result.of("DescribeRecoverySnapshots")] == [sid(3)]
    before = result.operations[: result.operations.index("StartRecovery")]
    assert before[-2:] == ["DescribeJobs", "DescribeRecoveryInstances"]


def test_without_wait_a_drill_is_started_and_the_next_run_waits_for_it() -> None:
    world = DrillWorld(fleet({}, {}))
    first, second, third = world.run(wait=False), world.run(wait=False), world.run()
    assert [each.writes for each in (first, second, third)] == [["StartRecovery"], [], []]
    assert [outcome.reason[:18] for outcome in first.outcomes] == ["DRS accepted the d"] * 2
    assert [(outcome.end, outcome.changed) for outcome in second.outcomes] == [("done", False)] * 2
    assert "a drill of it is running" in second.outcomes[0].reason
    assert [(outcome.end, outcome.changed) for outcome in third.outcomes] == [("done", False)] * 2
    assert third.outcomes[0].evidence is not None


@pytest.mark.parametrize("plan", ["launched", "launch_failed"])
def test_a_drill_of_somebody_else_is_waited_for_and_judged_like_ours(plan: str) -> None:
    world = DrillWorld(fleet({}, jobs=[{"servers": [sid(1)], "launch": plan}]))
    result = world.run(max_age=0)
    assert result.writes == []
    assert (result.only.end, result.only.changed) == (("done" if plan == "launched" else "failed"), False)
    assert DrillWorld(fleet({})).run(max_age=0).writes == ["StartRecovery"]


def test_drilled_now_means_now_although_a_drill_is_fresh() -> None:
    world = DrillWorld(fleet({}))
    world.run()
    assert world.run(max_age=0).writes == ["StartRecovery"]
    assert world.run(max_age=1).writes == []
    world.clock.pass_(2 * 86400)
    assert world.run(max_age=1).writes == ["StartRecovery"]


def test_drilled_now_means_now_although_the_clock_of_the_controller_is_behind() -> None:
    world = DrillWorld(fleet({}))
    world.run()
    world.born -= timedelta(hours=2)
    assert world.run(max_age=0).writes == ["StartRecovery"]
    assert world.run(max_age=1).writes == []


@pytest.mark.parametrize("initiated_by", ["TERMINATE_RECOVERY_INSTANCES", "TARGET_ACCOUNT"])
def test_another_job_defers_and_with_wait_only_delays(initiated_by: str) -> None:
    busy = {"servers": [sid(1)], "initiatedBy": initiated_by, "status": "STARTED", "jobID": "drsjob-00000000000000009"}
    world = DrillWorld(fleet({}, {}, jobs=[busy]))
    result = world.run(wait=False)
    assert result.drilled == [[sid(2)]]
    assert (result.ends, result.outcomes[0].action) == (["deferred", "done"], "none")
    assert "drsjob-00000000000000009" in result.outcomes[0].reason
    end = {"servers": [sid(1)], "initiatedBy": initiated_by, "launch": {"outcome": "silent", "describes": 3}}
    assert DrillWorld(fleet({}, jobs=[end])).run().ends == ["done"]


def test_nothing_is_drilled_while_a_recovery_runs_in_the_region() -> None:
    recovery = {"servers": [sid(2)], "initiatedBy": "START_RECOVERY", "launch": "launched"}
    world = DrillWorld(fleet({}, {}, jobs=[recovery]))
    now = world.run(sid(1), wait=False)
    assert (now.ends, now.writes) == (["deferred"], [])
    assert "a recovery is running" in now.only.reason
    assert world.run(sid(1)).ends == ["done"]


@pytest.mark.parametrize(("filtered", "end"), [(True, "held"), (False, "failed")])
def test_a_server_on_whose_instance_production_may_run_is_held_under_filters_and_fails_by_id(
    filtered: bool, end: str
) -> None:
    world = DrillWorld(fleet({}, {}, recovery_instances=[recovered(1)]))
    result = world.run(filtered=filtered, max_age=0)
    assert result.ends == [end, "done"]
    assert result.drilled == [[sid(2)]]
    assert result.outcomes[0].action == "none"
    assert PRODUCTION in world.instances()


def test_an_instance_that_appears_between_the_plan_and_the_call_is_not_launched_over() -> None:
    """Somebody recovers the server while its launch configuration is read."""
    world = DrillWorld(fleet({}, {}, others=[{"on": "GetLaunchConfiguration", "do": "recover", "server": sid(1)}]))
    result = world.run(wait=False)
    assert result.drilled == []
    assert result.ends == ["deferred", "deferred"]


@pytest.mark.parametrize(
    "outcome", ["launch_failed", "silent", "snapshot_failed", "skipped", "cancelled", "without_trace"]
)
def test_one_of_a_batch_may_fail_while_the_others_succeed_and_its_instance_is_left(outcome: str) -> None:
    world = DrillWorld(fleet({"launch": outcome}, {}))
    result = world.run(terminate=True)
    assert result.ends == ["failed", "done"]
    assert result.outcomes[0].changed
    assert world.instances() == {}
    assert world.run().drilled == [[sid(1)]]


def test_an_instance_that_is_not_marked_as_a_drill_is_left_alone() -> None:
    world = DrillWorld(fleet({"launch": {"instance": {"isDrill": False}}}))
    result = world.run(terminate=True)
    assert (result.ends, result.writes) == (["failed"], ["StartRecovery"])
    assert "is not marked as a drill and is left alone" in result.only.reason
    assert len(world.instances()) == 1


@pytest.mark.parametrize("plan", [{"instance_unlisted": 3}, {"unlisted": 3}, {"outcome": "without_log"}])
def test_what_shows_late_is_waited_for(plan: Script) -> None:
    world = DrillWorld(fleet({"launch": plan}, clock="describe"))
    result = world.run(terminate=True)
    assert (result.ends, world.instances()) == (["done"], {})
    assert result.writes == ["StartRecovery", "TerminateRecoveryInstances"]


NO_LOG_YET: Script = {"kind": "garbage", "body": '{"items": []}', "content_type": "application/json", "when": "after"}


NOT_READ: list[tuple[Script, int]] = [
    ({"kind": "drop"}, 16),
    ({"code": "InternalServerException", "status": 500}, 16),
]


@pytest.mark.parametrize(
    ("outcome", "told", "how", "looks"),
    [
        *(("launch_failed", "LAUNCH_FAILED: ", *row) for row in NOT_READ),
        *(("without_instance", "drilled", *row) for row in [*NOT_READ, (NO_LOG_YET, 8)]),
    ],
)
def test_a_log_that_is_not_whole_as_its_job_ends_is_read_again(
    outcome: str, told: str, how: Script, looks: int
) -> None:
    late = [{"operation": "DescribeJobLogItems", "times": looks, **how}]
    result = DrillWorld(fleet({"launch": outcome}, faults=late)).run()
    assert told in result.only.reason
    logs = [call for call in result.calls if call["operation"] == "DescribeJobLogItems"]
    assert [bool(call["fault"]) for call in logs] == [True] * looks + [False]


def test_a_log_that_is_never_read_is_not_waited_for_longer_than_five_minutes() -> None:
    world = DrillWorld(fleet({"launch": "silent"}, **fault("DescribeJobLogItems", times=None, kind="drop")))
    began = world.clock()
    assert "the log of its drill cannot be read" in world.run().only.reason
    assert 300 <= world.clock() - began < 60 + 300 + 120


def test_a_job_that_is_never_listed_fails_its_servers_after_five_minutes() -> None:
    result = DrillWorld(fleet({"launch": {"unlisted": 1000}})).run()
    assert result.ends == ["failed"]
    assert "DRS accepted the drill, but does not list its job" in result.only.reason
    assert result.only.changed


def test_the_instances_of_this_run_are_terminated_and_no_others() -> None:
    world = DrillWorld(fleet({}, {}, {}, recovery_instances=[recovered(3)]))
    world.run(sid(1))
    before = set(world.instances())
    result = world.run(filtered=True, terminate=True)
    assert result.ends == ["done", "done", "held"]
    assert set(world.instances()) == before
    assert result.outcomes[0].warning is not None
    assert "see state: absent" in result.outcomes[0].warning


@pytest.mark.parametrize("form", AFTER_TERMINATION)
def test_whatever_a_job_shows_after_a_termination_the_drill_stays_fresh(form: str) -> None:
    world = DrillWorld(fleet({}, {}, after_termination=form))
    assert world.run(terminate=True).ends == ["done", "done"]
    world.clock.pass_(86400)
    second = world.run(terminate=True)
    assert (second.ends, second.writes) == (["done", "done"], [])


def test_a_fleet_is_drilled_in_batches_of_a_hundred() -> None:
    result = DrillWorld(fleet(*[{}] * 230)).run()
    assert [len(batch) for batch in result.drilled] == [100, 100, 30]
    assert set(result.ends) == {"done"}


def test_the_culprit_of_a_refused_batch_is_found_by_halving_and_all_others_are_drilled() -> None:
    faults = [{"operation": "StartRecovery", "server": sid(5), **DENIED}]
    result = DrillWorld(fleet(*[{}] * 8, faults=faults)).run()
    assert result.ends == ["done"] * 4 + ["failed"] + ["done"] * 3
    assert result.drilled[-1] != []
    assert result.outcomes[4].error_code == "AccessDeniedException"
    accepted = [each for each in result.drilled if sid(5) not in each]
    assert sorted(each for batch in accepted for each in batch) == [sid(n) for n in (1, 2, 3, 4, 6, 7, 8)]


def test_a_server_that_the_error_names_by_its_arn_stands_alone_at_once() -> None:
    text = f"not authorized to perform: drs:StartRecovery on arn:aws:drs:eu-west-1:1:source-server/{sid(7)} because no"
    faults = [{"operation": "StartRecovery", "server": sid(7), **DENIED, "message": text}]
    result = DrillWorld(fleet(*[{}] * 8, faults=faults)).run()
    assert [len(batch) for batch in result.drilled] == [8, 7, 1]
    assert result.ends == ["done"] * 6 + ["failed", "done"]


def test_a_single_conflict_is_repeated_once() -> None:
    conflict = {"operation": "StartRecovery", "code": "ConflictException", "status": 409}
    assert DrillWorld(fleet({}, faults=[conflict])).run().ends == ["done"]
    result = DrillWorld(fleet({}, faults=[{**conflict, "times": None}])).run()
    assert (result.ends, len(result.drilled)) == (["failed"], 2)


def test_a_server_that_somebody_else_drills_meanwhile_goes_back_to_the_rule_and_the_rest_is_sent_whole() -> None:
    others = [{"on": "StartRecovery", "do": "drill", "server": sid(2)}]
    result = DrillWorld(fleet(*[{}] * 4, others=others)).run()
    assert result.ends == ["done"] * 4
    assert result.drilled == [[sid(n) for n in (1, 2, 3, 4)], [sid(n) for n in (1, 3, 4)]]
    assert [outcome.changed for outcome in result.outcomes] == [True, False, True, True]


def test_a_quota_is_waited_for_until_a_job_has_ended() -> None:
    world = DrillWorld(fleet(*[{}] * 150, quotas={"servers_in_jobs": 120}))
    result = world.run()
    assert set(result.ends) == {"done"}
    refused = [call for call in result.calls if call["status"] == 402]
    assert len(refused) == 1
    again = DrillWorld(fleet(*[{}] * 150, quotas={"servers_in_jobs": 120})).run(wait=False)
    assert again.ends == ["done"] * 100 + ["deferred"] * 50
    assert "quota" in again.outcomes[149].reason


def test_where_no_job_runs_a_batch_beyond_the_quota_is_halved() -> None:
    for wait in (True, False):
        world = DrillWorld(fleet(*[{}] * 6, quotas={"servers_in_job": 3}))
        assert world.run(wait=wait).ends == ["done"] * 6
    refused = fault("StartRecovery", code="ServiceQuotaExceededException", status=402, times=None)
    assert DrillWorld(fleet({}, **refused)).run().ends == ["failed"]


@pytest.mark.parametrize(
    "lost",
    [
        {"kind": "drop"},
        {"kind": "error", "code": "InternalServerException", "status": 500},
        {"kind": "garbage", "body": "html"},
    ],
)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("wait", [True, False])
def test_a_lost_answer_is_looked_up_among_the_jobs_and_never_sent_again(lost: Script, when: str, wait: bool) -> None:
    world = DrillWorld(fleet({}, {}, **fault("StartRecovery", when=when, **lost)))
    result = world.run(wait=wait)
    assert len(result.drilled) == 1
    took_effect = when == "after"
    assert result.ends == ["done" if took_effect else "failed"] * 2
    assert [outcome.changed for outcome in result.outcomes] == [took_effect] * 2
    if not took_effect:
        assert "may have taken effect" in result.outcomes[0].reason
        assert world.run().ends == ["done", "done"]


def test_an_answer_that_names_other_servers_is_looked_up() -> None:
    members = {"job.participatingServers": [{"sourceServerID": sid(9)}], "job.jobID": "drsjob-00000000000000009"}
    result = DrillWorld(fleet({}, **fault("StartRecovery", kind="replace", members=members))).run()
    assert (result.ends, len(result.drilled)) == (["done"], 1)
    assert result.only.job_id != "drsjob-00000000000000009"


def test_a_throttled_call_is_sent_again() -> None:
    throttled = {"code": "ThrottlingException", "times": 1}
    for operation in ("StartRecovery", "DescribeJobs", "DescribeRecoveryInstances", "GetLaunchConfiguration"):
        assert DrillWorld(fleet({}, **fault(operation, **throttled))).run().ends == ["done"]


@pytest.mark.parametrize("operation", ["DescribeJobs", "DescribeRecoveryInstances", "DescribeSourceServers"])
def test_a_denied_listing_ends_the_run(operation: str) -> None:
    result = DrillWorld(fleet({}, {}, **fault(operation, **DENIED))).run()
    assert (result.ends, result.writes) == (["failed"] * 2, [])
    assert result.run.error is not None
    assert f"drs:{operation}" in result.run.error.message


@pytest.mark.parametrize(
    ("operation", "servers", "jobs"),
    [
        ("GetLaunchConfiguration", [{}, {}], []),
        ("DescribeRecoverySnapshots", [{"state": "STALLED", "snapshots": [60]}] * 2, []),
        ("DescribeJobLogItems", [{}, {}], [{"servers": [sid(1)]}]),
    ],
)
def test_what_cannot_be_read_about_a_server_fails_that_server(
    operation: str, servers: list[Script], jobs: list[Script]
) -> None:
    named = {"server": sid(1)} if operation != "DescribeJobLogItems" else {}
    world = DrillWorld(fleet(*servers, jobs=jobs, **fault(operation, **DENIED, **named)))
    result = world.run(sid(1), sid(2), wait=False)
    assert result.ends == ["failed", "done"]
    assert (result.outcomes[0].error_code, result.drilled) == ("AccessDeniedException", [[sid(2)]])


def test_a_look_that_is_not_answered_right_before_the_call_fails_without_wait_and_delays_with_it() -> None:
    unanswered = fault("DescribeJobs", kind="drop", skip=1, times=2)
    assert DrillWorld(fleet({}, **unanswered)).run().ends == ["done"]
    result = DrillWorld(fleet({}, **unanswered)).run(wait=False)
    assert (result.ends, result.writes) == (["failed"], [])


def test_expired_credentials_end_the_run_and_the_drill_goes_on() -> None:
    expired = fault("DescribeJobs", code="ExpiredTokenException", status=403, skip=3, times=None)
    result = DrillWorld(fleet({}, **expired)).run()
    assert (result.ends, result.only.changed) == (["failed"], True)
    assert "the drill was sent (drsjob-" in result.only.reason


def test_a_drill_from_a_point_in_time_names_the_newest_snapshot_before_it() -> None:
    world = DrillWorld(fleet({"snapshots": [60, 7200, 86400]}, {"snapshots": [60]}))
    point = world.now().replace(microsecond=0)
    world.clock.pass_(1)
    result = world.run(point_in_time=point - timedelta(hours=1))
    assert result.ends == ["done", "failed"]
    (launch,) = result.of("StartRecovery")
    (source,) = launch["sourceServers"]
    assert source["sourceServerID"] == sid(1)
    assert source["recoverySnapshotID"].startswith("pit-")
    assert "no recovery snapshot at or before" in result.outcomes[1].reason


def test_a_snapshot_without_an_id_or_a_date_is_none() -> None:
    broken = [{"age": 7200, "snapshotID": None, "conform": False}, {"age": 8000, "timestamp": None, "conform": False}]
    world = DrillWorld(fleet({"snapshots": broken}))
    result = world.run(point_in_time=world.now() - timedelta(hours=1))
    assert (result.ends, result.writes) == (["failed"], [])


def test_the_job_has_the_tags_and_is_a_drill() -> None:
    result = DrillWorld(fleet({})).run(job_tags={"CostCenter": "a"})
    (launch,) = result.of("StartRecovery")
    assert (launch["isDrill"], launch["tags"]) == (True, {"CostCenter": "a"})


def test_a_launch_into_a_machine_is_refused_and_that_machine_is_never_terminated() -> None:
    settings = {"launch_configuration": {"launchIntoInstanceProperties": {"launchIntoEC2InstanceID": PRODUCTION}}}
    there = {"sourceServerID": sid(1), "recoveryInstanceID": PRODUCTION, "ec2InstanceID": PRODUCTION}
    world = DrillWorld(fleet({**settings}, recovery_instances=[there]))
    result = world.run(max_age=0)
    assert (result.ends, result.writes) == (["failed"], [])
    assert "launchIntoEC2InstanceID" in result.only.reason
    absent = world.run(goal="absent")
    assert (absent.ends, absent.writes, list(world.instances())) == (["held"], [], [PRODUCTION])


STALLED: Script = {"state": "STALLED", "snapshots": [7260]}


@pytest.mark.parametrize("options", [{}, {"terminate": True}, {"wait": False}, {"wait": False, "check_mode": True}])
def test_a_drill_of_a_stalled_server_takes_its_latest_data_and_warns_how_old_it_may_be(options: Script) -> None:
    result = DrillWorld(fleet(STALLED)).run(**options)
    assert result.ends == ["done"]
    sent = [call["sourceServers"] for call in result.of("StartRecovery")]
    assert sent == ([] if "check_mode" in options else [[{"sourceServerID": sid(1)}]])
    assert [detail for _cause, detail in result.only.warnings] == ["STALLED, the newest is of 2 h ago"]


def test_where_no_drill_was_made_there_is_no_warning_of_its_data() -> None:
    refused = DrillWorld(fleet(STALLED, **fault("StartRecovery", **DENIED))).run()
    assert (refused.ends, refused.only.warnings) == (["failed"], [])
    world = DrillWorld(fleet({}, STALLED, others=[{"on": "DescribeJobs", "do": "drill", "server": sid(1), "skip": 1}]))
    deferred = world.run(max_in_progress=1, wait=False).outcomes[1]
    assert (deferred.end, deferred.warnings) == ("deferred", [])


def test_as_a_drill_succeeds_and_its_instance_is_gone_the_next_one_starts() -> None:
    result = DrillWorld(fleet(*[{}] * 5)).run(max_in_progress=2, terminate=True)
    assert result.ends == ["done"] * 5
    assert result.writes == ["StartRecovery", "TerminateRecoveryInstances"] * 3
    assert [len(batch) for batch in result.drilled] == [2, 2, 1]


def test_a_canary_that_fails_ends_the_run_at_once_and_the_others_are_deferred() -> None:
    world = DrillWorld(fleet({"launch": ["silent", "launched"]}, {}, {}))
    result = world.run(max_in_progress=1)
    assert result.ends == ["failed", "deferred", "deferred"]
    assert "1 of 1 places are taken" in result.outcomes[1].reason
    assert world.clock.at < 1000 + 7200
    assert world.run(max_in_progress=1).ends == ["done"] * 3


def test_one_that_fails_without_a_call_never_had_a_place() -> None:
    result = DrillWorld(fleet({"state": "STOPPED"}, {}, {})).run(max_in_progress=1)
    assert result.ends == ["failed", "done", "done"]


def test_without_wait_each_run_is_a_wave() -> None:
    world = DrillWorld(fleet(*[{}] * 3))
    runs = [world.run(max_in_progress=2, wait=False) for _time in range(2)]
    assert [each.ends for each in runs] == [["done", "done", "deferred"]] * 2
    assert [len(each.drilled) for each in runs] == [1, 0]
    world.clock.pass_(600)
    assert world.run(max_in_progress=2, wait=False).drilled == [[sid(3)]]
    check = DrillWorld(fleet(*[{}] * 3)).run(max_in_progress=2, wait=False, check_mode=True)
    assert check.ends == ["done", "done", "deferred"]


def test_a_drill_of_somebody_else_takes_a_place() -> None:
    result = DrillWorld(fleet({}, {}, jobs=[{"servers": [sid(1)], "launch": "launched"}])).run(
        max_in_progress=1, wait=False
    )
    assert (result.ends, result.writes) == (["done", "deferred"], [])


def test_places_are_counted_anew_by_the_look_before_the_call() -> None:
    others = [{"on": "DescribeJobs", "do": "drill", "server": sid(2), "skip": 1}]
    result = DrillWorld(fleet({}, {}, {}, others=others)).run(max_in_progress=1, wait=False)
    assert (result.writes, result.ends) == ([], ["deferred", "done", "deferred"])


def test_at_the_deadline_the_jobs_go_on_and_the_rest_is_deferred() -> None:
    world = DrillWorld(fleet({"launch": {"describes": 100}}, {}))
    result = world.run(max_in_progress=1, wait_timeout=300)
    assert result.ends == ["failed", "deferred"]
    assert result.run.expired
    assert "goes on" in result.outcomes[0].reason
    assert "see state: absent" in result.outcomes[0].reason
    assert result.outcomes[1].action == "none"
    assert world.clock.at <= 1000 + 330


def test_drill_instances_are_terminated_once_and_others_are_held() -> None:
    world = DrillWorld(fleet({}, {}, {}, recovery_instances=[{"sourceServerID": sid(1)}, recovered(2)]))
    first, second = world.run(goal="absent"), world.run(goal="absent")
    assert first.ends == second.ends == ["done", "held", "done"]
    assert [outcome.changed for outcome in first.outcomes] == [True, False, False]
    assert (len(first.of("TerminateRecoveryInstances")), second.writes) == (1, [])
    assert list(world.instances()) == [PRODUCTION]
    assert "is not marked as a drill" in first.outcomes[1].reason


def test_young_instances_are_left() -> None:
    world = DrillWorld(
        fleet({}, {}, recovery_instances=[{"sourceServerID": sid(1), "age": 86400}, {"sourceServerID": sid(2)}])
    )
    result = world.run(goal="absent", min_age=12)
    assert [outcome.changed for outcome in result.outcomes] == [True, False]
    assert result.ends == ["done", "done"]


def test_an_instance_that_outlives_its_termination_fails_its_server() -> None:
    world = DrillWorld(
        fleet({"termination": "survives"}, {}, recovery_instances=[{"sourceServerID": sid(n)} for n in (1, 2)])
    )
    result = world.run(goal="absent")
    assert result.ends == ["failed", "done"]
    assert "still exists after its termination ended" in result.outcomes[0].reason
    drilled = DrillWorld(fleet({"termination": "survives"})).run(terminate=True)
    assert (drilled.ends, drilled.only.evidence is not None) == (["failed"], True)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("wait", [True, False])
def test_after_a_lost_answer_to_a_termination_the_instances_tell(when: str, wait: bool) -> None:
    lost = fault("TerminateRecoveryInstances", kind="drop", when=when)
    world = DrillWorld(fleet({}, recovery_instances=[{"sourceServerID": sid(1)}], **lost))
    result = world.run(goal="absent", wait=wait)
    assert len(result.writes) == 1
    assert (result.ends, result.only.changed) == ((["done"], True) if when == "after" else (["failed"], False))


def test_the_culprit_of_a_refused_termination_is_found_and_all_others_are_terminated() -> None:
    reversed_ = {"sourceServerID": sid(2), "dataReplicationInfo": {"dataReplicationState": "CONTINUOUS"}}
    living = [{"sourceServerID": sid(1)}, reversed_, {"sourceServerID": sid(3)}, {"sourceServerID": sid(4)}]
    world = DrillWorld(fleet(*[{}] * 4, recovery_instances=living))
    victim = next(id_ for id_, each in world.instances().items() if each["sourceServerID"] == sid(4))
    world.service.load(
        fleet(*[{}] * 4, recovery_instances=living, **fault("TerminateRecoveryInstances", server=victim, **DENIED))
    )
    result = world.run(goal="absent")
    assert result.ends == ["done", "failed", "done", "failed"]
    assert "stop that first" in result.outcomes[1].reason
    assert len(world.instances()) == 2


def test_a_termination_of_somebody_else_is_waited_for() -> None:
    world = DrillWorld(
        fleet(
            {},
            recovery_instances=[{"sourceServerID": sid(1)}],
            others=[{"on": "DescribeJobs", "do": "terminate", "server": sid(1)}],
        )
    )
    result = world.run(goal="absent")
    assert (result.ends, result.writes, result.only.changed) == (["done"], [], False)


def test_an_unknown_server_fails_in_both_states() -> None:
    for goal in ("drilled", "absent"):
        assert DrillWorld(fleet({})).run(sid(9), goal=goal).only.reason == "DRS does not know this ID"


def test_progress_tells_the_last_event_of_each_log() -> None:
    result = DrillWorld(fleet({}, {"state": "STOPPED"})).run()
    told = [each[0] for each in result.reports]
    assert list(dict.fromkeys(told)) == ["drill accepted", "conversion start", "launch start", "done"]
    assert {each[1] for each in result.reports} == {"failed"}


def test_the_region_is_that_of_the_client() -> None:
    assert DrillWorld(fleet({})).run(check_mode=True, wait=False).run.api.region == REGION


@pytest.mark.parametrize(("wait", "end", "calls"), [(True, "done", 2), (False, "failed", 1)])
def test_a_server_that_cannot_be_described_after_a_refusal_is_not_called_again_before_it_is(
    wait: bool, end: str, calls: int
) -> None:
    refused = {"operation": "StartRecovery", "code": "ConflictException", "status": 409}
    unanswered = {"operation": "DescribeSourceServers", "kind": "drop", "skip": 1, "times": 2}
    result = DrillWorld(fleet({}, faults=[refused, unanswered])).run(wait=wait)
    assert (result.ends, len(result.drilled)) == ([end], calls)
    asked = [each for each in result.operations if each in ("DescribeSourceServers", "StartRecovery")]
    assert asked[:4] == ["DescribeSourceServers", "StartRecovery", *["DescribeSourceServers"] * 2]


def test_a_termination_goes_on_after_a_server_could_not_be_described() -> None:
    refused = {"operation": "TerminateRecoveryInstances", "code": "ConflictException", "status": 409}
    unanswered = {"operation": "DescribeSourceServers", "kind": "drop", "skip": 1, "times": 2}
    world = DrillWorld(fleet({}, faults=[refused, unanswered]))
    assert (world.run(terminate=True).ends, world.instances()) == (["done"], {})


@pytest.mark.parametrize("wait", [True, False])
def test_a_server_of_the_other_half_that_somebody_drills_meanwhile_is_waited_for(wait: bool) -> None:
    refused = {"operation": "StartRecovery", "code": "ConflictException", "status": 409}
    others = [{"on": "DescribeJobs", "do": "drill", "server": sid(3), "skip": 3}]
    result = DrillWorld(fleet(*[{}] * 4, faults=[refused], others=others)).run(wait=wait, max_in_progress=10)
    assert result.drilled[1:] == [[sid(1), sid(2)], [sid(4)]]
    assert (result.ends, result.outcomes[2].changed) == (["done"] * 4, False)
    if not wait:
        assert "a drill of it is running" in result.outcomes[2].reason


def test_an_instance_of_a_drill_that_somebody_else_made_is_left_with_a_warning() -> None:
    world = DrillWorld(fleet({}, jobs=[{"servers": [sid(1)], "launch": "launched"}]))
    result = world.run(terminate=True)
    assert (result.ends, result.writes, len(world.instances())) == (["done"], [], 1)
    assert "see state: absent" in (result.only.warning or "")


@pytest.mark.parametrize("listed_after", [0, 3])
def test_a_recovery_that_has_just_ended_is_not_launched_over_before_its_instance_is_listed(listed_after: int) -> None:
    recovery = {
        "servers": [sid(1)],
        "initiatedBy": "START_RECOVERY",
        "launch": {"instance_unlisted": listed_after, "instance": {"isDrill": False}},
    }
    result = DrillWorld(fleet({}, jobs=[recovery])).run()
    assert (result.ends, result.writes) == (["failed"], [])
    assert "production may run on" in result.only.reason


def test_a_drill_that_runs_will_leave_an_instance() -> None:
    world = DrillWorld(fleet({}, jobs=[{"servers": [sid(1)], "launch": "launched"}]))
    now = world.run(goal="absent", wait=False)
    assert (now.ends, now.writes, now.only.action) == (["deferred"], [], "none")
    assert "a drill of it is running" in now.only.reason
    result = world.run(goal="absent")
    assert (result.ends, result.writes, world.instances()) == (["done"], ["TerminateRecoveryInstances"], {})


def test_the_age_of_an_instance_is_that_of_its_job_although_the_job_no_longer_names_the_server() -> None:
    launch = {"servers": [sid(2)], "jobID": "drsjob-00000000000000001", "age": 3600}
    living = {
        "sourceServerID": sid(1),
        "jobID": "drsjob-00000000000000001",
        "pointInTimeSnapshotDateTime": "2020-01-01T00:00:00Z",
    }
    world = DrillWorld(fleet({}, {}, jobs=[launch], recovery_instances=[living]))
    result = world.run(goal="absent", min_age=12)
    assert (result.ends, result.writes, len(world.instances())) == (["done", "done"], [], 1)


def test_a_refused_termination_of_a_drill_is_still_a_drill() -> None:
    result = DrillWorld(fleet({}, **fault("TerminateRecoveryInstances", **DENIED))).run(terminate=True)
    assert (result.ends, result.only.action, result.only.changed) == (["failed"], "drill", True)
    assert result.only.evidence is not None
