# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.servers import (
    Storage,
    error_of,
    failed_step_of,
    hostname_of,
    last_seen_of,
    member,
    progress_of,
    raw_error_of,
    state_of,
    storage_of,
    tags_of,
    text_at,
)

GIB = 2**30
INFO = {
    "dataReplicationState": "STALLED",
    "dataReplicationError": {"error": "AGENT_NOT_SEEN", "rawError": "no heartbeat"},
    "dataReplicationInitiation": {
        "steps": [
            {"name": "WAIT", "status": "SUCCEEDED"},
            {"name": "CREATE_SECURITY_GROUP", "status": "FAILED"},
            {"name": "LAUNCH_REPLICATION_SERVER", "status": "FAILED"},
            {"name": "BOOT_REPLICATION_SERVER", "status": "NOT_STARTED"},
        ]
    },
    "replicatedDisks": [
        {"totalStorageBytes": 3 * GIB, "replicatedStorageBytes": GIB, "backloggedStorageBytes": 7},
        {"totalStorageBytes": 3 * GIB, "replicatedStorageBytes": GIB, "backloggedStorageBytes": 8},
    ],
    "lagDuration": "PT16H20M38.697305S",
    "etaDateTime": "2026-11-23T14:05:00Z",
}
SERVER: dict[str, Any] = {
    "dataReplicationInfo": INFO,
    "sourceProperties": {"identificationHints": {"hostname": "web1", "fqdn": "web1.example.com"}},
    "lifeCycle": {"lastSeenByServiceDateTime": "2026-11-22T10:00:00Z"},
    "tags": {"Env": "prod"},
}
OTHER_TYPES: list[Any] = [None, True, 7, 1.5, [], ["text"], {}, {"a": 1}]


def with_info(**members: Any) -> dict[str, Any]:
    return {"dataReplicationInfo": members}


def test_each_reader_reads_its_member() -> None:
    assert state_of(SERVER) == "STALLED"
    assert hostname_of(SERVER) == "web1"
    assert tags_of(SERVER) == {"Env": "prod"}
    assert error_of(SERVER) == "AGENT_NOT_SEEN"
    assert raw_error_of(SERVER) == "no heartbeat"
    assert last_seen_of(SERVER) == "2026-11-22T10:00:00Z"
    assert failed_step_of(SERVER) == "LAUNCH_REPLICATION_SERVER"


@pytest.mark.parametrize("server", [None, {}, *[dict.fromkeys(SERVER, value) for value in OTHER_TYPES]], ids=repr)
def test_what_is_absent_or_of_another_type_is_none(server: Any) -> None:
    for reader in (state_of, hostname_of, error_of, raw_error_of, last_seen_of, failed_step_of):
        assert reader(server) is None
    assert storage_of([server]) == Storage()
    assert progress_of(server) == ""


@pytest.mark.parametrize("value", OTHER_TYPES, ids=repr)
def test_a_text_of_another_type_is_none(value: Any) -> None:
    assert text_at({"a": {"b": value}}, "a", "b") is None
    assert text_at({"a": value}, "a", "b") is None
    assert tags_of({"tags": {"Env": value, "Name": "web1"}}) == {"Name": "web1"}


def test_an_empty_text_is_none() -> None:
    assert text_at({"a": ""}, "a") is None
    assert state_of(with_info(dataReplicationState="")) is None


def test_a_member_is_read_at_any_depth() -> None:
    assert member({"a": {"b": {"c": [1]}}}, "a", "b", "c") == [1]
    assert member({"a": 1}) == {"a": 1}
    assert member([1], "a") is None
    assert member({}, "a", "b") is None


@pytest.mark.parametrize("hints", [{"fqdn": "web1.example.com"}, {"hostname": "", "fqdn": "web1.example.com"}], ids=str)
def test_the_fqdn_stands_in_for_a_host_name_that_is_missing(hints: dict[str, str]) -> None:
    assert hostname_of({"sourceProperties": {"identificationHints": hints}}) == "web1.example.com"


@pytest.mark.parametrize(
    "steps", [None, 7, {}, [], [None, 7, "text"], [{"name": "WAIT"}], [{"status": "FAILED"}]], ids=repr
)
def test_no_step_failed(steps: Any) -> None:
    assert failed_step_of(with_info(dataReplicationInitiation={"steps": steps})) is None


def test_the_storage_of_all_disks_and_servers_is_added_up() -> None:
    other = with_info(replicatedDisks=[{"totalStorageBytes": 2 * GIB, "replicatedStorageBytes": 2 * GIB}])
    storage = storage_of([SERVER, None, other, {}])
    assert storage == Storage(total=8 * GIB, replicated=4 * GIB, backlogged=15)
    assert storage.percent == 50.0


@pytest.mark.parametrize(
    ("value", "bytes_"),
    [
        (0, 0),
        (-5, 0),
        (7, 7),
        (7.9, 7),
        (2**63 - 1, 2**63 - 1),
        (2**63, 0),
        (1e308, 0),
        (float("inf"), 0),
        (float("nan"), 0),
        (True, 0),
        ("7", 0),
        (None, 0),
        ([], 0),
    ],
    ids=repr,
)
def test_an_invalid_number_of_bytes_counts_as_zero(value: Any, bytes_: int) -> None:
    disk = dict.fromkeys(("totalStorageBytes", "replicatedStorageBytes", "backloggedStorageBytes"), value)
    assert storage_of([with_info(replicatedDisks=[disk, None, 7])]) == Storage(bytes_, bytes_, bytes_)


@pytest.mark.parametrize(
    ("total", "replicated", "percent"),
    [(0, 0, None), (0, 5, None), (1000, 0, 0.0), (3, 1, 33.3), (3, 2, 66.7), (1000, 1000, 100.0), (1000, 2000, 100.0)],
)
def test_the_percentage_has_one_decimal_and_is_100_at_the_most(
    total: int, replicated: int, percent: float | None
) -> None:
    assert Storage(total, replicated).percent == percent


def test_the_progress_tells_what_is_known() -> None:
    assert progress_of(SERVER) == (
        "failed step LAUNCH_REPLICATION_SERVER, replicated 33.3 %, lag PT16H20M38.697305S, ETA 2026-11-23T14:05:00Z"
    )
    assert progress_of(with_info(lagDuration="P0D")) == "lag P0D"
    assert progress_of(with_info(replicatedDisks=[{"totalStorageBytes": GIB}])) == "replicated 0.0 %"
