# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What users read of a run of drills."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.results.drill import (
    failure_message,
    success_message,
    values_of,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.results.outcome_values import warnings_by_cause
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.drill_progress import (
    DrillProgress,
    drill_line,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.drill_run import DrillOutcome
from ansible_collections.disaster_recovery.aws.tests.unit.drill_world import DrillWorld, Script, fleet
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import FakeClock, sid

SLOW = {"describes": 99}
PLACE = "(eu-west-1, account 111122223333)"
DENIED = {"operation": "StartRecovery", "code": "AccessDeniedException", "status": 403, "times": None}


def test_a_success_counts_the_drilled_and_the_fresh() -> None:
    world = DrillWorld(fleet({}, {}, {}))
    world.run(sid(1))
    assert success_message(world.run(wait=False, check_mode=True).run) == (
        f"2 of 3 source servers would be drilled, 1 drilled already {PLACE}"
    )
    assert success_message(world.run().run) == f"2 of 3 source servers drilled, 1 drilled already {PLACE}"
    assert success_message(world.run(goal="absent").run) == f"3 of 3 source servers freed of drill instances {PLACE}"
    assert success_message(world.run(goal="absent").run) == (
        f"0 of 3 source servers freed of drill instances, 3 had none {PLACE}"
    )
    assert success_message(world.run(max_age=0, wait=False).run) == f"3 of 3 source servers started {PLACE}"
    assert success_message(world.run(max_age=0, wait=False).run) == (
        f"0 of 3 source servers started, 3 in drill already {PLACE}"
    )


def test_a_failure_names_each_cause_once() -> None:
    run = DrillWorld(fleet({"launch": "silent"}, {"launch": "silent"}, {"state": "STOPPED"}, {})).run().run
    assert failure_message(run) == (
        f"3 of 4 source servers failed; 1 drilled {PLACE}: its drill ended without a successful launch and without a"
        f" word; missing EC2 permissions of the caller look like this: {sid(1)} server-0001, {sid(2)} server-0002; it"
        f" is STOPPED: get it protected with drs_source_server_replication first: {sid(3)} server-0003."
    )


def test_at_the_deadline_the_sentence_names_the_cost_and_the_way_out() -> None:
    run = DrillWorld(fleet({"launch": {"describes": 99}}, {})).run(max_in_progress=1, wait_timeout=120).run
    message = failure_message(run) or ""
    assert message.startswith(f"2 of 2 source servers are not drilled after 120 s {PLACE}: its drill goes on, its inst")
    assert "see state: absent" in message


def test_at_the_deadline_a_few_of_the_jobs_that_go_on_are_named() -> None:
    jobs = [{"servers": [sid(number)], "launch": SLOW} for number in range(1, 6)]
    run = DrillWorld(fleet(*[{}] * 5, jobs=jobs)).run(wait_timeout=120).run
    first, second, third = run.running[:3]
    assert len(run.running) == 5
    assert (failure_message(run) or "").endswith(f"; still running: {first}, {second}, {third}, and 2 more.")
    ours = DrillWorld(fleet({"launch": SLOW})).run(wait_timeout=120).run
    assert (failure_message(ours) or "").endswith(f"; still running: {ours.outcomes[0].job_id}.")
    assert run.jobs == []


LIVING = {"sourceServerID": sid(1)}
THROTTLED = {"operation": "TerminateRecoveryInstances", "code": "ThrottlingException", "times": None}
LOST = {"operation": "TerminateRecoveryInstances", "kind": "drop"}


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ({"recovery_instances": [LIVING]}, "its drill instance is not terminated yet"),
        (
            {
                "recovery_instances": [LIVING],
                "others": [{"on": "DescribeJobs", "do": "terminate", "server": sid(1)}],
            },
            "its drill instance is being terminated",
        ),
        ({"jobs": [{"servers": [sid(1)], "launch": SLOW}]}, "a drill of it is running"),
        (
            {
                "recovery_instances": [LIVING],
                "jobs": [{"servers": [sid(1)], "initiatedBy": "TARGET_ACCOUNT", "status": "STARTED"}],
            },
            "another job holds it",
        ),
        (
            {"recovery_instances": [LIVING], "faults": [THROTTLED]},
            "TerminateRecoveryInstances in eu-west-1 failed (T",
        ),
        ({"recovery_instances": [LIVING], "faults": [LOST]}, "the termination was sent once, never answered, and may"),
    ],
)
def test_at_the_deadline_a_termination_says_what_it_waited_for(script: dict[str, Any], told: str) -> None:
    run = DrillWorld(fleet({"termination": SLOW}, **script)).run(goal="absent", wait_timeout=120).run
    message = failure_message(run) or ""
    begin = f"1 of 1 source server is not freed of drill instances after 120 s {PLACE}: {told}"
    assert message.startswith(begin)
    assert "not started" not in message
    assert run.outcomes[0].reason.count("wait_timeout (120 s) expired") == ("sent once" not in told)


def test_at_the_deadline_a_server_that_got_no_call_says_why() -> None:
    throttled = {"operation": "StartRecovery", "code": "ThrottlingException", "times": None}
    run = DrillWorld(fleet({}, faults=[throttled])).run(wait_timeout=120).run
    assert run.outcomes[0].reason.startswith("StartRecovery in eu-west-1 failed (ThrottlingException")
    assert run.outcomes[0].reason.endswith("; wait_timeout (120 s) expired")


@pytest.mark.parametrize("second", [{}, {"state": "BACKLOG", "snapshots": [7200]}])
def test_at_the_deadline_a_server_without_a_place_says_who_has_the_places(second: Script) -> None:
    run = DrillWorld(fleet({"launch": SLOW}, second)).run(wait_timeout=120, max_in_progress=1).run
    taken, job_id = "1 of 1 places are taken", run.outcomes[0].job_id
    assert run.outcomes[1].reason == f"{taken}: {sid(1)} {job_id}; wait_timeout (120 s) expired"
    assert f"; deferred, since {taken}: {sid(2)} server-0002; still running: {job_id}." in (failure_message(run) or "")


def test_at_the_deadline_a_server_that_another_job_holds_says_so_although_the_places_are_taken() -> None:
    busy = {
        "servers": [sid(2)],
        "initiatedBy": "TARGET_ACCOUNT",
        "status": "STARTED",
        "jobID": "drsjob-00000000000000009",
    }
    run = DrillWorld(fleet({"launch": SLOW}, {}, jobs=[busy])).run(wait_timeout=120, max_in_progress=1).run
    assert run.outcomes[1].reason.startswith("another job holds it (drsjob-00000000000000009, TARGET_ACCOUNT); wait")


def test_at_the_deadline_a_server_that_waits_for_the_quota_says_so() -> None:
    run = DrillWorld(fleet({"launch": SLOW}, {}, quotas={"servers_in_jobs": 1})).run(wait_timeout=300).run
    assert run.outcomes[1].reason.startswith("a quota is used up: ")


def test_what_was_not_asked_before_the_deadline_is_no_reason() -> None:
    hang = {"operation": "DescribeJobLogItems", "kind": "hang", "seconds": 200}
    run = DrillWorld(fleet({}, {}, jobs=[{"servers": [sid(2)]}], faults=[hang])).run(wait_timeout=120).run
    assert run.outcomes[0].reason == "no call was made in time; wait_timeout (120 s) expired"


def test_at_the_deadline_a_server_that_was_drilled_is_not_counted_as_not_drilled() -> None:
    world = DrillWorld(fleet({"termination": SLOW}, {"launch": SLOW}, {}))
    run = world.run(sid(1), terminate=True, wait_timeout=900).run
    drill_job, termination = (str(job["jobID"]) for job in run.jobs)
    (instance,) = world.instances()
    assert failure_message(run) == (
        f"1 of 1 source server is drilled, but not freed of drill instances after 900 s {PLACE}: its drill instance is"
        f" not terminated yet: {sid(1)} server-0001; still running: {termination}."
    )
    assert run.outcomes[0].evidence is not None
    assert run.outcomes[0].reason == f"{instance} is not terminated yet; wait_timeout (900 s) expired"
    assert drill_job not in run.running
    both = DrillWorld(fleet({"termination": SLOW}, {"state": "STOPPED"}, {})).run(terminate=True, wait_timeout=900).run
    counts = "1 of 3 source servers are not drilled after 900 s; 1 drilled, but not freed of drill instances, 1 drilled"
    assert (failure_message(both) or "").startswith(f"{counts} {PLACE}")


def test_at_the_deadline_a_termination_after_a_drill_that_was_never_sent_says_why() -> None:
    run = DrillWorld(fleet({}, {}, faults=[THROTTLED])).run(terminate=True, max_in_progress=1, wait_timeout=900).run
    assert run.outcomes[0].reason.startswith("TerminateRecoveryInstances in eu-west-1 failed (T")
    assert run.outcomes[1].reason.startswith("1 of 1 places are taken: ")


def test_at_the_deadline_a_job_that_has_ended_does_not_go_on() -> None:
    run = DrillWorld(fleet({"launch": "without_trace"})).run(wait_timeout=150).run
    told = "its drill says LAUNCHED, but neither LAUNCH_END nor its instance was seen"
    assert run.outcomes[0].reason.startswith(f"{told}; wait_timeout (150 s) expired, and its instance costs")
    assert (run.running, "goes on" in (failure_message(run) or "")) == ([], False)


COSTS = "Drill instances cost until they are terminated, see state: absent."


@pytest.mark.parametrize(
    ("denied", "skip", "options", "goes_on", "costs"),
    [
        ("DescribeJobs", 3, {}, [0], True),
        ("DescribeJobs", 3, {"goal": "absent"}, [0], False),
        ("TerminateRecoveryInstances", 0, {"terminate": True}, [], True),
        ("StartRecovery", 0, {}, [], False),
    ],
)
def test_an_error_that_ends_the_run_says_which_jobs_go_on_and_what_costs(
    denied: str, skip: int, options: Script, goes_on: list[int], costs: bool
) -> None:
    expired = {"operation": denied, "code": "ExpiredTokenException", "status": 403, "skip": skip, "times": None}
    living = [{"sourceServerID": sid(1)}] if "goal" in options else []
    world = DrillWorld(fleet({"termination": SLOW}, {}, recovery_instances=living, faults=[expired]))
    run = world.run(**options).run
    message = failure_message(run) or ""
    assert run.running == [run.jobs[number]["jobID"] for number in goes_on]
    assert (f"; still running: {', '.join(run.running)}. " in message) == bool(goes_on)
    assert (COSTS in message) == costs
    assert message.endswith(". Renew the credentials and run again to continue.")


def test_a_denial_has_its_code_and_its_whole_text() -> None:
    run = DrillWorld(fleet({}, faults=[DENIED])).run().run
    (row,) = values_of(run.outcomes, run.jobs, diff=False)["outcomes"]
    assert (row["error_code"], row["action"], row["changed"]) == ("AccessDeniedException", "drill", False)
    assert "drs:StartRecovery" in row["reason"]


def test_the_rows_tell_the_drill() -> None:
    run = DrillWorld(fleet({})).run(terminate=True).run
    values = values_of(run.outcomes, run.jobs, diff=True)
    (row,) = values["outcomes"]
    assert (row["action"], row["duration_seconds"], row["evidence"]["launch_actions"]) == ("drill", 120.0, "unknown")
    assert row["job_id"] == row["evidence"]["job_id"] == values["jobs"][0]["job_id"]
    assert [job["initiated_by"] for job in values["jobs"]] == ["START_DRILL", "TERMINATE_RECOVERY_INSTANCES"]
    assert values["diff"]["before"].endswith("no fresh drill\n")
    assert values["diff"]["after"].endswith(f"drilled {row['evidence']['at']}\n")


def test_a_held_server_is_warned_of() -> None:
    instance = {"sourceServerID": sid(1), "isDrill": False}
    run = DrillWorld(fleet({}, {}, recovery_instances=[instance])).run(filtered=True).run
    held = "held, production may depend on a recovery instance that a launch would terminate"
    assert warnings_by_cause(run.api.region, run.outcomes) == [
        f"Of 2 source servers {PLACE}: {held}: {sid(1)} server-0001"
    ]


def test_the_warning_of_a_held_server_has_nothing_of_what_was_waited_for_before() -> None:
    others = [{"on": "StartRecovery", "do": "recover", "server": sid(2)}]
    run = DrillWorld(fleet({}, {}, others=others)).run(filtered=True).run
    (warning,) = warnings_by_cause(run.api.region, run.outcomes)
    assert warning.endswith(f"that a launch would terminate: {sid(2)} server-0002")


def denied_read(number: int) -> Script:
    action = f"drs:GetLaunchConfiguration on resource: arn:aws:drs:eu-west-1:111122223333:source-server/{sid(number)}"
    text = f"User: me is not authorized to perform: {action} because no identity-based policy allows the action"
    return {**DENIED, "operation": "GetLaunchConfiguration", "server": sid(number), "message": text}


def test_the_warning_of_a_held_server_names_the_permission_that_is_missing() -> None:
    living = [{"sourceServerID": sid(number)} for number in (1, 2)]
    faults = [denied_read(number) for number in (1, 2)]
    run = DrillWorld(fleet({}, {}, recovery_instances=living, faults=faults)).run(goal="absent").run
    (warning,) = warnings_by_cause(run.api.region, run.outcomes)
    assert "held, its instance may have been there before: these credentials" in warning
    assert "drs:GetLaunchConfiguration" in warning
    assert warning.endswith(f": {sid(1)} server-0001, {sid(2)} server-0002")


ENDING_ALREADY: Script = {"recovery_instances": [{**LIVING, "ec2InstanceState": "SHUTTING-DOWN"}]}
ENDED_MEANWHILE: Script = {
    "recovery_instances": [LIVING],
    "others": [{"on": "DescribeJobs", "do": "terminate", "server": sid(1)}],
}


@pytest.mark.parametrize(
    ("script", "options", "told"),
    [
        (ENDING_ALREADY, {"wait": False}, "about to be freed of drill instances, 1 being freed already"),
        (
            ENDING_ALREADY,
            {"wait": False, "check_mode": True},
            "would be freed of drill instances, 1 being freed already",
        ),
        (ENDED_MEANWHILE, {}, "freed of drill instances, 1 freed already"),
        ({"recovery_instances": [{**LIVING, "age": 3600}]}, {"min_age": 24}, "freed of drill instances, 1 left"),
        ({}, {}, "freed of drill instances, 1 had none"),
    ],
)
def test_a_server_that_needs_no_call_is_counted_by_what_became_of_its_drill_instance(
    script: Script, options: dict[str, Any], told: str
) -> None:
    run = DrillWorld(fleet({}, **script)).run(goal="absent", **options).run
    assert success_message(run) == f"0 of 1 source server {told} {PLACE}"


OLD, BESIDE, DAY = "i-0000000000000000a", "i-0000000000000000b", 86400
UNMARKED: Script = {"isDrill": False}
REVERSED: Script = {"dataReplicationInfo": {"dataReplicationState": "CONTINUOUS"}}
YOUNG: Script = {"age": 3600}


@pytest.mark.parametrize(
    ("options", "sent", "done"),
    [
        ({}, f"terminated {OLD}", "freed of drill instances"),
        ({"wait": False}, "DRS accepted the termination (drsjob-", "about to be freed of drill instances"),
        ({"wait": False, "check_mode": True}, f"would terminate {OLD}", "would be freed of drill instances"),
    ],
)
@pytest.mark.parametrize(
    ("other", "why", "told", "warned"),
    [
        (YOUNG, f"{BESIDE} was launched ", f"0 of 1 source server DONE, 1 partly {PLACE}", []),
        (
            UNMARKED,
            f"{BESIDE} is not marked as a drill",
            f"1 of 1 source server DONE {PLACE}",
            ["left alone, its instance is not marked as a drill"],
        ),
        (
            REVERSED,
            f"a reversed replication runs from {BESIDE}: stop that first",
            f"1 of 1 source server failed {PLACE}: a reversed replication runs from its drill instance: stop",
            [],
        ),
    ],
)
def test_an_instance_that_stays_beside_one_that_is_terminated_is_told_in_check_mode_too(
    options: dict[str, Any], sent: str, done: str, other: Script, why: str, told: str, warned: list[str]
) -> None:
    living = [{**LIVING, "recoveryInstanceID": OLD, "age": 2 * DAY}]
    living.append({**LIVING, "recoveryInstanceID": BESIDE, "age": 2 * DAY, **other})
    world = DrillWorld(fleet({}, recovery_instances=living))
    run = world.run(goal="absent", min_age=24, **options).run
    (outcome,) = run.outcomes
    assert (outcome.changed, outcome.action) == (True, "terminate")
    assert outcome.reason.startswith(sent)
    assert f"; {why}" in outcome.reason
    assert (failure_message(run) or success_message(run)).startswith(told.replace("DONE", done))
    assert [cause for cause, _detail in outcome.warnings] == warned
    if sent.endswith(OLD):
        assert outcome.after == ("no drill instance" if other is UNMARKED else BESIDE)


def test_beside_a_failure_those_freed_partly_are_counted_apart() -> None:
    living = [{**LIVING, "recoveryInstanceID": OLD, "age": 2 * DAY}, {**LIVING, "recoveryInstanceID": BESIDE, **YOUNG}]
    living.append({"sourceServerID": sid(2), "age": 2 * DAY, **REVERSED})
    run = DrillWorld(fleet({}, {}, recovery_instances=living)).run(goal="absent", min_age=24).run
    begin = f"1 of 2 source servers failed; 0 freed of drill instances, 1 partly {PLACE}: "
    assert (failure_message(run) or "").startswith(begin)


def test_progress_counts_what_the_servers_are_doing() -> None:
    outcomes = [DrillOutcome(sid(number)) for number in range(4)]
    outcomes[0].finish("done", "drilled")
    outcomes[1].detail = outcomes[2].detail = "conversion start"
    assert drill_line("drilled", outcomes) == "1/4 drilled · 2 conversion start · 1 waiting for a place"
    assert drill_line("absent", outcomes[:1]) == f"{sid(0)} · without drill instances"


def test_progress_is_told_when_it_changes_and_each_minute() -> None:
    lines: list[str] = []
    clock = FakeClock()
    report = DrillProgress("drilled", lines.append, clock)
    outcome = DrillOutcome(sid(1), detail="launch start")
    for seconds in (1, 1, 60):
        report([outcome])
        clock.pass_(seconds)
    report([outcome])
    assert len(lines) == 2
