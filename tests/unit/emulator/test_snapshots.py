# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DescribeRecoverySnapshots: what is listed, in which order, on which page; past HTTP and with boto3's paginator."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.tests.emulator import Emulator, ScriptError
from ansible_collections.disaster_recovery.aws.tests.emulator.model import structure, violations
from ansible_collections.disaster_recovery.aws.tests.emulator.service import Service
from ansible_collections.disaster_recovery.aws.tests.unit.emulator.clients import (
    ABSENT,
    DB,
    REGION,
    WEB,
    Clock,
    ask,
    code_of,
    drs_client,
    states,
    world_of,
)

OPERATION = "DescribeRecoverySnapshots"
STATES = structure("DataReplicationInfo").members["dataReplicationState"].metadata["enum"]


def snapshots(service: Service, source_server_id: str = WEB, **params: Any) -> list[dict[str, Any]]:
    reply = ask(service, OPERATION, sourceServerID=source_server_id, **params)
    assert isinstance(reply.body, dict)
    items: list[dict[str, Any]] = reply.body["items"]
    return items


def age(snapshot: dict[str, Any]) -> int:
    """Seconds since the snapshot was taken, to the next ten: the tests run for less."""
    seconds = (datetime.now(timezone.utc) - datetime.fromisoformat(snapshot["timestamp"])).total_seconds()
    return int(seconds // 10 * 10)


def ages(service: Service, source_server_id: str = WEB, **params: Any) -> list[int]:
    return [age(snapshot) for snapshot in snapshots(service, source_server_id, **params)]


def seeded(*scripted: Any, page_size: int = 300, **members: Any) -> Service:
    server = {"sourceServerID": WEB, "state": "CONTINUOUS", "snapshots": list(scripted), **members}
    return Service(world_of(server, {**server, "sourceServerID": DB}, page_size=page_size), Clock())


@pytest.mark.parametrize("state", STATES)
def test_by_default_only_a_continuous_server_has_snapshots(state: str) -> None:
    service = Service(world_of({"sourceServerID": WEB, "state": state}), Clock())
    expected = [240, 840, 1440, 2040, 2640, 3240] if state == "CONTINUOUS" else []
    assert ages(service) == expected


def test_a_snapshot_is_as_recorded_ones_are() -> None:
    (snapshot,) = snapshots(seeded(600))
    assert violations(structure("RecoverySnapshot"), snapshot, answer=True) == []
    assert snapshot["sourceServerID"] == WEB
    assert len(snapshot["ebsSnapshots"]) == 2
    taken, expected = (datetime.fromisoformat(snapshot[name]) for name in ("timestamp", "expectedTimestamp"))
    assert taken.utcoffset() == expected.utcoffset() == timedelta(0)
    assert timedelta(0) <= taken - expected < timedelta(minutes=10)
    assert (expected.minute % 10, expected.second, expected.microsecond) == (0, 0, 0)


def test_ids_are_unique_and_stay() -> None:
    service = Service(world_of(*({"sourceServerID": id_, "snapshots": [0, 1, 2]} for id_ in (WEB, DB))), Clock())
    seen = snapshots(service, WEB) + snapshots(service, DB)
    ids = [snapshot["snapshotID"] for snapshot in seen]
    assert len(set(ids)) == 6
    assert len({id_ for snapshot in seen for id_ in snapshot["ebsSnapshots"]}) == 12
    assert snapshots(service, WEB) + snapshots(service, DB) == seen


@pytest.mark.parametrize(
    ("order", "expected"),
    [({}, [60, 600, 7200]), ({"order": "DESC"}, [60, 600, 7200]), ({"order": "ASC"}, [7200, 600, 60])],
)
def test_the_newest_comes_first_unless_asked_otherwise(order: dict[str, str], expected: list[int]) -> None:
    assert ages(seeded(600, 60, 7200), **order) == expected


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["3", "2", "1"]),
        ({"fromDateTime": "2026-01-02T00:00:00Z"}, ["3", "2"]),
        ({"toDateTime": "2026-01-02T00:00:00Z"}, ["2", "1"]),
        ({"fromDateTime": "2026-01-01T00:00:01Z", "toDateTime": "2026-01-02T23:59:59.5Z"}, ["2"]),
        ({"fromDateTime": "2026-01-09T00:00:00Z"}, []),
    ],
)
def test_filters_bound_the_timestamp(filters: dict[str, str], expected: list[str]) -> None:
    scripted = [
        {"timestamp": f"2026-01-0{day}T00:00:00Z", "snapshotID": f"pit-0000000000000000{day}"} for day in (2, 3, 1)
    ]
    found = snapshots(seeded(*scripted), filters=filters)
    assert [snapshot["snapshotID"][-1] for snapshot in found] == expected


@pytest.mark.parametrize(
    "params",
    [
        {"filters": {"fromDateTime": "2026-02-31T00:00:00Z"}},
        {"filters": {"toDateTime": "yesterday"}},
        {"order": "desc"},
        {"maxResults": 0},
        {"nextToken": "expired"},
    ],
)
def test_invalid_input_is_refused(params: dict[str, Any]) -> None:
    reply = ask(seeded(60), OPERATION, sourceServerID=WEB, **params)
    assert (reply.status, code_of(reply)) == (400, "ValidationException")


def test_the_source_server_is_required() -> None:
    assert code_of(ask(seeded(60), OPERATION)) == "ValidationException"


@pytest.mark.parametrize("order", ["ASC", "DESC"])
def test_pages_hold_each_snapshot_once(order: str) -> None:
    service = seeded(*range(0, 70, 10), page_size=3)
    seen: list[int] = []
    sizes: list[int] = []
    token: dict[str, str] = {}
    while True:
        body = ask(service, OPERATION, sourceServerID=WEB, order=order, **token).body
        assert isinstance(body, dict)
        sizes.append(len(body["items"]))
        seen += [-age(snapshot) for snapshot in body["items"]]
        if "nextToken" not in body:
            break
        token = {"nextToken": body["nextToken"]}
    assert sizes == [3, 3, 1]
    assert len(set(seen)) == 7
    assert seen == sorted(seen, reverse=order == "DESC")


@pytest.mark.parametrize("other", [{"order": "ASC"}, {"sourceServerID": DB}])
def test_a_token_is_refused_with_another_request(other: dict[str, str]) -> None:
    service = seeded(1, 2, page_size=1)
    body = ask(service, OPERATION, sourceServerID=WEB, order="DESC").body
    assert isinstance(body, dict)
    params = {"sourceServerID": WEB, "order": "DESC", "nextToken": body["nextToken"]}
    assert ask(service, OPERATION, **params).status == 200
    assert code_of(ask(service, OPERATION, **{**params, **other})) == "ValidationException"


def test_an_unknown_server_has_none() -> None:
    reply = ask(seeded(60), OPERATION, sourceServerID=ABSENT)
    assert (reply.status, reply.body) == (200, {"items": []})


def test_a_region_that_is_not_initialised_says_so() -> None:
    reply = ask(Service({"regions": {}}), OPERATION, sourceServerID=WEB)
    assert (reply.status, code_of(reply)) == (400, "UninitializedAccountException")


@pytest.mark.parametrize("call", ["StopReplication", "disconnect", "patch", "timeline"])
def test_they_are_gone_when_replication_ends(call: str) -> None:
    timeline = {"timeline": ["STOPPED"], "timeline_from": "now"} if call == "timeline" else {}
    others = [{"on": OPERATION, "do": "disconnect", "when": "after"}] if call == "disconnect" else []
    server = {"sourceServerID": WEB, "state": "CONTINUOUS", "snapshots": [60], **timeline}
    service = Service(world_of(server, others=others), Clock())
    assert ages(service) == [60]
    if call == "StopReplication":
        ask(service, call, sourceServerID=WEB)
    if call == "patch":
        service.patch(REGION, WEB, {"state": "STOPPED"})
    if call == "timeline":
        states(service)
    assert ages(service) == []


def test_a_server_that_becomes_continuous_has_a_fresh_one() -> None:
    service = Service(world_of({"sourceServerID": WEB, "timeline": ["INITIAL_SYNC", "CONTINUOUS", "STALLED"]}), Clock())
    ask(service, "StartReplication", sourceServerID=WEB)
    seen = []
    for _time in range(3):
        states(service)
        seen.append(ages(service))
    assert seen == [[], [0], [0]]


def test_a_server_with_scripted_ones_gets_no_others() -> None:
    service = Service(world_of({"sourceServerID": WEB, "timeline": ["CONTINUOUS"], "snapshots": []}), Clock())
    ask(service, "StartReplication", sourceServerID=WEB)
    assert states(service) == ["CONTINUOUS"]
    assert snapshots(service) == []


def test_somebody_else_may_change_them() -> None:
    service = seeded(60)
    service.patch(REGION, WEB, {"snapshots": [86400, 7200]})
    assert ages(service) == [7200, 86400]
    with pytest.raises(ScriptError, match=r"snapshots\[0\] is less than 0"):
        service.patch(REGION, WEB, {"snapshots": [-1]})


def test_a_snapshot_may_have_no_timestamp_yet() -> None:
    newest, older = snapshots(seeded({"age": 30, "timestamp": None}, 600))
    assert "timestamp" not in newest
    assert "expectedTimestamp" in newest
    assert older["timestamp"]


@pytest.mark.parametrize("value", [7, True, [], {}, "yesterday", "0001-01-01T00:00:00+14:00", "\ud800"])
@pytest.mark.parametrize("name", ["timestamp", "expectedTimestamp", "snapshotID", "sourceServerID", "ebsSnapshots"])
def test_a_snapshot_may_depart_from_the_model_where_it_says_so(name: str, value: Any) -> None:
    service = seeded({"age": 30, name: value, "conform": False}, 600)
    found = [snapshot[name] for snapshot in snapshots(service)]
    assert value in found
    assert len(found) == 2


def test_a_stopped_server_may_have_scripted_ones() -> None:
    assert ages(seeded(60, state="STOPPED")) == [60]


def test_rate_limits_faults_and_other_actors_take_it_like_the_other_operations() -> None:
    script = world_of(
        {"sourceServerID": WEB, "state": "CONTINUOUS"},
        {"sourceServerID": DB, "state": "CONTINUOUS"},
        rate_limits={OPERATION: {"rate": 0, "burst": 4}},
        faults=[{"operation": OPERATION, "server": DB, "page": 1, "code": "AccessDeniedException"}],
        others=[{"on": OPERATION, "server": WEB, "do": "stop", "skip": 1}],
    )
    service = Service(script, Clock())
    calls = [ask(service, OPERATION, sourceServerID=id_) for id_ in (WEB, DB, DB, WEB, WEB)]
    assert [call.status for call in calls] == [200, 403, 200, 200, 429]
    assert [entry["items"] for entry in service.journal()] == [6, None, 6, 0, None]


def test_boto3_s_paginator_reads_every_page() -> None:
    script = world_of({"sourceServerID": WEB, "snapshots": list(range(100, 800, 100))}, page_size=3)
    with Emulator(script) as emulator, closing(drs_client(emulator.url)) as drs:
        paginator = drs.get_paginator("describe_recovery_snapshots")
        pages = list(paginator.paginate(sourceServerID=WEB, PaginationConfig={"PageSize": 2}))
        assert [len(page["items"]) for page in pages] == [2, 2, 2, 1]
        assert [age(item) for page in pages for item in page["items"]] == list(range(100, 800, 100))
        (newest,) = drs.describe_recovery_snapshots(sourceServerID=WEB, order="DESC", maxResults=1)["items"]
        assert age(newest) == 100
