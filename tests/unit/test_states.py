# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest
from ansible.module_utils.common.yaml import yaml_load
from ansible_collections.disaster_recovery.aws.plugins.doc_fragments.source_servers import ModuleDocFragment
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.calls import CALL_TYPES
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.errors import (
    ERROR_KINDS,
    KINDS,
    CallType,
    ErrorKind,
    kind_of,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.decisions import rule_for
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.lifecycle import LIFECYCLES
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.operations import (
    CALLS,
    OPERATION_FOR,
    OPERATIONS,
    Batch,
    BatchOperation,
    Goal,
    Operation,
    Verdict,
    document_in,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.rows import DrillVerdict
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.rules import (
    FIRST_CHECK,
    RULES,
    advice,
    condition,
    details_of,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.selection import (
    FILTER_KEYS,
    NAMING,
    NARROWING,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.states import PHASES, Phase, phase_of
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.results.drill import WORDS
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.results.outcome_values import COUNTED
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.results.replication import NOT_REACHED
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.drill_options import DrillGoal
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.drill_plan import ON_RULING, URGENCY
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.drill_progress import AT_GOAL
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.options import GOALS as GOAL_FOR
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.outcomes import Action, End
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.progress import OTHER_ENDS, REACHED
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.reconcile import ON_ERROR, ON_VERDICT
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.sending import ON_SEND_ERROR, PREDICTED
from ansible_collections.disaster_recovery.aws.tests.unit.decision_table import (
    COLUMNS,
    GOALS,
    OBSERVED,
    ROWS,
    TABLE,
    WARNED,
    cells_of,
    decide,
    whole_table,
)
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import sid
from botocore.model import ServiceModel, StringShape, StructureShape
from botocore.validate import validate_parameters

ROOT = Path(__file__).parents[2]
STATES_PAGE = ROOT / "docs" / "states.md"


def enum_of(model: ServiceModel, name: str) -> set[str]:
    shape = model.shape_for(name)
    assert isinstance(shape, StringShape)
    return set(shape.enum)


def members_of(shape: StructureShape | None) -> list[str]:
    return list(shape.members) if shape else []


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param(
            set(PHASES.values()), set(get_args(Phase)) - {"unsettled", "unknown", "unreadable"}, id="values of PHASES"
        ),
        pytest.param(RULES, product(get_args(Goal), get_args(Phase)), id="RULES"),
        pytest.param(OPERATIONS, get_args(Operation), id="OPERATIONS"),
        pytest.param(CALLS, (*get_args(Operation), *get_args(BatchOperation)), id="CALLS"),
        pytest.param(get_args(Action), (*CALLS, "none"), id="Action"),
        pytest.param(ON_RULING, get_args(DrillVerdict), id="ON_RULING"),
        pytest.param(URGENCY, set(get_args(DrillVerdict)) - {"drill"}, id="URGENCY"),
        pytest.param(ON_SEND_ERROR, get_args(ErrorKind), id="ON_SEND_ERROR"),
        pytest.param(PREDICTED, get_args(BatchOperation), id="PREDICTED"),
        pytest.param(WORDS, get_args(DrillGoal), id="WORDS"),
        pytest.param(AT_GOAL, get_args(DrillGoal), id="AT_GOAL"),
        pytest.param(OPERATION_FOR, get_args(Goal), id="OPERATION_FOR"),
        pytest.param(set(OPERATION_FOR.values()), get_args(Operation), id="values of OPERATION_FOR"),
        pytest.param(ON_VERDICT, get_args(Verdict), id="ON_VERDICT"),
        pytest.param(ON_ERROR, get_args(ErrorKind), id="ON_ERROR"),
        pytest.param(ERROR_KINDS, get_args(ErrorKind), id="ERROR_KINDS"),
        pytest.param(
            {each for facts in ERROR_KINDS.values() for each in facts.is_resent}, get_args(CallType), id="is_resent"
        ),
        pytest.param(NOT_REACHED, get_args(Goal), id="NOT_REACHED"),
        pytest.param(COUNTED, set(get_args(End)) - {"done"}, id="COUNTED"),
        pytest.param(OTHER_ENDS, set(get_args(End)) - {"done"}, id="OTHER_ENDS"),
        pytest.param(REACHED, get_args(Goal), id="REACHED"),
        pytest.param(GOAL_FOR, product(("started", "stopped"), ("replicating", "continuous")), id="GOAL_FOR"),
        pytest.param(set(GOAL_FOR.values()), get_args(Goal), id="values of GOAL_FOR"),
        pytest.param(GOALS, get_args(Goal), id="goals of the decision table"),
        pytest.param(
            {phase_of(state) for state in TABLE} | {"unsettled"}, get_args(Phase), id="phases of the decision table"
        ),
    ],
)
def test_a_table_has_every_row_and_no_other(rows: Collection[object], expected: Collection[object]) -> None:
    found, wanted = set(rows), set(expected)
    missing, extra = wanted - found, found - wanted
    assert not missing, f"add a row for each of {missing}"
    assert not extra, f"nothing declares {extra}: add them to the type of the keys, or remove their rows"


@pytest.mark.parametrize("kind", ERROR_KINDS)
def test_an_error_kind_says_for_each_type_of_call_whether_it_is_resent(kind: ErrorKind) -> None:
    assert set(ERROR_KINDS[kind].is_resent) == set(get_args(CallType))


def test_every_operation_of_the_table_may_be_called() -> None:
    assert {facts.api_name for facts in CALLS.values()} < set(CALL_TYPES)


def resource_of(operation: Operation | BatchOperation) -> str | Batch:
    """A resource whose ID has the length that the service model asks for."""
    return Batch((sid(0),), ("i-0123456789abcdef0",)) if operation in get_args(BatchOperation) else sid(0)


@pytest.mark.parametrize("operation", CALLS)
def test_a_call_is_one_of_drs_with_its_request_and_a_document_in_its_answer(
    operation: Operation | BatchOperation, drs_model: ServiceModel
) -> None:
    facts = CALLS[operation]
    assert facts.api_name in drs_model.operation_names, "api_name is the operation's name in the service model"
    model = drs_model.operation_model(facts.api_name)
    assert model.input_shape is not None
    validate_parameters(facts.request(resource_of(operation)), model.input_shape)
    answer: Any = model.output_shape
    for name in facts.answer_at:
        assert name in members_of(answer), f"answer_at: {facts.api_name} answers {members_of(answer)}"
        answer = answer.members[name]
    assert isinstance(answer, StructureShape), "what is no document cannot be taken for one"


@pytest.mark.parametrize("operation", CALLS)
def test_an_empty_answer_is_about_no_resource(operation: Operation | BatchOperation) -> None:
    answer: dict[str, Any] = {}
    for name in reversed(CALLS[operation].answer_at):
        answer = {name: answer}
    for each in ({}, answer):
        assert document_in(operation, resource_of(operation), each) is None, "is_about takes any answer for its own"


def test_every_kind_of_an_error_code_is_known() -> None:
    assert set(KINDS.values()) <= set(get_args(ErrorKind))


def test_every_kind_of_an_answered_error_has_a_code_or_a_status() -> None:
    answered = {kind for kind, facts in ERROR_KINDS.items() if facts.is_answered}
    unused = answered - set(KINDS.values()) - {kind_of(None, status) for status in range(400, 600)}
    assert not unused, f"add the codes of {unused} to KINDS, or their statuses to kind_of"


def test_the_phases_know_at_least_the_states_of_the_installed_botocore(drs_model: ServiceModel) -> None:
    assert set(PHASES) >= enum_of(drs_model, "DataReplicationState")
    assert set(PHASES) <= set(TABLE)


def test_the_first_check_knows_at_least_the_errors_of_the_installed_botocore(drs_model: ServiceModel) -> None:
    assert set(FIRST_CHECK) >= enum_of(drs_model, "DataReplicationErrorString")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_leads_to_a_known_state_and_another_undoes_it(operation: Operation) -> None:
    facts = OPERATIONS[operation]
    assert facts.leads_to in PHASES
    assert facts.took_effect(facts.leads_to)
    assert facts.undone_by in {other.api_name for name, other in OPERATIONS.items() if name != operation}


@pytest.mark.parametrize(
    ("operation", "verb", "already", "leads_to"),
    [("start", "started", "running already", "INITIATING"), ("stop", "stopped", "stopped already", "STOPPED")],
)
def test_an_operation_has_its_words_and_leads_to_its_state(
    operation: Operation, verb: str, already: str, leads_to: str
) -> None:
    facts = OPERATIONS[operation]
    assert (facts.verb, facts.already, facts.leads_to) == (verb, already, leads_to)


def test_a_start_shows_in_every_state_but_stopped_and_a_stop_only_in_that() -> None:
    states = [state for state in TABLE if state]
    assert [state for state in states if not OPERATIONS["start"].took_effect(state)] == ["STOPPED"]
    assert [state for state in states if OPERATIONS["stop"].took_effect(state)] == ["STOPPED"]


def test_each_state_has_the_documented_verdict() -> None:
    assert [(state, goal, decide(goal, state).verdict) for state, goal, _verdict in ROWS] == ROWS
    assert {decide(goal, state) == RULES[goal, phase_of(state)] for state, goal, _verdict in ROWS} == {True}


def test_the_only_call_for_a_goal_is_its_operation() -> None:
    calls = {(goal, verdict) for _state, goal, verdict in ROWS if verdict in OPERATIONS}
    assert calls == set(OPERATION_FOR.items())


def test_every_reason_is_a_clause_that_claims_nothing_about_recovery_points() -> None:
    for reason in {decide(goal, state).reason for state, goal, _verdict in ROWS}:
        assert re.fullmatch(r".*[^.\n]", reason), reason
        assert "recovery point" not in reason


def test_a_server_that_is_stuck_or_in_an_unknown_state_is_warned_of_while_it_is_waited_for() -> None:
    warned = {(state, goal) for state, goal, _verdict in ROWS if decide(goal, state).warn}
    assert warned == {(state, goal) for state, goal, verdict in ROWS if verdict == "wait" and state in WARNED}


@pytest.mark.parametrize(
    ("goal", "state", "expected"),
    [
        ("replicating", "PAUSED", "replication is paused"),
        ("continuous", "PAUSED", "replication is paused"),
        ("replicating", "STALLED", "no data is flowing"),
        ("replicating", "DISCONNECTED", "see that the host is up"),
        ("continuous", "INITIAL_SYNC", "not CONTINUOUS yet"),
        ("stopped", "STALLED", "may be the only copy left"),
        ("stopped", "PAUSED", "may be the only copy left"),
        ("stopped", "SOMETHING_NEW", "unknown to this version"),
        ("replicating", "SOMETHING_NEW", "unknown to this version"),
        ("stopped", None, "no data replication state"),
    ],
)
def test_a_reason_tells_what_matters(goal: Goal, state: str | None, expected: str) -> None:
    assert expected in decide(goal, state).reason


@pytest.mark.parametrize("state", ["continuous", " CONTINUOUS", "", "STOPPED2"])
def test_states_are_matched_exactly(state: str) -> None:
    assert phase_of(state) == "unknown"


@pytest.mark.parametrize("goal", ["replicating", "continuous"])
@pytest.mark.parametrize("ago", [0.0, 299.9])
def test_a_start_that_does_not_show_yet_is_waited_for_without_a_warning(goal: Goal, ago: float) -> None:
    rule = decide(goal, "STOPPED", accepted_ago=ago)
    assert (rule.verdict, rule.warn) == ("wait", False)
    assert "accepted the start" in rule.reason


@pytest.mark.parametrize("goal", ["replicating", "continuous"])
@pytest.mark.parametrize(("ago", "span"), [(300.0, " 300 s "), (310.2, " 310 s ")])
def test_a_start_that_never_shows_fails_after_five_minutes(goal: Goal, ago: float, span: str) -> None:
    rule = decide(goal, "STOPPED", accepted_ago=ago)
    assert rule.verdict == "fail"
    assert f"STOPPED{span}after DRS accepted the start" in rule.reason
    assert "StopReplication" in rule.reason


@pytest.mark.parametrize(
    ("goal", "state", "undone_by"),
    [
        ("replicating", "STOPPED", "StopReplication"),
        ("continuous", "STOPPED", "StopReplication"),
        ("stopped", "CONTINUOUS", "StartReplication"),
        ("stopped", "STALLED", "StartReplication"),
        ("stopped", "SOMETHING_NEW", "StartReplication"),
    ],
)
@pytest.mark.parametrize("ago", [1.0, 300.0])
def test_a_server_whose_change_was_seen_and_is_undone_fails_at_once(
    goal: Goal, state: str, undone_by: str, ago: float
) -> None:
    rule = decide(goal, state, accepted_ago=ago, effect_seen=True)
    assert rule.verdict == "fail"
    assert f"{state} again" in rule.reason
    assert undone_by in rule.reason


def test_an_accepted_start_is_never_repeated_and_changes_no_other_verdict() -> None:
    starts = [row for row in ROWS if row[1] != "stopped"]
    for (state, goal, verdict), effect_seen, ago in product(starts, (False, True), (0.0, 299.9, 300.0, 4000.0)):
        after = decide(goal, state, ago, effect_seen).verdict
        assert after in ({"wait", "fail"} if verdict == "start" else {verdict}), (state, goal, effect_seen, ago)


@pytest.mark.parametrize("ago", [0.0, 300.0, 4000.0])
def test_an_accepted_stop_is_waited_for_until_nothing_replicates(ago: float) -> None:
    ends: dict[str | None, Verdict] = {"STOPPED": "done", "DISCONNECTED": "done", None: "fail"}
    after = {state: decide("stopped", state, accepted_ago=ago).verdict for state in TABLE}
    assert after == {**dict.fromkeys(TABLE, "wait"), **ends}


@pytest.mark.parametrize(
    ("state", "error_code", "expected"),
    [
        ("STALLED", "NEW_ERROR", "STALLED: NEW_ERROR"),
        ("STALLED", None, "STALLED, replication has stalled, no data is flowing"),
        ("PAUSED", "NEW_ERROR", "PAUSED, replication is paused: NEW_ERROR"),
        ("INITIATING", "NEW_ERROR", "INITIATING, replication is being initiated, no data is flowing yet: NEW_ERROR"),
        ("STOPPED", "", "STOPPED, replication is stopped"),
        (None, "NEW_ERROR", "AWS reported no data replication state"),
    ],
)
def test_a_condition_names_state_reason_and_error(state: str | None, error_code: str | None, expected: str) -> None:
    assert condition(decide("continuous", state), state, error_code) == expected


def test_the_condition_of_a_stalled_server_has_the_first_thing_to_check() -> None:
    check = advice("UNSTABLE_NETWORK")
    assert check.startswith("UNSTABLE_NETWORK, check TCP 1500")
    assert condition(decide("continuous", "STALLED"), "STALLED", "UNSTABLE_NETWORK") == f"STALLED: {check}"


def test_the_condition_of_a_call_that_is_not_made_has_the_error_beside_the_state() -> None:
    rule = rule_for("stopped", {}, "STALLED")
    assert condition(rule, "STALLED", "AGENT_NOT_SEEN") == f"STALLED AGENT_NOT_SEEN, {rule.reason}"


def test_the_condition_of_a_disconnected_server_has_no_error() -> None:
    rule = decide("continuous", "DISCONNECTED")
    assert condition(rule, "DISCONNECTED", "AGENT_NOT_SEEN") == f"DISCONNECTED, {rule.reason}"


def rows_under(heading: str) -> list[list[str]]:
    """The cells of the table in docs/states.md that has this heading."""
    lines = STATES_PAGE.read_text(encoding="utf-8").splitlines()
    below = lines[lines.index(heading) + 2 :]
    end = next(number for number, line in enumerate(below) if not line.startswith("|"))
    return [[cell.strip() for cell in line.strip("| ").split("|")] for line in below[:end]]


def test_docs_states_md_has_the_decision_table_of_the_code() -> None:
    documented = {
        phase: (re.findall(r"`(\w+)`", states), verdicts)
        for phase, states, *verdicts in rows_under("| phase | states | replicating | continuous | stopped |")
    }
    assert documented == {
        phase: (
            [state for state in PHASES if PHASES[state] == ("protected" if phase == "unsettled" else phase)],
            [RULES[goal, phase].verdict for goal in GOALS],
        )
        for phase in get_args(Phase)
    }


def test_docs_states_md_repeats_the_whole_decision_table() -> None:
    assert "\n".join(["", *whole_table(), ""]) in STATES_PAGE.read_text(encoding="utf-8")


def test_the_whole_decision_table_has_every_state_lifecycle_and_goal() -> None:
    assert set(OBSERVED) >= set(PHASES)
    assert {(options["goal"]) for options in COLUMNS.values()} == set(GOALS)
    seen = {cell for name in OBSERVED for lifecycle in LIFECYCLES for cell in cells_of(name, lifecycle)}
    assert seen == {
        "start",
        "start, warn",
        "stop",
        "stop, warn",
        "held",
        "leave",
        "leave, warn",
        "wait",
        "done",
        "fail",
    }


def test_docs_states_md_has_the_first_check_of_the_code() -> None:
    documented = {
        code.strip("`"): check for code, check in rows_under("| `replication_error` | first thing to check |")
    }
    assert documented == FIRST_CHECK


def test_the_documentation_of_filters_names_every_key() -> None:
    options = yaml_load(ModuleDocFragment.DOCUMENTATION)["options"]
    text = " ".join(options["filters"]["description"])
    named = set(re.findall(r"[CV]\(([\w:<>-]{2,})\)", text))
    missing = set(FILTER_KEYS) - named
    assert not missing, f"name {missing} among the keys in the description of filters"
    assert named == {*FILTER_KEYS, "tag:<Key>"}


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        pytest.param(NAMING, r"A (.+?) without a wildcard", id="NAMING"),
        pytest.param(NARROWING, r"is warned of, except with (.+?)\.", id="NARROWING"),
    ],
)
def test_the_documentation_of_exclude_filters_names_the_keys_that_differ(keys: Collection[str], sentence: str) -> None:
    options = yaml_load(ModuleDocFragment.DOCUMENTATION)["options"]
    (listed,) = re.findall(sentence, " ".join(options["exclude_filters"]["description"]))
    assert set(re.findall(r"V\(([\w-]+)\)", listed)) == set(keys), "the sentence in exclude_filters names these keys"


def test_a_long_raw_error_loses_its_middle() -> None:
    info = {"dataReplicationState": "STALLED", "dataReplicationError": {"rawError": f"first {'x ' * 200}last"}}
    (detail,) = details_of({"dataReplicationInfo": info})
    assert detail.startswith("first x")
    assert detail.endswith("x last")
    assert len(detail) <= 240
