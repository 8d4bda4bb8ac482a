# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Timelines of source servers, and answers that are stale after a start."""

from __future__ import annotations

from ansible_collections.disaster_recovery.aws.tests.emulator.service import Service
from ansible_collections.disaster_recovery.aws.tests.unit.emulator.clients import (
    BOTH,
    DB,
    REGION,
    WEB,
    Clock,
    describe,
    start,
    states,
    world_of,
)


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
