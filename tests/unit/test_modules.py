# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each module as a process, against the emulator."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.yaml import yaml_load
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.lifecycle import LIFECYCLES
from ansible_collections.disaster_recovery.aws.plugins.modules import drs_source_server_replication
from ansible_collections.disaster_recovery.aws.tests.emulator import Emulator
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import sid
from ansible_collections.disaster_recovery.aws.tests.unit.forks import Finished
from ansible_collections.disaster_recovery.aws.tests.unit.ids import short_id
from ansible_collections.disaster_recovery.aws.tests.unit.modules import MODULES, NAMES, result_of

INFO = "drs_source_server_info"
REPLICATION = "drs_source_server_replication"
DRILL = "drs_drill"
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


def expired(operation: str) -> dict[str, Any]:
    """A script in which this operation fails for its credentials."""
    fault = {"operation": operation, "code": "ExpiredTokenException", "status": 403, "times": None}
    return {**SCRIPT, "faults": [fault]}


EXPIRED = "AWS refused the credentials in eu-west-1 (ExpiredTokenException: ExpiredTokenException (scripted))"


def warnings_of(result: dict[str, Any]) -> list[str]:
    """The warnings; newer versions of ansible-core wrap them."""
    return [each if isinstance(each, str) else each["event"]["msg"] for each in result["warnings"]]


def operations(emulator: Emulator) -> list[str]:
    return [call["operation"] for call in emulator.journal()]


def starts(emulator: Emulator) -> list[str]:
    return [call["input"]["sourceServerID"] for call in emulator.calls("StartReplication")]


RESULTS: list[tuple[str, dict[str, Any], str | None, set[str]]] = [
    (
        REPLICATION,
        {"source_server_id": sid(2)},
        None,
        {"with O(source_server_id)", "success, with O(source_server_id)"},
    ),
    (
        REPLICATION,
        {"filters": {"hostname": "web*"}, "return_source_servers": False},
        "StartReplication",
        {"with O(filters)", "if an error ended the run"},
    ),
    (
        DRILL,
        {"source_server_id": sid(1), "wait_delay": 1, "_ansible_diff": True},
        None,
        {"with O(source_server_id)", "success, with O(source_server_id)", "in diff mode"},
    ),
    (
        DRILL,
        {"filters": {"hostname": "web*"}, "return_source_servers": False, "state": "absent"},
        "DescribeJobs",
        {"with O(filters)", "if an error ended the run"},
    ),
    (INFO, {"rpo": 3600, "max_drill_age": 90}, None, {"unless O(return_source_servers=false)"}),
    (INFO, {"return_source_servers": False}, "DescribeSourceServers", {"if an error ended the run"}),
]
"""Module, arguments, the operation that fails, and which conditions of RETURN the result meets."""

TYPES: dict[str, Any] = {"str": str, "int": int, "float": (int, float), "bool": bool, "list": list, "dict": dict}
OF_ANSIBLE = {"changed", "failed", "invocation", "warnings"}


def assert_documented(values: dict[str, Any], documented: dict[str, Any]) -> None:
    """Assert that the values have these keys and no others, each with its type or null, at any depth."""
    assert sorted(values) == sorted(documented)
    for name, value in values.items():
        facts = documented[name]
        if value is None:
            continue
        assert isinstance(value, TYPES[facts["type"]]), name
        assert value in facts.get("choices", [value]), name
        for each in value if isinstance(value, list) else [value]:
            if "contains" in facts:
                assert_documented(each, facts["contains"])


@pytest.mark.parametrize("name", NAMES)
def test_a_new_python_process_prints_the_same(run: Run, tmp_path: Path, name: str) -> None:
    filters = {"hostname": "web1", "replication-state": ["STOPED", "CONTINUOUS"]}
    arguments = {"filters": filters, "_ansible_check_mode": True}
    file = tmp_path / "arguments.json"
    file.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
    argv = [sys.executable, "-c", f"from {MODULES}.{name} import main; main()", str(file)]
    forked = run(name, **arguments)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=60, check=False)
    result = result_of(Finished(done.returncode, done.stdout, done.stderr))
    assert set(result) == set(forked)
    assert (result["msg"], result["warnings"]) == (forked["msg"], forked["warnings"])
    assert "STOPED" in str(result["warnings"])


def test_what_is_returned_is_what_is_documented(run: Run, emulator: Emulator) -> None:
    documented = {name: yaml_load(import_module(f"{MODULES}.{name}").RETURN) for name in NAMES}
    for name, arguments, failing, conditions in RESULTS:
        emulator.load(expired(failing) if failing else SCRIPT)
        result = run(name, **arguments)
        due = {key: facts for key, facts in documented[name].items() if facts["returned"] in {"always", *conditions}}
        for key in OF_ANSIBLE:
            result.pop(key, None)
            due.pop(key, None)
        assert_documented(result, due)


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
    assert result["msg"].startswith("2 of 2 source servers")
    assert f"source-server-id={sid(9)}" in result["msg"]


FLEET = {
    "page_size": 3,
    "regions": {
        "eu-west-1": {
            "servers": [
                {"sourceServerID": sid(1), "hostname": "web1", "tags": {"env": "prod", "Backup": "true"}},
                {"sourceServerID": sid(2), "hostname": "web2", "tags": {"env": "prod"}, "state": "CONTINUOUS"},
                {"sourceServerID": sid(3), "hostname": "db2", "replicationDirection": "FAILBACK"},
                {"sourceServerID": sid(4), "hostname": "test[1]", "tags": {"env": "test"}},
            ]
        }
    },
}


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({}, [1, 2, 3, 4]),
        ({"filters": {"tag:env": "prod"}}, [1, 2]),
        ({"filters": {"tag:Backup": True}}, [1]),
        ({"filters": {"tag-key": "Back*"}}, [1]),
        ({"filters": {"tag:env": "*", "hostname": "web?"}}, [1, 2]),
        ({"filters": {"hostname": ["web2", "db2"]}}, [2, 3]),
        ({"filters": {"hostname": "test[1]"}}, [4]),
        ({"filters": {"hostname": ["WEB1", "Test*"]}}, [1, 4]),
        ({"filters": {"replication-state": "CONTINUOUS"}}, [2]),
        ({"filters": {"replication-direction": "FAILBACK"}}, [3]),
        ({"filters": {"hostname": "nobody"}}, []),
        ({"source_server_ids": [sid(9)]}, []),
    ],
    ids=str,
)
def test_info_sums_up_what_it_found(run: Run, emulator: Emulator, arguments: dict[str, Any], found: list[int]) -> None:
    emulator.load(FLEET)
    result = run(INFO, **arguments)
    assert [server["source_server_id"] for server in result["source_servers"]] == [sid(number) for number in found]
    assert result["summary"]["matched"] == sum(result["summary"]["by_state"].values()) == len(found)
    # A stopped server has no disks.
    assert (result["summary"]["replicated_percent"] is None) == (2 not in found)
    assert (result["summary"]["total_storage_bytes"] == 0) == (2 not in found)


def test_info_takes_one_id_too(run: Run) -> None:
    result = run(INFO, source_server_id=sid(3), max_lag=1800)
    assert [each["source_server_id"] for each in result["protection"]] == [sid(3)]
    assert (result["protection"][0]["region"], result["protection"][0]["account"]) == ("eu-west-1", "111122223333")


@pytest.mark.parametrize("module", [INFO, REPLICATION])
def test_a_state_that_botocore_does_not_know_is_warned_of(run: Run, module: str) -> None:
    assert "STOPED" in str(run(module, filters={"replication-state": ["STOPED", "STOPPED"]})["warnings"])


@pytest.mark.parametrize(
    ("arguments", "msg"),
    [
        (
            {"rpo": 599},
            "rpo must be from 600 to 31536000 seconds (one year): DRS takes a recovery point every 10 minutes",
        ),
        ({"max_lag": 0}, "max_lag must be from 1 to 31536000 seconds (one year)."),
        ({"filters": {"hostnam": "web1"}}, "filters: unknown key hostnam; use tag:<Key>, "),
        (
            {"filters": {"origin-account-id": 0o12345670123}},
            "filters: origin-account-id takes account IDs of 12 digits",
        ),
        ({"exclude_filters": [{"staging-account-id": 7}]}, "exclude_filters: staging-account-id takes account IDs of"),
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
    assert f"unknown: {EXPIRED}: {sid(3)} db1; " in result["msg"]
    assert f"source-server-id={sid(9)}" in result["msg"]


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


def test_servers_chosen_by_filters_are_no_facts_and_are_left_out_on_request(run: Run) -> None:
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
    assert result["msg"].startswith("1 of 1 source server started")
    assert "hostname=web9" in result["msg"]
    assert starts(emulator) == [sid(2)]


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("filters", "exclude_filters", "unmatched", "told"),
    [
        ({"hostname": "web*"}, [{"hostname": "wbe1"}], ["hostname=wbe1"], "hostname=wbe1"),
        ({"hostname": "web*"}, [{"hostname": ["web1", "wbe1"]}], ["hostname=wbe1"], "hostname=wbe1"),
        ({"hostname": "web*"}, [{"hostname": "db1"}, {"fqdn": "x.y"}], ["fqdn=x.y"], "fqdn=x.y"),
        ({"hostname": "web*"}, [{"ec2-instance-id": "i-0"}], ["ec2-instance-id=i-0"], "ec2-instance-id=i-0"),
        (
            {"source-server-id": [sid(2)]},
            [{"source-server-id": [sid(3), sid(9)]}],
            [f"source-server-id={sid(9)}"],
            f"source-server-id={sid(9)}",
        ),
        (
            {"hostname": "web*"},
            [{"hostname": "wbe1", "replication-state": "STOPPED"}],
            ["hostname=wbe1"],
            "hostname=wbe1",
        ),
        (
            {"hostname": "web*"},
            [{"hostname": "web2.example.net"}],
            ["hostname=web2.example.net"],
            "hostname=web2.example.net (hostname=web2 would match)",
        ),
    ],
)
def test_an_excluded_name_that_no_server_has_fails_before_anything_is_started(
    run: Run,
    emulator: Emulator,
    check_mode: bool,
    filters: dict[str, Any],
    exclude_filters: list[dict[str, Any]],
    unmatched: list[str],
    told: str,
) -> None:
    result = run(REPLICATION, filters=filters, exclude_filters=exclude_filters, _ansible_check_mode=check_mode)
    assert (result["failed"], result["changed"], result["outcomes"]) == (True, False, [])
    assert result["unmatched"] == [f"exclude_filters: {each}" for each in unmatched]
    assert result["msg"] == f"exclude_filters: no source server in eu-west-1 has {told}; nothing was changed."
    assert operations(emulator) == ["DescribeSourceServers"]
    assert "filters" not in emulator.calls("DescribeSourceServers")[0]["input"]


def test_an_excluded_name_that_exists_but_does_not_match_the_filters_is_no_mistake(
    run: Run, emulator: Emulator
) -> None:
    result = run(REPLICATION, filters={"source-server-id": sid(2)}, exclude_filters=[{"hostname": "db1"}])
    assert (result["changed"], result["unmatched"]) == (True, [])
    assert "warnings" not in result
    assert starts(emulator) == [sid(2)]


@pytest.mark.parametrize("module", [INFO, REPLICATION])
def test_an_excluded_filter_that_matches_nothing_is_warned_of(run: Run, module: str) -> None:
    excluded = [{"tag:Role": "db"}, {"hostname": "test-*"}, {"tag:Role": "x", "replication-state": "STOPPED"}]
    result = run(module, filters={"hostname": "web*"}, exclude_filters=excluded)
    assert "failed" not in result
    assert result["unmatched"] == []
    assert warnings_of(result) == [
        "exclude_filters: no source server in eu-west-1 matches tag:Role=db; hostname=test-*"
    ]


def test_info_lists_and_warns_of_an_excluded_name_that_no_server_has(run: Run) -> None:
    excluded = [{"hostname": ["web2", "wbe1"]}]
    result = run(INFO, filters={"hostname": ["web*", "WEB1.example.net"]}, exclude_filters=excluded)
    assert [server["source_server_id"] for server in result["source_servers"]] == [sid(1)]
    assert result["unmatched"] == ["hostname=WEB1.example.net", "exclude_filters: hostname=wbe1"]
    assert warnings_of(result) == [
        "No source server in eu-west-1 has hostname=WEB1.example.net (hostname=WEB1 would match)",
        "exclude_filters: no source server in eu-west-1 has hostname=wbe1",
    ]
    assert "no source server has hostname=WEB1.example.net (hostname=WEB1 would match);" in result["msg"]


def test_a_named_host_of_another_form_fails_with_the_filter_that_would_match(run: Run, emulator: Emulator) -> None:
    servers = [
        {"sourceServerID": sid(1), "hostname": "web1"},
        {"sourceServerID": sid(2), "hostname": "web2.example.net"},
    ]
    emulator.load({"regions": {"eu-west-1": {"servers": servers}}})
    result = run(REPLICATION, filters={"hostname": ["web1", "web2"]}, _ansible_check_mode=True)
    assert result["unmatched"] == ["hostname=web2"]
    assert result["msg"].endswith(", but no source server has hostname=web2 (hostname=web2.* would match).")
    alone = run(REPLICATION, filters={"hostname": "web2"}, _ansible_check_mode=True)
    assert alone["unmatched"] == ["hostname=web2"]
    assert alone["msg"].endswith(": check the filters and the region; hostname=web2.* would match.")


def test_filters_that_match_nothing_fail(run: Run, emulator: Emulator) -> None:
    result = run(REPLICATION, filters={"tag:Role": "web"})
    assert result["failed"]
    assert "matches tag:Role=web in eu-west-1" in result["msg"]
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
        (
            {"filters": {"hostname": "web*"}, "exclude_filters": [{"staging-account-id": 0o12345670123}]},
            (
                "exclude_filters: staging-account-id takes account IDs of 12 digits, not '1402433619': quote them,"
                " since YAML reads a number that begins with 0 as octal."
            ),
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


DOCUMENTED: dict[str, Any] = yaml_load(drs_source_server_replication.RETURN)


def test_the_lifecycles_that_return_documents_are_those_that_exist() -> None:
    assert DOCUMENTED["outcomes"]["contains"]["lifecycle"]["choices"] == list(LIFECYCLES)


def test_a_silent_server_is_warned_of(run: Run, emulator: Emulator) -> None:
    life_cycle = {"lastSeenByServiceDateTime": "2026-01-01T00:00:00Z"}
    silent = {"sourceServerID": sid(1), "hostname": "web1", "state": "CONTINUOUS", "lifeCycle": life_cycle}
    emulator.load({"regions": {"eu-west-1": {"servers": [silent]}}})
    assert "reads CONTINUOUS but was last seen" in str(run(REPLICATION, source_server_id=sid(1))["warnings"])
    result = run(REPLICATION, source_server_id=sid(1), state="stopped", delete_snapshots=True)
    assert "last seen" not in str(result.get("warnings"))


SSO = f"arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_{'DisasterRecovery' * 4}_0123456789abcdef/ops@example.com"
DENIED = (
    f"User: {SSO} is not authorized to perform: drs:{{}}"
    " on resource: arn:aws:drs:eu-west-1:111122223333:source-server/*"
    " because no permissions boundary allows the drs:{} action"
)


def denied(operation: str) -> dict[str, Any]:
    message = DENIED.format(operation, operation)
    fault = {"operation": operation, "code": "AccessDeniedException", "status": 403, "message": message, "times": None}
    return {**SCRIPT, "faults": [fault]}


@pytest.mark.parametrize("arguments", [{"source_server_id": sid(2)}, {"filters": {"hostname": "web*"}}], ids=str)
def test_a_denied_start_has_the_whole_text_of_aws_in_its_outcome(
    run: Run, emulator: Emulator, arguments: dict[str, Any]
) -> None:
    emulator.load(denied("StartReplication"))
    result = run(REPLICATION, **arguments)
    outcome = result["outcomes"][-1]
    assert outcome["error_message"] == DENIED.format("StartReplication", "StartReplication")
    assert {each["error_message"] for each in result["outcomes"][:-1]} <= {None}
    assert "because no permissions boundary allows the drs:StartReplication action" in outcome["reason"]
    assert "because no permissions boundary allows the drs:StartReplication action" in result["msg"]
    assert SSO not in result["msg"]


@pytest.mark.parametrize("module", [INFO, REPLICATION])
def test_a_denied_listing_has_the_whole_text_of_aws_in_the_error(run: Run, emulator: Emulator, module: str) -> None:
    emulator.load(denied("DescribeSourceServers"))
    result = run(module, filters={"hostname": "web*"})
    whole = DENIED.format("DescribeSourceServers", "DescribeSourceServers")
    assert result["error"]["message"] == f"{result['msg'].rstrip('.')}; in full: {whole}"
    assert result["msg"].startswith("these credentials lack drs:DescribeSourceServers in eu-west-1")
    assert result["msg"].endswith("because no permissions boundary allows the drs:DescribeSourceServers action).")


@pytest.mark.parametrize(
    ("module", "key"),
    [
        (INFO, "__ansible_type"),
        (REPLICATION, "__ansible_vault"),
        (DRILL, "_ansible_no_log"),
        (INFO, " __ansible_type"),
        (REPLICATION, "\t_ansible_x"),
        (DRILL, " __ansible_unsafe "),
    ],
)
def test_a_tag_key_that_ansible_reserves_is_left_out_and_named_once(
    run: Run, emulator: Emulator, module: str, key: str
) -> None:
    tags = {key: "x", "env": "prod"}
    servers = [{"sourceServerID": sid(each), "state": "CONTINUOUS", "tags": tags} for each in (1, 2)]
    emulator.load({"regions": {"eu-west-1": {"servers": servers}}})
    result = run(module, filters={f"tag:{key}": "x"}, _ansible_check_mode=True)
    assert [server["tags"] for server in result["source_servers"]] == [{"env": "prod"}] * 2
    assert [row["tags"] for row in result["protection" if module == INFO else "outcomes"]] == [{"env": "prod"}] * 2
    assert len([warning for warning in warnings_of(result) if key.strip() in warning]) == 1


MODULE_FILES = sorted(Path(__file__).parents[2].glob("plugins/modules/*.py"))
OLD_PYTHON = """
import runpy, sys
sys.version_info = (3, 9, 18, "final", 0)
sys.modules["ansible"] = sys.modules["ansible_collections"] = None  # cannot be imported
runpy.run_path(sys.argv[1], run_name="__main__")
"""


@pytest.mark.parametrize("path", MODULE_FILES, ids=short_id)
def test_an_old_python_compiles_the_module_and_is_told_which_one_is_needed(path: Path) -> None:
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))
    done = subprocess.run([sys.executable, "-c", OLD_PYTHON, path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    result = json.loads(done.stdout)
    assert result["failed"]
    assert result["msg"].startswith("This module needs Python 3.10 or newer, not 3.9 (")


def old_pythons() -> list[str]:
    """The older interpreters of this machine that ansible-core still supports for modules."""
    folders = sorted(Path.home().glob(".pyenv/versions/3.[89].*/bin"))
    return [found for folder in folders if (found := shutil.which("python", path=folder))]


@pytest.mark.parametrize("python", old_pythons())
@pytest.mark.parametrize("path", MODULE_FILES, ids=short_id)
def test_a_python_that_is_really_old_prints_the_same_sentence(path: Path, python: str) -> None:
    done = subprocess.run([python, path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert python in json.loads(done.stdout)["msg"]
