# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The numbers in msg, read from the sentence and compared with counts of the outcomes, for fleets of any kind."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.states import PHASES
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.results.replication import (
    failure_message,
    success_message,
    values_of,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.run import Run
from ansible_collections.disaster_recovery.aws.tests.unit.decision_table import GOALS, TABLE
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import (
    CONFLICT,
    EXPIRED,
    GONE,
    NO_ANSWER,
    REFUSED,
    FakeDrs,
    FakeServer,
    sid,
)
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import End as CallEnd
from hypothesis import given, settings
from hypothesis import strategies as st

CALLED = r"(?:started|stopped)"
MORE = r"((?:, \d+(?: of them)?(?: was| were)? [a-z ]+)*)"
SUCCESS = re.compile(rf"(\d+) of (\d+) source servers? (?:would be )?{CALLED}{MORE} [(]")
FAILURE = re.compile(
    r"(\d+) of (\d+) source servers? (failed|(?:is|are) not [a-z ]+ after \d+ s)"
    rf"{MORE}(?:; (\d+)(?: others?)? (?:was|were|would be) {CALLED}{MORE})? [(]"
)

STATES = st.sampled_from([*PHASES, *["STOPPED"] * 4, *["STALLED"] * 2, "SOMETHING_NEW", None, GONE])
ENDS = st.sampled_from([*[None] * 6, REFUSED, CONFLICT, NO_ANSWER, EXPIRED])
ERRORS = st.sampled_from([None, None, "NOT_CONVERGING"])


@st.composite
def servers(draw: st.DrawFn) -> FakeServer:
    """A server in any state, whose first call ends in any way and leads to any state."""
    state, end, error = draw(STATES), CallEnd(draw(ENDS)), draw(ERRORS)
    members = {}
    if error and state not in (None, GONE):
        members = {"dataReplicationInfo": {"dataReplicationState": state, "dataReplicationError": {"error": error}}}
    return FakeServer(
        [state],
        started=[draw(STATES), draw(STATES)],
        starts=[end],
        stops=[end],
        members=members if state != "STOPPED" else {},
        holds=[draw(st.booleans())],
    )


OPTIONS = st.fixed_dictionaries(
    {
        "goal": st.sampled_from(GOALS),
        "check_mode": st.sampled_from([False, False, True]),
        "wait": st.sampled_from([True, True, False]),
        "wait_timeout": st.just(60.0),
        "max_in_progress": st.sampled_from([None, 1, 3]),
        "holds": st.booleans(),
    }
)


def numbers(text: str) -> dict[str, int]:
    """The counts in a part of a sentence such as ", 2 were running already, 1 of them stuck"."""
    pairs = re.findall(r", (\d+)(?: of them)?(?: was| were)? ([a-z ]+)", text)
    assert len(pairs) == len({what for _number, what in pairs}), "each noun stands once"
    return {what: int(number) for number, what in pairs}


def kind_of(row: dict[str, Any]) -> str:
    """What is counted of a server that did not fail, from its outcome alone."""
    for flag in ("held", "deferred", "changed"):
        if row[flag]:
            return flag
    if is_stuck(row):
        return "stuck"
    if row["state"] not in PHASES:
        return "in an unknown state"
    if row["state"] == "DISCONNECTED":
        return "disconnected"
    return "stopped already" if row["state"] == "STOPPED" else "running already"


def is_stuck(row: dict[str, Any]) -> bool:
    has_error = row["replication_error"] is not None
    return row["state"] in ("STALLED", "PAUSED") or (row["state"] == "INITIATING" and has_error)


def counted(rows: list[dict[str, Any]]) -> dict[str, int]:
    kinds = [kind_of(row) for row in rows]
    return {kind: kinds.count(kind) for kind in kinds}


def check(run: Run) -> None:
    """Compare the numbers in msg with the outcomes."""
    rows = values_of(run.outcomes, diff=False)["outcomes"]
    failure = failure_message(run)
    assert (failure is None) == (not any(row["failed"] for row in rows) and not run.expired)
    if failure is None:
        match = SUCCESS.match(success_message(run))
        assert match, success_message(run)
        changed, total, rest = int(match[1]), int(match[2]), numbers(match[3])
        assert counted(rows) == {**rest, **({"changed": changed} if changed else {})}
        assert changed + sum(rest.values()) == total == len(rows)
        return
    match = FAILURE.match(failure)
    if run.error and not match:
        assert all(row["arn"] is None for row in rows), "nothing was read"
        return
    assert match, failure
    missed = [row for row in rows if is_missed(run, row)]
    others = [row for row in rows if not is_missed(run, row)]
    assert (int(match[1]), int(match[2])) == (len(missed), len(rows))
    assert (match[3] == "failed") == (not run.expired)
    check_missed(missed, numbers(match[4]))
    changed, rest = int(match[5] or 0), numbers(match[6] or "")
    assert counted(others) == {**rest, **({"changed": changed} if changed else {})}
    assert len(missed) + changed + sum(rest.values()) == len(rows)


def is_missed(run: Run, row: dict[str, Any]) -> bool:
    if not run.expired:
        return bool(row["failed"])
    is_left = row["failed"] or row["held"] or row["deferred"]
    is_healthy = row["replication_error"] is None or run.options.goal != "continuous"
    known = row["state"] if row["state"] in TABLE else None
    return is_left or TABLE[known][run.options.goal] != "done" or not is_healthy


def check_missed(rows: list[dict[str, Any]], told: dict[str, int]) -> None:
    """Compare what is said of those that failed or are not at the goal."""
    is_called = [row for row in rows if row["changed"]]
    assert sum(number for what, number in told.items() if what.startswith("after an accepted")) == len(is_called)
    for end in ("held", "deferred"):
        assert told.get(end, 0) == sum(row[end] for row in rows)
    left = [row for row in rows if not row["held"] and not row["deferred"]]
    assert told.get("stuck", 0) == sum(map(is_stuck, left))
    unknown = [row for row in left if row["arn"] and row["state"] not in PHASES and row["lifecycle"]]
    assert told.get("in an unknown state", 0) == len(unknown)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(servers(), min_size=1, max_size=8), OPTIONS)
def test_the_numbers_add_up_to_the_selected_servers_and_count_what_their_nouns_say(
    fleet: list[FakeServer], options: dict[str, Any]
) -> None:
    check(FakeDrs({sid(number): server for number, server in enumerate(fleet)}).run(**options).run)
