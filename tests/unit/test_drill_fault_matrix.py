# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fault matrix of drills: every kind of fault, at every call of a drill and of a termination, in both states.

Each row runs over the same five servers: with the fault, again without, and once more where that run changed something.
A row is named CALL-WHEN-KIND-HOW OFTEN, as in test_fault_matrix.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.results.drill import (
    failure_message,
    success_message,
)
from ansible_collections.disaster_recovery.aws.tests.unit.drill_world import DrillWorld, Result, Script, fleet
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import REGION, sid
from ansible_collections.disaster_recovery.aws.tests.unit.fault_kinds import KINDS, REFUSALS, SAY_NOT_APPLIED

QUOTA: Script = {"code": "ServiceQuotaExceededException", "status": 402}
FOR_GOOD = ("429", "500")
PROMPT, DATED, FAULTY, FRESH, RECOVERED = map(sid, range(1, 6))
"""CONTINUOUS, STALLED with a recovery snapshot, CONTINUOUS and met by the faults of one server, drilled yesterday, and
one on whose instance production may run."""

TO_DRILL = {PROMPT, DATED, FAULTY}
WITH_DRILL_INSTANCE = {PROMPT, FAULTY}
ALL = {PROMPT, DATED, FAULTY, FRESH, RECOVERED}
PRODUCTION = "i-0aaaaaaaaaaaaaaaa"

Ends = dict[str, tuple[str, bool]]
"""How each server ends, and whether it was changed."""

SERVERS: list[Script] = [{}, {"state": "STALLED", "snapshots": [60]}, {}, {}, {}]
RECOVERY: Script = {"sourceServerID": RECOVERED, "recoveryInstanceID": PRODUCTION, "isDrill": False}
WORLDS: dict[str, Script] = {
    "drilled": {"jobs": [{"servers": [FRESH], "age": 86400}], "recovery_instances": [RECOVERY]},
    "absent": {"recovery_instances": [RECOVERY, *({"sourceServerID": each} for each in sorted(WITH_DRILL_INSTANCE))]},
}
WRITES = {"drilled": ["StartRecovery", "TerminateRecoveryInstances"], "absent": ["TerminateRecoveryInstances"]}
CHANGED = {"drilled": TO_DRILL, "absent": WITH_DRILL_INSTANCE}
"""The servers that an undisturbed run drills and then frees, or frees."""


@dataclass(frozen=True)
class Place:
    """A call of the run in this state.

    fails: the servers that a refusal of it fails. end: how they end. silence: how they end where it is never answered.
    is_after: whether the run's own call came before it.
    """

    goal: str
    call: Script
    fails: frozenset[str]
    end: str = "failed"
    silence: str = "failed"
    is_after: bool = False


def _place(goal: str, operation: str, fails: set[str], skip: int = 0, server: str | None = None, **facts: Any) -> Place:
    named = {} if server is None else {"server": server}
    return Place(goal, {"operation": operation, "skip": skip, **named}, frozenset(fails), **facts)


READS: dict[str, Place] = {
    "describe": _place("drilled", "DescribeSourceServers", ALL),
    "jobs": _place("drilled", "DescribeJobs", ALL),
    "jobs_before_call": _place("drilled", "DescribeJobs", TO_DRILL, skip=1, silence="deferred"),
    "jobs_in_wait": _place("drilled", "DescribeJobs", TO_DRILL, skip=2, is_after=True),
    "instances": _place("drilled", "DescribeRecoveryInstances", ALL),
    "instances_before_call": _place("drilled", "DescribeRecoveryInstances", TO_DRILL, skip=1, silence="deferred"),
    "instances_in_wait": _place("drilled", "DescribeRecoveryInstances", TO_DRILL, skip=2, is_after=True),
    "log_of_earlier_drill": _place("drilled", "DescribeJobLogItems", {FRESH}),
    "log_in_wait": _place("drilled", "DescribeJobLogItems", set(), skip=1),
    "snapshots": _place("drilled", "DescribeRecoverySnapshots", {DATED}),
    "configuration": _place("drilled", "GetLaunchConfiguration", {FAULTY}, server=FAULTY),
    "absent_describe": _place("absent", "DescribeSourceServers", ALL),
    "absent_jobs": _place("absent", "DescribeJobs", ALL),
    "absent_jobs_before_call": _place("absent", "DescribeJobs", WITH_DRILL_INSTANCE, skip=1, silence="deferred"),
    "absent_instances": _place("absent", "DescribeRecoveryInstances", ALL),
    "absent_instances_in_wait": _place(
        "absent", "DescribeRecoveryInstances", WITH_DRILL_INSTANCE, skip=2, is_after=True
    ),
    # An unreadable launch configuration may name the instance as one that was there before.
    "absent_configuration": _place(
        "absent", "GetLaunchConfiguration", {FAULTY}, server=FAULTY, end="held", silence="held"
    ),
}
CALLS: dict[str, Place] = {
    "start": _place("drilled", "StartRecovery", TO_DRILL),
    "start_with_one": _place("drilled", "StartRecovery", {FAULTY}, server=FAULTY),
    "terminate": _place("drilled", "TerminateRecoveryInstances", TO_DRILL, is_after=True),
    "absent_terminate": _place("absent", "TerminateRecoveryInstances", WITH_DRILL_INSTANCE),
}


@dataclass(frozen=True)
class Row:
    """A row of the matrix. check: whether in check mode."""

    name: str
    kind: str
    when: str = "before"
    always: bool = False
    check: bool = False

    def __str__(self) -> str:
        often = "always" if self.always else "once"
        return f"{self.name}-{self.when}-{self.kind}-{often}{'-check' if self.check else ''}"

    @property
    def place(self) -> Place:
        return {**READS, **CALLS}[self.name]

    @property
    def faults(self) -> list[Script]:
        kind = {**KINDS, "402": QUOTA}[self.kind]
        return [{**self.place.call, "when": self.when, "times": None if self.always else 1, **kind}]

    @property
    def is_filtered(self) -> bool:
        """Whether filters select the servers. It decides how the one ends on whose instance production may run."""
        return self.name in CALLS

    @property
    def is_refused(self) -> bool:
        return self.kind in REFUSALS or self.kind == "402"

    @property
    def is_late_lie(self) -> bool:
        return self.when == "after" and self.kind in {*SAY_NOT_APPLIED, "402"}

    @property
    def ends(self) -> Ends:
        return self._ends_of_call() if self.name in CALLS else self._ends_of_read()

    def _ends_of_read(self) -> Ends:
        place, ends = self.place, undisturbed(self.place.goal, self.is_filtered)
        if not self.always and not self.is_refused:
            return ends
        end = place.end if self.is_refused else place.silence
        return {**ends, **{each: (end, place.is_after and each in CHANGED[place.goal]) for each in place.fails}}

    def _ends_of_call(self) -> Ends:
        place, ends = self.place, undisturbed(self.place.goal, self.is_filtered)
        changed = CHANGED[place.goal]
        if self.is_late_lie:  # its effect looks like somebody else's
            return {**ends, **dict.fromkeys(changed, ("done", place.is_after))}
        if self.kind == "429":
            return {**ends, **dict.fromkeys(changed, ("deferred", False))} if self.always else ends
        if self.is_refused:
            return {**ends, **dict.fromkeys(place.fails, ("failed", place.is_after))} if self.always else ends
        if self.when == "after":
            return ends
        return {**ends, **dict.fromkeys(changed, ("failed", place.is_after))}  # never sent twice


def undisturbed(goal: str, is_filtered: bool) -> Ends:
    """How the servers end without a fault."""
    held = "held" if goal == "absent" or is_filtered else "failed"
    return {each: ("done", each in CHANGED[goal]) for each in ALL} | {RECOVERED: (held, False)}


def rows() -> Iterator[Row]:
    for name in READS:
        yield from (Row(name, kind) for kind in sorted(REFUSALS))
        yield from (Row(name, kind, always=True) for kind in FOR_GOOD)
    for name in ("start", "terminate", "absent_terminate"):
        for kind in (*KINDS, "402"):
            for when in ("before", "after"):
                if kind != "cut" or when == "after":
                    yield Row(name, kind, when)
    for name in ("start_with_one", "absent_terminate"):
        yield from (Row(name, kind, always=True) for kind in ("403", "409", *FOR_GOOD, "drop", "html"))


def world(goal: str, *faults: Script) -> DrillWorld:
    return DrillWorld(fleet(*SERVERS, clock={"wall": 5}, **WORLDS[goal], faults=list(faults)))


def run(world: DrillWorld, goal: str, filtered: bool = False, **options: Any) -> Result:
    options = {"wait_timeout": 60, "wait_delay": 10, **options}
    return world.run(goal=goal, terminate=goal == "drilled" and options.get("wait", True), filtered=filtered, **options)


def ends_of(result: Result) -> Ends:
    return {each.source_server_id: (str(each.end), each.changed) for each in result.outcomes}


def drills_of(world: DrillWorld) -> Counter[str]:
    """How many drills of each server there are, as only DRS knows."""
    jobs = [job for job in world.service.jobs(REGION).values() if job["initiatedBy"] == "START_DRILL"]
    return Counter(each["sourceServerID"] for job in jobs for each in job["participatingServers"])


def assert_that_it_reads_well(result: Result) -> None:
    message = failure_message(result.run) or success_message(result.run)
    sentences = [message, *(text for each in result.outcomes for text in (each.reason, each.cause))]
    assert [text for text in sentences if not text or not text.isprintable()] == []
    assert message.endswith((".", ")"))


def assert_that_production_stays(world: DrillWorld, result: Result) -> None:
    assert PRODUCTION in world.instances()
    assert all(call["isDrill"] is True for call in result.of("StartRecovery"))
    assert not any(PRODUCTION in call["recoveryInstanceIDs"] for call in result.of("TerminateRecoveryInstances"))


def assert_that_the_rest_is_done_by_the_next_run(world: DrillWorld, goal: str) -> None:
    """And that the one after it changes nothing."""
    world.service.disturb()
    world.clock.pass_(3600)
    drilled, living = set(drills_of(world)), {each["sourceServerID"] for each in world.instances().values()}
    left = TO_DRILL - drilled if goal == "drilled" else (living & WITH_DRILL_INSTANCE)
    second = run(world, goal)
    assert {each for each, (_end, changed) in ends_of(second).items() if changed} == left
    assert {end for each, (end, _changed) in ends_of(second).items() if each != RECOVERED} == {"done"}
    if goal == "drilled":
        assert drills_of(world) == dict.fromkeys(TO_DRILL | {FRESH}, 1)
    else:
        assert list(world.instances()) == [PRODUCTION]
    assert bool(second.writes) == bool(left)
    if left:
        third = run(world, goal)
        assert third.writes == []
        assert not any(outcome.changed for outcome in third.outcomes)


@pytest.mark.parametrize("row", list(rows()), ids=str)
def test_a_fault_fails_its_servers_alone_and_the_next_run_does_what_is_left(row: Row) -> None:
    goal = row.place.goal
    disturbed = world(goal, *row.faults)
    first = run(disturbed, goal, row.is_filtered)
    assert any(call["fault"] for call in first.calls), "the fault did not happen"
    assert ends_of(first) == row.ends
    assert max(drills_of(disturbed).values(), default=0) <= 1
    assert_that_it_reads_well(first)
    assert_that_production_stays(disturbed, first)
    assert_that_the_rest_is_done_by_the_next_run(disturbed, goal)


TRANSIENT = sorted({*KINDS} - REFUSALS)


@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
@pytest.mark.parametrize("kind", TRANSIENT)
@pytest.mark.parametrize("goal", WORLDS)
def test_a_run_of_which_each_read_goes_wrong_once_in_a_while_ends_as_if_none_had(
    goal: str, kind: str, check: bool
) -> None:
    operations = {place.call["operation"] for place in READS.values() if place.goal == goal}
    often = [
        {"operation": each, "skip": 2 * turn, "when": "after", **KINDS[kind]}
        for each in operations
        for turn in (0, 1, 2)
    ]
    disturbed = world(goal, *often)
    result = run(disturbed, goal, check_mode=check, wait=not check)
    assert {call["operation"] for call in result.calls if call["fault"]} == operations
    assert ends_of(result) == undisturbed(goal, is_filtered=False)
    assert result.writes == ([] if check else WRITES[goal])
    assert disturbed.clock.slept == [] or not check
    assert_that_production_stays(disturbed, result)


CHECKED = [name for name, place in READS.items() if not place.is_after and name != "log_in_wait"]


@pytest.mark.parametrize("how", ["check", "no_wait"])
@pytest.mark.parametrize("kind", ["403", "500"])
@pytest.mark.parametrize("name", CHECKED)
def test_without_wait_what_cannot_be_read_fails_its_servers_and_check_mode_predicts_the_rest(
    name: str, kind: str, how: str
) -> None:
    row = replace(Row(name, kind, always=True), check=how == "check")
    place = row.place
    disturbed = world(place.goal, *row.faults)
    result = run(disturbed, place.goal, check_mode=row.check, wait=False)
    is_met = any(call["fault"] for call in result.calls)
    assert is_met or (row.check and name.endswith("_before_call"))  # no call, no look right before it
    failing = {*place.fails, RECOVERED} if is_met else {RECOVERED}
    assert {each.source_server_id for each in result.outcomes if each.end in ("failed", "held")} == failing
    assert {each.source_server_id for each in result.outcomes if each.changed} == CHANGED[place.goal] - failing
    assert result.writes == [] or not row.check
    assert_that_it_reads_well(result)
    assert_that_production_stays(disturbed, result)
