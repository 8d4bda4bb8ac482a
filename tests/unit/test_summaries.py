# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.errors import DrsError
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.servers import state_of
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.results.summaries import (
    CLAIMED,
    Named,
    by_cause,
    claimed_warnings,
    error_value,
    named,
    silence_warnings,
    snake_case,
    summary_of,
    tags_value,
    where,
)
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import (
    REGION,
    sid,
)
from botocore.model import ListShape, ServiceModel, Shape, StructureShape
from hypothesis import given
from hypothesis import strategies as st

TAGS = {"CostCenter": "a", "aws:x": "b", "camelCase": "camelCase", "UPPER": "", "a-b c": "Ä"}


def sample(shape: Shape | None) -> Any:
    """A value with every member of the shape."""
    if isinstance(shape, StructureShape):
        return {name: sample(member) for name, member in shape.members.items()}
    if isinstance(shape, ListShape):
        return [sample(shape.member)] * 2
    assert shape is not None
    return {"map": dict(TAGS), "string": "Some Text", "long": 2**40, "boolean": True}[shape.type_name]


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def as_documented(value: Any) -> Any:
    if isinstance(value, list):
        return [as_documented(item) for item in value]
    if isinstance(value, dict):
        return {snake(key): item if key == "tags" else as_documented(item) for key, item in value.items()}
    return value


def test_every_member_that_botocore_knows_is_returned_in_snake_case(drs_model: ServiceModel) -> None:
    server = sample(drs_model.shape_for("SourceServer"))
    converted = snake_case(server)
    assert converted == as_documented(server)
    assert json.loads(json.dumps(converted)) == converted
    assert {"source_server_id", "data_replication_info", "agent_version", "source_network_id"} <= set(converted)


def test_tags_are_returned_to_the_letter() -> None:
    assert snake_case({"sourceServerID": sid(0), "tags": TAGS})["tags"] == TAGS


def test_a_member_that_nobody_knows_yet_passes_through() -> None:
    assert snake_case({"newMember": [{"someThing": "SomeValue"}]}) == {"new_member": [{"some_thing": "SomeValue"}]}


def test_the_server_of_aws_is_left_as_it_is(drs_model: ServiceModel) -> None:
    server = sample(drs_model.shape_for("SourceServer"))
    before = json.dumps(server)
    snake_case(server)
    assert json.dumps(server) == before


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\x1b[2J"])
def test_a_server_is_returned_unchanged_except_for_lone_surrogates(text: str) -> None:
    server = {"sourceServerID": sid(0), "tags": {text: text, "b": [text, {"c": text, "d": 7}]}}
    converted = snake_case(server)
    shown = text.encode(errors="backslashreplace").decode()
    assert converted["tags"] == {shown: shown, "b": [shown, {"c": shown, "d": 7}]}
    json.dumps(converted, ensure_ascii=False).encode()
    assert server["tags"] == {text: text, "b": [text, {"c": text, "d": 7}]}


def nested(levels: int, *, in_lists: bool) -> Any:
    value: Any = "deep"
    for _level in range(levels):
        value = [value] if in_lists else {"a": value}
    return value


@pytest.mark.parametrize("in_lists", [False, True])
@pytest.mark.parametrize(("levels", "is_returned"), [(10, True), (47, True), (48, False), (900, False)])
def test_a_server_that_is_nested_too_deeply_is_its_id(levels: int, is_returned: bool, in_lists: bool) -> None:
    server = {"sourceServerID": sid(0), "tags": {"deep": nested(levels, in_lists=in_lists)}}
    assert ("tags" in snake_case(server)) == is_returned
    assert snake_case(server)["source_server_id"] == sid(0)


CLAIMED_KEYS = ["__ansible_type", "__ansible_unsafe", "__ansible_vault", "__ansible_", "_ansible_no_log", "_ansible_x"]


def dicts_in(value: Any) -> Iterator[dict[str, Any]]:
    """Each dict at any level."""
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    yield from [value] if isinstance(value, dict) else []
    for child in children:
        yield from dicts_in(child)


@pytest.mark.parametrize("space", ["", " ", "\t", "\n "])
@pytest.mark.parametrize("key", CLAIMED_KEYS)
def test_no_returned_dict_has_a_claimed_key_whatever_its_keys_are_made_of(key: str, space: str) -> None:
    camel = re.sub(r"(?<=[a-z])_(.)", lambda found: found[1].upper(), key)
    server = {"sourceServerID": sid(0), "tags": {space + key: "x"}, "arn": [{key: 1, camel: {key: 1}}]}
    returned = [snake_case(server), tags_value(server), summary_of([server], [space + key, "STOPPED"])]
    assert not [found for each in dicts_in(returned) for found in each if found.strip().startswith(CLAIMED)]
    assert returned[2]["by_state"] == {"STOPPED": 1, "UNKNOWN": 1}
    assert len(claimed_warnings(REGION, [server])) == 1


@pytest.mark.parametrize("key", CLAIMED_KEYS)
def test_a_tag_key_that_ansible_claims_is_left_out_and_named(key: str) -> None:
    arn = "arn:aws:drs:eu-west-1:111122223333:source-server/s"
    servers = [{"sourceServerID": sid(n), "arn": arn, "tags": {key: "x", "env": "prod"}} for n in (0, 1)]
    assert [snake_case(server)["tags"] for server in servers] == [{"env": "prod"}] * 2
    assert claimed_warnings(REGION, servers) == [
        f"Tags whose keys are reserved by Ansible are left out: {key} ({REGION}, account 111122223333)"
    ]


@pytest.mark.parametrize("key", ["ansible_host", "_ansible", "__Ansible_type", "x__ansible_type", "_", "__type__", ""])
def test_other_tag_keys_are_returned(key: str) -> None:
    server = {"sourceServerID": sid(0), "tags": {key: "x"}}
    assert snake_case(server)["tags"] == {key: "x"}
    assert claimed_warnings(REGION, [server]) == []


def test_a_claimed_key_is_left_out_wherever_a_hostile_answer_has_it() -> None:
    server = {"sourceServerID": sid(0), "arn": {"__ansible_type": 1}, "tags": {"a": [{"_ansible_b": 1, "c": 2}]}}
    assert snake_case(server) == {"source_server_id": sid(0), "arn": {}, "tags": {"a": [{"c": 2}]}}
    assert "__ansible_type, _ansible_b" in claimed_warnings(REGION, [server])[0]


def test_at_most_20_claimed_keys_are_named() -> None:
    server = {"sourceServerID": sid(0), "tags": {f"_ansible_{number:02}\x1b": "" for number in range(22)}}
    [warning] = claimed_warnings(REGION, [server])
    assert "_ansible_19\\x1b and 2 more" in warning


def test_a_server_that_is_nested_too_deeply_claims_nothing() -> None:
    assert claimed_warnings(REGION, [{"sourceServerID": sid(0), "tags": nested(900, in_lists=True)}]) == []


def test_the_summary_adds_up_the_bytes_of_all_disks() -> None:
    def server(*disks: tuple[int, int, int]) -> dict[str, Any]:
        names = ("totalStorageBytes", "replicatedStorageBytes", "backloggedStorageBytes")
        rows = [dict(zip(names, disk, strict=True)) for disk in disks]
        return {"dataReplicationInfo": {"dataReplicationState": "INITIAL_SYNC", "replicatedDisks": rows}}

    servers = [server((1000, 500, 1), (2000, 1000, 2)), server((3000, 2000, 3)), {}]
    summary = summary_of(servers, map(state_of, servers))
    assert summary == summary | {
        "matched": 3,
        "by_state": {"INITIAL_SYNC": 2, "UNKNOWN": 1},
        "total_storage_bytes": 6000,
        "replicated_storage_bytes": 3500,
        "backlogged_storage_bytes": 6,
        "replicated_percent": 58.3,
    }


def test_the_states_of_the_summary_are_in_order_cut_and_shown_escaped() -> None:
    by_state = summary_of([], ["b", "a\x1b", "b", "x" * 100])["by_state"]
    assert list(by_state.items()) == [("a\\x1b", 1), ("b", 2), ("x" * 79 + "…", 1)]


def test_the_error_that_ended_the_run_has_its_code_and_message() -> None:
    assert error_value(DrsError("fatal", "Code", "why")) == {"error": {"code": "Code", "message": "why"}}
    assert error_value(DrsError("fatal", None, "why")) == {"error": {"code": None, "message": "why"}}
    cut = DrsError("fatal", "Code", "why (Code: a…)", error_message="a whole text.")
    assert error_value(cut) == {"error": {"code": "Code", "message": "why (Code: a…); in full: a whole text."}}
    quoted = DrsError("fatal", "Code", "why (Code: a whole text)", error_message="a whole text.")
    assert error_value(quoted) == {"error": {"code": "Code", "message": "why (Code: a whole text)"}}


@pytest.mark.parametrize(
    ("arns", "expected"),
    [
        ([], REGION),
        ([None], REGION),
        (["no arn", "a:b:c:d:e"], REGION),
        (["arn:aws:drs:r::source-server/s"], REGION),
        (["arn:aws:drs:r:1:source-server/s", "arn:aws:drs:r:1:source-server/t"], f"{REGION}, account 1"),
        (["arn:aws:drs:r:2:source-server/s", "arn:aws:drs:r:1:source-server/t:u"], f"{REGION}, account 1, 2"),
        (["arn:aws:drs:r:\x1b:source-server/s"], f"{REGION}, account \\x1b"),
        ([f"arn:aws:drs:r:{account}:source-server/s" for account in range(1, 4)], f"{REGION}, account 1, 2, 3"),
        ([f"arn:aws:drs:r:{account}:source-server/s" for account in range(5)], f"{REGION}, account 0, 1, 2 and 2 more"),
        ([f"arn:aws:drs:r:{'1' * 300}:source-server/s"], f"{REGION}, account {'1' * 19}…"),
    ],
)
def test_the_account_is_that_of_the_arns(arns: list[str | None], expected: str) -> None:
    assert where(REGION, [{"arn": arn} for arn in arns]) == expected


def causes_of(*sizes: int) -> list[tuple[str, Named]]:
    """As many servers for each cause, the causes one after the other."""
    causes = [f"cause {number}" for number, size in enumerate(sizes) for _server in range(size)]
    return [(cause, (sid(number), None, "")) for number, cause in enumerate(causes)]


def test_causes_may_come_after_the_number_of_their_servers() -> None:
    first, second, more = by_cause(causes_of(20, 2), counted=True)
    assert first.startswith(f"20 cause 0: {sid(0)}, {sid(1)}")
    assert (second, more) == (f"2 cause 1: {sid(20)}, {sid(21)}", "and 2 more")


@pytest.mark.parametrize(
    ("sizes", "names", "more"),
    [
        ((), [], None),
        ((20,), [20], None),
        ((21,), [20], "and 1 more"),
        ((19, 1), [19, 1], None),
        ((300, 1), [19, 1], "and 281 more"),
        ((1, 300, 1), [1, 18, 1], "and 282 more"),
        ((12, 9, 1), [10, 9, 1], "and 2 more"),
        ((100, 100, 3), [9, 8, 3], "and 183 more"),
        ((1,) * 20, [1] * 20, None),
        ((5,) * 25, [1] * 20, "and 105 more"),
    ],
)
def test_the_20_names_are_shared_so_that_no_cause_goes_without(
    sizes: tuple[int, ...], names: list[int], more: str | None
) -> None:
    parts = by_cause(causes_of(*sizes))
    assert [len(re.findall(r"s-\d{17}", part)) for part in parts if part != more] == names
    assert parts[len(names) :] == ([more] if more else [])


@given(st.lists(st.integers(1, 40), max_size=30))
def test_every_cause_names_a_server_and_every_server_is_named_or_counted(sizes: list[int]) -> None:
    parts = by_cause(causes_of(*sizes))
    text = "; ".join(parts)
    named_ids = re.findall(r"s-\d{17}", text)
    more = re.search(r"and (\d+) more$", text)
    assert len(named_ids) == len(set(named_ids)) == min(20, sum(sizes))
    assert len(named_ids) + int(more[1] if more else 0) == sum(sizes)
    assert len(re.findall(r"cause \d+: s-", text)) == min(20, len(sizes))


def test_a_server_is_named_by_id_host_and_detail() -> None:
    servers: list[tuple[str, Any, str]] = [
        (sid(0), {"sourceProperties": {"identificationHints": {"hostname": "web1"}}}, "lag P0D"),
        (sid(1), {"sourceProperties": {"identificationHints": {"fqdn": "web1.example.com"}}}, ""),
        (sid(2), None, "why"),
        (sid(3), {}, ""),
    ]
    assert named(servers) == [
        f"{sid(0)} web1 (lag P0D)",
        f"{sid(1)} web1.example.com",
        f"{sid(2)} (why)",
        sid(3),
    ]


NOW = datetime(2026, 11, 23, 14, 0, tzinfo=timezone.utc)


def seen(number: int, ago: timedelta, state: str = "CONTINUOUS") -> dict[str, Any]:
    return {
        "sourceServerID": sid(number),
        "dataReplicationInfo": {"dataReplicationState": state},
        "lifeCycle": {"lastSeenByServiceDateTime": (NOW - ago).isoformat()},
    }


def silent(*servers: dict[str, Any]) -> list[str]:
    return silence_warnings(REGION, [(server, NOW) for server in servers])


def test_one_warning_names_the_servers_that_read_continuous_but_are_silent() -> None:
    minute, three_hours, days = timedelta(minutes=1), timedelta(hours=3, minutes=59), timedelta(days=2)
    assert silent() == []
    assert silent(seen(1, minute), seen(2, three_hours, "STALLED")) == []
    assert silent(seen(1, minute), seen(2, three_hours)) == [
        f"1 source server of 2 in {REGION} reads CONTINUOUS but was last seen 3 h ago: {sid(2)}"
    ]
    (two,) = silent(seen(1, days), seen(2, three_hours))
    assert two == (
        f"2 source servers of 2 in {REGION} read CONTINUOUS but were last seen over 10 minutes ago: {sid(1)} (2 d ago),"
        f" {sid(2)} (3 h ago)"
    )
    (many,) = silent(*(seen(number, days) for number in range(30)))
    assert many.count("s-0") == 20
    assert many.endswith("; and 10 more")


def test_tags_are_returned_as_they_are() -> None:
    assert tags_value({"tags": {**TAGS, "n": 7}}) == TAGS
    assert tags_value({"tags": {"\ud800": "\ud800"}}) == {"\\ud800": "\\ud800"}
    assert tags_value({}) == {}
