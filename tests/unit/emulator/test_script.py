# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading scripts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.tests import emulator
from ansible_collections.disaster_recovery.aws.tests.emulator import ScriptError, source_server
from ansible_collections.disaster_recovery.aws.tests.emulator.faults import FAULT_KINDS
from ansible_collections.disaster_recovery.aws.tests.emulator.script import read_script
from ansible_collections.disaster_recovery.aws.tests.unit.emulator.clients import WEB, world_of


def fault(**members: Any) -> dict[str, Any]:
    return {"faults": [{"kind": "error", **members}]}


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ({"pagesize": 2}, "the script has the unknown key 'pagesize'; known are after_termination, barriers,"),
        ({"page_size": 0}, "page_size is less than 1"),
        ({"page_size": True}, "page_size is not a value of type int"),
        ({"latency": "slow"}, "latency is not a value of type int or float"),
        ({"latency": {"Start": 1}}, "'Start' is not an operation of DRS"),
        ({"barriers": {"Start": {"DescribeSourceServers": 2}}}, "'Start' is not an operation of DRS"),
        ({"barriers": {"StartReplication": {"Describe": 2}}}, "'Describe' is not an operation of DRS"),
        ({"barriers": {"StartReplication": {"DescribeSourceServers": 0}}}, "DescribeSourceServers is less than 1"),
        ({"clock": "sun"}, 'neither "describe" nor {"wall": seconds above 0}'),
        ({"clock": {"wall": 0}}, 'neither "describe" nor {"wall": seconds above 0}'),
        ({"default_timeline": []}, "default_timeline has no steps"),
        ({"default_timeline": ["RUNNING"]}, "'RUNNING' is not one of"),
        ({"default_timeline": [{"stage": "STALLED"}]}, "default_timeline[0] has the unknown key 'stage'"),
        ({"regions": []}, "regions is not an object"),
        (world_of({"hostname": "web1"}), "regions.eu-west-1.servers[0] is not an object with a sourceServerID"),
        (world_of({"sourceServerID": WEB}, {"sourceServerID": WEB}), f"has {WEB} twice"),
        (world_of({"sourceServerID": "s-1"}), "sourceServerID: length 3 is less than 19"),
        (world_of({"sourceServerID": WEB, "stat": "x"}), "has the unknown key 'stat'"),
        (world_of({"sourceServerID": WEB, "state": "NAPPING"}), 'say "conform": false where that is meant'),
        (world_of({"sourceServerID": WEB, "timeline_from": "then"}), "timeline_from is 'then', not one of start, now"),
        ({"rate_limits": {"StartReplication": {}}}, "rate_limits.StartReplication lacks 'rate'"),
        ({"rate_limits": {"Start": {"rate": 1}}}, "'Start' is not an operation of DRS"),
        (fault(), "faults[0] lacks 'code'"),
        (fault(code="Oops"), "faults[0] lacks 'status'"),
        (fault(code="ConflictException", operation="Start"), "'Start' is not an operation of DRS"),
        (fault(code="ConflictException", times=0), "faults[0].times is less than 1"),
        (fault(kind="explosion"), "faults[0].kind is 'explosion', not one of error,"),
        (fault(kind="garbage", body="htlm"), "faults[0].body is 'htlm', not one of control,"),
        (fault(kind="drop", when="later"), "faults[0].when is 'later', not one of before, after"),
        (fault(kind="replace"), "faults[0] lacks 'members'"),
        (fault(kind="trickle", part="tail"), "faults[0].part is 'tail', not one of body, head"),
        (fault(kind="other_server"), "faults[0].operation is not one of StartReplication, StopReplication"),
        (fault(kind="other_server", operation="DescribeJobs"), "faults[0].operation is not one of StartReplication,"),
        (world_of({"sourceServerID": WEB, "snapshots": 60}), "servers[0].snapshots is not a list"),
        (world_of({"sourceServerID": WEB, "snapshots": [-1]}), "servers[0].snapshots[0] is less than 0"),
        (world_of({"sourceServerID": WEB, "snapshots": [{"age": 1e12}]}), "snapshots[0].age is more than 31557600000"),
        (world_of({"sourceServerID": WEB, "snapshots": ["60"]}), "snapshots[0] is not a value of type int or float"),
        (world_of({"sourceServerID": WEB, "snapshots": [{"taken": 1}]}), "taken: is not a member of RecoverySnapshot"),
        (world_of({"sourceServerID": WEB, "snapshots": [{"timestamp": "x"}]}), 'say "conform": false where that is'),
        ({"others": [{"server": WEB}]}, "others[0] lacks 'on'"),
        ({"others": [{"on": "DescribeSourceServers"}]}, "others[0] lacks 'server'"),
        ({"others": [{"on": "StartReplication", "do": "dance"}]}, "others[0].do is 'dance'"),
    ],
)
def test_a_bad_script_is_refused_with_one_sentence_that_names_the_place(script: Any, expected: str) -> None:
    with pytest.raises(ScriptError) as caught:
        read_script(script)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_readme_s_example_is_a_script_and_its_table_names_every_kind_of_fault() -> None:
    readme = (Path(emulator.__file__).parent / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```json\n(.*?)```", readme, re.DOTALL)
    assert read_script(json.loads(example)).faults
    assert set(FAULT_KINDS) <= set(re.findall(r"^\| `(\w+)` \|", readme, re.MULTILINE))


def test_an_empty_script_is_one_initialised_region_without_servers() -> None:
    script = read_script({})
    assert list(script.regions) == ["eu-west-1"]
    assert script.regions["eu-west-1"].initialized
    assert script.regions["eu-west-1"].servers == ()


def test_a_seed_may_depart_from_the_model_where_it_says_so() -> None:
    odd = {"sourceServerID": WEB, "state": "NAPPING", "future": [1], "conform": False}
    seed = read_script(world_of(odd)).regions["eu-west-1"].servers[0]
    assert seed.document["dataReplicationInfo"]["dataReplicationState"] == "NAPPING"
    assert seed.document["future"] == [1]


def test_seeded_members_override_the_built_ones_deeply_and_null_deletes() -> None:
    overrides = {"sourceProperties": {"os": {"fullString": "Plan 9"}, "cpus": None}, "dataReplicationInfo": None}
    seed = (
        read_script(world_of({"sourceServerID": WEB, "hostname": "web1", **overrides})).regions["eu-west-1"].servers[0]
    )
    properties = seed.document["sourceProperties"]
    assert properties["os"] == {"fullString": "Plan 9"}
    assert "cpus" not in properties
    assert properties["identificationHints"]["hostname"] == "web1"
    assert "dataReplicationInfo" not in seed.document


def test_a_seeded_state_of_the_full_form_shapes_the_rest() -> None:
    server = source_server(WEB, dataReplicationInfo={"dataReplicationState": "CONTINUOUS", "lagDuration": "PT1S"})
    assert server["dataReplicationInfo"]["lagDuration"] == "PT1S"
    assert server["dataReplicationInfo"]["replicatedDisks"]
    assert server["lifeCycle"]["elapsedReplicationDuration"]
