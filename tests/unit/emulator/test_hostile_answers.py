# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers of a hostile service: replaced members, other servers, endless pages and answers that trickle."""

from __future__ import annotations

import json
import math
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.tests.emulator import Emulator
from ansible_collections.disaster_recovery.aws.tests.emulator.faults import FAULT_KINDS, GARBAGE
from ansible_collections.disaster_recovery.aws.tests.emulator.model import structure
from ansible_collections.disaster_recovery.aws.tests.emulator.replies import SPOILT, Reply, with_member
from ansible_collections.disaster_recovery.aws.tests.emulator.service import Service
from ansible_collections.disaster_recovery.aws.tests.unit.emulator.clients import (
    ABSENT,
    DB,
    REGION,
    WEB,
    Clock,
    ask,
    describe,
    drs_client,
    signed,
    states,
    world_of,
)
from botocore.exceptions import ClientError, HTTPClientError
from botocore.model import ListShape, Shape, StructureShape

BOTH = ({"sourceServerID": WEB}, {"sourceServerID": DB})
JSON_VALUES: tuple[Any, ...] = (None, True, 7, -1.5, math.nan, "text", "\ud800", "\x1b[2J\r\n", [], [1], {}, {"a": 1})


def with_fault(*servers: dict[str, Any], **fault: Any) -> Service:
    return Service(world_of(*(servers or BOTH), faults=[{"operation": "StartReplication", **fault}]), Clock())


def body_of(reply: Reply) -> dict[str, Any]:
    assert isinstance(reply.body, dict)
    return reply.body


def start(service: Service, source_server_id: str = WEB) -> dict[str, Any]:
    """The source server that a StartReplication answers."""
    server: dict[str, Any] = body_of(ask(service, "StartReplication", sourceServerID=source_server_id))["sourceServer"]
    return server


def member_paths(shape: Shape, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every member below a shape; of a list, the first item."""
    if path:
        yield path
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            yield from member_paths(member, (*path, name))
    elif isinstance(shape, ListShape):
        yield from member_paths(shape.member, (*path, "0"))


PATHS = sorted(".".join(path) for path in member_paths(structure("SourceServer")))


def test_every_kind_of_fault_has_a_row() -> None:
    assert set(SPOILT) == set(FAULT_KINDS)


@pytest.mark.parametrize(
    ("path", "new", "expected"),
    [
        ("", 1, 1),
        ("a", 1, {"a": 1, "b": [{"c": 2}]}),
        ("b.0.c", None, {"a": 0, "b": [{"c": None}]}),
        ("b.7.c", 1, {"a": 0, "b": [{"c": 2}]}),
        ("a.x.y", 1, {"a": {"x": {"y": 1}}, "b": [{"c": 2}]}),
    ],
)
def test_a_member_is_replaced_in_a_copy(path: str, new: Any, expected: Any) -> None:
    value = {"a": 0, "b": [{"c": 2}]}
    assert with_member(value, tuple(path.split(".")) if path else (), new) == expected
    assert value == {"a": 0, "b": [{"c": 2}]}


def test_a_start_answers_with_replaced_members_after_its_effect() -> None:
    members = {"dataReplicationInfo.dataReplicationState": [1], "tags": None}
    service = with_fault(kind="replace", members=members)
    server = start(service)
    assert (server["dataReplicationInfo"]["dataReplicationState"], server["tags"]) == ([1], None)
    assert server["sourceServerID"] == WEB
    assert service.servers(REGION)[WEB]["tags"] == {}
    assert states(service) == ["INITIATING", "STOPPED"]


def test_a_describe_answers_with_replaced_members_of_one_server_or_of_all() -> None:
    fault = {"kind": "replace", "members": {"arn": 7}, "operation": "DescribeSourceServers"}
    both = {"filters": {"sourceServerIDs": [WEB, DB]}}
    assert [server["arn"] for server in describe(with_fault(**fault), **both)["items"]] == [7, 7]
    seen = describe(with_fault(**fault, server=DB), **both)["items"]
    assert [server["arn"] == 7 for server in seen] == [False, True]


def test_recovery_snapshots_too_may_have_replaced_members() -> None:
    fault = {"operation": "DescribeRecoverySnapshots", "kind": "replace", "members": {"timestamp": None}}
    service = with_fault({"sourceServerID": WEB, "state": "CONTINUOUS"}, **fault, server=WEB)
    items = body_of(ask(service, "DescribeRecoverySnapshots", sourceServerID=WEB))["items"]
    assert {item["timestamp"] for item in items} == {None}


@pytest.mark.parametrize("value", JSON_VALUES, ids=repr)
def test_any_member_may_be_of_any_type_in_describe_and_start(value: Any) -> None:
    for path in PATHS:
        faults = [{"kind": "replace", "members": {path: value}, "times": None}]
        service = Service(world_of({"sourceServerID": WEB}, faults=faults), Clock())
        for operation, params in (("DescribeSourceServers", {}), ("StartReplication", {"sourceServerID": WEB})):
            reply = ask(service, operation, **params)
            assert reply.status == 200, (path, operation)
            assert "\\u0000" not in reply.encoded().decode("ascii")


@pytest.mark.parametrize("value", [value for value in JSON_VALUES if value is not None], ids=repr)
def test_a_seeded_server_may_have_members_of_any_type(value: Any) -> None:
    for path in PATHS:
        name, *rest = path.split(".")
        if "0" in rest or path == "sourceServerID":
            continue
        seed = {"sourceServerID": WEB, "conform": False, name: with_member({}, tuple(rest), value)}
        service = Service(world_of(seed), Clock())
        assert len(describe(service)["items"]) == 1, path
        reply = ask(service, "StartReplication", sourceServerID=WEB)
        assert reply.status in (200, 409), path


@pytest.mark.parametrize("size", [None, True, "32", [1], {}], ids=repr)
def test_a_seeded_server_may_have_disks_of_any_type(size: Any) -> None:
    disks = [7, None, "disk", {"bytes": size}, {"deviceName": "/dev/b", "bytes": 10}]
    service = Service(world_of({"sourceServerID": WEB, "sourceProperties": {"disks": disks}, "conform": False}))
    replicated = start(service)["dataReplicationInfo"]["replicatedDisks"]
    assert [disk["deviceName"] for disk in replicated] == [*["/dev/sda"] * 4, "/dev/b"]
    assert replicated[-1]["totalStorageBytes"] == 10


@pytest.mark.parametrize(("when", "state"), [("before", "STOPPED"), ("after", "INITIATING")])
def test_a_start_may_answer_with_another_server_before_or_after_its_effect(when: str, state: str) -> None:
    service = with_fault(kind="other_server", when=when, other=DB)
    server = start(service)
    assert server["sourceServerID"] == DB
    assert server["arn"].endswith(f":source-server/{DB}")
    assert server["dataReplicationInfo"]["dataReplicationState"] == "INITIATING"
    assert server["sourceProperties"] == service.servers(REGION)[WEB]["sourceProperties"]
    assert states(service) == [state, "STOPPED"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_so_may_a_stop(when: str) -> None:
    web = {"sourceServerID": WEB, "state": "CONTINUOUS"}
    service = with_fault(web, kind="other_server", when=when, operation="StopReplication")
    server = body_of(ask(service, "StopReplication", sourceServerID=WEB))["sourceServer"]
    assert (server["sourceServerID"], server["dataReplicationInfo"]["dataReplicationState"]) == (
        "s-fffffffffffffffff",
        "STOPPED",
    )
    assert states(service) == [{"before": "CONTINUOUS", "after": "STOPPED"}[when]]


def test_a_refused_start_answers_its_error_all_the_same() -> None:
    service = with_fault({"sourceServerID": WEB, "state": "PAUSED"}, kind="other_server", when="after")
    assert ask(service, "StartReplication", sourceServerID=WEB).status == 409


@pytest.mark.parametrize(
    ("operation", "params", "items"),
    [
        ("DescribeSourceServers", {}, [1, 1, 0, 0, 0]),
        ("DescribeRecoverySnapshots", {"sourceServerID": WEB}, [1, 1, 1, 0, 0]),
        ("DescribeRecoverySnapshots", {"sourceServerID": WEB, "order": "ASC"}, [1, 1, 1, 0, 0]),
        ("DescribeRecoverySnapshots", {"sourceServerID": ABSENT}, [0, 0, 0, 0, 0]),
    ],
)
def test_pages_may_never_end_and_each_has_a_fresh_token(
    operation: str, params: dict[str, str], items: list[int]
) -> None:
    faults = [{"operation": operation, "kind": "endless_pages", "times": None}]
    seeds = ({"sourceServerID": WEB, "snapshots": [1, 2, 3]}, {"sourceServerID": DB})
    service = Service(world_of(*seeds, page_size=1, faults=faults))
    tokens: list[str] = []
    sizes = []
    for _page in items:
        body = body_of(ask(service, operation, **params, **({"nextToken": tokens[-1]} if tokens else {})))
        sizes.append(len(body["items"]))
        tokens.append(body["nextToken"])
    assert sizes == items
    assert len(set(tokens)) == len(tokens)


def test_a_last_page_may_be_empty() -> None:
    service = Service(world_of(*BOTH, faults=[{"kind": "endless_pages"}]))
    first = describe(service)
    assert len(first["items"]) == 2
    assert describe(service, nextToken=first["nextToken"]) == {"items": []}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("deep", RecursionError),
        ("items_of_other_types", AttributeError),
        ("nan", TypeError),
        ("not_utf8", UnicodeDecodeError),
        ("surrogate", AttributeError),
    ],
)
def test_some_bodies_make_boto3_raise_what_is_no_error_of_its_own(name: str, expected: type[Exception]) -> None:
    faults = [{"kind": "garbage", "body": name}]
    with Emulator(world_of(*BOTH, faults=faults)) as emulator, closing(drs_client(emulator.url)) as drs:
        with pytest.raises(expected):
            drs.describe_source_servers()
        assert len(drs.describe_source_servers()["items"]) == 2


def test_raw_control_characters_are_no_json() -> None:
    with pytest.raises(ValueError, match="control character"):
        json.loads(GARBAGE["control"][1])


def test_boto3_meets_odd_text_in_names_and_errors() -> None:
    hostname = "web1\x1b]0;title\x07\r\nok: [localhost]\ud800"
    error = {"code": "Bad\r\nX-Forged\x1b\ud800", "status": 400, "message": hostname, "operation": "StartReplication"}
    script = world_of({"sourceServerID": WEB, "hostname": hostname, "tags": {"a": hostname}}, faults=[error])
    with Emulator(script) as emulator, closing(drs_client(emulator.url)) as drs:
        (server,) = drs.describe_source_servers()["items"]
        assert server["sourceProperties"]["identificationHints"]["hostname"] == hostname
        assert server["tags"] == {"a": hostname}
        with pytest.raises(ClientError) as caught:
            drs.start_replication(sourceServerID=WEB)
        assert caught.value.response["Error"] == {"Code": error["code"], "Message": hostname}
        assert "x-forged" not in caught.value.response["ResponseMetadata"]["HTTPHeaders"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("part", ["body", "head"])
def test_an_answer_that_trickles_never_ends_though_every_read_is_in_time(part: str, when: str) -> None:
    fault = {"operation": "StartReplication", "kind": "trickle", "seconds": 0.01, "part": part, "when": when}
    ended = threading.Event()

    def call() -> None:
        # botocore 1.44 makes an empty answer of what came before the end, older ones raise.
        with suppress(HTTPClientError):
            drs.start_replication(sourceServerID=WEB)
        ended.set()

    with Emulator(world_of(*BOTH, faults=[fault])) as emulator, closing(drs_client(emulator.url)) as drs:
        caller = threading.Thread(target=call)
        caller.start()
        assert not ended.wait(0.5)
        (entry,) = emulator.calls("StartReplication")
        assert entry["fault"] == {"kind": "trickle", "when": when}
        state = emulator.servers()[WEB]["dataReplicationInfo"]["dataReplicationState"]
        assert state == {"before": "STOPPED", "after": "INITIATING"}[when]
        began = time.monotonic()
    caller.join(5)
    assert time.monotonic() - began < 2
    assert ended.is_set()


@pytest.mark.parametrize(
    ("part", "expected"),
    [("head", b"HTTP/1.1 200 OK\r\nX-Trickle: xxx"), ("body", b"Content-Length: 2147483648\r\n\r\n{}  ")],
)
def test_a_trickle_stops_when_the_client_goes_away(part: str, expected: bytes) -> None:
    request = signed("/DescribeSourceServers")
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    text = f"POST {request.path} HTTP/1.1\r\n{head}Content-Length: {len(request.body)}\r\n\r\n"
    with Emulator(world_of(*BOTH, faults=[{"kind": "trickle", "seconds": 0.01, "part": part}])) as emulator:
        threads = threading.active_count()
        with socket.create_connection(("127.0.0.1", int(emulator.url.rpartition(":")[2])), timeout=5) as connection:
            connection.sendall(text.encode() + request.body)
            received = b""
            while expected not in received and len(received) < 400:
                received += connection.recv(64)
            assert expected in received
            assert threading.active_count() == threads + 1
        deadline = time.monotonic() + 5
        while threading.active_count() > threads and time.monotonic() < deadline:
            time.sleep(0.01)
        assert threading.active_count() == threads
