# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Terminations, records that linger, jobs that are not listed, and the wall clock."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.tests.emulator.jobs import AFTER_TERMINATION
from ansible_collections.disaster_recovery.aws.tests.emulator.service import Service
from ansible_collections.disaster_recovery.aws.tests.unit.emulator.clients import (
    REGION,
    WEB,
    Clock,
    finish,
    instances,
    items,
    last_launch,
    launch,
    log_of,
    ready,
    statuses,
    terminate,
    world_of,
)

RUNS = {"runs": [{"status": "FAILED", "failureReason": "no such document"}]}


def world(*servers: dict[str, Any], **script: Any) -> Service:
    return Service(world_of(*(servers or (ready(),)), **script), Clock())


def test_a_termination_ends_the_instance_and_its_job_names_nobody_then() -> None:
    service = world()
    finish(service, launch(service))
    (instance_id,) = instances(service)
    job = terminate(service, instance_id)
    assert (job["type"], job["initiatedBy"], job["status"]) == ("TERMINATE", "TERMINATE_RECOVERY_INSTANCES", "PENDING")
    assert statuses(job) == {WEB: "PENDING"}
    first, second = (items(service, "DescribeJobs")[0] for _time in range(2))
    assert (first["status"], statuses(first)) == ("STARTED", {WEB: "PENDING"})
    assert (second["status"], second["participatingServers"]) == ("COMPLETED", [])
    assert last_launch(service) == ("DRILL", "TERMINATED", "SUCCEEDED")
    assert "recoveryInstanceId" not in service.servers(REGION)[WEB]


def test_an_instance_is_shutting_down_while_it_is_terminated() -> None:
    service = world(ready(termination={"describes": 2}))
    finish(service, launch(service))
    (instance_id,) = instances(service)
    terminate(service, instance_id)
    seen = []
    for _time in range(3):
        items(service, "DescribeJobs")
        seen.append(instances(service)[instance_id])
    assert seen == ["SHUTTING-DOWN", "SHUTTING-DOWN", "TERMINATED"]


@pytest.mark.parametrize("linger", [0, 2])
def test_the_record_of_a_terminated_instance_lingers(linger: int) -> None:
    service = world(linger=linger)
    finish(service, launch(service))
    (instance_id,) = instances(service)
    finish(service, terminate(service, instance_id)["jobID"])
    assert [list(instances(service).values()) for _time in range(4)] == [["TERMINATED"]] * linger + [[]] * (4 - linger)
    assert list(service.recovery_instances(REGION)) == [instance_id]


def test_an_instance_may_survive_its_termination() -> None:
    service = world(default_termination=["survives", "terminated"])
    finish(service, launch(service))
    (instance_id,) = instances(service)
    job_id = terminate(service, instance_id)["jobID"]
    finish(service, job_id)
    assert [item["event"] for item in log_of(service, job_id)][1:3] == ["CLEANUP_START", "CLEANUP_FAIL"]
    assert instances(service) == {instance_id: "RUNNING"}
    finish(service, terminate(service, instance_id)["jobID"])
    assert instances(service) == {instance_id: "TERMINATED"}


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("kept", [[{"sourceServerID": WEB, "launchStatus": "LAUNCHED", "launchActionsStatus": RUNS}]]),
        ("terminated", [[{"sourceServerID": WEB, "launchStatus": "TERMINATED", "launchActionsStatus": RUNS}]]),
        ("without_status", [[{"sourceServerID": WEB, "launchActionsStatus": RUNS}]]),
        ("without_actions", [[{"sourceServerID": WEB, "launchStatus": "LAUNCHED"}]]),
        ("removed", [[]]),
        ("unlisted", []),
    ],
)
def test_what_a_launch_shows_after_the_termination_is_scripted(form: str, expected: list[Any]) -> None:
    service = world(ready(launch={"actions": RUNS}), after_termination=form)
    job_id = launch(service)
    finish(service, job_id)
    (instance_id,) = instances(service)
    finish(service, terminate(service, instance_id)["jobID"])
    found = items(service, "DescribeJobs", filters={"jobIDs": [job_id]})
    assert [job["participatingServers"] for job in found] == expected
    assert form in AFTER_TERMINATION


def test_a_job_may_be_listed_late_and_be_forgotten_early() -> None:
    service = world(ready(launch={"unlisted": 2, "forgotten": 5}))
    job_id = launch(service)
    assert log_of(service, job_id) == []
    assert [len(items(service, "DescribeJobs")) for _time in range(7)] == [0, 0, 1, 1, 1, 0, 0]
    assert service.jobs(REGION)[job_id]["status"] == "COMPLETED"
    assert log_of(service, job_id) == []


def test_a_drill_by_the_wall_clock() -> None:
    clock = Clock()
    service = Service(world_of(ready(), clock={"wall": 60}, linger=2), clock)
    job_id = launch(service)
    seen = []
    for now in (1000.0, 1059.0, 1060.0, 1120.0):
        clock.now = now
        seen.append((items(service, "DescribeJobs")[0]["status"], log_of(service, job_id)[-1]["event"]))
    assert seen == [
        ("STARTED", "CONVERSION_START"),
        ("STARTED", "CONVERSION_START"),
        ("STARTED", "LAUNCH_START"),
        ("COMPLETED", "JOB_END"),
    ]
    (instance_id,) = instances(service)
    terminate(service, instance_id)
    clock.now += 60
    assert instances(service) == {instance_id: "TERMINATED"}
    clock.now += 120
    assert instances(service) == {}


def test_the_log_has_the_time_at_which_it_happened() -> None:
    clock = Clock()
    service = Service(world_of(ready(), clock={"wall": 60}), clock)
    job_id = launch(service)
    clock.now += 3600
    (job,) = items(service, "DescribeJobs")
    log = log_of(service, job_id)
    assert log[0]["logDateTime"] == job["creationDateTime"]
    assert log[-1]["logDateTime"] == job["endDateTime"]
    assert log[-1]["logDateTime"] > log[0]["logDateTime"]
