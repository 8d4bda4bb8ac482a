# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a source server shows in each state: its disks, its rescan, and when its agent was seen last."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.tests.emulator import ScriptError, source_server
from ansible_collections.disaster_recovery.aws.tests.emulator.service import Service
from ansible_collections.disaster_recovery.aws.tests.emulator.source_servers import TRAITS
from ansible_collections.disaster_recovery.aws.tests.unit.emulator.clients import (
    REGION,
    WEB,
    Clock,
    ask,
    describe,
    states,
    world_of,
)

SIZES = ("totalStorageBytes", "replicatedStorageBytes", "rescannedStorageBytes", "backloggedStorageBytes")
SILENT = {"STALLED", "DISCONNECTED"}
LAST_SEEN = "lastSeenByServiceDateTime"


def shares(server: dict[str, Any]) -> tuple[float, ...]:
    """How much of the first disk is its total, replicated, rescanned and backlogged."""
    (disk, _second) = server["dataReplicationInfo"]["replicatedDisks"]
    size = server["sourceProperties"]["disks"][0]["bytes"]
    return tuple(round(disk[name] / size, 3) for name in SIZES)


def described(service: Service) -> dict[str, Any]:
    (server,) = describe(service)["items"]
    assert isinstance(server, dict)
    return server


def last_seen(service: Service) -> datetime:
    text: str = described(service)["lifeCycle"][LAST_SEEN]
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def unseen_for(service: Service) -> float:
    """Seconds since the agent was seen last, by the emulator's clock, which has stood still."""
    return (datetime.now(timezone.utc) - last_seen(service)).total_seconds()


@pytest.mark.parametrize("state", ["STOPPED", "DISCONNECTED"])
def test_a_server_that_does_not_replicate_has_no_lag(state: str) -> None:
    server = source_server(WEB, state=state)
    assert "lagDuration" not in server["dataReplicationInfo"]
    assert "etaDateTime" not in server["dataReplicationInfo"]
    assert "elapsedReplicationDuration" not in server["lifeCycle"]


@pytest.mark.parametrize("state", [7, [], {}, True])
def test_a_state_of_any_type_may_be_scripted(state: Any) -> None:
    server = {"sourceServerID": WEB, "conform": False, "dataReplicationInfo": {"dataReplicationState": state}}
    assert described(Service(world_of(server)))["dataReplicationInfo"]["dataReplicationState"] == state


def test_a_stopped_server_lists_no_replicated_disk() -> None:
    assert "replicatedDisks" not in source_server(WEB)["dataReplicationInfo"]


def test_a_healthy_disk_has_rescanned_and_replicated_its_total() -> None:
    assert shares(source_server(WEB, state="CONTINUOUS")) == (1, 1, 1, 0)


def test_a_server_that_lost_its_agent_keeps_the_total_of_its_disks() -> None:
    assert shares(source_server(WEB, state="DISCONNECTED"))[0] == 1


def test_a_server_that_somebody_disconnects_keeps_no_bytes() -> None:
    others = [{"on": "DescribeSourceServers", "server": WEB, "do": "disconnect"}]
    server = described(Service(world_of({"sourceServerID": WEB, "state": "CONTINUOUS"}, others=others)))
    assert server["dataReplicationInfo"]["dataReplicationState"] == "DISCONNECTED"
    assert shares(server) == (0, 0, 0, 0)


@pytest.mark.parametrize("state", TRAITS)
def test_no_disk_has_more_of_anything_than_its_total(state: str) -> None:
    for disk in source_server(WEB, state=state)["dataReplicationInfo"].get("replicatedDisks", []):
        assert all(0 <= disk[name] <= disk["totalStorageBytes"] for name in SIZES)


def test_a_protected_server_may_rescan_on_its_way() -> None:
    steps = ["INITIATING", {"state": "CONTINUOUS", "rescanned": 0.4}, {"rescanned": 0.8}, "CONTINUOUS"]
    service = Service(world_of({"sourceServerID": WEB, "timeline": steps}))
    ask(service, "StartReplication", sourceServerID=WEB)
    assert states(service) == ["INITIATING"]
    seen = [described(service) for _time in range(3)]
    assert {server["dataReplicationInfo"]["dataReplicationState"] for server in seen} == {"CONTINUOUS"}
    assert [shares(server)[2] for server in seen] == [0.4, 0.8, 1]


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        ({"rescanned": 0.4}, (1, 1, 0.4, 0)),
        ({"replicated": 0.9, "backlogged": 0.1}, (1, 0.9, 1, 0.1)),
        ({"total": 0}, (0, 0, 0, 0)),
    ],
)
def test_a_seed_a_step_and_a_patch_may_say_how_much(share: dict[str, float], expected: tuple[float, ...]) -> None:
    server = {"sourceServerID": WEB, "state": "CONTINUOUS"}
    step = {"timeline": [{"state": "CONTINUOUS", **share}], "timeline_from": "now"}
    patched = Service(world_of(server))
    patched.patch(REGION, WEB, share)
    for service in (Service(world_of({**server, **share})), Service(world_of({**server, **step})), patched):
        assert shares(described(service)) == expected


def test_a_patch_refuses_what_is_no_share() -> None:
    service = Service(world_of({"sourceServerID": WEB, "state": "CONTINUOUS"}))
    with pytest.raises(ScriptError, match=r"the change\.rescanned is not a value of type int or float"):
        service.patch(REGION, WEB, {"rescanned": "half"})


@pytest.mark.parametrize("state", sorted(TRAITS.keys() - SILENT))
def test_a_living_agent_was_seen_a_moment_ago(state: str) -> None:
    assert 0 < unseen_for(Service(world_of({"sourceServerID": WEB, "state": state}), Clock())) <= 60


@pytest.mark.parametrize("state", sorted(SILENT))
def test_a_silent_agent_was_seen_before_its_server_entered_the_state(state: str) -> None:
    clock = Clock()
    service = Service(world_of({"sourceServerID": WEB, "state": state}), clock)
    first = last_seen(service)
    assert unseen_for(service) >= 15 * 60
    clock.now += 86400
    assert last_seen(service) == first


def test_a_living_agent_is_seen_again_as_the_clock_goes_on() -> None:
    clock = Clock()
    service = Service(world_of({"sourceServerID": WEB, "state": "CONTINUOUS"}), clock)
    seen = []
    for passed in (0, 49, 50, 100, 3600):
        clock.now = 1000.0 + passed
        seen.append(last_seen(service))
    assert [round((moment - seen[0]) / timedelta(seconds=1)) for moment in seen] == [0, 0, 50, 100, 3600]


@pytest.mark.parametrize("life_cycle", [{LAST_SEEN: "2026-01-01T00:00:00Z"}, {LAST_SEEN: None}, None])
def test_a_scripted_last_seen_stays(life_cycle: dict[str, Any] | None) -> None:
    expected = life_cycle and life_cycle[LAST_SEEN]
    server = {"sourceServerID": WEB, "state": "CONTINUOUS"}
    step = {"timeline": [{"merge": {"lifeCycle": life_cycle}}, "STALLED"], "timeline_from": "now"}
    patched = Service(world_of(server))
    patched.patch(REGION, WEB, {"lifeCycle": life_cycle})
    for service in (
        Service(world_of({**server, "lifeCycle": life_cycle})),
        Service(world_of({**server, **step})),
        patched,
    ):
        for _time in range(2):
            assert described(service).get("lifeCycle", {}).get(LAST_SEEN) == expected


def test_the_initiation_stays_once_data_flows_with_its_steps_done() -> None:
    service = Service(world_of({"sourceServerID": WEB}))
    ask(service, "StartReplication", sourceServerID=WEB)
    first, _second, last = (described(service)["dataReplicationInfo"] for _time in range(3))
    began, done = first["dataReplicationInitiation"], last["dataReplicationInitiation"]
    assert [step["status"] for step in began["steps"]] == ["IN_PROGRESS"] + ["NOT_STARTED"] * 10
    assert {step["status"] for step in done["steps"]} == {"SUCCEEDED", "SKIPPED"}
    assert done["startDateTime"] == began["startDateTime"]
    ask(service, "StopReplication", sourceServerID=WEB)
    assert "dataReplicationInitiation" not in described(service)["dataReplicationInfo"]


def test_a_server_that_was_never_launched_has_an_empty_last_launch() -> None:
    assert source_server(WEB)["lifeCycle"]["lastLaunch"] == {"initiated": {}}
