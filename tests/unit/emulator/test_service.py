# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls past HTTP: signatures, routes, input, paging, starts and stops, patches, journal."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.tests.emulator.readers import ScriptError
from ansible_collections.disaster_recovery.aws.tests.emulator.service import Service
from ansible_collections.disaster_recovery.aws.tests.emulator.signature import SECRET_KEY, Request
from ansible_collections.disaster_recovery.aws.tests.unit.emulator.clients import (
    ABSENT,
    BOTH,
    DB,
    REGION,
    WEB,
    Clock,
    ask,
    code_of,
    describe,
    many,
    signed,
    start,
    states,
    stop,
    world_of,
)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"access_key": "AKIASOMEBODYELSE0001"}, "UnrecognizedClientException"),
        ({"secret": "wrong"}, "InvalidSignatureException"),
        ({"service": "mgn"}, "InvalidSignatureException"),
    ],
)
def test_a_wrong_signature_is_refused(options: dict[str, str], code: str) -> None:
    reply = Service({}).call(signed("/DescribeSourceServers", **options))
    assert (reply.status, code_of(reply)) == (403, code)


def test_an_unsigned_request_is_refused() -> None:
    reply = Service({}).call(Request("POST", "/DescribeSourceServers", {"host": "x"}, b"{}"))
    assert (reply.status, code_of(reply)) == (403, "MissingAuthenticationTokenException")


def test_a_changed_body_breaks_the_signature() -> None:
    request = signed("/DescribeSourceServers", {"maxResults": 1})
    reply = Service({}).call(Request(request.method, request.path, request.headers, b"{}"))
    assert code_of(reply) == "InvalidSignatureException"


def test_a_script_may_bring_its_own_credentials() -> None:
    service = Service({"credentials": {"AKIAMINE": "mine"}})
    assert service.call(signed("/DescribeSourceServers", access_key="AKIAMINE", secret="mine")).status == 200
    assert code_of(service.call(signed("/DescribeSourceServers"))) == "UnrecognizedClientException"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/DescribeSourceNetworks", 501, "NotImplementedException"),
        ("GET", "/tags/arn:aws:drs:x", 501, "NotImplementedException"),
        ("POST", "/NoSuchOperation", 404, "UnknownOperationException"),
        ("GET", "/StartReplication", 404, "UnknownOperationException"),
    ],
)
def test_routes_are_the_model_s(method: str, path: str, status: int, code: str) -> None:
    reply = Service({}).call(signed(path, method=method))
    assert (reply.status, code_of(reply)) == (status, code)


@pytest.mark.parametrize("body", [b"not json", b"[]", b"\xff"])
def test_a_body_that_is_no_object_cannot_be_parsed(body: bytes) -> None:
    reply = Service({}).call(signed("/DescribeSourceServers", body))
    assert reply.status == 400
    assert isinstance(reply.body, dict)
    assert reply.body["reason"] == "cannotParse"


def test_invalid_input_names_its_fields() -> None:
    reply = ask(Service({}), "StartReplication", sourceServerID="s-1")
    assert (reply.status, code_of(reply)) == (400, "ValidationException")
    assert isinstance(reply.body, dict)
    assert reply.body["reason"] == "fieldValidationFailed"
    assert {field["name"] for field in reply.body["fieldList"]} == {"sourceServerID"}


def test_state_is_per_region() -> None:
    regions = {name: {"servers": [{"sourceServerID": WEB}]} for name in ("eu-west-1", "us-east-1")}
    service = Service({"regions": regions})
    start(service)
    assert states(service, region="us-east-1") == ["STOPPED"]
    assert states(service) == ["INITIATING"]


@pytest.mark.parametrize("operation", ["DescribeSourceServers", "StartReplication", "StopReplication"])
@pytest.mark.parametrize("regions", [{REGION: {"initialized": False}}, {"us-east-1": {}}])
def test_a_region_that_is_not_initialised_says_so(operation: str, regions: dict[str, Any]) -> None:
    params = {} if operation == "DescribeSourceServers" else {"sourceServerID": WEB}
    reply = ask(Service({"regions": regions}), operation, **params)
    assert (reply.status, code_of(reply)) == (400, "UninitializedAccountException")


def test_a_region_can_be_initialised() -> None:
    service = Service({"regions": {}})
    assert ask(service, "InitializeService").status == 204
    assert describe(service) == {"items": []}


def test_pages_follow_one_another_until_every_server_was_seen() -> None:
    service = Service(world_of(*many(7), page_size=3))
    seen: list[str] = []
    sizes: list[int] = []
    token: dict[str, str] = {}
    while True:
        page = describe(service, **token)
        seen += [server["sourceServerID"] for server in page["items"]]
        sizes.append(len(page["items"]))
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert seen == [server["sourceServerID"] for server in many(7)]
    assert sizes == [3, 3, 1]


def test_a_full_last_page_has_no_token() -> None:
    assert "nextToken" not in describe(Service(world_of(*many(3), page_size=3)))


@pytest.mark.parametrize(("asked", "given"), [(2, 2), (5, 3)])
def test_the_lesser_of_max_results_and_page_size_wins(asked: int, given: int) -> None:
    assert len(describe(Service(world_of(*many(9), page_size=3)), maxResults=asked)["items"]) == given


def test_a_server_deleted_between_two_pages_shifts_nothing() -> None:
    service = Service(world_of(*many(4), page_size=2))
    token = describe(service)["nextToken"]
    service.delete(REGION, many(4)[0]["sourceServerID"])
    assert [s["sourceServerID"] for s in describe(service, nextToken=token)["items"]] == [
        server["sourceServerID"] for server in many(4)[2:]
    ]


@pytest.mark.parametrize("token", ["expired", "bm90IGpzb24=", "eyJhIjogMX0=", "é"])
def test_a_malformed_token_is_refused(token: str) -> None:
    assert code_of(ask(Service({}), "DescribeSourceServers", nextToken=token)) == "ValidationException"


def test_a_token_is_refused_with_other_filters() -> None:
    service = Service(world_of(*many(3), page_size=1))
    token = describe(service)["nextToken"]
    filters = {"sourceServerIDs": [WEB]}
    assert code_of(ask(service, "DescribeSourceServers", nextToken=token, filters=filters)) == "ValidationException"


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [WEB, DB]),
        ({"sourceServerIDs": []}, [WEB, DB]),
        ({"sourceServerIDs": [DB, ABSENT]}, [DB]),
        ({"stagingAccountIDs": ["444455556666"]}, [DB]),
        ({"stagingAccountIDs": ["777788889999"]}, []),
        ({"hardwareId": "42-17"}, [WEB]),
    ],
)
def test_the_service_s_own_filters(filters: dict[str, Any], expected: list[str]) -> None:
    web = {"sourceServerID": WEB, "sourceProperties": {"identificationHints": {"vmWareUuid": "42-17"}}}
    db = {"sourceServerID": DB, "stagingArea": {"stagingAccountID": "444455556666"}}
    found = describe(Service(world_of(web, db)), filters=filters)["items"]
    assert [server["sourceServerID"] for server in found] == expected


def test_start_answers_initiating_already() -> None:
    reply = start(Service(world_of({"sourceServerID": WEB, "timeline": ["CONTINUOUS"]})))
    assert reply.status == 200
    assert isinstance(reply.body, dict)
    assert reply.body["sourceServer"]["dataReplicationInfo"]["dataReplicationState"] == "INITIATING"


@pytest.mark.parametrize("state", ["INITIATING", "CONTINUOUS", "STALLED", "DISCONNECTED", "PAUSED"])
def test_only_a_stopped_server_can_be_started(state: str) -> None:
    reply = start(Service(world_of({"sourceServerID": WEB, "state": state})))
    assert (reply.status, code_of(reply)) == (409, "ConflictException")
    assert isinstance(reply.body, dict)
    assert reply.body["resourceId"] == WEB


@pytest.mark.parametrize("state", ["STOPPED", "DISCONNECTED"])
def test_a_server_that_does_not_replicate_cannot_be_stopped(state: str) -> None:
    assert stop(Service(world_of({"sourceServerID": WEB, "state": state}))).status == 409


def test_stop_leaves_nothing_replicated() -> None:
    service = Service(world_of({"sourceServerID": WEB, "state": "CONTINUOUS"}))
    reply = stop(service)
    assert isinstance(reply.body, dict)
    assert "replicatedDisks" not in reply.body["sourceServer"]["dataReplicationInfo"]
    assert states(service) == ["STOPPED"]


@pytest.mark.parametrize("operation", ["StartReplication", "StopReplication"])
def test_an_unknown_server_is_not_found(operation: str) -> None:
    reply = ask(Service({}), operation, sourceServerID=ABSENT)
    assert (reply.status, code_of(reply)) == (404, "ResourceNotFoundException")
    assert isinstance(reply.body, dict)
    assert reply.body["resourceId"] == ABSENT


def test_the_journal_has_every_call_in_order_and_no_credentials() -> None:
    clock = Clock()
    service = Service(world_of(*BOTH), clock)
    describe(service)
    clock.now += 2.5
    start(service, ABSENT)
    service.call(Request("POST", "/StopReplication", {}, b"{}"))
    first, second, third = service.journal()
    assert first == {
        "n": 1,
        "time": 0.0,
        "region": REGION,
        "operation": "DescribeSourceServers",
        "input": {},
        "status": 200,
        "error": None,
        "fault": None,
        "user_agent": "test/1",
        "items": 2,
    }
    assert (second["time"], second["status"], second["error"]) == (2.5, 404, "ResourceNotFoundException")
    assert second["input"] == {"sourceServerID": ABSENT}
    assert (third["operation"], third["region"], third["status"]) == ("StopReplication", None, 403)
    assert SECRET_KEY not in str(service.journal())
    assert "Signature" not in str(service.journal())


def test_a_patch_merges_and_a_new_state_ends_the_timeline() -> None:
    service = Service(world_of({"sourceServerID": WEB, "tags": {"a": "1", "b": "2"}, "stale_describes": 5}))
    start(service)
    service.patch(REGION, WEB, {"tags": {"a": None, "c": "3"}})
    assert service.servers(REGION)[WEB]["tags"] == {"b": "2", "c": "3"}
    service.patch(REGION, WEB, {"state": "PAUSED"})
    assert [states(service)[0] for _time in range(3)] == ["PAUSED"] * 3


def test_a_patch_that_departs_from_the_model_has_to_say_so() -> None:
    service = Service(world_of({"sourceServerID": WEB}))
    with pytest.raises(ScriptError, match="NAPPING"):
        service.patch(REGION, WEB, {"state": "NAPPING"})
    service.patch(REGION, WEB, {"state": "NAPPING", "conform": False})
    assert states(service) == ["NAPPING"]


def test_a_new_script_replaces_the_world_and_a_bad_one_nothing() -> None:
    service = Service(world_of({"sourceServerID": WEB}))
    describe(service)
    with pytest.raises(ScriptError):
        service.load({"page": 1})
    assert len(service.journal()) == 1
    service.load({})
    assert service.journal() == []
    assert service.servers(REGION) == {}
