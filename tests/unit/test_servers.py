# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.rules import details_of
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.servers import (
    Disk,
    LastLaunch,
    Storage,
    account_in,
    account_of,
    disks_without_attributes_of,
    ec2_instance_id_of,
    error_of,
    extension_status_of,
    failed_step_of,
    has_marketplace_codes,
    hostname_of,
    is_disconnected_on_purpose,
    is_rescanning,
    last_launch_of,
    last_seen_of,
    member,
    progress_of,
    raw_error_of,
    recovery_instance_id_of,
    rescan_of,
    reversed_arn_of,
    seconds_unseen_of,
    silence_of,
    staging_account_of,
    staging_arn_of,
    state_of,
    storage_of,
    tags_of,
    text_at,
    unreplicated_disks_of,
    vmware_uuid_of,
)
from ansible_collections.disaster_recovery.aws.tests.unit.documents import DOCUMENTS, properties
from botocore.model import ServiceModel
from hypothesis import given

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


LAUNCH = {
    "initiated": {"type": "RECOVERY", "apiCallDateTime": "2026-11-20T08:00:00Z", "jobID": "drsjob-1"},
    "status": "LAUNCHED",
}
FULL: dict[str, Any] = {
    "arn": "arn:aws:drs:eu-west-1:111122223333:source-server/s-00000000000000001",
    "recoveryInstanceId": "i-2",
    "reversedDirectionSourceServerArn": "arn:reversed",
    "lifeCycle": {"lastLaunch": LAUNCH, "lastSeenByServiceDateTime": "2026-11-22T10:00:00Z"},
    "stagingArea": {"status": "EXTENDED", "stagingAccountID": "444455556666", "stagingSourceServerArn": "arn:staging"},
    "sourceProperties": {"identificationHints": {"awsInstanceID": "i-1", "vmWareUuid": "42ab"}},
}
NOW = datetime(2026, 11, 22, 13, 0, tzinfo=timezone.utc)


def test_each_reader_of_the_whole_document_reads_its_member() -> None:
    assert {reader: reader(FULL) for reader in TEXT_READERS} == TEXT_READERS
    assert last_launch_of(FULL) == LastLaunch("RECOVERY", "LAUNCHED", "2026-11-20T08:00:00Z", "drsjob-1")
    assert seconds_unseen_of(FULL, NOW) == 3 * 3600


TEXT_READERS = {
    account_of: "111122223333",
    ec2_instance_id_of: "i-1",
    extension_status_of: "EXTENDED",
    recovery_instance_id_of: "i-2",
    reversed_arn_of: "arn:reversed",
    staging_account_of: "444455556666",
    staging_arn_of: "arn:staging",
    vmware_uuid_of: "42ab",
}


@pytest.mark.parametrize("server", [None, {}, *[dict.fromkeys(FULL, value) for value in OTHER_TYPES]], ids=repr)
def test_what_the_whole_document_lacks_is_none(server: Any) -> None:
    assert {reader(server) for reader in TEXT_READERS} == {None}
    assert last_launch_of(server) == LastLaunch()
    assert seconds_unseen_of(server, NOW) is None
    assert (is_rescanning(server), rescan_of(server), is_disconnected_on_purpose(server)) == (False, None, False)
    assert (disks_without_attributes_of(server), unreplicated_disks_of(server)) == ([], [])
    assert not has_marketplace_codes(server)


@pytest.mark.parametrize(
    ("arn", "account"),
    [
        (FULL["arn"], "111122223333"),
        ("arn:aws:drs:eu-west-1::source-server/s-1", None),
        ("arn:aws:drs:eu-west-1:111122223333", None),
        ("", None),
        (None, None),
    ],
)
def test_the_account_is_that_of_the_arn(arn: str | None, account: str | None) -> None:
    assert account_in(arn) == account_of({"arn": arn}) == account


@pytest.mark.parametrize(
    ("state", "seen", "silence"),
    [
        ("CONTINUOUS", "2026-11-22T12:49:59Z", 601.0),
        ("CONTINUOUS", "2026-11-22T12:50:00Z", None),
        ("CONTINUOUS", "2026-11-22T14:00:00Z", None),
        ("CONTINUOUS", None, None),
        ("CONTINUOUS", "yesterday", None),
        ("STALLED", "2026-11-22T10:00:00Z", None),
        ("BACKLOG", "2026-11-22T10:00:00Z", None),
    ],
)
def test_a_server_that_reads_continuous_but_was_not_seen_for_ten_minutes_is_silent(
    state: str, seen: str | None, silence: float | None
) -> None:
    server = {**with_info(dataReplicationState=state), "lifeCycle": {"lastSeenByServiceDateTime": seen}}
    assert silence_of(server, NOW) == silence


def rescanned(*pairs: tuple[Any, Any]) -> dict[str, Any]:
    return with_info(
        replicatedDisks=[{"rescannedStorageBytes": done, "totalStorageBytes": total} for done, total in pairs]
    )


@pytest.mark.parametrize(
    ("pairs", "percent", "rescan"),
    [
        ([(40, 100)], 40.0, "rescan 40 % done"),
        ([(1, 1000)], 0.1, "rescan 0 % done"),
        ([(999_999, 1_000_000)], 99.9, "rescan 99 % done"),
        ([(100, 100), (50, 100)], 75.0, "rescan 75 % done"),
        ([(0, 100), (50, 100)], 25.0, "rescan 25 % done"),
        ([(100, 100)], 100.0, None),
        ([(200, 100)], 100.0, None),
        ([(0, 100)], 0.0, None),
        ([(None, 100)], 0.0, None),
        ([(True, 100)], 0.0, None),
        ([(5, 0)], None, None),
        ([(5, None)], None, None),
        ([], None, None),
    ],
)
def test_a_rescan_is_unfinished_between_nothing_and_everything(
    pairs: list[tuple[Any, Any]], percent: float | None, rescan: str | None
) -> None:
    server = rescanned(*pairs)
    assert storage_of([server]).rescanned_percent == percent
    assert rescan_of(server) == rescan
    assert is_rescanning(server) == (rescan is not None)
    assert (rescan in progress_of(server) and details_of(server) == [rescan]) if rescan else not details_of(server)


@pytest.mark.parametrize(
    ("status", "misses", "has_codes"),
    [
        ("REGULAR", False, False),
        ("PENDING", False, False),
        ("MISSING_VOLUME_ATTRIBUTES", True, False),
        ("MISSING_VOLUME_ATTRIBUTES_AND_PRECHECK_UNAVAILABLE", True, False),
        ("CONTAINS_MARKETPLACE_PRODUCT_CODES", False, True),
        (None, False, False),
        (["MISSING_VOLUME_ATTRIBUTES"], False, False),
    ],
)
def test_the_status_of_a_volume(status: Any, misses: bool, has_codes: bool) -> None:
    disks = [{"deviceName": "/dev/sda"}, {"deviceName": "/dev/sdb", "volumeStatus": status}, {"volumeStatus": status}]
    server = with_info(replicatedDisks=disks)
    assert disks_without_attributes_of(server) == (["/dev/sdb", "-"] if misses else [])
    assert has_marketplace_codes(server) == has_codes


def test_the_volume_statuses_are_those_of_the_model(drs_model: ServiceModel) -> None:
    known = drs_model.shape_for("VolumeStatus").enum  # type: ignore[attr-defined]
    assert {"MISSING_VOLUME_ATTRIBUTES", "CONTAINS_MARKETPLACE_PRODUCT_CODES"} <= set(known)


@pytest.mark.parametrize(
    ("replicated", "expected"),
    [
        ([{"deviceName": "/dev/sda"}], [Disk("/dev/sdb", 2199023255552)]),
        ([{"deviceName": "/dev/sda"}, {"deviceName": "/dev/sdb"}], []),
        ([{"deviceName": "/dev/sdc"}], [Disk("/dev/sda", 0), Disk("/dev/sdb", 2199023255552)]),
        ([], []),
        (None, []),
        ([{}, None], []),
    ],
)
def test_disks_that_are_not_replicated_are_told_where_any_is(replicated: Any, expected: list[Disk]) -> None:
    disks = [{"deviceName": "/dev/sda"}, {"deviceName": "/dev/sdb", "bytes": 2199023255552}, {"bytes": 7}, None]
    server = {**with_info(replicatedDisks=replicated), "sourceProperties": {"disks": disks}}
    assert unreplicated_disks_of(server) == expected


@pytest.mark.parametrize(
    ("info", "on_purpose"),
    [
        ({"replicatedDisks": [{"totalStorageBytes": 0}, {}]}, True),
        ({"replicatedDisks": [{"totalStorageBytes": 0}], "lagDuration": "P0D"}, False),
        ({"replicatedDisks": [{"totalStorageBytes": 0}, {"totalStorageBytes": 1}]}, False),
        ({"replicatedDisks": []}, False),
        ({}, False),
        ({"replicatedDisks": [{"totalStorageBytes": 0}], "dataReplicationState": "STALLED"}, False),
    ],
)
def test_a_server_whose_disks_have_no_bytes_was_disconnected_on_purpose(info: dict[str, Any], on_purpose: bool) -> None:
    server = with_info(**{"dataReplicationState": "DISCONNECTED", **info})
    assert is_disconnected_on_purpose(server) == on_purpose


@properties
@given(DOCUMENTS)
def test_any_document_has_storage_that_can_be_read(server: Any) -> None:
    storage = storage_of([server])
    assert storage.rescanned_percent is None or 0 <= storage.rescanned_percent <= 100
    assert (storage.percent is None) == (storage.rescanned_percent is None) == (storage.total == 0)
    assert progress_of(server).isascii() or progress_of(server)
    assert all(disk.bytes >= 0 for disk in unreplicated_disks_of(server))
    assert not (is_rescanning(server) and storage.rescanned_percent == 100)
