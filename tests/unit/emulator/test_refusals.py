# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""StartRecovery and TerminateRecoveryInstances are refused as a whole, by an error that names nobody."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.tests.emulator.replies import Reply
from ansible_collections.disaster_recovery.aws.tests.emulator.service import Service
from ansible_collections.disaster_recovery.aws.tests.unit.emulator.clients import (
    ABSENT,
    DB,
    REGION,
    WEB,
    Clock,
    ask,
    code_of,
    finish,
    instances,
    launch,
    many,
    ready,
    terminate,
    world_of,
)

BUSY = "One or more of the Source Servers included in API call are currently being processed by a Job"


def world(*servers: dict[str, Any], **script: Any) -> Service:
    return Service(world_of(*(servers or (ready(), ready(DB))), **script), Clock())


def start(service: Service, *source_server_ids: str, **members: Any) -> Reply:
    sources = [{"sourceServerID": source_server_id, **members} for source_server_id in source_server_ids]
    return ask(service, "StartRecovery", sourceServers=sources, isDrill=True)


def message_of(reply: Reply) -> str:
    assert isinstance(reply.body, dict)
    return str(reply.body["message"])


def crowd(count: int) -> list[dict[str, Any]]:
    return [ready(server["sourceServerID"]) for server in many(count)]


def ids(servers: list[dict[str, Any]]) -> list[str]:
    return [server["sourceServerID"] for server in servers]


def test_one_busy_server_refuses_all_and_the_error_names_nobody() -> None:
    service = world()
    launch(service, DB)
    reply = start(service, WEB, DB)
    assert (reply.status, code_of(reply), message_of(reply)) == (409, "ConflictException", BUSY)
    assert len(service.jobs(REGION)) == 1
    assert start(service, WEB).status == 202


def test_a_server_is_free_again_when_its_job_is_over() -> None:
    service = world()
    finish(service, launch(service))
    assert start(service, WEB).status == 202


@pytest.mark.parametrize(
    ("server", "asked"),
    [
        (ready(DB), [WEB, ABSENT]),
        (ready(DB), [WEB, WEB]),
        ({"sourceServerID": DB, "state": "STOPPED"}, [WEB, DB]),
        ({"sourceServerID": DB, "state": "DISCONNECTED"}, [WEB, DB]),
        ({"sourceServerID": DB, "state": "STALLED"}, [WEB, DB]),
    ],
)
def test_what_cannot_be_launched_refuses_all(server: dict[str, Any], asked: list[str]) -> None:
    service = world(ready(), server)
    reply = start(service, *asked)
    assert (reply.status, code_of(reply)) == (409, "ConflictException")
    assert not any(source_server_id in message_of(reply) for source_server_id in asked)
    assert service.jobs(REGION) == {}


@pytest.mark.parametrize("state", ["STALLED", "PAUSED", "BACKLOG"])
def test_a_server_with_a_recovery_point_can_be_launched_in_any_state(state: str) -> None:
    assert start(world({"sourceServerID": WEB, "state": state, "snapshots": [7200]}), WEB).status == 202


def test_a_snapshot_of_another_server_refuses_all() -> None:
    assert start(world(), WEB, recoverySnapshotID="pit-0123456789abcdef0").status == 409


@pytest.mark.parametrize(
    ("quotas", "code"),
    [
        ({"servers_in_job": 2}, "L-B827C881"),
        ({"jobs": 1}, "L-D88FAC3A"),
        ({"servers_in_jobs": 3}, "L-05AFA8C6"),
    ],
)
def test_a_quota_refuses_all(quotas: dict[str, int], code: str) -> None:
    servers = crowd(5)
    service = world(*servers, quotas=quotas)
    launch(service, ids(servers)[0])
    reply = start(service, *ids(servers)[1:4])
    assert (reply.status, code_of(reply)) == (402, "ServiceQuotaExceededException")
    assert isinstance(reply.body, dict)
    assert reply.body["quotaCode"] == code
    assert len(service.jobs(REGION)) == 1


def test_the_quotas_are_those_of_the_general_reference() -> None:
    servers = crowd(120)
    service = world(*servers)
    assert start(service, *ids(servers)[:101]).status == 402
    assert start(service, *ids(servers)[:100]).status == 202
    statuses = [start(service, source_server_id).status for source_server_id in ids(servers)[100:]]
    assert statuses == [202] * 19 + [402]


def test_a_quota_has_room_again_when_a_job_is_over() -> None:
    service = world(quotas={"jobs": 1})
    job_id = launch(service, WEB)
    assert start(service, DB).status == 402
    finish(service, job_id)
    assert start(service, DB).status == 202


def test_a_termination_is_refused_as_a_whole() -> None:
    service = world()
    finish(service, launch(service, WEB, DB))
    first, second = instances(service)
    reply = ask(service, "TerminateRecoveryInstances", recoveryInstanceIDs=[first, "i-0123456789abcdef0"])
    assert (reply.status, code_of(reply)) == (409, "ConflictException")
    assert first not in message_of(reply)
    terminate(service, first)
    assert ask(service, "TerminateRecoveryInstances", recoveryInstanceIDs=[second, first]).status == 409
    assert sorted(instances(service).values()) == ["RUNNING", "RUNNING"]
    terminate(service, second)


def test_an_instance_that_replicates_back_cannot_be_terminated() -> None:
    service = world()
    finish(service, launch(service))
    (instance_id,) = instances(service)
    for state, status in (("CONTINUOUS", 409), ("STOPPED", 200)):
        service.patch(REGION, instance_id, {"dataReplicationInfo": {"dataReplicationState": state}})
        reply = ask(service, "TerminateRecoveryInstances", recoveryInstanceIDs=[instance_id])
        assert reply.status == status


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("StartRecovery", {}),
        ("StartRecovery", {"sourceServers": []}),
        ("StartRecovery", {"sourceServers": [{"sourceServerID": "s-1"}]}),
        ("StartRecovery", {"sourceServers": [{"sourceServerID": f"s-{n:017d}"} for n in range(201)]}),
        ("TerminateRecoveryInstances", {"recoveryInstanceIDs": ["i-xyz"]}),
        ("DescribeJobs", {"filters": {"fromDate": "yesterday"}}),
        ("DescribeJobs", {"filters": {"jobIDs": ["drsjob-1"]}}),
        ("DescribeJobLogItems", {}),
        ("DescribeRecoveryInstances", {"filters": {"recoveryInstanceIDs": ["i-1"]}}),
        ("GetLaunchConfiguration", {"sourceServerID": "s-1"}),
    ],
)
def test_input_is_held_to_the_model(operation: str, params: dict[str, Any]) -> None:
    assert code_of(ask(world(), operation, **params)) == "ValidationException"
