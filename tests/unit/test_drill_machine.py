# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stateful property tests of drills: faults, other actors and runs in any order, and finally undisturbed runs.

Each run must keep every promise, whatever was left by earlier runs, lost calls and other actors. What DRS alone knows
is read from the emulator, not from its answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.errors import DrsError
from ansible_collections.disaster_recovery.aws.tests.emulator.jobs import ACTIVE, AFTER_TERMINATION
from ansible_collections.disaster_recovery.aws.tests.emulator.plans import LAUNCHES, TERMINATIONS
from ansible_collections.disaster_recovery.aws.tests.unit.drill_world import WRITES, DrillWorld, Result, Script, fleet
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import REGION, sid
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

pytestmark = pytest.mark.no_cover

SERVERS = 6
RECOVERED, COPIED, LAUNCHED_INTO = map(sid, (1, 2, 3))
PRODUCTION, OWN, INTO = (f"i-0{letter * 16}" for letter in "abc")
"""Recovery instances of the first three servers: not marked as a drill, the machine that its server copies, and the one
that the launch configuration names. The last two are marked as drills, and all of them were there before."""

THERE_BEFORE = {RECOVERED: PRODUCTION, COPIED: OWN, LAUNCHED_INTO: INTO}
READS = (
    "DescribeSourceServers",
    "DescribeJobs",
    "DescribeRecoveryInstances",
    "DescribeJobLogItems",
    "DescribeRecoverySnapshots",
    "GetLaunchConfiguration",
)
ENDS: list[Script] = [
    {"kind": "drop"},
    {"kind": "drop", "when": "after"},
    {"code": "InternalServerException", "status": 500},
    {"code": "InternalServerException", "status": 500, "when": "after"},
    {"kind": "garbage", "body": "html", "when": "after"},
    {"code": "ConflictException", "status": 409},
    {"code": "AccessDeniedException", "status": 403},
    {"code": "ServiceQuotaExceededException", "status": 402},
    {"code": "ThrottlingException", "status": 429},
    {"code": "ExpiredTokenException", "status": 403},
]
LEFT_OPEN = (None, 200, 202, 500)
"""The statuses of answers after which a call took effect, or may have."""

STATES = ["CONTINUOUS"] * 3 + ["BACKLOG", "STALLED", "STOPPED"]
CALLS = ["StartRecovery"] * 3 + ["TerminateRecoveryInstances"] * 2 + list(READS)
FAULTS = st.builds(
    lambda operation, skip, times, end: {"operation": operation, "skip": skip, "times": times, **end},
    st.sampled_from(CALLS),
    st.integers(0, 4),
    st.integers(1, 3),
    st.sampled_from(ENDS),
)
OTHERS = st.fixed_dictionaries(
    {
        "on": st.sampled_from(["DescribeSourceServers", "StartRecovery", "DescribeJobs", "GetLaunchConfiguration"]),
        "do": st.sampled_from(["drill", "drill", "terminate", "recover", "stop"]),
        "server": st.integers(len(THERE_BEFORE) + 1, SERVERS).map(sid),
        "skip": st.integers(0, 3),
        "when": st.sampled_from(["before", "after"]),
    }
)
OPTIONS = st.fixed_dictionaries(
    {
        "goal": st.sampled_from(["drilled", "drilled", "absent"]),
        "terminate": st.booleans(),
        "max_in_progress": st.sampled_from([None, None, 1, 3]),
        "filtered": st.booleans(),
        "limits": st.sampled_from([(120, 30), (1200, 30), (7200, 60)]),
        "max_age": st.sampled_from([0, 90]),
        "min_age": st.sampled_from([0, 0, 12]),
        "mode": st.sampled_from(["wait", "wait", "no_wait", "check"]),
    }
)


@st.composite
def worlds(draw: st.DrawFn) -> Script:
    """Servers of any kind. What launches and terminations come to is drawn for the first time, then they succeed."""
    servers: list[Script] = [
        {
            "state": draw(st.sampled_from(STATES)),
            "launch": [*draw(st.lists(st.sampled_from(list(LAUNCHES)), max_size=1)), "launched"],
            "termination": [*draw(st.lists(st.sampled_from(list(TERMINATIONS)), max_size=1)), "terminated"],
        }
        for _number in range(SERVERS)
    ]
    servers[1]["sourceProperties"] = {"identificationHints": {"awsInstanceID": OWN}}
    servers[2]["launch_configuration"] = {"launchIntoInstanceProperties": {"launchIntoEC2InstanceID": INTO}}
    there = [
        {"sourceServerID": server_id, "recoveryInstanceID": id_, "isDrill": id_ != PRODUCTION, "age": 86400}
        for server_id, id_ in THERE_BEFORE.items()
    ]
    young = [{"sourceServerID": sid(number)} for number in sorted(draw(st.sets(st.integers(4, SERVERS), max_size=2)))]
    old_job, running_job = {"servers": [sid(4)], "age": 86400}, {"servers": [sid(5)], "launch": "silent"}
    return fleet(
        *servers,
        recovery_instances=[*there, *young],
        jobs=draw(st.sampled_from([[], [old_job], [running_job]])),
        after_termination=draw(st.sampled_from(list(AFTER_TERMINATION))),
        quotas=draw(st.sampled_from([{}, {"servers_in_job": 2}, {"jobs": 1}])),
    )


@dataclass(frozen=True)
class Sent:
    """A write at the moment before it reaches DRS, with what DRS alone knows then.

    endangered: living instances that are no drill of DRS's own, and that the call would end. in_drill: the servers of
    the run's jobs that are not over.
    """

    operation: str
    server_ids: list[str]
    endangered: list[str]
    in_drill: list[str]


def the_run_ends_in_time(result: Result, _sent: list[Sent]) -> None:
    assert result.took <= result.run.options.wait_timeout + 30
    assert all(outcome.reason for outcome in result.outcomes)


def each_launch_is_a_drill(result: Result, _sent: list[Sent]) -> None:
    assert all(call["isDrill"] is True for call in result.of("StartRecovery"))


def no_call_ends_an_instance_that_is_no_drill_or_was_there_before(_result: Result, sent: list[Sent]) -> None:
    assert [each for each in sent if each.endangered] == []


def nobody_is_drilled_twice(result: Result, _sent: list[Sent]) -> None:
    assert max(Counter(open_calls(result, "StartRecovery")).values(), default=0) <= 1


def no_instance_is_terminated_twice(result: Result, _sent: list[Sent]) -> None:
    calls = [call for call in result.calls if call["operation"] == "TerminateRecoveryInstances"]
    ids = [id_ for call in calls if call["status"] in LEFT_OPEN for id_ in call["input"]["recoveryInstanceIDs"]]
    assert max(Counter(ids).values(), default=0) <= 1


def no_more_servers_are_in_drill_than_allowed(result: Result, sent: list[Sent]) -> None:
    limit = result.run.options.max_in_progress
    if limit is not None:
        drills = [each for each in sent if each.operation == "StartRecovery"]
        assert [each for each in drills if len({*each.server_ids, *each.in_drill}) > limit] == []


def check_mode_and_servers_that_are_left_alone_are_never_called(result: Result, _sent: list[Sent]) -> None:
    assert result.writes == [] or not result.run.options.check_mode
    called = {*open_calls(result, "StartRecovery")}
    for outcome in result.outcomes:
        if outcome.end in ("held", "deferred"):
            assert (outcome.action, outcome.changed) == ("none", False)
            assert outcome.source_server_id not in called


def open_calls(result: Result, operation: str) -> list[str]:
    """The servers of the calls that took effect, or may have."""
    calls = [call for call in result.calls if call["operation"] == operation and call["status"] in LEFT_OPEN]
    return [each["sourceServerID"] for call in calls for each in call["input"]["sourceServers"]]


PROMISES: list[Callable[[Result, list[Sent]], None]] = [
    the_run_ends_in_time,
    each_launch_is_a_drill,
    no_call_ends_an_instance_that_is_no_drill_or_was_there_before,
    nobody_is_drilled_twice,
    no_instance_is_terminated_twice,
    no_more_servers_are_in_drill_than_allowed,
    check_mode_and_servers_that_are_left_alone_are_never_called,
]


class DrillsOverMonths(RuleBasedStateMachine):
    """Runs of both states over one fleet."""

    @initialize(script=worlds())
    def begin(self, script: Script) -> None:
        self.world = DrillWorld(script)
        self.runs = 0
        self.sent: list[Sent] = []
        self.touched: set[str] = set()
        self.failed: list[str] = []
        for operation in WRITES:
            self.world.client.meta.events.register(f"before-send.drs.{operation}", self._note)

    def _note(self, event_name: str, params: dict[str, Any], **_event: Any) -> None:
        living, operation = self.world.instances(), event_name.rpartition(".")[2]
        ids = params.get("recoveryInstanceIDs", [])
        servers = [each["sourceServerID"] for each in params.get("sourceServers", [])]
        over = [id_ for id_, each in living.items() if id_ in ids or each["sourceServerID"] in servers]
        jobs = [job for job in self.world.service.jobs(REGION).values() if job.get("tags", {}).get("run") == self.tag]
        in_drill = [
            each["sourceServerID"] for job in jobs if job["status"] in ACTIVE for each in job["participatingServers"]
        ]
        no_drills = [id_ for id_ in over if not living[id_]["isDrill"] or id_ in THERE_BEFORE.values()]
        self.sent.append(Sent(operation, servers, no_drills, in_drill))

    @property
    def tag(self) -> str:
        """The tag of the jobs of the last run."""
        return str(self.runs)

    @rule(
        faults=st.lists(FAULTS, max_size=3),
        others=st.lists(OTHERS, max_size=2),
    )
    def the_next_runs_are_disturbed(self, faults: list[Script], others: list[Script]) -> None:
        self.world.service.disturb(faults, others)
        self.touched |= {each["server"] for each in others}

    @rule(seconds=st.sampled_from([60, 3600, 100 * 86400]))
    def time_passes(self, seconds: int) -> None:
        self.world.clock.pass_(seconds)

    @rule(options=OPTIONS)
    def the_task_runs(self, options: dict[str, Any]) -> None:
        mode, (wait_timeout, wait_delay) = options["mode"], options["limits"]
        kept = {name: value for name, value in options.items() if name not in ("mode", "limits")}
        kept["terminate"] = kept["terminate"] and mode == "wait" and kept["goal"] == "drilled"
        self.go(
            wait=mode == "wait", check_mode=mode == "check", wait_timeout=wait_timeout, wait_delay=wait_delay, **kept
        )

    @precondition(lambda self: self.failed)
    @rule()
    def the_task_runs_again_for_those_that_failed(self) -> None:
        self.go(*self.failed)

    def go(self, *source_server_ids: str, **options: Any) -> Result | None:
        """A run; None if the listing under filters failed, which ends the task before it."""
        self.runs, self.sent = self.runs + 1, []
        given = {"wait_delay": 60, **options}
        meant = source_server_ids or tuple(map(sid, range(1, SERVERS + 1)))
        try:
            result = self.world.run(*meant, job_tags={"run": self.tag}, **given)
        except DrsError:
            assert given["filtered"]
            return None
        assert [outcome.source_server_id for outcome in result.outcomes] == list(meant)
        self.failed = [outcome.source_server_id for outcome in result.outcomes if outcome.failed]
        for promise in PROMISES:
            promise(result, self.sent)
        self.changes_are_told(result)
        return result

    def changes_are_told(self, result: Result) -> None:
        """A change is reported where a call took effect or may have, and nowhere else."""
        jobs = [job for job in self.world.service.jobs(REGION).values() if job.get("tags", {}).get("run") == self.tag]
        drilled = {each["sourceServerID"] for job in jobs for each in job["participatingServers"]}
        told = {each.source_server_id for each in result.outcomes if each.changed or " was sent " in each.reason}
        assert drilled <= told
        if result.run.options.goal == "drilled" and not result.run.options.check_mode:
            changed = {each.source_server_id for each in result.outcomes if each.changed}
            assert changed <= {*open_calls(result, "StartRecovery")}

    def teardown(self) -> None:
        """Without further faults, two runs do what is left, and the third one has nothing to do."""
        if not hasattr(self, "world"):
            return
        self.world.service.disturb()
        self.world.clock.pass_(3600)
        for goal in ("drilled", "absent"):
            *_rest, last = (self.go(goal=goal) for _time in range(3))
            assert last is not None
            assert last.writes == []
            assert not any(outcome.changed for outcome in last.outcomes)
            ready = {
                each
                for each, server in self.world.service.servers(REGION).items()
                if server["dataReplicationInfo"]["dataReplicationState"] == "CONTINUOUS" or goal == "absent"
            }
            done = {outcome.source_server_id for outcome in last.outcomes if outcome.end == "done"}
            assert ready - {*THERE_BEFORE} - self.touched <= done
        assert {*THERE_BEFORE.values()} <= {*self.world.instances()}


TestDrillsOverMonths = DrillsOverMonths.TestCase
TestDrillsOverMonths.settings = settings(
    max_examples=30, stateful_step_count=8, deadline=None, derandomize=True, database=None
)
