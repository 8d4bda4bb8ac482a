# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What both modules reject, in one clear sentence and with the usual keys in the result.

Runs each module against the emulator. The integration targets invalid_options and fleet show a few of these
rejections in a playbook and ad hoc.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.tests.emulator import Emulator
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import sid

Document = dict[str, Any]
Run = Callable[..., Document]

INFO = "drs_source_server_info"
REPLICATION = "drs_source_server_replication"
ID = sid(1)
WEB = {"hostname": "web1"}
STOP = {"state": "stopped", "delete_snapshots": True}
ACCESS_KEY = "AKIAREJECTEDEXAMPLE2"
SECRET_KEY = "rejections-only-secret-key-fedcba9876543210"
SESSION_TOKEN = "rejections-only-session-token-0f1e2d3c4b5a6978"
DENIAL = "User: arn:aws:iam::111122223333:user/ops is not authorized to perform: drs:DescribeSourceServers"

SERVERS = {"servers": [{"sourceServerID": ID, "hostname": "web1", "tags": {"env": "prod"}}]}
SCRIPT: Document = {
    "regions": {"eu-west-1": SERVERS, "eu-west-2": SERVERS, "eu-west-3": SERVERS, "eu-central-1": {}},
    "faults": [
        {"region": "eu-west-2", "kind": "garbage", "body": "html", "times": None},
        {"region": "eu-west-3", "code": "AccessDeniedException", "status": 403, "message": DENIAL, "times": None},
    ],
}

FILTERS = [
    ({"hostnam": "web1"}, "hostnam.*tag:<Key>.*hostname.*replication-state"),
    ({}, "filters is empty"),
    ({"hostname": {"a": "b"}}, "hostname takes a string"),
    ({"hostname": [["web1"]]}, "hostname takes a string"),
    ({"hostname": []}, "hostname takes a string"),
    ({"hostname": None}, "hostname takes a string"),
]

REJECTED_BEFORE_ANY_CALL: list[tuple[Document, str]] = [
    ({}, "source_server_id.+source_server_ids"),
    ({"source_server_id": None}, "source_server_id.+source_server_ids"),
    ({"source_server_id": ID, "source_server_ids": [ID]}, "source_server_id.+source_server_ids"),
    ({"source_server_ids": []}, "source_server_ids is empty"),
    ({"source_server_id": ""}, "source_server_id is empty"),
    ({"source_server_id": "i-1234567890abcdef0"}, "i-1234567890abcdef0"),
    ({"source_server_id": "s-12345678\n90abcdef0"}, r"12345678\\n90abcdef0"),
    ({"source_server_id": ID, "exclude_filters": [WEB]}, "exclude_filters requires filters"),
    (
        {"source_server_ids": [ID, "s-short", "", "s-1234567890abcdef01", "S-1234567890abcdef0"]},
        "'s-short', '', 's-1234567890abcdef01', 'S-1234567890abcdef0'",
    ),
    ({"source_server_id": ID, "state": "stopped"}, "delete_snapshots: true"),
    ({"source_server_id": ID, "profile": "no-such-profile"}, "profile"),
    ({"source_server_id": ID, "aws_config": {"no_such_option": 1}}, "aws_config.*no_such_option"),
    ({"source_server_id": ID, "aws_config": {"retries": "many"}}, "aws_config|retries"),
    ({"source_server_id": ID, "aws_config": {"retries": {"max_attempts": "some"}}}, "aws_config|max_attempts|retries"),
    ({"source_server_id": ID, "region": "eu west 1"}, "eu west 1"),
    ({"source_server_id": ID, "region": "eu-west-1\n"}, "region 'eu-west-1"),
    ({"source_server_id": ID, "session_token": f"{SESSION_TOKEN}\n"}, "session_token must not contain whitespace"),
    ({"source_server_id": ID, "endpoint_url": "nonsense"}, "nonsense"),
    *[({"filters": filters}, msg) for filters, msg in FILTERS],
    ({"filters": WEB, **STOP}, "never filters"),
    ({"filters": WEB, "exclude_filters": [{**WEB, "hostnam": "web1"}]}, "exclude_filters.*hostnam"),
    ({"filters": WEB, "exclude_filters": [{}]}, "exclude_filters has an empty entry"),
    ({"filters": WEB, "max_in_progress": 0}, "max_in_progress must be at least 1"),
    ({"filters": WEB, "max_in_progress": -1}, "max_in_progress must be at least 1"),
]

MISSING_FROM_THE_ENVIRONMENT: list[tuple[list[str], Document, str]] = [
    (["AWS_REGION", "AWS_DEFAULT_REGION"], {}, "region"),
    (["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"], {}, "credentials"),
    (["AWS_SECRET_ACCESS_KEY"], {}, "credentials|secret"),
    (["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"], {"profile": "no-such-profile"}, "no-such-profile"),
]

FOUND_OUT_BY_A_CALL: list[tuple[Document, str]] = [
    (
        {"access_key": ACCESS_KEY, "secret_key": SECRET_KEY},
        "credentials.*eu-west-1.*UnrecognizedClientException",
    ),
    (
        {"access_key": None, "secret_key": SECRET_KEY, "session_token": SESSION_TOKEN},
        "credentials.*eu-west-1.*InvalidSignatureException",
    ),
    ({"region": "us-east-1"}, "aws drs initialize-service.*us-east-1"),
    ({"region": "eu-west-2"}, "DescribeSourceServers in eu-west-2"),
    ({"region": "eu-west-3"}, "these credentials lack drs:DescribeSourceServers"),
    ({"endpoint_url": "http://127.0.0.1:9"}, r"127\.0\.0\.1:9"),
]

MATCHING_NOTHING: list[tuple[Document, str]] = [
    ({"tag:env": "prodd"}, "eu-west-1"),
    ({"tag:ENV": "prod", "replication-state": "STOPPED"}, "eu-west-1"),
    ({"hostname": "web"}, "eu-west-1"),
    ({"fqdn": "*"}, "eu-central-1"),
]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(SCRIPT) as running:
        yield running


def assert_rejected(result: Document, msg: str) -> None:
    """One clear sentence, and a result with the usual keys that says that nothing was changed."""
    assert result["failed"]
    assert not result["changed"]
    assert re.search(msg, result["msg"])
    assert result["msg"].isprintable()
    one_sentence = re.sub(r"(is empty|has an empty entry)[.]", "", re.sub(r"[(].*?[)]", "", result["msg"]))
    assert ". " not in one_sentence
    assert not re.search("object has no attribute|not supported between|Traceback", json.dumps(result))
    assert "ansible_facts" not in result
    assert [outcome for outcome in result["outcomes"] if not outcome["failed"]] == []
    assert result["summary"]["changed"] == 0


@pytest.mark.parametrize(("options", "msg"), REJECTED_BEFORE_ANY_CALL, ids=str)
def test_bad_options_are_rejected_before_any_call(options: Document, msg: str, run: Run, emulator: Emulator) -> None:
    result = run(REPLICATION, **options)
    assert_rejected(result, msg)
    assert result["outcomes"] == []
    assert emulator.journal() == []


@pytest.mark.parametrize(("filters", "msg"), FILTERS, ids=str)
def test_the_info_module_rejects_bad_filters_before_any_call(
    filters: Document, msg: str, run: Run, emulator: Emulator
) -> None:
    result = run(INFO, filters=filters)
    assert result["failed"]
    assert re.search(msg, result["msg"])
    assert emulator.journal() == []


@pytest.mark.parametrize(("missing", "options", "msg"), MISSING_FROM_THE_ENVIRONMENT, ids=str)
def test_what_is_missing_from_the_environment_is_named_before_any_call(
    missing: list[str], options: Document, msg: str, run: Run, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in missing:
        monkeypatch.delenv(name)
    assert_rejected(run(REPLICATION, source_server_id=ID, **options), msg)
    assert emulator.journal() == []


@pytest.mark.parametrize(("options", "msg"), FOUND_OUT_BY_A_CALL, ids=str)
def test_what_a_call_finds_out_is_said_in_one_sentence_and_nothing_is_started(
    options: Document, msg: str, run: Run, emulator: Emulator
) -> None:
    if "access_key" in options:
        options = {**options, "access_key": options["access_key"] or emulator.environment["AWS_ACCESS_KEY_ID"]}
    result = run(REPLICATION, source_server_id=ID, **options)
    assert_rejected(result, msg)
    assert SECRET_KEY not in json.dumps({key: value for key, value in result.items() if key != "invocation"})
    reached = [] if "endpoint_url" in options else ["DescribeSourceServers"]
    assert [call["operation"] for call in emulator.journal()] == reached


@pytest.mark.parametrize(("filters", "region"), MATCHING_NOTHING, ids=str)
def test_filters_that_match_nothing_are_rejected_with_the_region(
    filters: Document, region: str, run: Run, emulator: Emulator
) -> None:
    result = run(REPLICATION, filters=filters, region=region)
    assert result["failed"]
    assert not result["changed"]
    assert region in result["msg"]
    assert result["outcomes"] == []
    assert result["summary"]["matched"] == 0
    assert emulator.calls("StartReplication") == []
