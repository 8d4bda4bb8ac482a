# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lifecycle that a document shows, and what it means."""

from __future__ import annotations

import re
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any, get_args

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.lifecycle import (
    CONDITIONS,
    LIFECYCLES,
    Lifecycle,
    LifecycleFacts,
    facts_of,
    is_held,
    lifecycle_of,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.states import PHASES
from ansible_collections.disaster_recovery.aws.tests.unit.documents import (
    ARN,
    DOCUMENTS,
    INSTANCE,
    MACHINE,
    MEMBERS,
    OBJECTS,
    OWN,
    REVERSED_ARN,
    STAGING,
    STAGING_ARN,
    document,
    hints,
    launched,
    properties,
)
from ansible_collections.disaster_recovery.aws.tests.unit.ids import short_id
from hypothesis import given
from hypothesis import strategies as st

STATES_PAGE = Path(__file__).parents[2] / "docs" / "states.md"
REVERSED = {"reversedDirectionSourceServerArn": REVERSED_ARN}
FLAGS = [field.name for field in fields(LifecycleFacts) if field.type == "bool"]


@pytest.mark.parametrize(
    ("members", "lifecycle"),
    [
        *[(members, lifecycle) for lifecycle, members in MEMBERS.items()],
        # launching
        (launched("RECOVERY", "PENDING"), "launching"),
        (launched("RECOVERY", "PENDING", None), "launching"),
        ({**launched("RECOVERY", "IN_PROGRESS"), "replicationDirection": "FAILBACK"}, "launching"),
        (launched("DRILL", "PENDING"), "normal"),
        (launched("DRILL", "IN_PROGRESS", None), "normal"),
        # failback
        ({**launched("RECOVERY", "LAUNCHED"), "replicationDirection": "FAILBACK"}, "failback"),
        ({**REVERSED, "replicationDirection": "FAILBACK"}, "failback"),
        ({"replicationDirection": "FAILOVER"}, "normal"),
        ({"replicationDirection": None}, "normal"),
        # reprotected
        ({**launched("RECOVERY", "LAUNCHED"), **hints(awsInstanceID=INSTANCE), **REVERSED}, "reprotected"),
        ({**launched("RECOVERY", "FAILED"), **hints(awsInstanceID=INSTANCE)}, "failed_over"),
        ({**launched("RECOVERY", "TERMINATED"), **hints(awsInstanceID=INSTANCE)}, "normal"),
        ({**launched("DRILL", "LAUNCHED"), **hints(awsInstanceID=INSTANCE)}, "normal"),
        ({**launched("RECOVERY", "LAUNCHED"), **hints(awsInstanceID=MACHINE)}, "failed_over"),
        ({**launched("RECOVERY", "LAUNCHED"), **hints(hostname=INSTANCE)}, "failed_over"),
        ({**launched("RECOVERY", "LAUNCHED", None), **hints(hostname="web1")}, "normal"),
        # failed over
        (launched("RECOVERY", "FAILED"), "failed_over"),
        (launched("RECOVERY", "FAILED", None), "normal"),
        (launched("RECOVERY", None), "failed_over"),
        (launched("RECOVERY", "SOMETHING_NEW"), "failed_over"),
        (launched("RECOVERY", "TERMINATED"), "normal"),
        (launched("RECOVERY", "LAUNCHED", None), "normal"),
        (launched("RECOVERY", "LAUNCHED", ""), "normal"),
        (launched("DRILL", "LAUNCHED"), "normal"),
        ({**launched("RECOVERY", "LAUNCHED"), **REVERSED}, "failed_over"),
        ({**launched("RECOVERY", "LAUNCHED"), **MEMBERS["extended"]}, "failed_over"),
        ({"recoveryInstanceId": INSTANCE}, "normal"),
        # reversed
        ({**REVERSED, "recoveryInstanceId": INSTANCE}, "reversed"),
        ({**REVERSED, "recoveryInstanceId": INSTANCE, "lifeCycle": {"lastLaunch": {"initiated": {}}}}, "reversed"),
        ({**REVERSED, **launched("DRILL", "LAUNCHED")}, "normal"),
        ({**REVERSED, **launched("RECOVERY", "TERMINATED", None)}, "normal"),
        (REVERSED, "normal"),
        # extension
        ({"stagingArea": {"status": "EXTENSION_ERROR"}}, "extension_error"),
        ({"stagingArea": {"status": "EXTENDED", "stagingAccountID": OWN}}, "normal"),
        ({"stagingArea": {"status": "EXTENDED", "stagingSourceServerArn": STAGING_ARN}}, "extended"),
        ({"stagingArea": {"status": "EXTENDED", "stagingAccountID": STAGING}, "arn": None}, "normal"),
        ({"stagingArea": {"status": "EXTENDED"}}, "normal"),
        ({"stagingArea": {"status": "NOT_EXTENDED", "stagingAccountID": STAGING}}, "normal"),
    ],
    ids=short_id,
)
def test_the_lifecycle_follows_from_the_whole_document(members: dict[str, Any], lifecycle: Lifecycle) -> None:
    assert lifecycle_of(document(**members)) == lifecycle


@pytest.mark.parametrize("server", [None, {}, {"lifeCycle": None, "stagingArea": None}, [], "text"], ids=repr)
def test_a_document_that_says_nothing_is_normal(server: Any) -> None:
    assert lifecycle_of(server) == "normal"


def test_every_lifecycle_has_a_condition_a_row_and_an_example_in_this_order() -> None:
    assert [*[name for name, _is_observed in CONDITIONS], "normal"] == list(LIFECYCLES)
    assert list(get_args(Lifecycle)) == list(LIFECYCLES) == list(MEMBERS)


@pytest.mark.parametrize("lifecycle", LIFECYCLES)
def test_a_row_names_a_page_of_aws_or_says_that_it_is_assumed(lifecycle: Lifecycle) -> None:
    source = LIFECYCLES[lifecycle].source
    assert source.startswith(("https://docs.aws.amazon.com/drs/", "assumed: "))


def test_the_causes_differ_and_name_no_server() -> None:
    causes = [facts.cause for facts in LIFECYCLES.values()]
    assert len(set(causes)) == len(causes)
    assert not any(re.search(r"\b(i|s)-0|\.$|reinstall", cause) for cause in causes)


@properties
@given(DOCUMENTS)
def test_any_document_has_a_lifecycle(server: Any) -> None:
    assert lifecycle_of(server) in LIFECYCLES
    assert isinstance(is_held(server), bool)


@properties
@given(OBJECTS)
def test_the_first_condition_that_holds_wins(server: dict[str, Any]) -> None:
    lifecycle = lifecycle_of(server)
    before = list(LIFECYCLES)[: list(LIFECYCLES).index(lifecycle)]
    holds = dict(CONDITIONS)
    assert not any(holds[name](server) for name in before)
    assert lifecycle == "normal" or holds[lifecycle](server)


@properties
@given(OBJECTS, st.sampled_from(["PENDING", "IN_PROGRESS", "LAUNCHED", "FAILED", "TERMINATED", None]))
def test_a_drill_never_changes_the_lifecycle(server: dict[str, Any], status: str | None) -> None:
    before = {**server, "lifeCycle": None, "recoveryInstanceId": None}
    assert lifecycle_of({**server, **launched("DRILL", status)}) == lifecycle_of(before)


@properties
@given(OBJECTS)
def test_the_link_to_the_reversed_server_alone_changes_nothing(server: dict[str, Any]) -> None:
    without = {**server, "recoveryInstanceId": None, "reversedDirectionSourceServerArn": None}
    assert lifecycle_of({**without, **REVERSED}) == lifecycle_of(without)


HELD_WHEN_STUCK = {"launching", "failed_over", "reversed"}


@pytest.mark.parametrize("state", [*PHASES, "SOMETHING_NEW", None])
@pytest.mark.parametrize("lifecycle", LIFECYCLES)
def test_filters_hold_what_somebody_stopped_for_a_reason_or_whose_site_may_be_gone(
    lifecycle: Lifecycle, state: str | None
) -> None:
    held = {
        "STOPPED": lifecycle != "normal",
        **dict.fromkeys(("DISCONNECTED", "STALLED", "PAUSED"), lifecycle in HELD_WHEN_STUCK),
    }
    assert is_held(document(state, **MEMBERS[lifecycle])) == held.get(state or "", False)


@pytest.mark.parametrize(
    ("flag", "lifecycles"),
    [
        ("held_when_stopped", set(LIFECYCLES) - {"normal"}),
        ("held_when_stuck", HELD_WHEN_STUCK),
        ("fails_wait_when_stuck", {"failed_over", "reversed"}),
        ("guards_stop", {"launching", "failed_over", "failback", "reversed"}),
        ("speaks", {"launching", "failed_over", "reversed", "extension_error", "extended"}),
        ("unprotected", {"failed_over", "reversed"}),
    ],
)
def test_each_fact_is_true_of_these_lifecycles_only(flag: str, lifecycles: set[str]) -> None:
    assert {name for name, facts in LIFECYCLES.items() if getattr(facts, flag)} == lifecycles


def test_the_facts_of_a_server_are_those_of_its_lifecycle() -> None:
    assert all(facts_of(document(**members)) is LIFECYCLES[name] for name, members in MEMBERS.items())
    assert facts_of({"arn": ARN}) is LIFECYCLES["normal"]


def test_docs_states_md_repeats_the_lifecycles() -> None:
    page = STATES_PAGE.read_text(encoding="utf-8")
    links = dict(re.findall(r"^\[([\w-]+)\]:\s+(\S+)$", page, re.MULTILINE))
    described = _rows(page, "| `lifecycle` | observed | next step | page |")
    assert [name for name, *_cells in described] == list(LIFECYCLES)
    for name, observed, next_step, source in described:
        assert observed, name
        assert next_step, name
        facts = LIFECYCLES[name]  # type: ignore[index]
        pages = re.findall(r"\]\[([\w-]+)\]", source)
        assert "assumed" in source or pages
        assert [links[page] for page in pages] == re.findall(r"https://\S+\.html", facts.source)
        assert ("assumed" in source) == facts.source.startswith("assumed: ")
    facts_table = _rows(page, f"| `lifecycle` | {' | '.join(FLAGS)} |".replace("_", " "))
    documented = {name: [cell == "yes" for cell in cells] for name, *cells in facts_table}
    assert documented == {name: list(astuple(facts)[2:]) for name, facts in LIFECYCLES.items()}


def _rows(page: str, heading: str) -> list[list[str]]:
    lines = page.splitlines()
    below = lines[lines.index(heading) + 2 :]
    end = next(number for number, line in enumerate(below) if not line.startswith("|"))
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in below[:end]]
