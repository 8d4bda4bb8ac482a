# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What users read of a run of drills."""

from __future__ import annotations

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
from ansible_collections.disaster_recovery.aws.tests.unit.drill_world import DrillWorld, fleet
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import FakeClock, sid

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


def test_an_error_that_ends_the_run_says_that_jobs_go_on() -> None:
    expired = {"operation": "DescribeJobs", "code": "ExpiredTokenException", "status": 403, "skip": 3, "times": None}
    message = failure_message(DrillWorld(fleet({}, faults=[expired])).run().run) or ""
    assert "Jobs go on, and what they launch costs until it is terminated. Renew the credentials and run" in message


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
