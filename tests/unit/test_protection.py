# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.calls import (
    SNAPSHOTS_PER_PAGE,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.errors import DrsError
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.snapshots import (
    Lookup,
    ended_by,
    look_up,
    newest,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.evidence import (
    DrillLookup,
    Unreadable,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.results.protection import (
    Criteria,
    message,
    protection_of,
    row_of,
    unread_drill_warnings,
    values_of,
)
from ansible_collections.disaster_recovery.aws.tests.unit.decision_table import decide

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=timezone.utc)
BY_STATE = Criteria(NOW)
REGION = "eu-west-1"
DENIED = DrsError("refused", "AccessDeniedException", "these credentials lack drs:DescribeRecoverySnapshots (no)")
NO_ANSWER = DrsError("unanswered", None, "no answer")
SEE_THE_AGENT = decide("continuous", "DISCONNECTED").reason
EXPIRED = DrsError("fatal", "ExpiredTokenException", "AWS refused the credentials")


def sid(number: int) -> str:
    return f"s-{number:017d}"


def server(state: str | None, number: int = 1, error: str | None = None) -> dict[str, Any]:
    info: dict[str, Any] = {"dataReplicationState": state, "lagDuration": "PT16H20M38.697305S"}
    if error:
        info["dataReplicationError"] = {"error": error}
    return {
        "sourceServerID": sid(number),
        "dataReplicationInfo": info,
        "sourceProperties": {"identificationHints": {"hostname": f"web{number}"}},
    }


def snapshot(age: float) -> dict[str, Any]:
    return {"timestamp": (NOW - timedelta(seconds=age)).isoformat()}


@pytest.mark.parametrize(
    ("state", "rpo", "lookup", "protected", "reason"),
    [
        ("CONTINUOUS", None, None, True, "continuously protected"),
        ("RESCAN", None, None, False, "not CONTINUOUS yet"),
        (None, None, None, False, "no data replication state"),
        ("NEW_STATE", None, None, False, "unknown to this version"),
        ("CONTINUOUS", 3600, snapshot(3600), True, "the newest is 1:00:00 old"),
        ("CONTINUOUS", 3600, snapshot(3601), False, "no recovery point within 1:00:00; the newest is 1:00:01 old"),
        ("STALLED", 3600, snapshot(60), True, "replication has stalled.*the newest is 0:01:00 old"),
        ("CONTINUOUS", 3600, None, False, "no recovery point"),
        ("CONTINUOUS", 3600, {}, False, "has no timestamp"),
        ("CONTINUOUS", 3600, {"timestamp": [1]}, False, "has no timestamp"),
        ("CONTINUOUS", 3600, {"timestamp": "9999-12-31T00:00:00Z"}, False, "in the future"),
        ("CONTINUOUS", 3600, snapshot(-60), True, "the newest is 0:00:00 old"),
        ("CONTINUOUS", 3600, DENIED, False, "lack drs:DescribeRecoverySnapshots"),
    ],
)
def test_who_is_protected_and_why(
    state: str | None, rpo: int | None, lookup: Lookup, protected: bool, reason: str
) -> None:
    result = protection_of(server(state), Criteria(NOW, rpo), lookup)
    assert result.protected is protected
    assert re.search(reason, result.reason), result.reason


def test_a_snapshot_that_is_being_taken_does_not_hide_the_one_before_it() -> None:
    taken = {"timestamp": "2026-11-23T13:50:00Z"}
    assert newest([{"expectedTimestamp": "2026-11-23T14:00:00Z"}, taken]) == taken
    assert newest([{"a": 1}, {"b": 2}]) == {"a": 1}
    assert newest([]) is None


def test_a_row_has_the_same_keys_whatever_aws_sends() -> None:
    row = row_of(protection_of(server("STALLED", error="UNSTABLE_NETWORK"), Criteria(NOW, 60), snapshot(59.6)), REGION)
    assert (row["lag_seconds"], row["recovery_point_age"], row["protected"]) == (58838.697305, 60, True)
    empty = row_of(protection_of({"sourceServerID": sid(1), "lifeCycle": [], "arn": 7}, BY_STATE), REGION)
    assert empty.keys() == row.keys()
    assert empty["last_launch"] == dict.fromkeys(("type", "status", "at", "job_id"))


def test_a_row_tells_what_aws_sent() -> None:
    launch = {"initiated": {"type": "DRILL", "apiCallDateTime": "2026-11-01T08:00:00Z"}, "status": "LAUNCHED"}
    arn = "arn:aws:drs:eu-west-1:111122223333:source-server/" + sid(1)
    disks = {"replicatedDisks": [{"totalStorageBytes": 200, "replicatedStorageBytes": 100}]}
    given = server("STALLED", error="UNSTABLE_NETWORK") | {"arn": arn, "lifeCycle": {"lastLaunch": launch}}
    given["dataReplicationInfo"] |= disks
    given["lifeCycle"]["lastSeenByServiceDateTime"] = "2026-11-23T13:00:00Z"
    row = row_of(protection_of(given, Criteria(NOW, 3600), snapshot(60)), REGION)
    assert row == row | {
        "source_server_id": sid(1),
        "arn": arn,
        "region": REGION,
        "account": "111122223333",
        "hostname": "web1",
        "tags": {},
        "state": "STALLED",
        "lifecycle": "normal",
        "next_step": ("UNSTABLE_NETWORK, check TCP 1500 and the bandwidth from the source server to the staging area"),
        "recovery_instance_id": None,
        "protected": True,
        "reason": (
            "STALLED: UNSTABLE_NETWORK, check TCP 1500 and the bandwidth from the source server to the staging area; "
            "it has a recovery point within 1:00:00; the newest is 0:01:00 old"
        ),
        "replication_error": "UNSTABLE_NETWORK",
        "lag_seconds": 58838.697305,
        "replicated_percent": 50.0,
        "rescanned_percent": 0.0,
        "unreplicated_disks": [],
        "recovery_point": "2026-11-23T13:59:00+00:00",
        "recovery_point_age": 60,
        "last_launch": {"type": "DRILL", "status": "LAUNCHED", "at": "2026-11-01T08:00:00Z", "job_id": None},
        "drill_evidence": None,
        "drill_result": None,
        "last_seen": "2026-11-23T13:00:00Z",
    }


def test_drills_that_could_not_be_read_are_told_once_for_each_cause() -> None:
    lacks = DrillLookup("unknown", unread=Unreadable("these credentials lack drs:DescribeJobLogItems"))
    lost = DrillLookup("unknown", unread=Unreadable("no answer"))
    protections = [
        replace(protection_of(server("CONTINUOUS", number), BY_STATE), drill=drill)
        for number, drill in enumerate([lacks, lost, lacks, DrillLookup()], 1)
    ]
    assert [row_of(each, REGION)["drill_result"] for each in protections] == ["unknown", "unknown", "unknown", None]
    [warning] = unread_drill_warnings(protections, REGION)
    assert warning == (
        f"The drills of 3 source servers in {REGION} could not be read: these credentials lack drs:DescribeJobLogItems:"
        f" {sid(1)} web1, {sid(3)} web3; no answer: {sid(2)} web2"
    )
    assert unread_drill_warnings(protections[3:], REGION) == []


@pytest.mark.parametrize(("length", "kept"), [(2048, True), (2049, False)])
def test_long_texts_of_a_row_are_cut(length: int, kept: bool) -> None:
    given = server("STOPPED") | {"arn": "a" * length}
    given["sourceProperties"]["identificationHints"]["hostname"] = "h" * (length - 2048 + 256)
    row = row_of(protection_of(given, BY_STATE), REGION)
    assert (row["arn"] == "a" * length, row["hostname"] == "h" * (length - 2048 + 256)) == (kept, kept)


@pytest.mark.parametrize(
    ("state", "lookup", "reason", "cause"),
    [
        ("CONTINUOUS", None, "it has no recovery point", "CONTINUOUS, but it has no recovery point"),
        (
            "CONTINUOUS",
            {},
            "its newest recovery snapshot has no timestamp",
            "CONTINUOUS, but its newest recovery snapshot has no timestamp",
        ),
        (
            "CONTINUOUS",
            snapshot(-301),
            "its newest recovery point is in the future: check this machine's clock",
            "CONTINUOUS, but its newest recovery point is in the future: check this machine's clock",
        ),
        (
            "CONTINUOUS",
            snapshot(-300),
            "it has a recovery point within 1:00:00; the newest is 0:00:00 old",
            "CONTINUOUS, but it has a recovery point within 1:00:00",
        ),
        (
            "CONTINUOUS",
            snapshot(3600),
            "it has a recovery point within 1:00:00; the newest is 1:00:00 old",
            "CONTINUOUS, but it has a recovery point within 1:00:00",
        ),
        (
            "STALLED",
            DrsError("refused", None, f"no answer about {sid(1)}"),
            f"recovery points unknown: no answer about {sid(1)}",
            "recovery points unknown: no answer about the server",
        ),
        (
            None,
            None,
            "AWS reported no data replication state; it has no recovery point",
            "AWS reported no data replication state",
        ),
    ],
)
def test_the_reason_is_of_this_server_and_the_cause_of_any(
    state: str | None, lookup: Lookup, reason: str, cause: str
) -> None:
    result = protection_of(server(state), Criteria(NOW, 3600), lookup)
    assert (result.reason, result.cause) == (reason, cause)


def test_what_only_a_disconnected_server_has_is_no_part_of_its_cause() -> None:
    given = server("DISCONNECTED", error="AGENT_NOT_SEEN")
    given["dataReplicationInfo"]["dataReplicationError"]["rawError"] = "no route\nto host"
    given["lifeCycle"] = {"lastSeenByServiceDateTime": "2026-11-23T13:00:00Z"}
    result = protection_of(given, BY_STATE)
    assert result.reason == f"{result.cause}; no route\\nto host; last seen 2026-11-23T13:00:00Z"
    del given["lifeCycle"], given["dataReplicationInfo"]["dataReplicationError"]["rawError"]
    assert protection_of(given, BY_STATE).reason == result.cause
    given["dataReplicationInfo"]["dataReplicationState"] = "STALLED"
    given["lifeCycle"] = {"lastSeenByServiceDateTime": "2026-11-23T13:00:00Z"}
    assert "last seen" not in protection_of(given, BY_STATE).reason


def test_the_summary_counts_the_protected_and_the_others() -> None:
    protections = [protection_of(server(state, n), BY_STATE) for n, state in enumerate(["CONTINUOUS", "STALLED"])]
    values = values_of([*protections, protections[0]], REGION)
    assert [row["source_server_id"] for row in values["protection"]] == [sid(0), sid(1), sid(0)]
    summary = values["summary"]
    assert (summary["protected"], summary["unprotected"], summary["matched"]) == (2, 1, 3)


def test_the_message_about_one_server() -> None:
    text = message([protection_of(server("CONTINUOUS"), BY_STATE)], "eu-west-1")
    assert text == "1 of 1 source server is protected; in eu-west-1."


def test_host_names_cannot_act_on_the_terminal() -> None:
    hostile = server("STOPPED")
    hostile["sourceProperties"]["identificationHints"]["hostname"] = "\x1b[2Jweb"
    result = protection_of(hostile, BY_STATE)
    assert "\x1b" not in message([result], "eu-west-1") + str(row_of(result, REGION)["hostname"])


def test_the_message_names_by_cause_the_most_frequent_first() -> None:
    servers = [
        server("CONTINUOUS", 1),
        server("DISCONNECTED", 2),
        *(server("STALLED", n, "UNSTABLE_NETWORK") for n in (3, 4)),
    ]
    text = message([protection_of(each, BY_STATE) for each in servers], "eu-west-1", ["hostname=db9"])
    assert text == (
        "1 of 4 source servers are protected; 2 STALLED: UNSTABLE_NETWORK, check TCP 1500 and the bandwidth from the"
        f" source server to the staging area: {sid(3)} web3, {sid(4)} web4; 1 DISCONNECTED,"
        f" {SEE_THE_AGENT}: {sid(2)} web2; no source server has hostname=db9; in eu-west-1."
    )


def test_at_most_twenty_servers_are_named() -> None:
    protections = [protection_of(server("STOPPED", n), BY_STATE) for n in range(300)]
    text = message(protections, "eu-west-1")
    assert text.count("s-0") == 20
    assert "and 280 more" in text
    assert values_of(protections, REGION)["summary"]["unprotected"] == 300


class Snapshots:
    """An Api whose lookups end as scripted; the last end stays."""

    region, until, attempts = "eu-west-1", math.inf, 6

    def __init__(self, *ends: Lookup) -> None:
        self.ends = list(ends)
        self.calls = 0
        self.asked: list[str] = []

    def recovery_snapshots(self, source_server_id: str) -> Iterator[Any]:
        self.asked.append(source_server_id)
        end = self.ends[min(self.calls, len(self.ends) - 1)]
        self.calls += 1
        if isinstance(end, DrsError):
            raise end
        return iter([end] if end else [])


def looked_up(api: Any, number: int) -> list[Lookup]:
    return look_up(api, [sid(n) for n in range(number)])


def test_a_lookup_that_is_refused_is_no_evidence_about_another() -> None:
    api = Snapshots(*[DENIED] * 50, snapshot(1))
    lookups = looked_up(api, 51)
    assert api.calls == 51
    assert sorted(api.asked) == [sid(n) for n in range(51)]
    assert lookups.count(DENIED) == 50
    assert ended_by(lookups) is None


def test_a_task_whose_lookups_are_all_denied_ends_with_that_error() -> None:
    assert ended_by(looked_up(Snapshots(DENIED), 3)) is DENIED
    assert ended_by([None, DENIED, EXPIRED]) is EXPIRED
    assert ended_by([None, None]) is None
    assert ended_by([]) is None


def test_only_the_first_page_is_read() -> None:
    class Endless(Snapshots):
        def recovery_snapshots(self, source_server_id: str) -> Iterator[Any]:
            for number in range(1000):
                self.calls = number + 1
                yield {"snapshotID": f"{source_server_id}-{number}"}

    api = Endless()
    assert looked_up(api, 1) == [{"snapshotID": f"{sid(0)}-0"}]
    assert api.calls == SNAPSHOTS_PER_PAGE
