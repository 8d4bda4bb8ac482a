# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.faults import Fault
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.options import aim_of
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.selection import (
    READERS,
    Filters,
    Refusal,
    doubts_of,
    filters_of,
    find,
    find_to_change,
    matches,
    selection_of,
    why_held,
)
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import (
    ERROR_500,
    REGION,
    End,
    FakeDrs,
    FakeServer,
    sid,
)

SELECTORS = ("source_server_id", "source_server_ids", "filters")
ONE = "s-1234567890abcdefg"
TWO = "s-ABCDEFGHIJKLMNOPQ"


def select(**given: Any) -> list[str] | Filters | None:
    return selection_of(dict.fromkeys(SELECTORS) | given, SELECTORS)


@pytest.mark.parametrize(
    ("given", "ids"),
    [
        ({"source_server_id": ONE}, [ONE]),
        ({"source_server_ids": [ONE]}, [ONE]),
        ({"source_server_ids": [TWO, ONE, TWO]}, [TWO, ONE]),
        ({"source_server_ids": [TWO], "source_server_id": None}, [TWO]),
    ],
)
def test_ids_count_once_and_keep_their_order(given: dict[str, Any], ids: list[str]) -> None:
    assert select(**given) == ids


@pytest.mark.parametrize("given", [{}, {"source_server_id": None}, dict.fromkeys(SELECTORS)])
def test_a_null_selector_counts_as_absent(given: dict[str, Any]) -> None:
    assert select(**given) is None


@pytest.mark.parametrize(
    "given",
    [
        {"source_server_id": ONE, "source_server_ids": [ONE]},
        {"source_server_id": ONE, "filters": {"hostname": "web1"}},
        {"source_server_ids": [], "filters": {}},
    ],
)
def test_two_selectors_are_refused_and_named(given: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as refusal:
        select(**given)
    assert all(selector in str(refusal.value) for selector in given)


@pytest.mark.parametrize(("selector", "empty"), [("source_server_id", ""), ("source_server_ids", []), ("filters", {})])
def test_an_empty_selector_is_refused_and_never_means_every_server(selector: str, empty: object) -> None:
    with pytest.raises(Refusal, match=f"{selector} is empty"):
        select(**{selector: empty})


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        " ",
        "s-1234567890abcdef",
        "s-1234567890abcdefgh",
        "S-1234567890abcdefg",
        "s-1234567890abcdef_",
        "s-1234567890abcdefg\n",
        " s-1234567890abcdefg",
        "i-1234567890abcdefg",
        "s-1234567890abcdéfg",
        "s-1234567890\u0661\u0662\u0663\u0664\u0665\u0666\u0667",
        "*",
    ],
)
def test_ids_of_a_wrong_shape_are_refused_and_all_named(wrong: str) -> None:
    with pytest.raises(Refusal) as refusal:
        select(source_server_ids=[TWO, wrong, "s-bad"])
    assert repr(wrong) in str(refusal.value)
    assert "'s-bad'" in str(refusal.value)
    assert TWO not in str(refusal.value)


@pytest.mark.parametrize(
    ("value", "patterns"),
    [
        ("web*", ["web*"]),
        (["a", "b"], ["a", "b"]),
        (True, ["true"]),
        (False, ["false"]),
        (1, ["1"]),
        ([0, True, "x"], ["0", "true", "x"]),
        ("", [""]),
    ],
)
def test_values_become_lists_of_texts_as_in_amazon_aws(value: object, patterns: list[str]) -> None:
    assert filters_of({"tag:Protect": value}) == {"tag:Protect": patterns}


@pytest.mark.parametrize("value", [[], None, {}, {"a": 1}, [None], [["a"]]])
def test_a_value_of_another_type_is_refused_with_its_key(value: object) -> None:
    with pytest.raises(Refusal, match="hostname"):
        filters_of({"hostname": value})


@pytest.mark.parametrize("key", ["Hostname", "tag:", "tag", "tags", "state", "replication_state", "", 7])
def test_an_unknown_key_is_refused_and_the_known_ones_are_listed(key: object) -> None:
    with pytest.raises(Refusal) as refusal:
        filters_of({"hostname": "web1", key: "a"})
    assert str(key) in str(refusal.value)
    assert all(known in str(refusal.value) for known in [*READERS, "tag:<Key>"])


def test_the_keys_are_those_of_the_contract() -> None:
    assert set(READERS) == {
        "tag-key",
        "hostname",
        "fqdn",
        "ec2-instance-id",
        "source-server-id",
        "replication-state",
        "staging-account-id",
        "origin-account-id",
        "origin-region",
        "replication-direction",
    }


SERVER: dict[str, Any] = {
    "sourceServerID": ONE,
    "tags": {"Env": "prod", "aws:x": "b", "a:b": "c"},
    "sourceProperties": {
        "identificationHints": {"hostname": "web1", "fqdn": "web1.example.com", "awsInstanceID": "i-0123456789abcdef0"}
    },
    "dataReplicationInfo": {"dataReplicationState": "STOPPED"},
    "stagingArea": {"stagingAccountID": "111111111111", "status": "NOT_EXTENDED"},
    "sourceCloudProperties": {"originAccountID": "222222222222", "originRegion": "us-east-1"},
    "replicationDirection": "FAILOVER",
}


@pytest.mark.parametrize(
    ("key", "hit", "miss"),
    [
        ("tag:Env", "prod", "Prod"),
        ("tag:aws:x", "b", "x"),
        ("tag:a:b", "c", "b"),
        ("tag:env", "*", "prod"),
        ("tag-key", "Env", "prod"),
        ("hostname", "web1", "WEB1"),
        ("fqdn", "web1.example.com", "web1"),
        ("ec2-instance-id", "i-0123456789abcdef0", "i-0"),
        ("source-server-id", ONE, TWO),
        ("replication-state", "STOPPED", "stopped"),
        ("staging-account-id", "111111111111", "222222222222"),
        ("origin-account-id", "222222222222", "111111111111"),
        ("origin-region", "us-east-1", "us-east-2"),
        ("replication-direction", "FAILOVER", "FAILBACK"),
    ],
)
def test_each_key_reads_its_member_and_case_counts(key: str, hit: str, miss: str) -> None:
    if key != "tag:env":
        assert matches(SERVER, {key: [hit]})
    assert not matches(SERVER, {key: [miss]})
    assert not matches({"sourceServerID": TWO}, {key: ["web1", "prod"]})


@pytest.mark.parametrize(
    ("pattern", "text", "hit"),
    [
        ("web*", "web", True),
        ("web*", "web12", True),
        ("web*", "aweb", False),
        ("*", "", True),
        ("*", "a\nb", True),
        ("web?", "web1", True),
        ("web?", "web", False),
        ("web?", "web12", False),
        ("[a-z]", "[a-z]", True),
        ("[a-z]", "b", False),
        ("a.c", "abc", False),
        ("a+(b)|c", "a+(b)|c", True),
        (r"a\*", "a*", True),
        (r"a\*", "ab", False),
        (r"a\?", "a?", True),
        (r"a\b", r"a\b", True),
        ("", "", True),
        ("", "a", False),
    ],
)
def test_only_star_and_question_mark_are_wild(pattern: str, text: str, hit: bool) -> None:
    assert matches({"tags": {"Key": text}}, {"tag:Key": [pattern]}) == hit


def test_keys_are_anded_and_values_ored() -> None:
    assert matches(SERVER, {"hostname": ["db1", "web1"], "tag:Env": ["test", "p*"]})
    assert not matches(SERVER, {"hostname": ["db1", "web1"], "tag:Env": ["test"]})


def test_a_member_that_is_absent_matches_no_pattern() -> None:
    assert not matches({"sourceServerID": ONE}, {"hostname": ["*"]})


def fleet() -> FakeDrs:
    drs = FakeDrs(["STOPPED", "CONTINUOUS", "STOPPED"])
    for number, env in enumerate(["prod", "prod", "test"]):
        drs.servers[sid(number)].members = {"tags": {"Env": env}}
    return drs


def found(drs: FakeDrs, filters: Filters) -> list[str]:
    return [server["sourceServerID"] for server in find_to_change(drs, filters)]


def test_filters_find_their_servers_ordered_by_id() -> None:
    drs = fleet()
    drs.servers = dict(reversed(drs.servers.items()))
    assert found(drs, {"tag:Env": ["prod"]}) == [sid(0), sid(1)]


def test_filters_that_match_nothing_are_refused_with_the_region() -> None:
    with pytest.raises(Refusal, match=f"tag:Env=prdo.*{REGION}"):
        find_to_change(fleet(), {"tag:Env": ["prdo"]})


def test_the_replication_state_may_leave_no_server() -> None:
    assert found(fleet(), {"tag:Env": ["prod"], "replication-state": ["STOPPED"]}) == [sid(0)]
    assert found(fleet(), {"tag:Env": ["prod"], "replication-state": ["STALLED"]}) == []


def test_the_replication_state_does_not_hide_a_mistyped_tag() -> None:
    with pytest.raises(Refusal, match="tag:Env=prdo"):
        find_to_change(fleet(), {"tag:Env": ["prdo"], "replication-state": ["STOPPED"]})


def test_a_region_without_any_server_is_refused_even_for_the_replication_state_alone() -> None:
    with pytest.raises(Refusal, match=REGION):
        find_to_change(FakeDrs({}), {"replication-state": ["STOPPED"]})


def test_to_find_is_no_refusal_where_nothing_matches() -> None:
    assert find(fleet(), {"tag:Env": ["prdo"]}) == []


def test_ids_are_pushed_down_200_at_a_time() -> None:
    drs = FakeDrs(["STOPPED"] * 300)
    assert len(find(drs, {"source-server-id": [sid(number) for number in range(201)]})) == 201
    assert [len(call.ids) for call in drs.journal] == [200, 1]


@pytest.mark.parametrize("pattern", ["s-*", "s-0000000000000000?"])
def test_patterns_of_ids_are_matched_here(pattern: str) -> None:
    drs = FakeDrs(["STOPPED"] * 12)
    assert len(find(drs, {"source-server-id": [pattern]})) == (12 if pattern == "s-*" else 10)
    assert sum(len(call.ids) for call in drs.journal) == 12


def test_a_page_that_cannot_be_had_is_a_fault_and_no_shorter_answer() -> None:
    drs = fleet()
    drs.describes = [End(), End(ERROR_500)]
    with pytest.raises(Fault):
        find(drs, {"tag:Env": ["prod"]})


def test_a_mistyped_state_is_doubted_and_one_that_can_match_is_not() -> None:
    (doubt,) = doubts_of({"replication-state": ["STOP*", "stopped", "CONTINUOUS"], "hostname": ["nobody"]})
    assert "'stopped'" in doubt


def launched(kind: str, status: str) -> dict[str, Any]:
    return {"lifeCycle": {"lastLaunch": {"initiated": {"type": kind}, "status": status}}, "recoveryInstanceId": "i-0"}


@pytest.mark.parametrize(
    ("server", "held"),
    [
        ({}, False),
        (launched("RECOVERY", "LAUNCHED"), True),
        (launched("RECOVERY", "PENDING"), True),
        (launched("RECOVERY", "IN_PROGRESS"), True),
        (launched("RECOVERY", "FAILED"), False),
        (launched("RECOVERY", "TERMINATED"), False),
        (launched("DRILL", "LAUNCHED"), False),
        ({**launched("RECOVERY", "LAUNCHED"), "recoveryInstanceId": None}, False),
        ({"recoveryInstanceId": "i-0"}, False),
        ({"replicationDirection": "FAILBACK"}, True),
        ({"replicationDirection": "FAILOVER"}, False),
        ({"stagingArea": {"status": "EXTENDED"}}, True),
        ({"stagingArea": {"status": "EXTENSION_ERROR"}}, True),
        ({"stagingArea": {"status": "NOT_EXTENDED"}}, False),
        ({"lifeCycle": None, "stagingArea": None}, False),
    ],
)
def test_a_server_that_somebody_stopped_for_a_reason_is_held(server: dict[str, Any], held: bool) -> None:
    why = why_held(server)
    assert (why is not None) == held
    assert why is None or "by its ID" in why


DEFAULTS: dict[str, Any] = {
    "source_server_id": ONE,
    "source_server_ids": None,
    "filters": None,
    "state": "started",
    "delete_snapshots": False,
    "wait": False,
    "wait_until": "replicating",
    "wait_timeout": 3600,
    "wait_delay": 15,
    "max_starts": None,
    "return_source_servers": True,
}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"state": "stopped"}, "delete_snapshots"),
        ({"state": "stopped", "delete_snapshots": True, "filters": {"hostname": "a"}}, "filters"),
        ({"max_starts": 0}, "max_starts"),
        ({"max_starts": -1}, "max_starts"),
        ({"wait_timeout": 0}, "wait_timeout"),
        ({"wait_timeout": -5, "wait": True}, "wait_timeout"),
        ({"wait_delay": 0}, "wait_delay"),
        ({"wait": True, "filters": {"replication-state": "STOPPED"}}, "replication-state"),
    ],
)
def test_options_that_do_not_go_together_are_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(Refusal, match=told):
        aim_of(DEFAULTS | given, check_mode=False)


@pytest.mark.parametrize(
    ("given", "goal"),
    [
        ({}, "replicating"),
        ({"delete_snapshots": True}, "replicating"),
        ({"wait_until": "continuous"}, "continuous"),
        ({"state": "stopped", "delete_snapshots": True}, "stopped"),
        ({"state": "stopped", "delete_snapshots": True, "wait_until": "continuous"}, "stopped"),
    ],
)
def test_the_options_name_the_goal(given: dict[str, Any], goal: str) -> None:
    aim = aim_of(DEFAULTS | given, check_mode=False)
    assert (aim.goal, aim.wait, aim.check_mode, aim.max_starts) == (goal, False, False, None)


def test_the_options_of_a_wait_reach_it_and_check_mode_never_waits() -> None:
    given = {"wait": True, "wait_timeout": 600, "wait_delay": 5, "max_starts": 2}
    real, check = (aim_of(DEFAULTS | given, check_mode) for check_mode in (False, True))
    assert (real.wait, real.wait_timeout, real.wait_delay, real.max_starts) == (True, 600, 5, 2)
    assert (check.wait, check.check_mode) == (False, True)


def test_only_filters_hold_servers() -> None:
    assert aim_of(DEFAULTS, check_mode=False).why_held is None
    assert aim_of(DEFAULTS | {"filters": {"hostname": "a"}}, check_mode=False).why_held is why_held


def test_without_a_wait_nothing_has_a_deadline() -> None:
    drs = FakeDrs({sid(0): FakeServer(["STOPPED"])})
    assert {call.until for call in drs.run(wait_timeout=1).calls} == {math.inf}
