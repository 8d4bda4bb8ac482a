# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drills and recoveries: what a job and its log show, and what becomes of servers and instances."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.tests.emulator.model import structure, violations
from ansible_collections.disaster_recovery.aws.tests.emulator.plans import LAUNCHES
from ansible_collections.disaster_recovery.aws.tests.emulator.service import Service
from ansible_collections.disaster_recovery.aws.tests.unit.emulator.clients import (
    DB,
    REGION,
    WEB,
    Clock,
    ask,
    finish,
    instances,
    items,
    last_launch,
    launch,
    log_of,
    ready,
    statuses,
    world_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st

SNAPSHOT = ["SNAPSHOT_START", "SNAPSHOT_END"]
CONVERSION = ["CONVERSION_START", "CONVERSION_END"]
RUNS = {"runs": [{"status": "FAILED", "failureReason": "no such document"}]}


def world(*servers: dict[str, Any], **script: Any) -> Service:
    return Service(world_of(*(servers or (ready(),)), **script), Clock())


def test_a_started_job_is_pending_and_names_servers_and_statuses_only() -> None:
    reply = ask(
        world(), "StartRecovery", sourceServers=[{"sourceServerID": WEB}], isDrill=True, tags={"why": "quarter"}
    )
    assert reply.status == 202
    assert isinstance(reply.body, dict)
    job = reply.body["job"]
    assert job["participatingServers"] == [{"sourceServerID": WEB, "launchStatus": "PENDING"}]
    assert (job["type"], job["initiatedBy"], job["status"]) == ("LAUNCH", "START_DRILL", "PENDING")
    assert job["tags"] == {"why": "quarter"}
    assert "endDateTime" not in job


def test_a_launch_stays_pending_until_its_end() -> None:
    service = world()
    launch(service)
    seen = [items(service, "DescribeJobs")[0] for _time in range(4)]
    assert [job["status"] for job in seen] == ["STARTED", "STARTED", "COMPLETED", "COMPLETED"]
    assert [statuses(job)[WEB] for job in seen] == ["PENDING", "PENDING", "LAUNCHED", "LAUNCHED"]
    assert set(seen[2]["participatingServers"][0]) == {"sourceServerID", "launchStatus"}
    assert violations(structure("Job"), seen[2], answer=True) == []


def test_the_log_grows_as_the_captured_one_did() -> None:
    service = world()
    job_id = launch(service)
    seen = []
    for _time in range(3):
        items(service, "DescribeJobs")
        seen.append([item["event"] for item in log_of(service, job_id)])
    assert seen[0] == ["JOB_START", *SNAPSHOT, "CONVERSION_START"]
    assert seen[1] == [*seen[0], "CONVERSION_END", "LAUNCH_START"]
    assert seen[2] == [*seen[1], "LAUNCH_END", "JOB_END"]
    log = {item["event"]: item["eventData"] for item in log_of(service, job_id)}
    assert log["JOB_START"] == log["JOB_END"] == {}
    assert log["CONVERSION_END"]["conversionServerID"].startswith("i-")
    assert log["LAUNCH_END"] == {"sourceServerID": WEB, "targetInstanceID": next(iter(instances(service)))}


def test_a_launched_instance_is_a_running_drill_of_its_server_and_job() -> None:
    service = world(ready(hostname="web1"))
    job_id = launch(service)
    assert instances(service) == {}
    finish(service, job_id)
    (instance,) = items(service, "DescribeRecoveryInstances", filters={"sourceServerIDs": [WEB]})
    assert (instance["sourceServerID"], instance["jobID"], instance["isDrill"]) == (WEB, job_id, True)
    assert instance["ec2InstanceState"] == "RUNNING"
    assert instance["recoveryInstanceProperties"]["identificationHints"]["hostname"] == "web1"
    assert violations(structure("RecoveryInstance"), instance, answer=True) == []
    assert instances(service, sourceServerIDs=[DB]) == {}


@pytest.mark.parametrize(("is_drill", "kind"), [(True, "DRILL"), (False, "RECOVERY")])
def test_the_server_tells_of_its_last_launch(is_drill: bool, kind: str) -> None:
    service = world()
    job_id = launch(service, is_drill=is_drill)
    assert last_launch(service) == (kind, "PENDING", "PENDING")
    finish(service, job_id)
    assert last_launch(service) == (kind, "LAUNCHED", "SUCCEEDED")
    (instance,) = service.recovery_instances(REGION).values()
    assert service.servers(REGION)[WEB]["recoveryInstanceId"] == instance["recoveryInstanceID"]
    assert instance["isDrill"] is is_drill


def test_a_job_ends_with_its_last_server() -> None:
    service = world(ready(), ready(DB, launch={"outcome": "launch_failed", "describes": 2, "error": "no such subnet"}))
    job_id = launch(service, WEB, DB)
    seen = [items(service, "DescribeJobs")[0] for _time in range(5)]
    assert [job["status"] for job in seen] == ["STARTED"] * 4 + ["COMPLETED"]
    assert [statuses(job)[WEB] for job in seen] == ["PENDING", "PENDING", "LAUNCHED", "LAUNCHED", "LAUNCHED"]
    assert statuses(seen[4])[DB] == "FAILED"
    failed = next(item["eventData"] for item in log_of(service, job_id) if item["event"] == "LAUNCH_FAILED")
    assert failed == {"sourceServerID": DB, "rawError": "no such subnet"}


@pytest.mark.parametrize("name", LAUNCHES)
def test_each_outcome_of_a_launch(name: str) -> None:
    service = world(ready(launch=name))
    job_id = launch(service)
    job = finish(service, job_id)
    events = [item["event"] for item in log_of(service, job_id)]
    assert events == ["JOB_START", *LAUNCHES[name].events, "JOB_END"]
    assert statuses(job)[WEB] == LAUNCHES[name].status
    assert bool(instances(service)) is LAUNCHES[name].living
    assert last_launch(service)[1] == LAUNCHES[name].status


def test_missing_permissions_may_end_a_launch_without_a_word() -> None:
    service = world(ready(launch="silent"))
    job_id = launch(service)
    assert statuses(finish(service, job_id))[WEB] == "FAILED"
    assert [item["event"] for item in log_of(service, job_id)] == ["JOB_START", *SNAPSHOT, "JOB_END"]


def test_an_outcome_may_be_bent() -> None:
    service = world(ready(launch={"outcome": "launched", "events": ["LAUNCH_START"], "status": None, "living": False}))
    job_id = launch(service)
    assert statuses(finish(service, job_id)) == {WEB: None}
    assert [item["event"] for item in log_of(service, job_id)] == ["JOB_START", "LAUNCH_START", "JOB_END"]


def test_each_launch_may_go_differently_and_the_last_plan_goes_on() -> None:
    service = world(default_launch=["silent", "launched"])
    assert [statuses(finish(service, launch(service)))[WEB] for _time in range(3)] == ["FAILED", "LAUNCHED", "LAUNCHED"]


def test_launch_actions_show_once_the_launch_is_over() -> None:
    service = world(ready(launch={"actions": RUNS}), ready(DB, launch={"actions": {"runs": []}}))
    launch(service, WEB, DB)
    first, _second, last = (items(service, "DescribeJobs")[0]["participatingServers"] for _time in range(3))
    assert [one["launchActionsStatus"] for one in first] == [{"runs": []}, {"runs": []}]
    assert [one["launchActionsStatus"] for one in last] == [RUNS, {"runs": []}]


def test_an_instance_may_show_what_a_script_says_and_be_listed_late() -> None:
    plan = {"instance": {"isDrill": False, "ec2InstanceState": "PENDING"}, "instance_unlisted": 2}
    service = world(ready(launch=plan))
    finish(service, launch(service))
    seen = [items(service, "DescribeRecoveryInstances") for _time in range(3)]
    assert seen[:2] == [[], []]
    assert (seen[2][0]["isDrill"], seen[2][0]["ec2InstanceState"]) == (False, "PENDING")


@pytest.mark.parametrize(("configuration", "state"), [({}, "RUNNING"), ({"launchDisposition": "STOPPED"}, "STOPPED")])
def test_the_launch_configuration_disposes_of_the_instance(configuration: dict[str, Any], state: str) -> None:
    service = world(ready(launch_configuration=configuration))
    answer = ask(service, "GetLaunchConfiguration", sourceServerID=WEB).body
    assert isinstance(answer, dict)
    assert answer["sourceServerID"] == WEB
    assert violations(structure("LaunchConfiguration"), answer, answer=True) == []
    finish(service, launch(service))
    assert list(instances(service).values()) == [state]


def test_a_launch_may_go_into_an_instance_that_was_there() -> None:
    into = {"launchIntoInstanceProperties": {"launchIntoEC2InstanceID": "i-0123456789abcdef0"}}
    service = world(ready(launch_configuration=into))
    finish(service, launch(service))
    assert instances(service) == {"i-0123456789abcdef0": "RUNNING"}


@pytest.mark.parametrize("is_drill", [True, False])
def test_a_launch_deletes_every_earlier_instance_of_its_server(is_drill: bool) -> None:
    service = world(ready(), ready(DB))
    finish(service, launch(service, WEB, DB, is_drill=is_drill))
    earlier = instances(service, sourceServerIDs=[WEB])
    other = instances(service, sourceServerIDs=[DB])
    job_id = launch(service)
    finish(service, job_id)
    events = [item["event"] for item in log_of(service, job_id)]
    assert events[:3] == ["JOB_START", "CLEANUP_START", "CLEANUP_END"]
    found = instances(service)
    assert {found[id_] for id_ in earlier} == {"TERMINATED"}
    assert sorted(found.values()) == ["RUNNING", "RUNNING", "TERMINATED"]
    assert other.items() <= found.items()


def test_a_recovery_takes_the_snapshot_that_it_is_given() -> None:
    service = world(ready(snapshots=[60, 7200]))
    newest, older = items(service, "DescribeRecoverySnapshots", sourceServerID=WEB)
    source = {"sourceServerID": WEB, "recoverySnapshotID": older["snapshotID"]}
    reply = ask(service, "StartRecovery", sourceServers=[source], isDrill=True)
    assert isinstance(reply.body, dict)
    finish(service, reply.body["job"]["jobID"])
    (instance,) = items(service, "DescribeRecoveryInstances")
    assert instance["pointInTimeSnapshotDateTime"] == older["timestamp"] != newest["timestamp"]


@pytest.mark.parametrize("operation", ["DescribeJobs", "DescribeRecoveryInstances", "GetLaunchConfiguration"])
def test_a_region_that_is_not_initialised_says_so(operation: str) -> None:
    params = {"sourceServerID": WEB} if operation == "GetLaunchConfiguration" else {}
    reply = ask(Service({"regions": {}}), operation, **params)
    assert (reply.status, reply.headers["x-amzn-ErrorType"]) == (400, "UninitializedAccountException")


def test_the_launch_configuration_of_an_unknown_server_is_not_found() -> None:
    assert ask(world(), "GetLaunchConfiguration", sourceServerID=DB).status == 404


@given(
    st.lists(
        st.fixed_dictionaries({"outcome": st.sampled_from(sorted(LAUNCHES)), "describes": st.integers(1, 4)}),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=30, deadline=None, derandomize=True)
def test_every_job_ends_with_each_server_s_whole_log_in_order(plans: list[dict[str, Any]]) -> None:
    servers = [ready(f"s-{number:017d}", launch=plan) for number, plan in enumerate(plans)]
    service = world(*servers)
    ids = [server["sourceServerID"] for server in servers]
    job_id = launch(service, *ids)
    assert statuses(finish(service, job_id)) == {
        id_: LAUNCHES[plan["outcome"]].status for id_, plan in zip(ids, plans, strict=True)
    }
    log = log_of(service, job_id)
    assert [log[0]["event"], log[-1]["event"]] == ["JOB_START", "JOB_END"]
    for id_, plan in zip(ids, plans, strict=True):
        events = [item["event"] for item in log if item["eventData"].get("sourceServerID") == id_]
        assert events == list(LAUNCHES[plan["outcome"]].events)
