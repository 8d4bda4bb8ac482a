# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What contradicts that a source server is protected, by the whole document, the recovery point and the lag."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.errors import DrsError
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.lifecycle import (
    LIFECYCLES,
    Lifecycle,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.namesakes import NAMESAKE_CAUSE
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.next_steps import (
    UNLAUNCHABLE,
    next_step_of,
    shortcoming_of,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.rules import advice
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.states import PHASES
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.results.protection import (
    MARKETPLACE_NOTE,
    Criteria,
    Protection,
    message,
    protection_of,
    row_of,
    values_of,
)
from ansible_collections.disaster_recovery.aws.tests.unit.documents import (
    INSTANCE,
    JOB,
    MEMBERS,
    OBJECTS,
    OWN,
    STAGING,
    document,
    launched,
    properties,
)
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import sid
from hypothesis import given
from hypothesis import strategies as st

REGION = "eu-west-1"
NOW = datetime(2026, 11, 23, 14, 0, tzinfo=timezone.utc)
BY_STATE, BY_POINT = Criteria(NOW), Criteria(NOW, rpo=3600)
FRESH = {"timestamp": (NOW - timedelta(seconds=600)).isoformat()}
OLD = {"timestamp": (NOW - timedelta(seconds=7200)).isoformat()}
STATES = [*PHASES, "SOMETHING_NEW", None]
NOT_COVERED = {"failed_over", "reversed"}
RESCANNING = {"totalStorageBytes": 100, "replicatedStorageBytes": 100, "rescannedStorageBytes": 40}
UNREADABLE_VOLUME = {"volumeStatus": "MISSING_VOLUME_ATTRIBUTES"}


def with_info(server: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {**server, "dataReplicationInfo": {**server.get("dataReplicationInfo", {}), **members}}


def with_disks(*disks: dict[str, Any], state: str = "CONTINUOUS", **members: Any) -> dict[str, Any]:
    return with_info(document(state, **members), replicatedDisks=list(disks))


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("lifecycle", LIFECYCLES)
def test_without_rpo_only_a_continuous_server_that_covers_production_is_protected(
    lifecycle: Lifecycle, state: str | None
) -> None:
    result = protection_of(document(state, **MEMBERS[lifecycle]), BY_STATE)
    assert result.protected == (state == "CONTINUOUS" and lifecycle not in {*NOT_COVERED, "extension_error"})
    assert result.reason
    assert result.cause


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("lifecycle", LIFECYCLES)
def test_with_rpo_any_server_that_covers_production_is_protected_by_a_fresh_point(
    lifecycle: Lifecycle, state: str | None
) -> None:
    server = document(state, **MEMBERS[lifecycle])
    assert protection_of(server, BY_POINT, FRESH).protected == (lifecycle not in NOT_COVERED)
    for lookup in (OLD, None, {}, DrsError("refused", None, f"no answer about {sid(1)}")):
        assert not protection_of(server, BY_POINT, lookup).protected


@pytest.mark.parametrize("lifecycle", sorted(NOT_COVERED))
@pytest.mark.parametrize("lookup", [FRESH, OLD, None, DrsError("refused", None, "denied")], ids=repr)
@pytest.mark.parametrize("criteria", [BY_STATE, BY_POINT], ids=["state", "point"])
def test_a_server_that_production_left_says_so(lifecycle: Lifecycle, lookup: Any, criteria: Criteria) -> None:
    server = document("CONTINUOUS", **MEMBERS[lifecycle])
    result = protection_of(server, criteria, lookup)
    assert result.cause == LIFECYCLES[lifecycle].cause
    assert result.reason.startswith(f"CONTINUOUS, production may run on {INSTANCE}")
    assert result.next_step == next_step_of(server, "CONTINUOUS")


@pytest.mark.parametrize(
    ("server", "cause", "detail"),
    [
        (document(error="SNAPSHOTS_FAILURE"), f"CONTINUOUS: {advice('SNAPSHOTS_FAILURE')}", ""),
        (
            document(**MEMBERS["extension_error"]),
            f"CONTINUOUS: {LIFECYCLES['extension_error'].cause}",
            f"; its extension from account {STAGING} has an error: the role is gone",
        ),
        (
            with_disks(RESCANNING),
            "CONTINUOUS: a rescan is not finished, until then no recovery point is made",
            "; rescan 40 % done",
        ),
        (with_disks(UNREADABLE_VOLUME), f"CONTINUOUS: {UNLAUNCHABLE}", ""),
        (with_disks(UNREADABLE_VOLUME, **MEMBERS["extended"]), f"CONTINUOUS: {UNLAUNCHABLE}", "; it replicates in acc"),
    ],
)
def test_continuous_is_contradicted_by_the_same_document(server: dict[str, Any], cause: str, detail: str) -> None:
    result = protection_of(server, BY_STATE)
    assert (result.protected, result.cause) == (False, cause)
    assert result.reason.startswith(f"{cause}{detail}")


@pytest.mark.parametrize(
    "server",
    [document(error="SNAPSHOTS_FAILURE"), document(**MEMBERS["extension_error"]), with_disks(RESCANNING)],
    ids=["error", "extension", "rescan"],
)
def test_a_fresh_recovery_point_takes_the_place_of_what_the_document_says(server: dict[str, Any]) -> None:
    fresh, old = protection_of(server, BY_POINT, FRESH), protection_of(server, BY_POINT, OLD)
    assert fresh.protected
    assert not old.protected
    assert old.cause == protection_of(server, BY_STATE).cause
    assert old.reason.endswith("no recovery point within 1:00:00; the newest is 2:00:00 old")


@pytest.mark.parametrize("state", ["CONTINUOUS", "STALLED", "BACKLOG"])
def test_a_disk_without_volume_attributes_makes_any_point_useless(state: str) -> None:
    result = protection_of(with_disks(UNREADABLE_VOLUME, state=state), BY_POINT, FRESH)
    assert (result.protected, result.cause) == (False, f"{state}: {UNLAUNCHABLE}")
    assert result.reason.count(UNLAUNCHABLE) == 1
    assert "the newest is 0:10:00 old" in result.reason


@pytest.mark.parametrize(
    ("state", "lag", "max_lag", "clause"),
    [
        ("CONTINUOUS", "P0D", 1, None),
        ("CONTINUOUS", "PT30M", 1800, None),
        ("CONTINUOUS", "PT30M0.5S", 1800, "its replication lag is longer than 0:30:00"),
        ("CONTINUOUS", "PT2H", 1800, "its replication lag is longer than 0:30:00"),
        ("CONTINUOUS", None, 1800, "its replication lag is unknown"),
        ("CONTINUOUS", "soon", 1800, "its replication lag is unknown"),
        ("STALLED", "PT2H", 1800, "its replication lag is longer than 0:30:00"),
        ("STALLED", None, 1800, "its replication lag is unknown"),
        ("BACKLOG", None, 1800, "its replication lag is unknown"),
        ("SOMETHING_NEW", None, 1800, "its replication lag is unknown"),
        ("STOPPED", None, 1800, None),
        ("DISCONNECTED", None, 1800, None),
        ("PAUSED", None, 1800, None),
        ("PAUSED", "PT2H", 1800, "its replication lag is longer than 0:30:00"),
    ],
)
def test_the_lag_is_a_further_condition(state: str, lag: str | None, max_lag: int, clause: str | None) -> None:
    server = with_info(document(state), lagDuration=lag)
    by_point = protection_of(server, Criteria(NOW, rpo=3600, max_lag=max_lag), FRESH)
    assert by_point.protected == (clause is None)
    assert by_point.cause == (f"{state}, but {clause}" if clause else protection_of(server, BY_POINT, FRESH).cause)
    by_state = protection_of(server, Criteria(NOW, max_lag=max_lag))
    assert by_state.protected == (clause is None and state == "CONTINUOUS")
    assert (clause is None) or (clause in by_point.reason)


@pytest.mark.parametrize("lifecycle", LIFECYCLES)
@pytest.mark.parametrize("rpo", [None, 3600])
def test_no_reason_says_protected_where_the_lag_is_too_long(rpo: int | None, lifecycle: Lifecycle) -> None:
    server = with_info(document(**MEMBERS[lifecycle]), lagDuration="PT2H")
    result = protection_of(server, Criteria(NOW, rpo=rpo, max_lag=1800), FRESH)
    assert not result.protected
    assert "it is continuously protected" not in result.reason
    assert not LIFECYCLES[lifecycle].speaks or rpo or str(result.next_step) in result.reason


def test_a_lag_that_is_too_long_is_told() -> None:
    result = protection_of(with_info(document(), lagDuration="PT2H"), Criteria(NOW, max_lag=1800))
    assert result.reason == "CONTINUOUS, but its replication lag is longer than 0:30:00: 2:00:00"
    assert protection_of(with_info(document("STALLED"), lagDuration="PT2H"), Criteria(NOW, max_lag=1)) == protection_of(
        with_info(document("STALLED"), lagDuration="PT2H"), BY_STATE
    )


@pytest.mark.parametrize("criteria", [BY_STATE, BY_POINT, Criteria(NOW, max_lag=1)])
@pytest.mark.parametrize("state", ["CONTINUOUS", "STOPPED"])
def test_a_marketplace_licence_is_a_note(criteria: Criteria, state: str) -> None:
    disk = {"volumeStatus": "CONTAINS_MARKETPLACE_PRODUCT_CODES"}
    noted, plain = with_disks(disk, state=state), with_disks({}, state=state)
    result = protection_of(noted, criteria, FRESH)
    assert result.protected == protection_of(plain, criteria, FRESH).protected
    assert result.reason == f"{protection_of(plain, criteria, FRESH).reason}; {MARKETPLACE_NOTE}"


def test_a_namesake_takes_the_place_of_the_advice_and_of_the_cause() -> None:
    servers = [document("DISCONNECTED", sourceServerID=sid(n)) for n in (1, 2)]
    results = [protection_of(server, BY_STATE, namesake=f"s-{n} copies it") for n, server in enumerate(servers)]
    assert [result.next_step for result in results] == ["s-0 copies it", "s-1 copies it"]
    assert [result.reason for result in results] == ["DISCONNECTED, s-0 copies it", "DISCONNECTED, s-1 copies it"]
    assert message(results, REGION).count(NAMESAKE_CAUSE) == 1


def test_a_row_tells_the_whole_document() -> None:
    server = with_info(
        document("CONTINUOUS", tags={"Env": "prod", "n": 7}, **launched("DRILL", "FAILED")),
        replicatedDisks=[{"deviceName": "/dev/sda", "totalStorageBytes": 8, "rescannedStorageBytes": 8}],
    )
    server["sourceProperties"] = {"disks": [{"deviceName": "/dev/sda"}, {"deviceName": "/dev/sdb", "bytes": 9}]}
    row = row_of(protection_of(server, BY_STATE), REGION)
    assert (row["region"], row["account"], row["tags"], row["lifecycle"]) == (REGION, OWN, {"Env": "prod"}, "normal")
    assert (row["next_step"], row["recovery_instance_id"]) == (None, INSTANCE)
    assert (row["replicated_percent"], row["rescanned_percent"]) == (0.0, 100.0)
    assert row["unreplicated_disks"] == [{"device_name": "/dev/sdb", "bytes": 9}]
    assert row["last_launch"] == {"type": "DRILL", "status": "FAILED", "at": "2026-11-20T08:00:00Z", "job_id": JOB}
    assert row["protected"]


def test_no_percentage_is_made_of_no_bytes() -> None:
    row = row_of(protection_of(with_disks({"totalStorageBytes": 0}, state="DISCONNECTED"), BY_STATE), REGION)
    assert (row["replicated_percent"], row["rescanned_percent"]) == (None, None)
    assert "disconnected on purpose" in row["reason"]


def test_the_summary_counts_lifecycles() -> None:
    results = [protection_of(document(**members), BY_STATE) for members in MEMBERS.values()]
    summary = values_of([*results, results[-1]], REGION)["summary"]
    assert summary["by_lifecycle"] == {**dict.fromkeys(sorted(LIFECYCLES), 1), "normal": 2}
    assert (summary["protected"], summary["unprotected"]) == (6, 3)


def incomplete(*numbers: int, state: str = "CONTINUOUS") -> list[Protection]:
    servers = [
        {
            **with_disks({"deviceName": "/dev/sda"}, state=state),
            "sourceServerID": sid(number),
            "sourceProperties": {"disks": [{"deviceName": "/dev/sdb"}, {"deviceName": "/dev/sdc"}]},
        }
        for number in numbers
    ]
    return [protection_of(server, BY_STATE) for server in servers]


def test_the_message_names_disks_that_are_not_replicated() -> None:
    assert message(incomplete(1), REGION) == (
        "1 of 1 source server is protected; 1 source server has disks that are not replicated:"
        f" {sid(1)} (/dev/sdb, /dev/sdc); in eu-west-1, account {OWN}."
    )
    many = message(incomplete(*range(30)), REGION)
    assert "; 30 source servers have disks that are not replicated: " in many
    assert " and 10 more; in eu-west-1" in many
    assert many.count("s-0") == 20
    stopped = message(incomplete(*range(30), state="STOPPED"), REGION)
    assert stopped.count("s-0") == 21, "at least one is named"


def test_the_message_counts_by_lifecycle() -> None:
    servers = [document("STALLED", "AGENT_NOT_SEEN", **MEMBERS["failed_over"]), document("STOPPED")]
    servers += [document("DISCONNECTED", **MEMBERS["failed_over"])]
    text = message([protection_of(each, BY_STATE) for each in servers], REGION)
    assert text.startswith(f"0 of 3 source servers are protected; 2 {LIFECYCLES['failed_over'].cause}: ")
    assert "reinstall" not in text


@properties
@given(OBJECTS, st.sampled_from([None, FRESH, OLD, {}]), st.sampled_from([None, 600]), st.sampled_from([None, 1]))
def test_any_document_gives_a_row(server: dict[str, Any], lookup: Any, rpo: int | None, max_lag: int | None) -> None:
    server = {**server, "sourceServerID": sid(1)}
    result = protection_of(server, Criteria(NOW, rpo, max_lag), lookup)
    assert result.reason.isprintable()
    assert message([result], REGION).isprintable()
    assert values_of([result], REGION)["summary"]["matched"] == 1
    assert not (result.protected and rpo is None and shortcoming_of(server))
