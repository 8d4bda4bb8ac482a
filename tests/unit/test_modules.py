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
import yaml
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.lifecycle import LIFECYCLES
from ansible_collections.disaster_recovery.aws.plugins.modules import drs_source_server_replication
from ansible_collections.disaster_recovery.aws.tests.emulator import Emulator
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import sid

PATHS = os.pathsep.join(filter(None, sys.path))
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
        argv = [sys.executable, "-c", f"from {MODULES}.{name} import main; main()", str(file)]
        environment = {**inherited, **emulator.environment, "AWS_MAX_ATTEMPTS": "1", "PYTHONPATH": PATHS}
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.stderr == ""
        result: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == bool(result.get("failed"))
        return result

    return run_module


def expired(operation: str) -> dict[str, Any]:
    """A script in which this operation fails for its credentials."""
    fault = {"operation": operation, "code": "ExpiredTokenException", "status": 403, "times": None}
    return {**SCRIPT, "faults": [fault]}


EXPIRED = "AWS refused the credentials in eu-west-1 (ExpiredTokenException: ExpiredTokenException (scripted))"


def operations(emulator: Emulator) -> list[str]:
    return [call["operation"] for call in emulator.journal()]


def starts(emulator: Emulator) -> list[str]:
    return [call["input"]["sourceServerID"] for call in emulator.calls("StartReplication")]


@pytest.mark.parametrize("check_mode", [False, True])
def test_info_lists_every_source_server(run: Run, emulator: Emulator, check_mode: bool) -> None:
    result = run(INFO, _ansible_check_mode=check_mode)
    assert [server["source_server_id"] for server in result["source_servers"]] == [sid(1), sid(2), sid(3)]
    assert result["unmatched"] == []
    assert not result["changed"]
    assert operations(emulator) == ["DescribeSourceServers"], "nothing asks for recovery points without rpo"


def test_info_tells_who_is_protected(run: Run) -> None:
    result = run(INFO, rpo=3600, return_source_servers=False)
    assert [each["protected"] for each in result["protection"]] == [True, False, False]
    assert result["msg"].startswith("1 of 3 source servers are protected; 1 STOPPED")
    assert "source_servers" not in result


def test_info_keeps_the_order_of_the_ids_and_names_those_that_are_unknown(run: Run) -> None:
    result = run(INFO, source_server_ids=[sid(3), sid(9), sid(1)])
    assert [server["source_server_id"] for server in result["source_servers"]] == [sid(3), sid(1)]
    assert result["unmatched"] == [f"source-server-id={sid(9)}"]
    assert f"No source server in eu-west-1 has source-server-id={sid(9)}" in str(result["warnings"])
    assert result["msg"] == (
        f"2 of 2 source servers are protected; no source server has source-server-id={sid(9)}; "
        "in eu-west-1, account 111122223333."
    )


@pytest.mark.parametrize("module", [INFO, REPLICATION])
def test_a_state_that_botocore_does_not_know_is_warned_of(run: Run, module: str) -> None:
    assert "STOPED" in str(run(module, filters={"replication-state": ["STOPED", "STOPPED"]})["warnings"])


@pytest.mark.parametrize(
    ("arguments", "msg"),
    [
        ({"rpo": 0}, "rpo must be from 1 to 31536000 seconds (one year)."),
        ({"filters": {"hostnam": "web1"}}, "filters: unknown key hostnam; use tag:<Key>, "),
        ({"source_server_ids": []}, "source_server_ids is empty. Name the source servers; empty never means all."),
    ],
)
def test_info_rejects_bad_input_before_any_call(
    run: Run, emulator: Emulator, arguments: dict[str, Any], msg: str
) -> None:
    result = run(INFO, **arguments)
    assert result["failed"]
    assert result["msg"].startswith(msg)
    assert result["unmatched"] == []
    assert "error" not in result
    assert emulator.journal() == []


def test_info_says_which_error_ended_the_listing(run: Run, emulator: Emulator) -> None:
    emulator.load(expired("DescribeSourceServers"))
    result = run(INFO)
    assert result["msg"] == f"{EXPIRED}."
    assert result["error"] == {"code": "ExpiredTokenException", "message": EXPIRED}
    assert result["source_servers"] == []


def test_info_says_which_error_ended_the_lookup_of_snapshots(run: Run, emulator: Emulator) -> None:
    emulator.load(expired("DescribeRecoverySnapshots"))
    result = run(INFO, rpo=3600, source_server_ids=[sid(3), sid(9)])
    assert result["error"]["code"] == "ExpiredTokenException"
    assert len(result["source_servers"]) == 1
    assert result["msg"] == (
        f"0 of 1 source server is protected; 1 recovery points unknown: {EXPIRED}: {sid(3)} db1; "
        f"no source server has source-server-id={sid(9)}; in eu-west-1, account 111122223333."
    )


def test_a_stopped_server_is_started_once(run: Run, emulator: Emulator) -> None:
    assert run(REPLICATION, source_server_id=sid(2), _ansible_check_mode=True)["changed"]
    assert starts(emulator) == []
    first, second = run(REPLICATION, source_server_id=sid(2)), run(REPLICATION, source_server_id=sid(2))
    assert (first["changed"], second["changed"]) == (True, False)
    assert second["ansible_facts"]["drs_source_server"] == second["source_server"]
    assert not [result for result in (first, second) if "source_servers" in result], "a third copy of one document"
    assert first["msg"] == "1 of 1 source server started (eu-west-1, account 111122223333)"
    assert "diff" not in first
    assert starts(emulator) == [sid(2)]


def test_a_fleet_has_no_facts(run: Run) -> None:
    result = run(REPLICATION, filters={"hostname": "web*"}, return_source_servers=False)
    assert result["changed"]
    assert result["unmatched"] == []
    assert not {"ansible_facts", "source_server", "source_servers"} & set(result)


def test_what_the_filters_found_is_not_described_again(run: Run, emulator: Emulator) -> None:
    result = run(REPLICATION, filters={"hostname": "web*"}, _ansible_diff=True)
    assert operations(emulator) == ["DescribeSourceServers", "StartReplication"]
    assert [each["previous_state"] for each in result["outcomes"]] == ["CONTINUOUS", "STOPPED"]
    assert result["diff"]["before"] == f"{sid(1)} web1 CONTINUOUS\n{sid(2)} web2 STOPPED\n"
    assert result["diff"]["after"] == f"{sid(1)} web1 CONTINUOUS\n{sid(2)} web2 INITIATING\n"


def test_a_wait_writes_its_progress(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    progress = tmp_path / "progress"
    progress.touch()
    monkeypatch.setenv("DISASTER_RECOVERY_AWS_PROGRESS", str(progress))
    run(REPLICATION, source_server_id=sid(2), wait=True, wait_delay=1)
    opened, *lines = progress.read_text().splitlines()
    assert opened == ""
    assert lines[0] == f"{sid(2)} web2 · initiating"
    assert lines[-1].startswith(f"{sid(2)} web2 · replicating")


def test_a_warning_names_the_server(run: Run, emulator: Emulator) -> None:
    stalled = {"sourceServerID": sid(1), "hostname": "web1", "state": "STALLED"}
    emulator.load({"regions": {"eu-west-1": {"servers": [stalled]}}})
    assert f"{sid(1)} web1" in str(run(REPLICATION, source_server_id=sid(1))["warnings"])


def test_a_named_host_without_a_source_server_fails_after_the_others_were_started(run: Run, emulator: Emulator) -> None:
    result = run(REPLICATION, filters={"hostname": ["web2", "web9"]})
    assert result["failed"]
    assert result["unmatched"] == ["hostname=web9"]
    assert result["msg"] == (
        "1 of 1 source server started (eu-west-1, account 111122223333), but no source server has hostname=web9."
    )
    assert starts(emulator) == [sid(2)]


def test_filters_that_match_nothing_fail(run: Run, emulator: Emulator) -> None:
    result = run(REPLICATION, filters={"tag:Role": "web"})
    assert result["failed"]
    assert result["msg"] == "No source server matches tag:Role=web in eu-west-1: check the filters and the region."
    assert (result["unmatched"], result["outcomes"]) == ([], [])
    assert starts(emulator) == []


@pytest.mark.parametrize(
    ("arguments", "msg"),
    [
        ({}, "One of source_server_id, source_server_ids, filters is required; null counts as not set."),
        ({"filters": {}}, "filters is empty. Name the source servers; empty never means all."),
        (
            {"source_server_id": sid(2), "wait_timeout": -1},
            "wait_timeout must be from 1 to 31536000 seconds (one year).",
        ),
    ],
)
def test_bad_input_is_rejected_before_any_call(
    run: Run, emulator: Emulator, arguments: dict[str, Any], msg: str
) -> None:
    result = run(REPLICATION, **arguments)
    assert (result["failed"], result["msg"], result["outcomes"]) == (True, msg, [])
    assert result.get("unmatched") == ([] if "filters" in arguments else None)
    assert "error" not in result
    assert emulator.journal() == []


def test_the_error_that_ended_the_listing_is_returned(run: Run, emulator: Emulator) -> None:
    emulator.load(expired("DescribeSourceServers"))
    result = run(REPLICATION, filters={"hostname": "web*"})
    assert result["msg"] == f"{EXPIRED}."
    assert result["error"] == {"code": "ExpiredTokenException", "message": EXPIRED}
    assert (result["unmatched"], result["outcomes"]) == ([], [])


def test_the_error_that_ended_a_run_is_returned(run: Run, emulator: Emulator) -> None:
    emulator.load(expired("StartReplication"))
    result = run(REPLICATION, source_server_ids=[sid(2)])
    assert result["error"] == {"code": "ExpiredTokenException", "message": EXPIRED}
    assert not result["changed"]
    assert result["msg"] == (
        f"1 of 1 source server failed (eu-west-1, account 111122223333): {EXPIRED}. "
        "Renew the credentials and run again to continue."
    )


DOCUMENTED: dict[str, Any] = yaml.safe_load(drs_source_server_replication.RETURN)
ADDED_BY_ANSIBLE = {"invocation", "warnings", "failed", "exception"}
TYPES: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "dict": (dict,),
    "float": (int, float),
    "int": (int,),
    "list": (list,),
    "str": (str,),
}

RESULTS: dict[str, dict[str, Any]] = {
    "one server": {"source_server_id": sid(2)},
    "one server in check and diff mode": {
        "source_server_id": sid(2),
        "_ansible_check_mode": True,
        "_ansible_diff": True,
    },
    "one server that DRS does not know": {"source_server_id": sid(9)},
    "several servers": {"source_server_ids": [sid(1), sid(2), sid(9)], "_ansible_diff": True},
    "filters": {"filters": {"hostname": ["web*", "web9"]}},
    "filters without full dicts": {"filters": {"hostname": "web*"}, "return_source_servers": False},
    "filters that match nothing": {"filters": {"hostname": "nobody"}},
    "rejected options": {"source_server_ids": [], "_ansible_diff": True},
    "an error that ended the run": {"filters": {"hostname": "web*"}, "script": expired("StartReplication")},
    "an error that ended the listing": {"filters": {"hostname": "web*"}, "script": expired("DescribeSourceServers")},
}


def returned(arguments: dict[str, Any], result: dict[str, Any]) -> set[str]:
    """The keys that RETURN promises for a result with these arguments."""
    promised = {key for key, value in DOCUMENTED.items() if value["returned"] == "always"}
    conditions = {
        "source_server": "source_server_id" in arguments,
        "source_servers": "source_server_id" not in arguments and arguments.get("return_source_servers", True),
        "ansible_facts": "source_server_id" in arguments and not result.get("failed"),
        "unmatched": "filters" in arguments,
        "error": "script" in arguments,
        "diff": "_ansible_diff" in arguments,
    }
    assert promised | set(conditions) == set(DOCUMENTED)
    return promised | {key for key, applies in conditions.items() if applies}


def check_types(value: Any, documented: dict[str, Any]) -> None:
    """Compare the value with its documentation: types, and where it names the members of a dict, these too."""
    assert value is None or isinstance(value, TYPES[documented["type"]])
    rows: list[Any] = value if isinstance(value, list) else [value]
    for row in rows if "contains" in documented else []:
        assert set(row) == set(documented["contains"])
        for key, member in documented["contains"].items():
            check_types(row[key], member)


@pytest.mark.parametrize("name", RESULTS)
def test_return_documents_every_key_of_a_result_and_its_type(run: Run, emulator: Emulator, name: str) -> None:
    arguments = RESULTS[name]
    emulator.load(arguments.get("script", SCRIPT))
    given = {key: value for key, value in arguments.items() if key != "script"}
    result: dict[str, Any] = run(REPLICATION, **given)
    assert set(result) - ADDED_BY_ANSIBLE == returned(arguments, result)
    for key in set(result) - ADDED_BY_ANSIBLE:
        check_types(result[key], DOCUMENTED[key])


def test_the_lifecycles_that_return_documents_are_those_that_exist() -> None:
    assert DOCUMENTED["outcomes"]["contains"]["lifecycle"]["choices"] == list(LIFECYCLES)


def test_a_silent_server_is_warned_of(run: Run, emulator: Emulator) -> None:
    life_cycle = {"lastSeenByServiceDateTime": "2026-01-01T00:00:00Z"}
    silent = {"sourceServerID": sid(1), "hostname": "web1", "state": "CONTINUOUS", "lifeCycle": life_cycle}
    emulator.load({"regions": {"eu-west-1": {"servers": [silent]}}})
    assert "reads CONTINUOUS but was last seen" in str(run(REPLICATION, source_server_id=sid(1))["warnings"])
    result = run(REPLICATION, source_server_id=sid(1), state="stopped", delete_snapshots=True)
    assert "last seen" not in str(result.get("warnings"))
