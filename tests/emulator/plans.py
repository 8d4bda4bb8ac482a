# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the launch or the termination of one server goes: what the job's log says, when, and how it ends.

The log of a launch that succeeds was captured in aws-samples/drs-tools,
drs-plan-automation/samples/sample_data/sample_result.json: a snapshot took 0.2 seconds, the conversion 4 minutes and
the launch 5; the job ended 3 seconds after its last server. Without EC2 permissions a job ended 3 minutes after
SNAPSHOT_END without a word (johnjcousens/aws-elasticdrs-orchestrator,
docs/CRITICAL_FINDING_UI_DRILLS_NOT_CONVERTING.md), or late as LAUNCH_FAILED (aws-samples/sample-resilience-patterns,
drs-ec2/README.md). The other outcomes are assumptions: nobody has seen them, but the model names their events.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .model import structure
from .readers import (
    BOOLEAN,
    COUNT,
    OBJECT,
    POSITIVE,
    Reader,
    ScriptError,
    check_conforms,
    list_of,
    members_of,
    one_of,
    plain,
)
from .source_servers import Document

# Not in botocore's enum, but in every captured log.
LAUNCH_END = "LAUNCH_END"
EVENTS = (*structure("JobLog").members["event"].metadata["enum"], LAUNCH_END)

# These take no unit of time.
INSTANT = ("SNAPSHOT_END",)

SNAPSHOT = ("SNAPSHOT_START", "SNAPSHOT_END")
CONVERSION = ("CONVERSION_START", "CONVERSION_END")
DENIED = "UnauthorizedOperation: You are not authorized to perform this operation."


class Outcome(NamedTuple):
    """The events of one server in a job's log, its launchStatus at the end, and whether its instance lives then."""

    events: tuple[str, ...]
    status: str | None
    living: bool


LAUNCHES: Mapping[str, Outcome] = {
    "launched": Outcome((*SNAPSHOT, *CONVERSION, "LAUNCH_START", LAUNCH_END), "LAUNCHED", living=True),
    "launch_failed": Outcome((*SNAPSHOT, *CONVERSION, "LAUNCH_START", "LAUNCH_FAILED"), "FAILED", living=False),
    "silent": Outcome(SNAPSHOT, "FAILED", living=False),
    "snapshot_failed": Outcome(("SNAPSHOT_START", "SNAPSHOT_FAIL"), "FAILED", living=False),
    "conversion_failed": Outcome((*SNAPSHOT, "CONVERSION_START", "CONVERSION_FAIL"), "FAILED", living=False),
    "skipped": Outcome(("SERVER_SKIPPED",), "FAILED", living=False),
    "cancelled": Outcome((*SNAPSHOT, "JOB_CANCEL"), "FAILED", living=False),
    "without_log": Outcome((*SNAPSHOT, *CONVERSION, "LAUNCH_START"), "LAUNCHED", living=True),
    "without_instance": Outcome((*SNAPSHOT, *CONVERSION, "LAUNCH_START", LAUNCH_END), "LAUNCHED", living=False),
    "without_trace": Outcome((*SNAPSHOT, *CONVERSION, "LAUNCH_START"), "LAUNCHED", living=False),
}
TERMINATIONS: Mapping[str, Outcome] = {
    "terminated": Outcome(("CLEANUP_START", "CLEANUP_END"), None, living=False),
    "survives": Outcome(("CLEANUP_START", "CLEANUP_FAIL"), None, living=True),
}


@dataclass(frozen=True)
class Plan:
    """How it goes for one server; each phase takes `describes` units.

    `error` is the rawError of the event that fails, `actions` its launchActionsStatus, `instance` what its recovery
    instance shows. The first `unlisted` DescribeJobs do not list the job, and after `forgotten` they no longer do; the
    first `instance_unlisted` DescribeRecoveryInstances do not list the instance.
    """

    outcome: Outcome
    describes: int = 1
    error: str | None = DENIED
    actions: Document | None = None
    instance: Document = field(default_factory=dict)
    unlisted: int = 0
    forgotten: int | None = None
    instance_unlisted: int = 0

    def schedule(self) -> tuple[tuple[int, str], ...]:
        """Each event and the unit at which it comes."""
        unit, events = 0, []
        for event in self.outcome.events:
            unit += 0 if event.endswith("_START") or event in INSTANT else self.describes
            events.append((unit, event))
        return tuple(events)

    def end(self) -> int:
        """The unit at which it is over for this server: not before one phase has passed."""
        return max(self.describes, *(unit for unit, _event in self.schedule()), 0)


PLAN_KEYS: Mapping[str, Reader] = {
    "events": list_of(one_of(*EVENTS)),
    "status": plain(str, optional=True),
    "living": BOOLEAN,
    "describes": POSITIVE,
    "error": plain(str, optional=True),
    "actions": OBJECT,
    "instance": OBJECT,
    "unlisted": COUNT,
    "forgotten": COUNT,
    "instance_unlisted": COUNT,
}


def plans_of(outcomes: Mapping[str, Outcome]) -> Callable[[Any, str], tuple[Plan, ...]]:
    """A reader of one plan or a list of plans, one for each time; the last one goes on. A plan may be a name."""
    keys = {**PLAN_KEYS, "outcome": one_of(*outcomes)}

    def read_one(value: Any, where: str) -> Plan:
        given = members_of({"outcome": value} if isinstance(value, str) else value, keys, where)
        outcome = outcomes[given.pop("outcome", next(iter(outcomes)))]
        changes = {name: given.pop(name) for name in Outcome._fields if name in given}
        plan = Plan(outcome._replace(**changes), **given)
        _check_participant(plan, where)
        return plan

    def read(value: Any, where: str) -> tuple[Plan, ...]:
        plans = list_of(read_one)(value if isinstance(value, (list, tuple)) else [value], where)
        if not plans:
            raise ScriptError(f"{where} has no plan.")
        return plans

    return read


def _check_participant(plan: Plan, where: str) -> None:
    given = {"launchStatus": plan.outcome.status, "launchActionsStatus": plan.actions}
    participant = {name: value for name, value in given.items() if value is not None}
    check_conforms("ParticipatingServer", participant, where)
