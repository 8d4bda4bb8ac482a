# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Property tests of whole runs of drills, under any mix of faults, other actors and outcomes of launches."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ansible_collections.disaster_recovery.aws.tests.emulator.jobs import AFTER_TERMINATION
from ansible_collections.disaster_recovery.aws.tests.emulator.plans import LAUNCHES
from ansible_collections.disaster_recovery.aws.tests.unit.drill_world import DrillWorld, Result, Script, fleet
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import sid
from hypothesis import given, settings
from hypothesis import strategies as st

SERVERS = 5
RECOVERED = 1
PRODUCTION = "i-0aaaaaaaaaaaaaaaa"
READS = (
    "DescribeSourceServers",
    "DescribeJobs",
    "DescribeRecoveryInstances",
    "DescribeJobLogItems",
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
NUMBERS = st.integers(1, SERVERS)


@st.composite
def faults(draw: st.DrawFn) -> Script:
    operation = draw(st.sampled_from(["StartRecovery"] * 3 + ["TerminateRecoveryInstances"] * 2 + list(READS)))
    return {
        "operation": operation,
        "skip": draw(st.integers(0, 4)),
        "times": draw(st.integers(1, 3)),
        **draw(st.sampled_from(ENDS)),
    }


@st.composite
def others(draw: st.DrawFn) -> Script:
    return {
        "on": draw(st.sampled_from(["StartRecovery", "DescribeJobs", "GetLaunchConfiguration"])),
        "do": draw(st.sampled_from(["drill", "terminate", "stop"])),
        "server": sid(draw(st.integers(2, SERVERS))),
        "skip": draw(st.integers(0, 3)),
    }


@st.composite
def worlds(draw: st.DrawFn) -> Script:
    """Servers of any kind; the first one was recovered, and production runs on its instance."""
    launches = st.lists(st.sampled_from(list(LAUNCHES)), max_size=1).map(lambda plans: [*plans, "launched"])
    servers = [
        {
            "state": draw(st.sampled_from(["CONTINUOUS"] * 3 + ["BACKLOG", "STALLED", "STOPPED"])),
            "launch": draw(launches),
        }
        for _number in range(SERVERS)
    ]
    young = [{"sourceServerID": sid(number)} for number in sorted(draw(st.sets(st.integers(2, SERVERS), max_size=2)))]
    production = {"sourceServerID": sid(RECOVERED), "recoveryInstanceID": PRODUCTION, "isDrill": False}
    old_job, running_job = {"servers": [sid(2)], "age": 86400}, {"servers": [sid(3)], "launch": "silent"}
    return fleet(
        *servers,
        recovery_instances=[production, *young],
        jobs=draw(st.sampled_from([[], [old_job], [running_job]])),
        faults=draw(st.lists(faults(), max_size=3)),
        others=draw(st.lists(others(), max_size=1)),
        after_termination=draw(st.sampled_from(list(AFTER_TERMINATION))),
        quotas=draw(st.sampled_from([{}, {"servers_in_job": 2}, {"jobs": 1}])),
    )


OPTIONS = st.fixed_dictionaries(
    {
        "goal": st.sampled_from(["drilled", "drilled", "absent"]),
        "terminate": st.booleans(),
        "max_in_progress": st.sampled_from([None, None, 1, 3]),
        "filtered": st.just(False),
        "wait_timeout": st.sampled_from([120, 1200, 7200]),
        "max_age": st.sampled_from([0, 90]),
        "wait": st.sampled_from([True, True, False]),
    }
)


def check(result: Result, world: DrillWorld) -> None:
    """What holds of each run, whatever happens."""
    for call in result.of("StartRecovery"):
        assert call["isDrill"] is True
    sent: Counter[str] = Counter()
    for call in result.calls:
        if call["operation"] == "StartRecovery" and call["status"] in (None, 200, 500):
            sent.update(each["sourceServerID"] for each in call["input"]["sourceServers"])
    assert all(times == 1 for times in sent.values()), "a server was drilled twice"
    assert sid(RECOVERED) not in sent
    assert PRODUCTION in world.instances()
    for outcome in result.outcomes:
        assert outcome.reason
        if outcome.end in ("held", "deferred"):
            assert (outcome.action, outcome.changed) == ("none", False)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(script=worlds(), runs=st.lists(OPTIONS, min_size=1, max_size=2))
def test_whatever_happens_nobody_is_drilled_twice_and_production_stays(
    script: Script, runs: list[dict[str, Any]]
) -> None:
    world = DrillWorld(script)
    for options in runs:
        given_ = {**options, "terminate": options["terminate"] and options["wait"]}
        check(world.run(*map(sid, range(1, SERVERS + 1)), **given_), world)
    world.clock.pass_(3600)
    for _time in range(4):  # the faults are used up
        check(world.run(*map(sid, range(2, SERVERS + 1))), world)
    last = world.run(*map(sid, range(2, SERVERS + 1)))
    assert last.writes == []
    assert not any(outcome.changed for outcome in last.outcomes)
