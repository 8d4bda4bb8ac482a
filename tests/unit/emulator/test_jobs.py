# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs and recovery instances of the beginning, how they are listed, faults of their operations, and other actors."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.tests.emulator import Emulator, ScriptError
from ansible_collections.disaster_recovery.aws.tests.emulator.model import ServiceError, structure, violations
from ansible_collections.disaster_recovery.aws.tests.emulator.service import Service
from ansible_collections.disaster_recovery.aws.tests.unit.emulator.clients import (
    DB,
    REGION,
    WEB,
    Clock,
    ask,
    code_of,
    drs_client,
    finish,
    instances,
    items,
    launch,
    log_of,
    ready,
    statuses,
)

DAY = 86400
JOB = "drsjob-0123456789abcdef0"
INSTANCE = "i-0123456789abcdef0"


def world(*servers: dict[str, Any], jobs: Any = (), recovery_instances: Any = (), **script: Any) -> Service:
    region = {"servers": list(servers), "jobs": list(jobs), "recovery_instances": list(recovery_instances)}
    return Service({"regions": {REGION: region}, **script}, Clock())


def test_a_seeded_job_is_a_completed_drill_with_its_log_unless_it_says_otherwise() -> None:
    (job,) = items(world(jobs=[{"servers": [WEB, DB], "age": DAY}]), "DescribeJobs")
    assert violations(structure("Job"), job, answer=True) == []
    assert (job["type"], job["initiatedBy"], job["status"]) == ("LAUNCH", "START_DRILL", "COMPLETED")
    assert statuses(job) == {WEB: "LAUNCHED", DB: "LAUNCHED"}
    log = log_of(world(jobs=[{"servers": [WEB, DB], "age": DAY, "jobID": JOB}]), JOB)
    assert [item["eventData"]["sourceServerID"] for item in log if item["event"] == "LAUNCH_END"] == [WEB, DB]


def test_a_seeded_job_may_be_anything() -> None:
    seeded = {
        "jobID": JOB,
        "age": 60,
        "initiatedBy": "START_RECOVERY",
        "status": "STARTED",
        "participatingServers": [{"sourceServerID": DB, "launchStatus": "IN_PROGRESS"}],
        "log": ["JOB_START", {"event": "SNAPSHOT_FAIL", "eventData": {"sourceServerID": DB, "rawError": "no"}}],
    }
    service = world(ready(DB), jobs=[seeded])
    seen = [items(service, "DescribeJobs")[0] for _time in range(3)]
    assert [job["status"] for job in seen] == ["STARTED"] * 3
    assert statuses(seen[0]) == {DB: "IN_PROGRESS"}
    assert [item["event"] for item in log_of(service, JOB)] == ["JOB_START", "SNAPSHOT_FAIL"]
    assert ask(service, "StartRecovery", sourceServers=[{"sourceServerID": DB}]).status == 409


@pytest.mark.parametrize(
    ("initiated_by", "kind"),
    [
        ("START_RECOVERY", "LAUNCH"),
        ("TERMINATE_RECOVERY_INSTANCES", "TERMINATE"),
        ("TARGET_ACCOUNT", "CREATE_CONVERTED_SNAPSHOT"),
    ],
)
def test_the_type_of_a_seeded_job_follows_from_who_initiated_it(initiated_by: str, kind: str) -> None:
    (job,) = items(world(jobs=[{"servers": [WEB], "initiatedBy": initiated_by, "status": "PENDING"}]), "DescribeJobs")
    assert (job["type"], job["status"], statuses(job)) == (kind, "PENDING", {WEB: "PENDING"})


def test_a_seeded_job_may_run_from_the_beginning() -> None:
    running = {"servers": [WEB], "jobID": JOB, "initiatedBy": "START_RECOVERY", "launch": "launched"}
    service = world(ready(), jobs=[running])
    assert finish(service, JOB)["initiatedBy"] == "START_RECOVERY"
    (instance,) = items(service, "DescribeRecoveryInstances")
    assert (instance["jobID"], instance["isDrill"]) == (JOB, False)


def test_a_seeded_instance_is_a_running_drill_unless_it_says_otherwise() -> None:
    production = {"sourceServerID": DB, "isDrill": False, "recoveryInstanceID": INSTANCE, "ec2InstanceState": "STOPPED"}
    service = world(ready(), recovery_instances=[{"sourceServerID": WEB, "age": DAY}, production])
    by_server = {one["sourceServerID"]: one for one in items(service, "DescribeRecoveryInstances")}
    assert (by_server[WEB]["isDrill"], by_server[WEB]["ec2InstanceState"]) == (True, "RUNNING")
    assert by_server[DB]["recoveryInstanceID"] == by_server[DB]["ec2InstanceID"] == INSTANCE
    assert (by_server[DB]["isDrill"], by_server[DB]["ec2InstanceState"]) == (False, "STOPPED")
    assert all(violations(structure("RecoveryInstance"), one, answer=True) == [] for one in by_server.values())


def test_a_launch_deletes_a_seeded_instance_too() -> None:
    service = world(ready(), recovery_instances=[{"sourceServerID": WEB, "isDrill": False}])
    (earlier,) = instances(service)
    finish(service, launch(service))
    assert instances(service)[earlier] == "TERMINATED"


def test_a_seeded_launch_deletes_a_seeded_instance() -> None:
    running = {"servers": [WEB], "jobID": JOB, "launch": "silent"}
    service = world(ready(), jobs=[running], recovery_instances=[{"sourceServerID": WEB}])
    finish(service, JOB)
    assert list(instances(service).values()) == ["TERMINATED"]


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ({"jobs": [{"status": "RUNNING"}]}, "jobs[0]: status: 'RUNNING' is not one of PENDING"),
        ({"jobs": [{"state": "STARTED"}]}, "jobs[0]: state: is not a member of Job"),
        ({"jobs": [{"log": ["COFFEE"]}]}, "jobs[0].log[0].event is 'COFFEE', not one of JOB_START"),
        ({"jobs": [7]}, "jobs[0] is not an object"),
        ({"jobs": [{"launch": "soon"}]}, "jobs[0].launch[0].outcome is 'soon', not one of launched"),
        ({"recovery_instances": [{}]}, "recovery_instances[0] is not an object with a sourceServerID"),
        ({"recovery_instances": [{"sourceServerID": WEB, "isDrill": "no"}]}, "isDrill: is a str, not a boolean"),
        ({"servers": [{"sourceServerID": WEB, "launch": []}]}, "servers[0].launch has no plan"),
        ({"servers": [{"sourceServerID": WEB, "launch": {"status": "DONE"}}]}, "launchStatus: 'DONE' is not one of"),
        ({"servers": [{"sourceServerID": WEB, "launch_configuration": {"name": 7}}]}, "name: is a int"),
    ],
)
def test_a_bad_seed_is_refused_with_one_sentence(region: dict[str, Any], expected: str) -> None:
    with pytest.raises(ScriptError) as caught:
        Service({"regions": {REGION: region}})
    assert expected in str(caught.value)


def test_jobs_are_listed_latest_first_over_every_page_and_bounded_by_their_creation() -> None:
    seeds = [{"age": days * DAY, "tags": {"days": str(days)}} for days in (3, 1, 4, 2)]
    service = world(jobs=seeds, page_size=3)
    first = ask(service, "DescribeJobs").body
    assert isinstance(first, dict)
    second = items(service, "DescribeJobs", nextToken=first["nextToken"])
    assert [job["tags"]["days"] for job in [*first["items"], *second]] == ["1", "2", "3", "4"]
    two = first["items"][1]["creationDateTime"].replace("+00:00", "Z")
    after = items(service, "DescribeJobs", filters={"fromDate": two})
    before = items(service, "DescribeJobs", filters={"toDate": two})
    assert [job["tags"]["days"] for job in after] == ["1", "2"]
    assert [job["tags"]["days"] for job in before] == ["2", "3", "4"]


def test_somebody_may_change_and_delete_a_job_and_an_instance() -> None:
    service = world(jobs=[{"jobID": JOB}], recovery_instances=[{"sourceServerID": WEB, "recoveryInstanceID": INSTANCE}])
    assert service.patch(REGION, JOB, {"status": "STARTED", "endDateTime": None})["status"] == "STARTED"
    assert "endDateTime" not in items(service, "DescribeJobs")[0]
    with pytest.raises(ScriptError, match="'ASLEEP' is not one of PENDING"):
        service.patch(REGION, INSTANCE, {"ec2InstanceState": "ASLEEP"})
    service.patch(REGION, INSTANCE, {"ec2InstanceState": "ASLEEP", "conform": False})
    assert instances(service) == {INSTANCE: "ASLEEP"}
    service.delete(REGION, JOB)
    service.delete(REGION, INSTANCE)
    assert (service.jobs(REGION), service.recovery_instances(REGION)) == ({}, {})
    with pytest.raises(ServiceError, match=f"{JOB} was not found"):
        service.delete(REGION, JOB)


def test_a_log_pages_and_an_unknown_job_has_none() -> None:
    service = world(ready(), page_size=3)
    job_id = launch(service)
    finish(service, job_id)
    first = ask(service, "DescribeJobLogItems", jobID=job_id).body
    assert isinstance(first, dict)
    assert [item["event"] for item in first["items"]] == ["JOB_START", "SNAPSHOT_START", "SNAPSHOT_END"]
    assert items(service, "DescribeJobLogItems", jobID=job_id, nextToken=first["nextToken"])
    assert log_of(service, JOB) == []


def test_boto3_reads_a_job_its_log_and_its_instances() -> None:
    script = {"regions": {REGION: {"servers": [ready()]}}, "page_size": 2}
    with Emulator(script) as emulator, closing(drs_client(emulator.url)) as drs:
        job = drs.start_recovery(sourceServers=[{"sourceServerID": WEB}], isDrill=True)["job"]
        while job["status"] != "COMPLETED":
            (job,) = drs.describe_jobs(filters={"jobIDs": [job["jobID"]]})["items"]
        pages = drs.get_paginator("describe_job_log_items").paginate(jobID=job["jobID"])
        assert [item["event"] for page in pages for item in page["items"]][-2:] == ["LAUNCH_END", "JOB_END"]
        (instance,) = drs.describe_recovery_instances(filters={"sourceServerIDs": [WEB]})["items"]
        assert set(emulator.recovery_instances()) == {instance["recoveryInstanceID"]}
        assert set(emulator.jobs()) == {job["jobID"]}
        emulator.patch(instance["recoveryInstanceID"], {"isDrill": False})
        assert emulator.recovery_instances()[instance["recoveryInstanceID"]]["isDrill"] is False
        emulator.delete(job["jobID"])
        assert drs.describe_jobs()["items"] == []


@pytest.mark.parametrize(("when", "jobs"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"code": "ThrottlingException"}, 429),
        ({"code": "InternalServerException"}, 500),
        ({"code": "AccessDeniedException", "message": f"not on source-server/{DB}", "server": DB}, 403),
        ({"kind": "drop"}, None),
        ({"kind": "hang", "seconds": 1}, None),
        ({"kind": "garbage", "body": "html"}, 200),
    ],
)
def test_a_fault_of_a_start_comes_before_or_after_the_effect(
    fault: dict[str, Any], status: int | None, when: str, jobs: int
) -> None:
    service = world(ready(), ready(DB), faults=[{"operation": "StartRecovery", "when": when, **fault}])
    sources = [{"sourceServerID": WEB}, {"sourceServerID": DB}]
    reply = ask(service, "StartRecovery", sourceServers=sources, isDrill=True)
    assert reply.status == status
    assert len(service.jobs(REGION)) == jobs
    assert service.journal()[0]["fault"]["when"] == when


def test_a_fault_may_be_about_a_server_an_instance_or_a_job() -> None:
    faults = [{"code": "InternalServerException", "server": id_} for id_ in (DB, INSTANCE, JOB)]
    service = world(ready(), ready(DB), faults=faults)
    calls: list[tuple[str, dict[str, Any]]] = [
        ("StartRecovery", {"sourceServers": [{"sourceServerID": WEB}, {"sourceServerID": DB}]}),
        ("DescribeRecoveryInstances", {"filters": {"recoveryInstanceIDs": [INSTANCE]}}),
        ("DescribeJobLogItems", {"jobID": JOB}),
    ]
    assert [ask(service, operation, **params).status for operation, params in calls * 2] == [500] * 3 + [202, 200, 200]


def test_members_of_a_job_an_instance_and_a_configuration_may_be_replaced() -> None:
    def odd(operation: str, **members: Any) -> dict[str, Any]:
        return {"kind": "replace", "operation": operation, "members": members}

    service = world(
        ready(),
        faults=[
            odd("StartRecovery", participatingServers=[{"sourceServerID": DB}]),
            odd("DescribeJobs", status=7),
            odd("DescribeRecoveryInstances", isDrill="yes"),
            odd("GetLaunchConfiguration", launchIntoInstanceProperties=None),
        ],
    )
    reply = ask(service, "StartRecovery", sourceServers=[{"sourceServerID": WEB}], isDrill=True)
    assert isinstance(reply.body, dict)
    job = reply.body["job"]
    assert job["participatingServers"] == [{"sourceServerID": DB}]
    assert items(service, "DescribeJobs")[0]["status"] == 7
    finish(service, job["jobID"])
    assert items(service, "DescribeRecoveryInstances")[0]["isDrill"] == "yes"
    configuration = ask(service, "GetLaunchConfiguration", sourceServerID=WEB).body
    assert isinstance(configuration, dict)
    assert configuration["launchIntoInstanceProperties"] is None


@pytest.mark.parametrize(
    ("do", "initiated_by"), [("drill", "START_DRILL"), ("recover", "START_RECOVERY"), ("terminate", None)]
)
def test_somebody_else_launches_or_cleans_up(do: str, initiated_by: str | None) -> None:
    service = world(
        ready(),
        recovery_instances=[{"sourceServerID": WEB}],
        others=[{"on": "StartRecovery", "server": WEB, "do": do}],
    )
    reply = ask(service, "StartRecovery", sourceServers=[{"sourceServerID": WEB}], isDrill=True)
    assert (reply.status, code_of(reply)) == (409, "ConflictException")
    (job,) = service.jobs(REGION).values()
    assert job["initiatedBy"] == (initiated_by or "TERMINATE_RECOVERY_INSTANCES")


def test_rate_limits_and_the_journal_take_the_new_operations_like_the_others() -> None:
    service = world(ready(), rate_limits={"DescribeJobs": {"rate": 0, "burst": 1}})
    job_id = launch(service)
    assert [ask(service, "DescribeJobs").status for _time in range(2)] == [200, 429]
    log_of(service, job_id)
    seen = [(entry["operation"], entry["status"], entry["items"]) for entry in service.journal()]
    assert seen == [
        ("StartRecovery", 202, None),
        ("DescribeJobs", 200, 1),
        ("DescribeJobs", 429, None),
        ("DescribeJobLogItems", 200, 4),
    ]
