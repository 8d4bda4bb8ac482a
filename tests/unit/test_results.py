# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.lifecycle import (
    LIFECYCLES,
    Lifecycle,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.next_steps import next_step_of
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.operations import Goal
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.rules import advice
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.results.outcome_values import servers_of
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.results.replication import (
    failure_message,
    success_message,
    values_of,
    warnings_of,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.options import RunOptions
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.outcomes import End, Outcome
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.run import Run
from ansible_collections.disaster_recovery.aws.tests.unit.decision_table import GOALS
from ansible_collections.disaster_recovery.aws.tests.unit.documents import MEMBERS
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import (
    EXPIRED,
    GONE,
    REFUSED,
    REGION,
    FakeDrs,
    FakeServer,
    Seen,
    error,
    sid,
)
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import End as CallEnd

MIXED: list[Seen] = ["STOPPED", "CONTINUOUS", "DISCONNECTED", "STALLED", "SOMETHING_NEW", None, GONE]


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("check_mode", [False, True])
def test_the_keys_are_the_same_in_every_state_and_where_nothing_was_selected(check_mode: bool, goal: Goal) -> None:
    values = values_of(FakeDrs(MIXED).run(goal=goal, check_mode=check_mode).outcomes, diff=False)
    assert len({frozenset(row) for row in values["outcomes"]}) == 1
    assert json.loads(json.dumps(values)) == values
    none = values_of([], diff=False)
    assert (none.keys(), none["summary"].keys()) == (values.keys(), values["summary"].keys())
    assert (none["changed"], none["outcomes"]) == (False, [])


def test_the_diff_of_no_server_is_empty() -> None:
    assert values_of([], diff=True)["diff"] == {"before": "", "after": ""}


def hinted(hostname: str | None, **members: Any) -> Mapping[str, Any]:
    hints = {"hostname": hostname} if hostname else {}
    return {"sourceProperties": {"identificationHints": {**hints, "fqdn": "web1.example.com"}}, **members}


def test_an_outcome_shows_what_aws_says_of_the_server() -> None:
    info = {
        "dataReplicationState": "STALLED",
        "dataReplicationError": {"error": "AGENT_NOT_SEEN", "rawError": "no heartbeat"},
        "lagDuration": "PT16H20M38.697305S",
        "etaDateTime": "2026-11-23T14:05:00Z",
    }
    tags = {"CostCenter": "a", "aws:x": ""}
    members = hinted("web1", dataReplicationInfo=info, tags=tags, recoveryInstanceId="i-0bbbbbbbbbbbbbbbb")
    drs = FakeDrs({sid(0): FakeServer(["STALLED"], members=members)})
    outcomes = drs.run().outcomes
    (row,) = values_of(outcomes, diff=False)["outcomes"]
    assert row == row | {
        "source_server_id": sid(0),
        "arn": f"arn:aws:drs:{REGION}:123456789012:source-server/{sid(0)}",
        "hostname": "web1",
        "tags": {"CostCenter": "a", "aws:x": ""},
        "previous_state": "STALLED",
        "state": "STALLED",
        "lifecycle": "normal",
        "next_step": advice("AGENT_NOT_SEEN"),
        "recovery_instance_id": "i-0bbbbbbbbbbbbbbbb",
        "action": "none",
        "changed": False,
        "failed": False,
        "held": False,
        "deferred": False,
        "reason": outcomes[0].reason,
        "error_code": None,
        "error_message": None,
        "replication_error": "AGENT_NOT_SEEN",
        "lag_duration": "PT16H20M38.697305S",
        "eta": "2026-11-23T14:05:00Z",
    }
    assert "AGENT_NOT_SEEN" in row["reason"]
    assert "no heartbeat" in row["reason"]


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("state", ["STOPPED", "CONTINUOUS", "STALLED", "DISCONNECTED"])
@pytest.mark.parametrize("lifecycle", LIFECYCLES)
def test_an_outcome_tells_the_lifecycle_and_what_to_do_next(
    lifecycle: Lifecycle, state: str, check_mode: bool, goal: Goal
) -> None:
    drs = FakeDrs({sid(0): FakeServer([state], members=MEMBERS[lifecycle])})
    run = drs.run(goal=goal, check_mode=check_mode)
    (row,) = values_of(run.outcomes, diff=False)["outcomes"]
    assert row["lifecycle"] == lifecycle
    assert row["next_step"] == next_step_of(run.only.latest, row["state"], called_by_run=row["changed"])
    assert row["recovery_instance_id"] == MEMBERS[lifecycle].get("recoveryInstanceId")


def test_a_server_that_was_started_or_stopped_needs_no_next_step() -> None:
    for state, goal in (("STOPPED", "replicating"), ("CONTINUOUS", "stopped")):
        for check_mode in (False, True):
            (row,) = values_of(FakeDrs([state]).run(goal=goal, check_mode=check_mode).outcomes, diff=False)["outcomes"]
            assert (row["changed"], row["next_step"]) == (True, None)


@pytest.mark.parametrize("path", [[GONE], ["INITIATING", GONE]])
def test_a_server_that_drs_does_not_know_has_no_lifecycle_and_no_next_step(path: list[Seen]) -> None:
    members = {**MEMBERS["failed_over"], "tags": {"a": "b"}}
    run = FakeDrs({sid(0): FakeServer(path, members=members)}).run(wait=True)
    (row,) = values_of(run.outcomes, diff=False)["outcomes"]
    assert [row[key] for key in ("lifecycle", "next_step", "recovery_instance_id")] == [None] * 3
    assert row["tags"] == ({} if path == [GONE] else {"a": "b"})


BEFORE: Mapping[str, Any] = {
    **hinted("web1", tags={"Role": "web"}),
    **MEMBERS["reprotected"],
    "sourceServerID": sid(0),
    "arn": f"arn:aws:drs:{REGION}:123456789012:source-server/{sid(0)}",
    "dataReplicationInfo": {"dataReplicationState": "STOPPED", "lagDuration": "P1D"},
}
ANSWER: Mapping[str, Any] = {
    "sourceServerID": sid(0),
    "dataReplicationInfo": {"dataReplicationState": "INITIATING"},
}


def test_what_the_answer_to_a_start_lacks_comes_from_the_look_before() -> None:
    outcome = Outcome(sid(0), first=BEFORE, latest=ANSWER, action="start", changed=True)
    outcome.finish("done", "DRS accepted the start")
    (row,) = values_of([outcome], diff=True)["outcomes"]
    assert (row["hostname"], row["tags"], row["arn"]) == ("web1", {"Role": "web"}, BEFORE["arn"])
    assert (row["lifecycle"], row["recovery_instance_id"]) == ("reprotected", BEFORE["recoveryInstanceId"])
    assert (row["previous_state"], row["state"], row["lag_duration"]) == ("STOPPED", "INITIATING", None)
    assert values_of([outcome], diff=True)["diff"]["after"] == f"{sid(0)} web1 INITIATING\n"
    run = Run(RunOptions("replicating"), FakeDrs({}), [outcome])
    assert success_message(run) == f"1 of 1 source server started ({REGION}, account 123456789012)"


def test_what_a_later_look_no_longer_shows_is_gone() -> None:
    later = {**hinted("web1"), "sourceServerID": sid(0), "dataReplicationInfo": {"dataReplicationState": "CONTINUOUS"}}
    outcome = Outcome(sid(0), first=BEFORE, latest=ANSWER)
    outcome.observe(later)
    (row,) = values_of([outcome], diff=False)["outcomes"]
    assert (row["lifecycle"], row["recovery_instance_id"], row["tags"]) == ("normal", None, {})


def test_tags_that_cannot_be_encoded_do_not_break_the_result() -> None:
    server = {"sourceServerID": sid(0), "tags": {"\udc80": "\ud800", "list": ["no text"]}}
    (row,) = values_of([Outcome(sid(0), first=server, latest=server)], diff=False)["outcomes"]
    json.dumps(row, ensure_ascii=False).encode()
    assert list(row["tags"]) == ["\\udc80"]


def test_an_outcome_tells_the_state_before_and_after_the_call() -> None:
    (row,) = values_of(FakeDrs(["STOPPED"]).run().outcomes, diff=False)["outcomes"]
    assert (row["previous_state"], row["state"], row["changed"], row["action"]) == (
        "STOPPED",
        "INITIATING",
        True,
        "start",
    )


def test_an_outcome_tells_what_aws_refused() -> None:
    drs = FakeDrs({sid(0): FakeServer(["STOPPED"], starts=[CallEnd(REFUSED)])})
    (row,) = values_of(drs.run().outcomes, diff=False)["outcomes"]
    assert (row["failed"], row["changed"], row["error_code"]) == (True, False, "AccessDeniedException")


@pytest.mark.parametrize(("end", "flags"), [("failed", [1, 0, 0]), ("held", [0, 1, 0]), ("deferred", [0, 0, 1])])
def test_an_outcome_has_one_end(end: End, flags: list[int]) -> None:
    outcome = Outcome(sid(0))
    outcome.finish(end, "why")
    values = values_of([outcome], diff=False)
    (row,) = values["outcomes"]
    assert [row[name] for name in ("failed", "held", "deferred")] == [bool(flag) for flag in flags]
    assert [values["summary"][name] for name in ("failed", "held", "deferred")] == flags


def test_an_outcome_says_nothing_before_its_end_and_its_reason_is_its_cause() -> None:
    outcome = Outcome(sid(0))
    assert (outcome.end, outcome.reason, outcome.cause, outcome.detail, outcome.state) == (None, "", "", "", None)
    outcome.finish("failed", "why")
    assert (outcome.failed, outcome.reason, outcome.cause) == (True, "why", "why")
    outcome.finish("done", "why", "cause")
    assert (outcome.failed, outcome.reason, outcome.cause) == (False, "why", "cause")


def test_texts_of_an_outcome_are_cut_and_shown_escaped() -> None:
    server = {
        "arn": "a" * 3000,
        "sourceProperties": {"identificationHints": {"hostname": "h" * 300}},
        "dataReplicationInfo": {"dataReplicationState": "S\x1b" + "s" * 300, "lagDuration": "d" * 300},
    }
    (row,) = values_of([Outcome(sid(0), first=server, latest=server)], diff=False)["outcomes"]
    assert [len(row[name]) for name in ("arn", "hostname", "state", "lag_duration")] == [2048, 256, 80, 80]
    assert row["state"].startswith("S\\x1b")
    assert row["previous_state"] == row["state"]


def test_the_summary_counts_the_outcomes() -> None:
    drs = FakeDrs([*MIXED, "STOPPED", "STOPPED"])
    drs.servers[sid(7)].holds = [True]
    run = drs.run(max_in_progress=3, holds=True)
    summary = values_of(run.outcomes, diff=False)["summary"]
    assert summary == summary | {
        "matched": 8,
        "changed": 1,
        "failed": 4,
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


def test_the_diff_has_a_line_a_server_with_its_state() -> None:
    drs = FakeDrs(["STOPPED", "CONTINUOUS", GONE, None])
    drs.servers[sid(0)].members = hinted("web1\n")
    assert values_of(drs.run(check_mode=True).outcomes, diff=True)["diff"] == {
        "before": f"{sid(0)} web1 STOPPED\n{sid(1)} - CONTINUOUS\n{sid(2)} - UNKNOWN\n{sid(3)} - UNKNOWN\n",
        "after": f"{sid(0)} web1 INITIATING\n{sid(1)} - CONTINUOUS\n{sid(2)} - UNKNOWN\n{sid(3)} - UNKNOWN\n",
    }


def test_the_diff_of_nothing_to_do_is_empty() -> None:
    diff = values_of(FakeDrs(["CONTINUOUS", "STALLED"]).run().outcomes, diff=True)["diff"]
    assert diff["before"] == diff["after"] != ""


def test_in_check_mode_the_server_is_what_aws_says_now() -> None:
    (server,) = servers_of(FakeDrs(["STOPPED"]).run(check_mode=True).outcomes)
    assert server["data_replication_info"] == {"data_replication_state": "STOPPED"}


def test_servers_that_aws_does_not_know_are_left_out_and_the_others_keep_their_order() -> None:
    drs = FakeDrs(["CONTINUOUS"] * 3)
    servers = servers_of(drs.run(sid(2), sid(9), sid(0)).outcomes)
    assert [server["source_server_id"] for server in servers] == [sid(2), sid(0)]


REACHED: dict[Goal, str] = {"replicating": "INITIAL_SYNC", "continuous": "CONTINUOUS", "stopped": "STOPPED"}


def ended(*ends: End, goal: Goal = "replicating", changed: int = 0, **options: Any) -> Run:
    """A run with these ends, the first ones of changed servers. Those that are done are at the goal."""
    states = (REACHED[goal] if end == "done" else GONE for end in ends)
    return told(*zip(ends, states, strict=True), goal=goal, changed=changed, **options)


def told(*servers: tuple[End, Seen], goal: Goal = "replicating", changed: int = 0, **options: Any) -> Run:
    """A run with these ends and states."""
    outcomes = [Outcome(sid(number)) for number in range(len(servers))]
    for outcome, (end, state) in zip(outcomes, servers, strict=True):
        if state != GONE:
            outcome.observe({"dataReplicationInfo": {"dataReplicationState": state} if state else {}})
        outcome.finish(end, f"reason of {outcome.source_server_id}", "cause")
    for outcome in outcomes[:changed]:
        outcome.changed = True
    return Run(RunOptions(goal, **options), FakeDrs({}), outcomes)


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (ended(), f"0 of 0 source servers started ({REGION})"),
        (ended("done", changed=1), f"1 of 1 source server started ({REGION})"),
        (ended("done"), f"0 of 1 source server started, 1 was running already ({REGION})"),
        (
            ended("done", "done", "done", "held", "deferred", "held", changed=1),
            f"1 of 6 source servers started, 2 were running already, 2 held, 1 deferred ({REGION})",
        ),
        (ended("done", "done", goal="stopped"), f"0 of 2 source servers stopped, 2 were stopped already ({REGION})"),
        (
            told(
                ("done", "INITIATING"),
                ("done", "STALLED"),
                ("done", "PAUSED"),
                ("done", "SOMETHING_NEW"),
                ("done", "BACKLOG"),
                ("held", "STALLED"),
                changed=1,
            ),
            f"1 of 6 source servers started, 1 was running already, 2 stuck, 1 in an unknown state, 1 held ({REGION})",
        ),
        (
            told(("done", "DISCONNECTED"), ("done", "STOPPED"), ("done", "DISCONNECTED"), goal="stopped"),
            f"0 of 3 source servers stopped, 1 was stopped already, 2 disconnected ({REGION})",
        ),
        (ended("done", goal="stopped", changed=1), f"1 of 1 source server stopped ({REGION})"),
        (ended("done", check_mode=True, changed=1), f"1 of 1 source server would be started ({REGION})"),
        (
            ended("done", "done", goal="stopped", check_mode=True, changed=1),
            f"1 of 2 source servers would be stopped, 1 was stopped already ({REGION})",
        ),
    ],
)
def test_success_is_reported_with_all_counts(run: Run, message: str) -> None:
    assert success_message(run) == message
    assert "failed" in str(failure_message(run)) or failure_message(run) is None


def test_success_tells_region_and_account() -> None:
    drs = FakeDrs(["STOPPED", "CONTINUOUS"])
    message = success_message(drs.run().run)
    assert message == f"1 of 2 source servers started, 1 was running already ({REGION}, account 123456789012)"


def done(number: int) -> list[End]:
    return ["done"] * number


def deferred(number: int) -> list[End]:
    return ["deferred"] * number


def failed(number: int) -> list[End]:
    return ["failed"] * number


FAILURES: list[tuple[Run, str]] = [
    (ended("failed"), "1 of 1 source server failed (eu-west-1)"),
    (ended("failed", changed=1), "1 of 1 source server failed, 1 of them after an accepted start (eu-west-1)"),
    (ended("failed", "done"), "1 of 2 source servers failed; 0 were started, 1 running already (eu-west-1)"),
    (ended("done", "failed", changed=1), "1 of 2 source servers failed; 1 was started (eu-west-1)"),
    (
        ended(*done(53), *deferred(6), "failed", changed=5),
        "1 of 60 source servers failed; 5 were started, 48 running already, 6 deferred (eu-west-1)",
    ),
    (
        ended("failed", "done", "failed", "held", changed=2),
        "2 of 4 source servers failed, 1 of them after an accepted start; 1 other was started, 1 held (eu-west-1)",
    ),
    (
        ended("failed", "done", "done", "failed", changed=3),
        "2 of 4 source servers failed, 1 of them after an accepted start; 2 others were started (eu-west-1)",
    ),
    (
        told(("failed", "STALLED"), ("failed", "DISCONNECTED"), ("failed", None), ("done", "PAUSED"), ("done", "NEW")),
        (
            "3 of 5 source servers failed, 1 of them stuck, 1 in an unknown state; 0 were started, 1 stuck,"
            " 1 in an unknown state (eu-west-1)"
        ),
    ),
    (
        told(("failed", "STALLED"), ("done", "STOPPED"), ("done", "DISCONNECTED"), goal="stopped"),
        "1 of 3 source servers failed, 1 of them stuck; 0 were stopped, 1 stopped already, 1 disconnected (eu-west-1)",
    ),
    (
        ended("done", "done", "failed", changed=1, check_mode=True),
        "1 of 3 source servers failed; 1 would be started, 1 was running already (eu-west-1)",
    ),
    (
        ended("done", "done", "failed", goal="stopped", changed=2, check_mode=True),
        "1 of 3 source servers failed; 2 would be stopped (eu-west-1)",
    ),
]


@pytest.mark.parametrize(("run", "message"), FAILURES)
def test_a_failure_begins_with_how_many_failed_and_counts_the_others(run: Run, message: str) -> None:
    assert str(failure_message(run)).startswith(f"{message}: cause: s-")


PROTECTED: list[tuple[End, Seen]] = [("done", "CONTINUOUS")] * 48
SYNCING: list[tuple[End, Seen]] = [("failed", "INITIAL_SYNC")] * 5
WAITING: list[tuple[End, Seen]] = [("deferred", "STOPPED")] * 6

AT_THE_DEADLINE: list[tuple[Run, str]] = [
    (ended("deferred", "failed", "done"), "2 of 3 source servers are not replicating after 600 s, 1 of them deferred"),
    (ended("failed"), "1 of 1 source server is not replicating after 600 s"),
    (
        told(("failed", "STALLED"), ("held", "STOPPED"), ("failed", "INITIATING"), ("done", "CONTINUOUS"), changed=1),
        (
            "3 of 4 source servers are not replicating after 600 s, 1 of them after an accepted start, 1 stuck, 1 held;"
            " 0 others were started, 1 running already"
        ),
    ),
    (
        told(*PROTECTED, *SYNCING, *WAITING, ("failed", "DISCONNECTED"), goal="continuous"),
        (
            "12 of 60 source servers are not continuously protected after 600 s, 6 of them deferred;"
            " 0 were started, 48 running already"
        ),
    ),
    (
        told(("done", "INITIATING"), ("done", "CONTINUOUS"), ("failed", "STOPPED"), changed=1),
        (
            "2 of 3 source servers are not replicating after 600 s, 1 of them after an accepted start;"
            " 0 others were started, 1 running already"
        ),
    ),
    (
        told(("failed", "CONTINUOUS"), ("done", "STOPPED"), goal="stopped", changed=2),
        "1 of 2 source servers are not stopped after 600 s, 1 of them after an accepted stop; 1 other was stopped",
    ),
]


@pytest.mark.parametrize(("run", "message"), AT_THE_DEADLINE)
def test_at_the_deadline_all_servers_that_are_not_at_the_goal_are_counted(run: Run, message: str) -> None:
    run.expired, run.options = True, replace(run.options, wait_timeout=600.0)
    assert str(failure_message(run)).startswith(message)


def test_a_server_that_is_not_protected_by_its_own_document_is_not_at_the_goal() -> None:
    disk = {"totalStorageBytes": 10, "rescannedStorageBytes": 4}
    rescanning = {"dataReplicationInfo": {"dataReplicationState": "CONTINUOUS", "replicatedDisks": [disk]}}
    run = told(("done", "CONTINUOUS"), ("done", "CONTINUOUS"), ("failed", "STOPPED"), goal="continuous")
    run.outcomes[0].observe(rescanning)
    run.expired = True
    assert str(failure_message(run)).startswith("2 of 3 source servers are not continuously protected")


def test_servers_that_the_deadline_left_are_named_with_their_causes() -> None:
    run = ended("deferred", "held", "failed", "done", wait_timeout=600.0)
    run.expired = True
    assert str(failure_message(run)).endswith(f" (eu-west-1): cause: {sid(0)}, {sid(1)}, {sid(2)}.")


@pytest.mark.parametrize("ends", [(), ("done",), ("held", "deferred", "done")])
def test_where_nothing_failed_there_is_no_failure(ends: tuple[End, ...]) -> None:
    assert failure_message(ended(*ends)) is None


def test_a_sentence_names_at_most_20_causes() -> None:
    run = ended(*failed(300))
    for number, outcome in enumerate(run.outcomes):
        outcome.cause = f"cause {number}."
    message = str(failure_message(run))
    assert message.count("cause ") == 20
    assert message.endswith(f"cause 19.: {sid(19)}; and 280 more.")


def test_a_failure_names_causes_once_with_their_servers_and_hosts() -> None:
    drs = FakeDrs(["DISCONNECTED", GONE, "DISCONNECTED"])
    drs.servers[sid(0)].members = hinted("web1\x1b")
    message = str(failure_message(drs.run().run))
    assert message.count("see that the host is up") == 1
    assert f": {sid(0)} web1\\x1b, {sid(2)}; DRS does not know this ID in {REGION}: {sid(1)}." in message
    assert message.startswith("3 of 3 source servers failed (eu-west-1, account 123456789012): DISCONNECTED, ")


def test_what_filters_named_and_no_server_has_is_a_failure_by_itself() -> None:
    assert failure_message(ended("done", changed=1), ["hostname=a\x1b", "fqdn=b"]) == (
        f"1 of 1 source server started ({REGION}), but no source server has hostname=a\\x1b, fqdn=b."
    )


def test_what_filters_named_and_no_server_has_is_reported_with_what_failed() -> None:
    assert failure_message(ended("failed"), ["hostname=a"]) == (
        f"1 of 1 source server failed ({REGION}): cause: {sid(0)}; no source server has hostname=a."
    )


@pytest.mark.parametrize(("number", "more"), [(19, ""), (20, ""), (21, "; and 1 more"), (300, "; and 280 more")])
def test_a_failure_names_at_most_20_servers(number: int, more: str) -> None:
    message = str(failure_message(ended(*failed(number))))
    assert len(re.findall(r"s-\d{17}", message)) == min(20, number)
    assert message.endswith(f"{sid(min(20, number) - 1)}{more}.")


def test_the_rarest_cause_names_its_server_too() -> None:
    run = ended(*failed(60))
    for number, outcome in enumerate(run.outcomes):
        outcome.cause = "commonest" if number < 40 else "common" if number < 59 else "rarest"
    message = str(failure_message(run))
    assert f"; rarest: {sid(59)}; and 40 more." in message


def test_a_long_text_of_aws_is_cut_everywhere() -> None:
    drs = FakeDrs({sid(0): FakeServer(["STOPPED"], members=hinted("h" * 5000))})
    drs.servers[sid(0)].starts = [CallEnd(error("refused", "Some", "why"))]
    assert len(str(failure_message(drs.run().run))) < 500


def test_an_interrupted_run_reports_what_was_done_and_how_to_continue() -> None:
    drs = FakeDrs(["STOPPED"] * 40)
    for number in range(17, 40):
        drs.servers[sid(number)].starts = [CallEnd(EXPIRED)]
    run = drs.run()
    changed = len(run.took_effect)
    assert failure_message(run.run) == (
        f"{40 - changed} of 40 source servers failed; {changed} were started ({REGION}, account 123456789012):"
        f" {EXPIRED.message}. Starts were not undone. Renew the credentials and run again to continue."
    )


def test_an_interrupted_run_counts_each_server_once() -> None:
    run = told(
        ("failed", "STOPPED"),
        ("failed", "STOPPED"),
        ("done", "CONTINUOUS"),
        ("held", "STOPPED"),
        ("deferred", "STOPPED"),
        ("done", "INITIATING"),
        ("done", "STALLED"),
    )
    run.outcomes[5].changed, run.error = True, EXPIRED
    counts = "2 of 7 source servers failed; 1 was started, 1 running already, 1 stuck, 1 held, 1 deferred"
    assert str(failure_message(run)).startswith(f"{counts} ({REGION}): {EXPIRED.message}. Starts were not undone. ")


def test_a_run_that_ended_for_all_without_a_change_stays_short() -> None:
    drs = FakeDrs({sid(0): FakeServer(["STOPPED"], starts=[CallEnd(error("fatal", "Other", "so says AWS"))])})
    assert failure_message(drs.run().run) == (
        f"1 of 1 source server failed ({REGION}, account 123456789012): so says AWS. Run again to continue."
    )


def test_a_stop_that_ended_for_all_speaks_of_stops() -> None:
    run = told(("failed", "CONTINUOUS"), ("done", "STOPPED"), goal="stopped")
    run.outcomes[1].changed, run.error = True, EXPIRED
    message = str(failure_message(run))
    assert message.startswith(f"1 of 2 source servers failed; 1 was stopped ({REGION}): ")
    assert ". Stops were not undone. " in message
    assert "start" not in message


def test_a_run_that_ended_before_anything_was_seen_tells_only_the_error() -> None:
    drs = FakeDrs(["STOPPED"], describes=[CallEnd(EXPIRED)])
    assert failure_message(drs.run().run) == f"{EXPIRED.message}."


NOW = datetime(2026, 11, 26, 12, tzinfo=timezone.utc)


def warned(*servers: Seen) -> list[str]:
    """The warnings of a run over servers in these states."""
    return warnings_of(FakeDrs(servers).run().run, NOW)


def test_there_is_one_warning_for_each_cause() -> None:
    drs = FakeDrs(["STALLED", "PAUSED", "STALLED", "SOMETHING_NEW", "STOPPED", "STOPPED", "CONTINUOUS", "DISCONNECTED"])
    drs.servers[sid(0)].members = hinted("web1")
    for number in (4, 5):
        drs.servers[sid(number)].holds = [True]
    stalled, paused, unknown, held = warnings_of(drs.run(holds=True).run, NOW)
    head = f"Of 8 source servers ({REGION}, account 123456789012):"
    assert stalled.startswith(f"{head} STALLED: AGENT_NOT_SEEN, check that the source server is up")
    assert stalled.endswith(f": {sid(0)} web1, {sid(2)}")
    assert paused == f"{head} PAUSED, replication is paused: {sid(1)}"
    assert unknown.startswith(f"{head} SOMETHING_NEW, ")
    assert held.startswith(f"{head} held, ")
    assert held.endswith(f": {sid(4)}, {sid(5)}")


def test_a_warning_about_the_one_server_is_in_the_singular() -> None:
    (warning,) = warned("PAUSED")
    place = f"{REGION}, account 123456789012"
    assert warning == f"Of 1 source server ({place}): PAUSED, replication is paused: {sid(0)}"


@pytest.mark.parametrize(("number", "more"), [(20, ""), (21, "; and 1 more"), (300, "; and 280 more")])
def test_a_warning_names_at_most_20_servers(number: int, more: str) -> None:
    (warning,) = warned(*["PAUSED"] * number)
    assert len(re.findall(r"s-\d{17}", warning)) == 20
    assert warning.endswith(f"{sid(19)}{more}")


def test_each_warning_counts_its_own_servers() -> None:
    first, second, third = warned(*["PAUSED"] * 25, *["NEW"] * 22, "STALLED")
    assert first.endswith("; and 5 more")
    assert second.endswith("; and 2 more")
    assert third.endswith(sid(47))


def test_there_are_at_most_20_warnings_of_causes_and_one_that_counts_the_others() -> None:
    *_first, twentieth, others = warned(*[f"NEW_{number}" for number in range(23)])
    assert len(_first) == 19
    assert twentieth.endswith(sid(19))
    assert others.endswith(": 3 other causes, see the reason of each outcome")


def seen(state: str, last_seen: object) -> FakeServer:
    info = {"dataReplicationState": state}
    life_cycle = {"lastSeenByServiceDateTime": last_seen}
    return FakeServer([state], members=hinted("web1", dataReplicationInfo=info, lifeCycle=life_cycle))


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("last_seen", "ago"), [("2026-11-26T09:00:00Z", "3 h ago"), ("2026-11-26T11:49:00Z", "11 min ago")]
)
def test_a_server_that_reads_continuous_but_was_not_seen_for_a_while_is_warned_of(
    last_seen: str, ago: str, check_mode: bool
) -> None:
    (warning,) = warnings_of(FakeDrs({sid(0): seen("CONTINUOUS", last_seen)}).run(check_mode=check_mode).run, NOW)
    assert f"reads CONTINUOUS but was last seen {ago}: {sid(0)} web1" in warning
    assert f"{REGION}, account 123456789012" in warning


@pytest.mark.parametrize("is_listed", [False, True])
def test_a_server_that_was_at_the_goal_long_before_the_wait_ended_is_not_silent(is_listed: bool) -> None:
    begin = (NOW - timedelta(hours=3)).isoformat()
    waited_for = FakeServer(["STOPPED"], started=[*["INITIAL_SYNC"] * 720, "CONTINUOUS"])
    drs = FakeDrs({sid(0): seen("CONTINUOUS", begin), sid(1): waited_for})
    first = drs.describe([sid(0)])[0] if is_listed else None
    outcomes = [Outcome(sid(0), first=first, latest=first), Outcome(sid(1))]
    run = drs.go_on(outcomes, goal="continuous", wait=True)
    assert run.took > 10_000
    assert warnings_of(run.run, NOW) == []


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize(
    ("state", "last_seen"),
    [
        ("CONTINUOUS", "2026-11-26T11:59:00Z"),
        ("CONTINUOUS", "2026-11-26T11:50:00Z"),
        ("CONTINUOUS", "2026-11-26T13:00:00Z"),
        ("CONTINUOUS", "some day"),
        ("CONTINUOUS", None),
        ("BACKLOG", "2026-11-25T12:00:00Z"),
        ("STOPPED", "2026-11-25T12:00:00Z"),
    ],
)
def test_no_other_server_is_called_silent(state: str, last_seen: object, goal: Goal) -> None:
    assert warnings_of(FakeDrs({sid(0): seen(state, last_seen)}).run(goal=goal).run, NOW) == []


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_silent_server_that_is_to_be_stopped_is_warned_of_until_it_is_stopped(check_mode: bool) -> None:
    life_cycle = {"lastSeenByServiceDateTime": "2026-11-25T12:00:00Z"}
    drs = FakeDrs({sid(0): FakeServer(["CONTINUOUS"], members={"lifeCycle": life_cycle})})
    warnings = warnings_of(drs.run(goal="stopped", check_mode=check_mode).run, NOW)
    assert ["reads CONTINUOUS but was last seen 1 d ago" in each for each in warnings] == [True] * check_mode


def test_all_silent_servers_are_one_warning() -> None:
    times = ["2026-11-26T09:00:00Z", "2026-11-26T11:30:00Z", "2026-11-26T11:59:30Z"]
    drs = FakeDrs({sid(number): seen("CONTINUOUS", time) for number, time in enumerate(times)})
    (warning,) = warnings_of(drs.run().run, NOW)
    assert f"{sid(0)} web1 (3 h ago), {sid(1)} web1 (30 min ago)" in warning
    assert sid(2) not in warning


def test_healthy_and_failed_servers_cause_no_warning() -> None:
    drs = FakeDrs(["STOPPED", "CONTINUOUS", "DISCONNECTED", "STOPPED"])
    drs.servers[sid(3)].starts = [CallEnd(REFUSED)]
    assert warnings_of(drs.run().run, NOW) == []
