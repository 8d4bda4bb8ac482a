# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import get_args

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.states import (
    PHASES,
    RULES,
    Goal,
    Phase,
    Verdict,
    decide,
    phase_of,
)
from botocore.model import ServiceModel

ROOT = Path(__file__).parents[2]

# Table 3.2 of the design, row by row: the verdicts for replicating, continuous and stopped.
TABLE: dict[str | None, tuple[Verdict, Verdict, Verdict]] = {
    "STOPPED": ("start", "start", "done"),
    "INITIATING": ("wait", "wait", "stop"),
    "INITIAL_SYNC": ("done", "wait", "stop"),
    "CREATING_SNAPSHOT": ("done", "wait", "stop"),
    "RESCAN": ("done", "wait", "stop"),
    "BACKLOG": ("done", "wait", "stop"),
    "CONTINUOUS": ("done", "done", "stop"),
    "STALLED": ("wait", "wait", "fail"),
    "PAUSED": ("wait", "wait", "fail"),
    "DISCONNECTED": ("fail", "fail", "done"),
    "SOMETHING_NEW": ("wait", "wait", "fail"),
    None: ("fail", "fail", "fail"),
}
GOALS: tuple[Goal, ...] = ("replicating", "continuous", "stopped")
ROWS = [
    (state, goal, verdict) for state, verdicts in TABLE.items() for goal, verdict in zip(GOALS, verdicts, strict=True)
]


def test_the_rules_cover_every_goal_and_phase_and_nothing_else() -> None:
    assert set(RULES) == set(product(get_args(Goal), get_args(Phase)))


def test_the_phases_know_every_state_of_the_installed_botocore_and_no_other(drs_model: ServiceModel) -> None:
    assert set(PHASES) == set(drs_model.shape_for("DataReplicationState").enum)


def test_every_phase_is_reached() -> None:
    assert {phase_of(state) for state in TABLE} == set(get_args(Phase))


@pytest.mark.parametrize(("state", "goal", "verdict"), ROWS)
def test_each_state_gets_the_verdict_of_the_contract(state: str | None, goal: Goal, verdict: Verdict) -> None:
    assert decide(goal, state).verdict == verdict


@pytest.mark.parametrize(("state", "goal", "verdict"), ROWS)
def test_every_reason_is_one_sentence_without_an_end(state: str | None, goal: Goal, verdict: Verdict) -> None:
    reason = decide(goal, state).reason
    assert reason
    assert verdict
    assert not reason.endswith(".")
    assert "\n" not in reason


@pytest.mark.parametrize(("state", "goal", "verdict"), ROWS)
def test_a_warning_is_given_for_servers_that_run_without_data_and_for_unknown_states(
    state: str | None, goal: Goal, verdict: Verdict
) -> None:
    warned = verdict == "wait" and state in ("STALLED", "PAUSED", "SOMETHING_NEW")
    assert (decide(goal, state).warning is not None) == warned


@pytest.mark.parametrize("state", ["continuous", " CONTINUOUS", "", "STOPPED2"])
def test_a_state_is_known_to_the_letter_only(state: str) -> None:
    assert phase_of(state) == "unknown"


@pytest.mark.parametrize("goal", ["replicating", "continuous"])
@pytest.mark.parametrize("ago", [0.0, 15.0, 299.9])
def test_a_start_that_does_not_show_yet_is_pending_for_five_minutes(goal: Goal, ago: float) -> None:
    assert decide(goal, "STOPPED", accepted_ago=ago).verdict == "wait"


@pytest.mark.parametrize("goal", ["replicating", "continuous"])
@pytest.mark.parametrize(("ago", "told"), [(300.0, "300 s"), (310.2, "310 s"), (4000.0, "4000 s")])
def test_a_start_that_never_shows_fails_and_tells_after_how_long(goal: Goal, ago: float, told: str) -> None:
    rule = decide(goal, "STOPPED", accepted_ago=ago)
    assert rule.verdict == "fail"
    assert rule.reason.startswith(f"reads STOPPED {told} after DRS accepted the start")
    assert "StopReplication in CloudTrail" in rule.reason


@pytest.mark.parametrize("goal", ["replicating", "continuous"])
@pytest.mark.parametrize("ago", [1.0, 299.9, 300.0, 4000.0])
def test_a_server_that_ran_after_our_start_and_is_stopped_again_fails_at_once(goal: Goal, ago: float) -> None:
    rule = decide(goal, "STOPPED", accepted_ago=ago, left_stopped=True)
    assert rule.verdict == "fail"
    assert "StopReplication in CloudTrail" in rule.reason


@pytest.mark.parametrize(("state", "goal", "verdict"), [row for row in ROWS if row[1] != "stopped"])
@pytest.mark.parametrize("left_stopped", [True, False])
@pytest.mark.parametrize("ago", [0.0, 299.9, 300.0, 4000.0])
def test_an_accepted_start_is_never_repeated_and_changes_no_other_verdict(
    state: str | None, goal: Goal, verdict: Verdict, left_stopped: bool, ago: float
) -> None:
    after = decide(goal, state, ago, left_stopped).verdict
    assert after in ("wait", "fail") if verdict == "start" else after == verdict


@pytest.mark.parametrize("state", TABLE)
@pytest.mark.parametrize("ago", [0.0, 300.0, 4000.0])
def test_an_accepted_stop_is_waited_for_until_nothing_replicates(state: str | None, ago: float) -> None:
    ends: dict[str | None, Verdict] = {"STOPPED": "done", "DISCONNECTED": "done", None: "fail"}
    assert decide("stopped", state, accepted_ago=ago).verdict == ends.get(state, "wait")


def test_docs_states_md_says_what_the_code_does() -> None:
    def cells(line: str) -> list[str]:
        return [cell.strip() for cell in line.strip("| ").split("|")]

    lines = (ROOT / "docs" / "states.md").read_text(encoding="utf-8").splitlines()
    begin = lines.index("| phase | states | replicating | continuous | stopped |")
    documented = {}
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            break
        phase, states, *verdicts = cells(line)
        documented[phase] = (re.findall(r"`(\w+)`", states), verdicts)
    assert documented == {
        phase: (
            [state for state in PHASES if PHASES[state] == phase],
            [RULES[goal, phase].verdict for goal in GOALS],
        )
        for phase in get_args(Phase)
    }
