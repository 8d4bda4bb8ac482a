# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do next about a server of each lifecycle, and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.lifecycle import (
    LIFECYCLES,
    Lifecycle,
    lifecycle_of,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.next_steps import (
    COPIED,
    NEXT_STEPS,
    ON_PURPOSE,
    UNLAUNCHABLE,
    cause_of,
    copied_by_start,
    explanation_of,
    next_step_of,
    reason_of,
    shortcoming_of,
    warning_of,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.operations import Goal
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.rules import (
    FIRST_CHECK,
    RULES,
    Rule,
    advice,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.states import PHASES, phase_of
from ansible_collections.disaster_recovery.aws.tests.unit.decision_table import GOALS, decide
from ansible_collections.disaster_recovery.aws.tests.unit.documents import (
    DOCUMENTS,
    INSTANCE,
    JOB,
    MACHINE,
    MEMBERS,
    REVERSED_ARN,
    STAGING,
    STAGING_ARN,
    TEXTS,
    document,
    hints,
    launched,
    properties,
)
from hypothesis import given
from hypothesis import strategies as st

STATES = [*PHASES, "SOMETHING_NEW", None]
SPEAKING = [name for name, facts in LIFECYCLES.items() if facts.speaks]
NO_REPORT = RULES["continuous", "unreadable"].reason
SEE_THE_AGENT = RULES["continuous", "disconnected"].reason
PROTECT = (
    f"production may run on {INSTANCE}: protect it by reversed replication or fail back, and leave this server and"
)
CHECK_IT = (
    f"production may run on {INSTANCE}, and may be protected by {REVERSED_ARN}: see that it exists, copies that"
    " instance and is CONTINUOUS"
)
HOME_AGAIN = f"; if production is back at the source, terminate {INSTANCE}, and it counts as protected again"
REVERSED = {"reversedDirectionSourceServerArn": REVERSED_ARN}
FAILED_BACK = (
    f"failed back to {INSTANCE}, which is unprotected until replication is reversed from it; then stop and delete this"
    " copy, and delete, never terminate, the record of the instance"
)
LEAVE_IT = "this is the reversed copy of a failover, leave it until the failback is finished"


def test_a_long_error_of_an_extension_keeps_the_clause_that_says_why() -> None:
    why = "because no identity-based policy allows the drs:ReplicateSourceServer action"
    message = f"User: arn:aws:sts::{STAGING}:assumed-role/{'R' * 300}/me is not authorized {'to do so ' * 30}{why}"
    area = {"status": "EXTENSION_ERROR", "stagingAccountID": STAGING, "errorMessage": message}
    step = next_step_of(document("CONTINUOUS", stagingArea=area), "CONTINUOUS")
    assert step is not None
    assert step.endswith(why)
    assert len(step) < len(message)


def test_every_lifecycle_has_a_next_step_and_says_what_a_start_copies() -> None:
    assert list(NEXT_STEPS) == list(COPIED) == list(LIFECYCLES)


@pytest.mark.parametrize(
    ("members", "state", "step"),
    [
        (launched("RECOVERY", "PENDING"), "STALLED", f"a recovery is being launched, wait for its job {JOB}"),
        (
            {"lifeCycle": {"lastLaunch": {"initiated": {"type": "RECOVERY"}, "status": "PENDING"}}},
            "CONTINUOUS",
            "a recovery is being launched, wait for its job",
        ),
        (MEMBERS["failback"], "CONTINUOUS", LEAVE_IT),
        (MEMBERS["failback"], "STOPPED", LEAVE_IT),
        (MEMBERS["failback"], "DISCONNECTED", f"{SEE_THE_AGENT}; {LEAVE_IT}"),
        ({**launched("RECOVERY", "FAILED"), **MEMBERS["failback"]}, "CONTINUOUS", LEAVE_IT),
        ({**launched("DRILL", "LAUNCHED"), **MEMBERS["failback"]}, "CONTINUOUS", LEAVE_IT),
        (
            {**launched("RECOVERY", "LAUNCHED"), **MEMBERS["failback"]},
            "CONTINUOUS",
            FAILED_BACK,
        ),
        (MEMBERS["reprotected"], "CONTINUOUS", None),
        (MEMBERS["reprotected"], "DISCONNECTED", SEE_THE_AGENT),
        (
            MEMBERS["reprotected"],
            "STOPPED",
            f"this record may copy the recovered machine {INSTANCE}: where that is production, start it by its ID",
        ),
        (MEMBERS["failed_over"], "DISCONNECTED", f"{PROTECT} its agent alone"),
        (MEMBERS["failed_over"], "CONTINUOUS", f"{PROTECT} its agent alone{HOME_AGAIN}"),
        (
            {**MEMBERS["failed_over"], **REVERSED},
            "STALLED",
            f"{CHECK_IT}, or fail back; leave this server and its agent alone",
        ),
        (
            {**MEMBERS["failed_over"], **REVERSED},
            "CONTINUOUS",
            f"{CHECK_IT}, or fail back; leave this server and its agent alone{HOME_AGAIN}",
        ),
        (
            launched("RECOVERY", "FAILED"),
            "STOPPED",
            PROTECT.replace(":", " of an earlier launch (the last recovery failed):") + " its agent alone",
        ),
        (MEMBERS["reversed"], "CONTINUOUS", CHECK_IT),
        (MEMBERS["reversed"], "STALLED", CHECK_IT),
        (
            MEMBERS["extension_error"],
            "CONTINUOUS",
            f"its extension from account {STAGING} has an error: the role is gone",
        ),
        (
            {"stagingArea": {"status": "EXTENSION_ERROR"}},
            "CONTINUOUS",
            "its extension from its staging account has an error",
        ),
        (MEMBERS["extended"], "STALLED", f"it replicates in account {STAGING}: look there"),
        (
            {"stagingArea": {"status": "EXTENDED", "stagingSourceServerArn": STAGING_ARN}},
            "STOPPED",
            f"it replicates in account {STAGING} ({STAGING_ARN}): look there",
        ),
        ({}, "STOPPED", "start its replication"),
        ({}, "STALLED", "look at its failed initiation step and at the log of its agent"),
        ({}, "PAUSED", "find out who or what paused its replication"),
        ({}, "DISCONNECTED", SEE_THE_AGENT),
        *[({}, state, None) for state in ("CONTINUOUS", "INITIATING", "BACKLOG", "SOMETHING_NEW", None)],
    ],
)
def test_the_next_step_of_a_server(members: dict[str, Any], state: str | None, step: str | None) -> None:
    assert next_step_of(document(state, **members), state) == step


@pytest.mark.parametrize("state", [state for state in STATES if state not in ("STOPPED", "DISCONNECTED")])
@pytest.mark.parametrize("lifecycle", ["failback", "reprotected", "normal"])
def test_an_error_in_any_state_is_advised_on(lifecycle: Lifecycle, state: str | None) -> None:
    server = document(state, "UNSTABLE_NETWORK", **MEMBERS[lifecycle])
    assert (next_step_of(server, state) or "").startswith(advice("UNSTABLE_NETWORK"))


def test_an_error_is_no_longer_advised_on_in_the_predicted_state() -> None:
    assert next_step_of(document("STOPPED", "AGENT_NOT_SEEN"), "INITIATING") is None
    assert next_step_of(document("STALLED", "AGENT_NOT_SEEN"), "STOPPED") == "start its replication"


def test_a_server_that_this_run_stopped_needs_nothing() -> None:
    assert next_step_of(document("STOPPED"), "STOPPED", called_by_run=True) is None
    assert next_step_of(document("CONTINUOUS"), "STOPPED", called_by_run=True) is None
    assert next_step_of(document("DISCONNECTED"), "DISCONNECTED", called_by_run=True) == SEE_THE_AGENT


@pytest.mark.parametrize(
    "info",
    [
        {"dataReplicationError": {"error": "SNAPSHOTS_FAILURE"}},
        {"replicatedDisks": [{"totalStorageBytes": 100, "rescannedStorageBytes": 40}]},
        {"replicatedDisks": [{"totalStorageBytes": 100, "volumeStatus": "MISSING_VOLUME_ATTRIBUTES"}]},
    ],
    ids=str,
)
def test_production_is_not_called_home_again_where_the_copy_would_not_be_protected(info: dict[str, Any]) -> None:
    server = document("CONTINUOUS", **MEMBERS["failed_over"])
    server["dataReplicationInfo"].update(info)
    assert HOME_AGAIN not in (next_step_of(server, "CONTINUOUS") or "")


@pytest.mark.parametrize("error", [None, *FIRST_CHECK])
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("lifecycle", SPEAKING)
def test_no_advice_about_the_agent_is_given_where_the_lifecycle_speaks(
    lifecycle: Lifecycle, state: str | None, error: str | None
) -> None:
    server = document(state, error, **MEMBERS[lifecycle])
    step = next_step_of(server, state)
    reason = reason_of(server, state, decide("continuous", state))
    assert step
    assert reason == ", ".join(part for part in (state or NO_REPORT, error, step) if part)
    for text in (step, reason, cause_of(server, state, decide("continuous", state))):
        assert "reinstall" not in text
        assert not any(check in text for check in FIRST_CHECK.values())


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("lifecycle", LIFECYCLES)
def test_servers_of_one_lifecycle_and_state_have_one_cause(lifecycle: Lifecycle, state: str | None) -> None:
    rule = decide("continuous", state)
    one = document(state, **MEMBERS[lifecycle])
    other = document(state, **{**MEMBERS[lifecycle], "sourceServerID": "s-0000000000000000f"})
    assert cause_of(one, state, rule) == cause_of(other, state, rule)
    told = LIFECYCLES[lifecycle].cause if state else f"{NO_REPORT}, {LIFECYCLES[lifecycle].cause}"
    assert (cause_of(one, state, rule) == told) == (lifecycle in SPEAKING)


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("lifecycle", LIFECYCLES)
def test_a_server_without_a_state_says_so_whatever_its_lifecycle(lifecycle: Lifecycle, goal: Goal) -> None:
    server, rule = document(None, **MEMBERS[lifecycle]), decide(goal, None)
    told = [tell(server, None, rule) for tell in (cause_of, reason_of, explanation_of, warning_of)]
    assert [text for text in told if not text.startswith(NO_REPORT)] == []


def test_a_server_that_was_disconnected_on_purpose_is_told_apart() -> None:
    info = {"dataReplicationState": "DISCONNECTED", "replicatedDisks": [{"deviceName": "/dev/sda1"}]}
    server = document(dataReplicationInfo=info)
    rule = decide("continuous", "DISCONNECTED")
    assert next_step_of(server, "DISCONNECTED") == ON_PURPOSE
    assert cause_of(server, "DISCONNECTED", rule) == reason_of(server, "DISCONNECTED", rule)
    assert reason_of(server, "DISCONNECTED", rule) == f"DISCONNECTED, {ON_PURPOSE}"
    assert cause_of(server, "DISCONNECTED", Rule("done", "nothing replicates")) == "DISCONNECTED, nothing replicates"
    assert cause_of(document("DISCONNECTED"), "DISCONNECTED", rule) == f"DISCONNECTED, {SEE_THE_AGENT}"


def test_reinstalling_is_the_last_advice_and_never_that_of_a_stalled_server() -> None:
    assert SEE_THE_AGENT.index("host is up") < SEE_THE_AGENT.index("log") < SEE_THE_AGENT.index("reinstall")
    for code in (None, *FIRST_CHECK):
        assert "install" not in (next_step_of(document("STALLED", code), "STALLED") or "").replace("reinstalled", "")


@pytest.mark.parametrize(
    ("lifecycle", "clause"),
    [
        ("launching", f"it copies the old machine ({MACHINE}), while a recovery of it is being launched"),
        ("failback", f"it is the reversed copy of a failover and copies the recovery instance {MACHINE}"),
        ("reprotected", f"it may copy the recovered machine {INSTANCE}"),
        ("failed_over", f"it copies the old machine ({MACHINE}), while production may run on {INSTANCE}"),
        ("reversed", f"it copies the old machine ({MACHINE}), while production may run on {INSTANCE}"),
        ("extension_error", f"it is extended from account {STAGING}, where its machine is copied"),
        ("extended", f"it is extended from account {STAGING}, where its machine is copied"),
        ("normal", "it copies its machine"),
    ],
)
def test_what_a_start_by_id_copies(lifecycle: Lifecycle, clause: str) -> None:
    assert copied_by_start(document("STOPPED", **MEMBERS[lifecycle])) == clause


def test_a_machine_without_an_instance_id_is_not_named() -> None:
    server = document("STOPPED", **{**MEMBERS["failed_over"], **hints(hostname="web1")})
    assert copied_by_start(server) == f"it copies the old machine, while production may run on {INSTANCE}"
    server = document("STOPPED", **{**MEMBERS["failback"], **hints(hostname="web1")})
    assert copied_by_start(server) == "it is the reversed copy of a failover and copies the recovery instance"


def disks(*disks_: dict[str, Any]) -> dict[str, Any]:
    return {"dataReplicationInfo": {"dataReplicationState": "CONTINUOUS", "replicatedDisks": list(disks_)}}


@pytest.mark.parametrize(
    ("server", "shortcoming"),
    [
        (document(), None),
        (document(error="SNAPSHOTS_FAILURE"), advice("SNAPSHOTS_FAILURE")),
        (document(error="SOMETHING_NEW"), "SOMETHING_NEW"),
        (document(error="AGENT_NOT_SEEN", **MEMBERS["failed_over"]), "AGENT_NOT_SEEN"),
        (document(**MEMBERS["extension_error"]), LIFECYCLES["extension_error"].cause),
        (document(**MEMBERS["extended"]), None),
        (document(**MEMBERS["failed_over"]), None),
        (document(**disks({"volumeStatus": "MISSING_VOLUME_ATTRIBUTES"})), UNLAUNCHABLE),
        (document(**disks({"volumeStatus": "MISSING_VOLUME_ATTRIBUTES_AND_PRECHECK_UNAVAILABLE"})), UNLAUNCHABLE),
        (document(**disks({"volumeStatus": "REGULAR"}, {"volumeStatus": "PENDING"})), None),
        (document(**disks({"volumeStatus": "CONTAINS_MARKETPLACE_PRODUCT_CODES"})), None),
        (
            document(**disks({"totalStorageBytes": 10, "rescannedStorageBytes": 4})),
            "a rescan is not finished, until then no recovery point is made",
        ),
        (document(**disks({"totalStorageBytes": 10, "rescannedStorageBytes": 10})), None),
        (document(**disks({"totalStorageBytes": 10, "rescannedStorageBytes": 0})), None),
        (document(**disks({"totalStorageBytes": 10})), None),
    ],
)
def test_what_contradicts_that_a_continuous_server_is_protected(
    server: dict[str, Any], shortcoming: str | None
) -> None:
    assert shortcoming_of(server) == shortcoming


@properties
@given(DOCUMENTS, st.one_of(TEXTS, st.none()), st.booleans())
def test_any_document_gives_printable_clauses(server: Any, state: str | None, called_by_run: bool) -> None:
    rule = RULES["continuous", phase_of(state)]
    texts = [
        next_step_of(server, state, called_by_run),
        copied_by_start(server),
        cause_of(server, state, rule),
        reason_of(server, state, rule),
        shortcoming_of(server),
    ]
    for text in texts:
        assert text is None or (text and text.isprintable() and len(text) < 1500)
    if lifecycle_of(server) in SPEAKING:
        assert texts[0]


def table() -> str:
    """The next step of each lifecycle in each state, for the eye: run pytest with -s."""
    rows = [
        f"{lifecycle:16}{state or '-':18}{next_step_of(document(state, **MEMBERS[lifecycle]), state) or '-'}"
        for lifecycle in LIFECYCLES
        for state in STATES
    ]
    return "\n".join(rows)


def test_the_table_of_states_and_lifecycles_has_every_row() -> None:
    print(f"\n{table()}")
    assert len(table().splitlines()) == len(LIFECYCLES) * len(STATES)
