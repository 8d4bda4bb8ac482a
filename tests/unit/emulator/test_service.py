# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calls past HTTP: signatures, paging, timelines, staleness, rate limits, faults, other actors, journal."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.tests.emulator.faults import GARBAGE
from ansible_collections.disaster_recovery.aws.tests.emulator.readers import ScriptError
from ansible_collections.disaster_recovery.aws.tests.emulator.replies import Reply
from ansible_collections.disaster_recovery.aws.tests.emulator.service import Service
from ansible_collections.disaster_recovery.aws.tests.emulator.signature import SECRET_KEY, Request
from ansible_collections.disaster_recovery.aws.tests.unit.emulator.clients import (
    ABSENT,
    DB,
    REGION,
    WEB,
    Clock,
    ask,
    describe,
    signed,
    states,
    world_of,
)

BOTH = ({"sourceServerID": WEB}, {"sourceServerID": DB})


def code_of(reply: Reply) -> str | None:
    return reply.headers.get("x-amzn-ErrorType")


def start(service: Service, source_server_id: str = WEB) -> Reply:
    return ask(service, "StartReplication", sourceServerID=source_server_id)


def stop(service: Service, source_server_id: str = WEB) -> Reply:
    return ask(service, "StopReplication", sourceServerID=source_server_id)


def many(count: int) -> list[dict[str, Any]]:
    return [{"sourceServerID": f"s-{number:017d}"} for number in range(count)]


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
        ("POST", "/DescribeJobs", 501, "NotImplementedException"),
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


def test_a_timeline_advances_with_each_describe_that_lists_the_server() -> None:
    service = Service(world_of(*BOTH))
    start(service)
    web, db = ({"filters": {"sourceServerIDs": [id_]}} for id_ in (WEB, DB))
    assert [states(service, **db) for _time in range(3)] == [["STOPPED"]] * 3
    assert [*(states(service, **web)[0] for _time in range(4))] == [
        "INITIATING",
        "INITIAL_SYNC",
        "CONTINUOUS",
        "CONTINUOUS",
    ]


def test_a_step_may_last_and_say_more() -> None:
    error = {"error": "NOT_CONVERGING"}
    steps = [
        {"state": "STALLED", "describes": 2, "dataReplicationError": error, "replicated": 0.5},
        {"merge": {"tags": {"by": "hand"}}},
        {"deleted": True},
    ]
    service = Service(world_of({"sourceServerID": WEB, "timeline": steps, "timeline_from": "now"}))
    seen = [describe(service)["items"] for _time in range(5)]
    info = seen[0][0]["dataReplicationInfo"]
    assert info["dataReplicationError"] == error
    assert info["replicatedDisks"][0]["replicatedStorageBytes"] * 2 == info["replicatedDisks"][0]["totalStorageBytes"]
    assert seen[1] == seen[0]
    assert seen[2][0]["tags"] == {"by": "hand"}
    assert seen[2][0]["dataReplicationInfo"]["dataReplicationState"] == "STALLED"
    assert seen[3] == seen[4] == []


def test_somebody_else_may_stop_a_server_in_the_middle_and_it_can_be_started_again() -> None:
    service = Service(world_of({"sourceServerID": WEB, "timeline": ["INITIAL_SYNC", "STOPPED"]}))
    start(service)
    assert start(service).status == 409
    assert [states(service)[0] for _time in range(3)] == ["INITIAL_SYNC", "STOPPED", "STOPPED"]
    assert start(service).status == 200


def test_a_timeline_by_the_wall_clock() -> None:
    clock = Clock()
    service = Service(world_of({"sourceServerID": WEB}, clock={"wall": 10}), clock)
    start(service)
    seen = []
    for now in (1000.0, 1009.9, 1010.0, 1020.0, 9999.0):
        clock.now = now
        seen.append(states(service)[0])
    assert seen == ["INITIATING", "INITIATING", "INITIAL_SYNC", "CONTINUOUS", "CONTINUOUS"]
    assert service.servers(REGION)[WEB]["dataReplicationInfo"]["lagDuration"] == "P0D"


def test_a_timeline_may_depart_from_the_model_where_it_says_so() -> None:
    step = {"state": "REPLICATING_QUIETLY", "conform": False}
    service = Service(world_of({"sourceServerID": WEB, "timeline": [step, "CONTINUOUS"]}))
    start(service)
    assert [states(service)[0] for _time in range(2)] == ["REPLICATING_QUIETLY", "CONTINUOUS"]


def test_describe_may_say_stopped_for_some_describes_after_a_start() -> None:
    service = Service(world_of({"sourceServerID": WEB, "stale_describes": 2}))
    start(service)
    assert service.servers(REGION)[WEB]["dataReplicationInfo"]["dataReplicationState"] == "INITIATING"
    assert start(service).status == 409
    assert [states(service)[0] for _time in range(4)] == ["STOPPED", "STOPPED", "INITIATING", "INITIAL_SYNC"]


def test_describe_may_say_stopped_for_some_time_after_a_start() -> None:
    clock = Clock()
    service = Service(world_of({"sourceServerID": WEB}, stale_seconds=5), clock)
    start(service)
    assert [states(service)[0] for _time in range(3)] == ["STOPPED"] * 3
    clock.now += 5
    assert states(service) == ["INITIATING"]


def test_a_rate_limit_is_a_token_bucket_per_operation() -> None:
    clock = Clock()
    limits = {"DescribeSourceServers": {"rate": 2, "burst": 3, "retry_after": 7}}
    service = Service({"rate_limits": limits}, clock)
    replies = [ask(service, "DescribeSourceServers") for _call in range(4)]
    assert [reply.status for reply in replies] == [200, 200, 200, 429]
    assert code_of(replies[3]) == "ThrottlingException"
    assert replies[3].headers["Retry-After"] == "7"
    clock.now += 0.5
    assert [ask(service, "DescribeSourceServers").status for _call in range(2)] == [200, 429]
    assert ask(service, "StopReplication", sourceServerID=WEB).status == 404


def test_a_throttled_call_has_no_effect() -> None:
    service = Service(world_of({"sourceServerID": WEB}, rate_limits={"StartReplication": {"rate": 0}}), Clock())
    start(service, ABSENT)
    reply = start(service)
    assert reply.status == 429
    assert "Retry-After" not in reply.headers
    assert states(service) == ["STOPPED"]


def with_fault(**fault: Any) -> Service:
    return Service(world_of(*BOTH, faults=[{"operation": "StartReplication", **fault}]), Clock())


@pytest.mark.parametrize(("when", "state"), [("before", "STOPPED"), ("after", "INITIATING")])
@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"kind": "error", "code": "InternalServerException"}, 500),
        ({"kind": "error", "code": "ConflictException", "fields": {"resourceId": "x"}}, 409),
        ({"kind": "error", "code": "Teapot", "status": 418}, 418),
        ({"kind": "drop"}, None),
        ({"kind": "hang", "seconds": 9}, None),
        ({"kind": "garbage", "body": "html"}, 200),
    ],
)
def test_a_fault_comes_before_or_after_the_effect(
    fault: dict[str, Any], status: int | None, when: str, state: str
) -> None:
    service = with_fault(when=when, **fault)
    reply = start(service)
    assert reply.status == status
    assert reply.delay == fault.get("seconds", 0)
    assert states(service)[0] == state
    assert service.journal()[0]["fault"] == {"kind": fault["kind"], "when": when}


def test_an_error_s_members_can_be_given() -> None:
    service = with_fault(code="ThrottlingException", message="slow", fields={"retryAfterSeconds": 4, "quotaCode": "L"})
    reply = start(service)
    assert reply.headers["Retry-After"] == "4"
    assert reply.body == {"message": "slow", "quotaCode": "L"}


@pytest.mark.parametrize("name", sorted(GARBAGE))
def test_garbage_by_name(name: str) -> None:
    reply = start(with_fault(kind="garbage", body=name))
    assert (reply.headers["Content-Type"], reply.body) == GARBAGE[name]


def test_garbage_of_one_s_own() -> None:
    reply = start(with_fault(kind="garbage", body="<x/>", content_type="text/xml", status=203))
    assert (reply.status, reply.headers["Content-Type"], reply.body) == (203, "text/xml", "<x/>")


def test_cut_ends_in_the_middle_of_the_answer_and_after_the_effect() -> None:
    service = with_fault(kind="cut")
    assert start(service).cut
    assert states(service)[0] == "INITIATING"


def test_skip_times_and_server_choose_the_calls() -> None:
    service = with_fault(code="InternalServerException", server=DB, skip=1, times=2)
    calls = [start(service, id_).status for id_ in (WEB, DB, DB, WEB, DB, DB)]
    assert calls == [200, 200, 500, 409, 500, 409]


def test_faults_are_asked_in_order_and_do_not_count_what_another_took() -> None:
    faults = [{"code": "InternalServerException"}, {"kind": "drop"}, {"code": "ConflictException", "times": None}]
    service = Service({"faults": faults})
    assert [ask(service, "DescribeSourceServers").status for _call in range(5)] == [500, None, 409, 409, 409]


def test_a_fault_may_hit_one_region_only() -> None:
    service = Service(
        {"regions": {"eu-west-1": {}, "us-east-1": {}}, "faults": [{"kind": "drop", "region": "us-east-1"}]}
    )
    assert ask(service, "DescribeSourceServers").status == 200
    assert ask(service, "DescribeSourceServers", region="us-east-1").status is None


def test_a_fault_may_hit_one_page_only() -> None:
    service = Service(world_of(*many(3), page_size=1, faults=[{"code": "InternalServerException", "page": 2}]))
    token = describe(service)["nextToken"]
    assert ask(service, "DescribeSourceServers", nextToken=token).status == 500
    assert ask(service, "DescribeSourceServers", nextToken=token).status == 200


@pytest.mark.parametrize("page", [1, 2])
def test_a_page_may_repeat_its_token(page: int) -> None:
    service = Service(world_of(*many(4), page_size=1, faults=[{"kind": "repeat_token", "page": page, "times": None}]))
    tokens: list[str | None] = [None]
    for _page in range(4):
        params = {"nextToken": tokens[-1]} if tokens[-1] else {}
        tokens.append(describe(service, **params)["nextToken"])
    assert tokens[page] == tokens[page + 1] == tokens[page + 2]


def test_a_page_may_carry_a_token_that_is_then_refused() -> None:
    service = Service(world_of(*many(4), page_size=1, faults=[{"kind": "bad_token"}]))
    token = describe(service)["nextToken"]
    assert code_of(ask(service, "DescribeSourceServers", nextToken=token)) == "ValidationException"


@pytest.mark.parametrize(
    ("do", "status", "left"),
    [
        ("start", 409, ["INITIATING", "STOPPED"]),
        ("disconnect", 409, ["DISCONNECTED", "STOPPED"]),
        ("delete", 404, ["STOPPED"]),
        ("stop", 200, ["INITIATING", "STOPPED"]),
    ],
)
def test_somebody_else_acts_just_before_a_start(do: str, status: int, left: list[str]) -> None:
    service = Service(world_of(*BOTH, others=[{"on": "StartReplication", "do": do}]))
    assert start(service).status == status
    assert states(service) == left


def test_somebody_else_acts_on_one_server_after_the_nth_call() -> None:
    others = [{"on": "DescribeSourceServers", "server": DB, "do": "start", "when": "after", "skip": 1}]
    service = Service(world_of(*BOTH, others=others))
    assert [states(service)[1] for _time in range(3)] == ["STOPPED", "STOPPED", "INITIATING"]


def test_somebody_else_acts_on_calls_for_that_server_only() -> None:
    service = Service(world_of(*BOTH, others=[{"on": "StartReplication", "server": DB}]))
    assert [start(service, id_).status for id_ in (WEB, DB)] == [200, 409]


def test_somebody_else_may_act_while_an_answer_is_lost() -> None:
    others = [{"on": "StartReplication", "do": "start"}]
    service = Service(world_of(*BOTH, others=others, faults=[{"operation": "StartReplication", "kind": "drop"}]))
    assert start(service).status is None
    assert states(service)[0] == "INITIATING"


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
