# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.outcomes import Outcome
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.results import (
    failure_of,
    sentence,
    servers_of,
    snake_case,
    summary_of,
    values_of,
    warnings_of,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.servers import state_of
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import (
    EXPIRED,
    GONE,
    REFUSED,
    End,
    FakeDrs,
    Seen,
    fault,
    sid,
)
from botocore.model import ServiceModel, Shape

OUTCOME_KEYS = [
    "source_server_id",
    "arn",
    "hostname",
    "previous_state",
    "state",
    "action",
    "changed",
    "failed",
    "held",
    "deferred",
    "reason",
    "error_code",
    "replication_error",
    "lag_duration",
    "eta",
]
SUMMARY_KEYS = [
    "matched",
    "changed",
    "failed",
    "held",
    "deferred",
    "by_state",
    "total_storage_bytes",
    "replicated_storage_bytes",
    "backlogged_storage_bytes",
    "replicated_percent",
]
TAGS = {"CostCenter": "a", "aws:x": "b", "camelCase": "camelCase", "UPPER": "", "a-b c": "Ä"}


def sample(shape: Shape) -> Any:
    """A value with every member of the shape."""
    if shape.type_name == "structure":
        return {name: sample(member) for name, member in shape.members.items()}
    if shape.type_name == "list":
        return [sample(shape.member)] * 2
    return {
        "map": lambda: dict(TAGS),
        "string": lambda: shape.enum[0] if shape.enum else "Some Text",
        "long": lambda: 2**40,
        "boolean": lambda: True,
    }[shape.type_name]()


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


MIXED: list[Seen] = ["STOPPED", "CONTINUOUS", "DISCONNECTED", "STALLED", "SOMETHING_NEW", None, GONE]


@pytest.mark.parametrize("goal", ["replicating", "continuous", "stopped"])
@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("state", MIXED)
def test_the_keys_are_the_same_in_every_result(state: Seen, check_mode: bool, goal: str) -> None:
    values = values_of(FakeDrs([state]).run(goal=goal, check_mode=check_mode).outcomes, diff=False)
    assert set(values) == {"changed", "outcomes", "summary"}
    assert set(values["outcomes"][0]) == set(OUTCOME_KEYS)
    assert set(values["summary"]) == set(SUMMARY_KEYS)
    assert json.loads(json.dumps(values)) == values


def test_the_keys_are_the_same_where_the_options_were_refused() -> None:
    values = values_of([], diff=True)
    assert set(values) == {"changed", "outcomes", "summary", "diff"}
    assert set(values["summary"]) == set(SUMMARY_KEYS)
    assert (values["changed"], values["outcomes"], values["diff"]) == (False, [], {"before": "", "after": ""})


def test_an_outcome_shows_what_aws_says_of_the_server() -> None:
    drs = FakeDrs(["STALLED"])
    drs.servers[sid(0)].members = {
        "sourceProperties": {"identificationHints": {"hostname": "web1", "fqdn": "web1.example.com"}},
        "dataReplicationInfo": {
            "dataReplicationState": "STALLED",
            "dataReplicationError": {"error": "AGENT_NOT_SEEN", "rawError": "no heartbeat"},
            "lagDuration": "PT16H20M38.697305S",
            "etaDateTime": "2026-11-23T14:05:00Z",
        },
    }
    (row,) = values_of(drs.run().outcomes, diff=False)["outcomes"]
    assert row == {
        "source_server_id": sid(0),
        "arn": f"arn:aws:drs:eu-west-1:123456789012:source-server/{sid(0)}",
        "hostname": "web1",
        "previous_state": "STALLED",
        "state": "STALLED",
        "action": "none",
        "changed": False,
        "failed": False,
        "held": False,
        "deferred": False,
        "reason": "replication runs but no data flows (AGENT_NOT_SEEN: no heartbeat)",
        "error_code": None,
        "replication_error": "AGENT_NOT_SEEN",
        "lag_duration": "PT16H20M38.697305S",
        "eta": "2026-11-23T14:05:00Z",
    }


def test_an_outcome_tells_the_state_before_and_after_the_call() -> None:
    (row,) = values_of(FakeDrs(["STOPPED"]).run().outcomes, diff=False)["outcomes"]
    assert (row["previous_state"], row["state"], row["changed"]) == ("STOPPED", "INITIATING", True)


def test_the_fqdn_stands_in_for_a_hostname_that_is_missing() -> None:
    drs = FakeDrs(["CONTINUOUS"])
    drs.servers[sid(0)].members = {"sourceProperties": {"identificationHints": {"fqdn": "web1.example.com"}}}
    assert values_of(drs.run().outcomes, diff=False)["outcomes"][0]["hostname"] == "web1.example.com"


def test_the_summary_counts_the_outcomes() -> None:
    drs = FakeDrs([*MIXED, "STOPPED", "STOPPED"])
    held = sid(7)

    run = drs.run(max_starts=1, why_held=lambda server: "held" if server["sourceServerID"] == held else None)

    assert values_of(run.outcomes, diff=False)["summary"] == {
        "matched": 8,
        "changed": 1,
        "failed": 3,
        "held": 1,
        "deferred": 1,
        "by_state": {
            "CONTINUOUS": 1,
            "DISCONNECTED": 1,
            "INITIATING": 1,
            "SOMETHING_NEW": 1,
            "STALLED": 1,
            "STOPPED": 2,
            "UNKNOWN": 1,
        },
        "total_storage_bytes": 0,
        "replicated_storage_bytes": 0,
        "backlogged_storage_bytes": 0,
        "replicated_percent": None,
    }


def test_the_summary_adds_up_the_bytes_of_all_disks() -> None:
    def server(*disks: tuple[int, int, int]) -> dict[str, Any]:
        names = ("totalStorageBytes", "replicatedStorageBytes", "backloggedStorageBytes")
        rows = [dict(zip(names, disk, strict=True)) for disk in disks]
        return {"dataReplicationInfo": {"dataReplicationState": "INITIAL_SYNC", "replicatedDisks": rows}}

    servers = [server((1000, 500, 1), (2000, 1000, 2)), server((3000, 2000, 3)), {}]
    assert summary_of(servers, map(state_of, servers)) == {
        "matched": 3,
        "by_state": {"INITIAL_SYNC": 2, "UNKNOWN": 1},
        "total_storage_bytes": 6000,
        "replicated_storage_bytes": 3500,
        "backlogged_storage_bytes": 6,
        "replicated_percent": 58.3,
    }


def test_the_diff_has_a_line_a_server_with_its_state() -> None:
    drs = FakeDrs(["STOPPED", "CONTINUOUS", GONE])
    drs.servers[sid(0)].members = {"sourceProperties": {"identificationHints": {"hostname": "web1"}}}
    assert values_of(drs.run(check_mode=True).outcomes, diff=True)["diff"] == {
        "before": f"{sid(0)} web1 STOPPED\n{sid(1)} - CONTINUOUS\n{sid(2)} - UNKNOWN\n",
        "after": f"{sid(0)} web1 INITIATING\n{sid(1)} - CONTINUOUS\n{sid(2)} - UNKNOWN\n",
    }


def test_the_diff_of_nothing_to_do_is_none() -> None:
    diff = values_of(FakeDrs(["CONTINUOUS", "STALLED"]).run().outcomes, diff=True)["diff"]
    assert diff["before"] == diff["after"] != ""


def test_in_check_mode_the_server_is_what_aws_says_now() -> None:
    (server,) = servers_of(FakeDrs(["STOPPED"]).run(check_mode=True).outcomes)
    assert server["data_replication_info"] == {"data_replication_state": "STOPPED"}


def test_servers_that_aws_does_not_know_are_left_out_and_the_others_keep_their_order() -> None:
    drs = FakeDrs(["CONTINUOUS"] * 3)
    servers = servers_of(drs.run(sid(2), sid(9), sid(0)).outcomes)
    assert [server["source_server_id"] for server in servers] == [sid(2), sid(0)]


def failed(count: int, of: int) -> list[Outcome]:
    outcomes = [Outcome(sid(number)) for number in range(of)]
    for outcome in outcomes[:count]:
        outcome.fail("reason")
    return outcomes


@pytest.mark.parametrize(
    ("goal", "told"),
    [
        ("replicating", "not replicating"),
        ("continuous", "not continuously protected"),
        ("stopped", "not stopped"),
    ],
)
def test_a_failure_counts_and_says_what_is_not_reached(goal: Any, told: str) -> None:
    assert str(failure_of(failed(2, 300), goal, None)).startswith(f"2 of 300 source servers are {told}: {sid(0)} (")


def test_a_failure_of_the_one_server_is_in_the_singular() -> None:
    assert str(failure_of(failed(1, 1), "replicating", None)).startswith("1 of 1 source server is not replicating: ")


def test_nobody_failed_no_failure() -> None:
    assert failure_of(failed(0, 3), "replicating", None) is None


def test_a_failure_names_hostname_state_and_reason() -> None:
    drs = FakeDrs(["DISCONNECTED", GONE])
    drs.servers[sid(0)].members = {"sourceProperties": {"identificationHints": {"hostname": "web1"}}}
    message = str(failure_of(drs.run().outcomes, "replicating", None))
    assert f"{sid(0)} web1 (DISCONNECTED: reinstall or reconnect the AWS Replication Agent" in message
    assert f"; {sid(1)} (DRS does not know this ID in eu-west-1)" in message


@pytest.mark.parametrize(("count", "more"), [(20, ""), (21, "; and 1 more"), (300, "; and 280 more")])
def test_a_failure_names_at_most_20_servers(count: int, more: str) -> None:
    message = str(failure_of(failed(count, 300), "replicating", None))
    assert len(re.findall(r"s-\d{17}", message)) == 20
    assert message.endswith(f"(reason){more}")


def test_a_long_text_of_aws_is_cut_in_the_message_and_whole_in_the_outcome() -> None:
    long = fault("refused", "Some", "x" * 5000)
    drs = FakeDrs(["STOPPED"])
    drs.servers[sid(0)].starts = [End(long)]
    outcomes = drs.run().outcomes
    assert len(str(failure_of(outcomes, "replicating", None))) < 500
    assert "…" in str(failure_of(outcomes, "replicating", None))
    assert values_of(outcomes, diff=False)["outcomes"][0]["reason"] == long.message


def test_a_fatal_failure_says_what_was_done_and_to_run_again() -> None:
    drs = FakeDrs(["STOPPED"] * 40)
    for number in range(2, 40):
        drs.servers[sid(number)].starts = [End(EXPIRED)]
    run = drs.run()
    assert run.took_effect
    message = str(failure_of(run.outcomes, "replicating", run.ended_by))
    assert message.startswith(EXPIRED.message)
    changed = len(run.took_effect)  # 1 or 2: the calls go out at once, and the first refusal ends them
    assert f"{40 - changed} of 40 source servers are not replicating" in message
    assert f"{changed} of them were not undone" in message
    assert "run the task again" in message


def test_a_fatal_failure_before_any_call_undid_nothing() -> None:
    drs = FakeDrs(["STOPPED"])
    drs.describes = [End(EXPIRED)]
    run = drs.run()
    assert "undone" not in str(failure_of(run.outcomes, "replicating", run.ended_by))


@pytest.mark.parametrize(
    ("text", "whole"), [("no region", "no region."), ("AWS said no.", "AWS said no."), ("a… b", "a… b."), ("", ".")]
)
def test_a_sentence_ends_as_one_and_leaves_option_names_alone(text: str, whole: str) -> None:
    assert sentence(text) == whole


def test_there_is_one_warning_for_each_cause() -> None:
    drs = FakeDrs(["STALLED", "PAUSED", "SOMETHING_NEW", "STOPPED", "STOPPED", "CONTINUOUS", "DISCONNECTED"])
    run = drs.run(why_held=lambda _server: "it is failed over")
    stuck, unknown, held = warnings_of(run.outcomes)
    assert stuck.startswith("2 of 7 source servers run, but no data flows")
    assert "AGENT_NOT_SEEN" in stuck
    assert unknown.startswith("1 of 7 source servers are in a state that is not known")
    assert held.startswith("2 of 7 source servers are held")
    assert "it is failed over" in held


def test_a_warning_names_at_most_20_servers() -> None:
    (warning,) = warnings_of(FakeDrs(["STALLED"] * 300).run().outcomes)
    assert len(re.findall(r"s-\d{17}", warning)) == 20
    assert warning.endswith("; and 280 more")


def test_there_is_no_warning_about_servers_that_are_well_or_failed() -> None:
    drs = FakeDrs(["STOPPED", "CONTINUOUS", "DISCONNECTED", "STOPPED"])
    drs.servers[sid(3)].starts = [End(REFUSED)]
    assert warnings_of(drs.run().outcomes) == []
