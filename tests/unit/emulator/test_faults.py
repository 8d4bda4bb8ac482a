# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rate limits, scripted faults, and others who act, with calls past HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.tests.emulator.faults import GARBAGE
from ansible_collections.disaster_recovery.aws.tests.emulator.service import Service
from ansible_collections.disaster_recovery.aws.tests.unit.emulator.clients import (
    ABSENT,
    BOTH,
    DB,
    WEB,
    Clock,
    ask,
    code_of,
    describe,
    many,
    start,
    states,
    world_of,
)


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
