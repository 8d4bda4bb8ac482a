# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each module as a process of its own, against the emulator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.tests.emulator import Emulator
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import sid

MODULES = "ansible_collections.disaster_recovery.aws.plugins.modules"
INFO = "drs_source_server_info"
REPLICATION = "drs_source_server_replication"
SERVERS = [
    {"sourceServerID": sid(1), "hostname": "web1", "state": "CONTINUOUS", "snapshots": [600]},
    {"sourceServerID": sid(2), "hostname": "web2", "state": "STOPPED"},
    {"sourceServerID": sid(3), "hostname": "db1", "state": "CONTINUOUS", "snapshots": [86400]},
]
SCRIPT: dict[str, Any] = {"regions": {"eu-west-1": {"servers": SERVERS}}}

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(SCRIPT) as running:
        yield running


@pytest.fixture
def run(emulator: Emulator, tmp_path: Path) -> Run:
    """Run a module with arguments; its result is what it prints."""

    def run_module(name: str, **arguments: Any) -> dict[str, Any]:
        file = tmp_path / "arguments.json"
        file.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        argv = [sys.executable, "-m", f"{MODULES}.{name}", str(file)]
        environment = {**inherited, **emulator.environment, "AWS_MAX_ATTEMPTS": "1"}
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.stderr == ""
        result: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == bool(result.get("failed"))
        return result

    return run_module


def starts(emulator: Emulator) -> list[str]:
    return [call["input"]["sourceServerID"] for call in emulator.calls("StartReplication")]


def test_info_lists_every_source_server(run: Run) -> None:
    result = run(INFO)
    assert [server["source_server_id"] for server in result["source_servers"]] == [sid(1), sid(2), sid(3)]
    assert result["unmatched"] == []
    assert not result["changed"]


def test_info_tells_who_is_protected(run: Run) -> None:
    result = run(INFO, rpo=3600, return_source_servers=False)
    assert [each["protected"] for each in result["protection"]] == [True, False, False]
    assert result["msg"].startswith("1 of 3 source servers are protected; 1 STOPPED")
    assert "source_servers" not in result


def test_info_keeps_the_order_of_the_ids_and_names_those_that_are_unknown(run: Run) -> None:
    result = run(INFO, source_server_ids=[sid(3), sid(9), sid(1)])
    assert [server["source_server_id"] for server in result["source_servers"]] == [sid(3), sid(1)]
    assert result["unmatched"] == [f"source-server-id={sid(9)}"]
    assert sid(9) in str(result["warnings"])


@pytest.mark.parametrize("module", [INFO, REPLICATION])
def test_a_state_that_botocore_does_not_know_is_warned_of(run: Run, module: str) -> None:
    assert "STOPED" in str(run(module, filters={"replication-state": ["STOPED", "STOPPED"]})["warnings"])


@pytest.mark.parametrize("arguments", [{"rpo": 0}, {"filters": {"hostnam": "web1"}}, {"source_server_ids": []}])
def test_info_refuses_bad_input_before_any_call(run: Run, emulator: Emulator, arguments: dict[str, Any]) -> None:
    result = run(INFO, **arguments)
    assert result["failed"]
    assert "error" not in result
    assert emulator.journal() == []


def test_info_says_which_error_ended_the_listing(run: Run, emulator: Emulator) -> None:
    fault = {"operation": "DescribeSourceServers", "code": "ExpiredTokenException", "status": 403, "times": None}
    emulator.load({**SCRIPT, "faults": [fault]})
    result = run(INFO)
    assert result["error"]["code"] == "ExpiredTokenException"
    assert result["source_servers"] == []


def test_info_says_which_error_ended_the_look_at_the_snapshots(run: Run, emulator: Emulator) -> None:
    fault = {"operation": "DescribeRecoverySnapshots", "code": "ExpiredTokenException", "status": 403, "times": None}
    emulator.load({**SCRIPT, "faults": [fault]})
    result = run(INFO, rpo=3600)
    assert result["error"]["code"] == "ExpiredTokenException"
    assert len(result["source_servers"]) == 3


def test_a_stopped_server_is_started_once(run: Run, emulator: Emulator) -> None:
    assert run(REPLICATION, source_server_id=sid(2), _ansible_check_mode=True)["changed"]
    assert starts(emulator) == []
    first, second = run(REPLICATION, source_server_id=sid(2)), run(REPLICATION, source_server_id=sid(2))
    assert (first["changed"], second["changed"]) == (True, False)
    assert second["ansible_facts"]["drs_source_server"] == second["source_server"]
    assert starts(emulator) == [sid(2)]


def test_a_fleet_has_no_facts(run: Run) -> None:
    result = run(REPLICATION, filters={"hostname": "web*"}, return_source_servers=False)
    assert result["changed"]
    assert result["unmatched"] == []
    assert not {"ansible_facts", "source_server", "source_servers"} & set(result)


def test_a_named_host_without_a_source_server_fails_after_the_others_were_started(run: Run, emulator: Emulator) -> None:
    result = run(REPLICATION, filters={"hostname": ["web2", "web9"]})
    assert result["failed"]
    assert result["unmatched"] == ["hostname=web9"]
    assert starts(emulator) == [sid(2)]


def test_filters_that_match_nothing_fail(run: Run, emulator: Emulator) -> None:
    result = run(REPLICATION, filters={"tag:Role": "web"})
    assert result["failed"]
    assert starts(emulator) == []


@pytest.mark.parametrize("arguments", [{}, {"filters": {}}, {"source_server_id": sid(2), "wait_timeout": -1}])
def test_bad_input_is_refused_before_any_call(run: Run, emulator: Emulator, arguments: dict[str, Any]) -> None:
    assert run(REPLICATION, **arguments)["failed"]
    assert emulator.journal() == []


def test_the_error_that_ended_a_run_is_returned(run: Run, emulator: Emulator) -> None:
    fault = {"operation": "StartReplication", "code": "ExpiredTokenException", "status": 403, "times": None}
    emulator.load({**SCRIPT, "faults": [fault]})
    result = run(REPLICATION, source_server_ids=[sid(2)])
    assert result["error"]["code"] == "ExpiredTokenException"
    assert not result["changed"]
