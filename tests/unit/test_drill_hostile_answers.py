# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever JSON type stands in the place of any member that a drill reads: no traceback, and results that are safe."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import product
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.errors import DrsError
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.recovery import DrsRecoveryApi
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.operations import (
    Batch,
    BatchOperation,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.results.drill import (
    failure_message,
    success_message,
    values_of,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.results.outcome_values import warnings_by_cause
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.drill import drill
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.drill_options import DrillOptions
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.drill_progress import drill_line
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.drill_run import DrillOutcome, DrillRun
from ansible_collections.disaster_recovery.aws.tests.unit.drill_world import DrillWorld, fleet
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import REGION, FakeClock, sid
from ansible_collections.disaster_recovery.aws.tests.unit.hostile import (
    ESCAPES,
    HOSTILE,
    TYPES,
    ParsingClient,
    Path,
    assert_encodable,
    json_values,
    nested_json,
    paths_of,
    put,
    sample,
)
from botocore.model import ServiceModel
from botocore.session import Session
from hypothesis import given, settings
from hypothesis import strategies as st

Document = dict[str, Any]

NOW = datetime(2026, 11, 26, 12, tzinfo=timezone.utc)
MODEL = Session().get_service_model("drs")
JOB, NEW_JOB = "drsjob-0123456789abcdef0", "drsjob-0123456789abcdef1"
INSTANCE = "i-0bbbbbbbbbbbbbbbb"


KINDS = ("Job", "JobLog", "RecoveryInstance", "RecoverySnapshot", "LaunchConfiguration")


def documents() -> dict[str, Document]:
    """One of each kind, with every member of the service model: a drill that succeeded, and its server."""
    whole = {kind: sample(MODEL.shape_for(kind)) for kind in KINDS}
    at = (NOW - timedelta(days=1)).isoformat()
    runs = [{"action": {"name": "Volumes", "optional": True}, "status": "FAILED", "failureReason": "text"}]
    participant = {"launchStatus": "LAUNCHED", "launchActionsStatus": {"runs": runs}}
    whole["Job"] |= {"initiatedBy": "START_DRILL", "status": "COMPLETED", "creationDateTime": at, "endDateTime": at}
    whole["Job"]["participatingServers"][0] |= participant
    whole["JobLog"] |= {"event": "LAUNCH_END", "logDateTime": at}
    whole["RecoveryInstance"] |= {"isDrill": True, "ec2InstanceState": "RUNNING", "recoveryInstanceID": INSTANCE}
    whole["RecoveryInstance"]["dataReplicationInfo"]["dataReplicationState"] = "NOT_STARTED"
    whole["RecoverySnapshot"] |= {"timestamp": at}
    whole["LaunchConfiguration"]["launchIntoInstanceProperties"]["launchIntoEC2InstanceID"] = None
    return whole


DOCUMENTS = documents()
ENCODED = {kind: json.dumps(each) for kind, each in DOCUMENTS.items()}
"""Decoding one takes a third of the time of a deep copy."""

PATHS: list[tuple[str, Path]] = [(kind, path) for kind, each in DOCUMENTS.items() for path in paths_of(each)]
MEMBERS = [(kind, member) for kind, each in DOCUMENTS.items() for member in each]
TEXTS = ["x" * 5000, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]

NAMED_AT: dict[str, Path] = {
    "Job": ("participatingServers", 0, "sourceServerID"),
    "JobLog": ("eventData", "sourceServerID"),
    "RecoveryInstance": ("sourceServerID",),
    "RecoverySnapshot": ("sourceServerID",),
    "LaunchConfiguration": ("sourceServerID",),
}
"""Where a document names its source server."""

Spoilt = Mapping[int, Sequence[tuple[str, Path, Any]]]
"""By the number of a server: what stands in the place of members of its documents."""


@dataclass
class HostileApi:
    """Servers of which every document may be spoilt, and each launch has succeeded at the second look.

    has_answer: whether the answer to a launch is a clean one; otherwise it is spoilt as the job is.
    """

    spoilt: Spoilt
    servers: int
    has_answer: bool = True
    region: str = REGION
    clock: FakeClock = field(default_factory=FakeClock)
    until: float = 0.0
    launches: list[Document] = field(default_factory=list)
    launched: dict[str, Any] = field(default_factory=dict)
    shown: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    made: dict[tuple[str, int, str], Document] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.until = self.clock() + 900

    def describe(self, source_server_ids: Sequence[str]) -> list[Mapping[str, Any]]:
        info = {"dataReplicationState": "STALLED"}
        return [{"sourceServerID": each, "dataReplicationInfo": info} for each in source_server_ids]

    def jobs(self, _since: datetime) -> list[Mapping[str, Any]]:
        listed = [self._made("Job", number, f"{JOB}{number}") for number in range(self.servers)]
        for job in self.launches:
            is_running = self.has_answer and job["jobID"] not in self.shown
            listed.append({**job, "status": "STARTED"} if is_running else job)
        self.shown |= {str(job.get("jobID")) for job in self.launches}
        return [job for job in listed if isinstance(job.get("jobID"), str) and job["jobID"]]

    def job_log(self, job_id: str) -> list[Mapping[str, Any]]:
        return [self._of("JobLog", number) for number in range(self.servers) if job_id in self._jobs_of(number)]

    def recovery_instances(self, _source_server_ids: Sequence[str]) -> list[Mapping[str, Any]]:
        found = [self._of("RecoveryInstance", number) for number in range(self.servers)]
        named = [each for each in found if isinstance(each["recoveryInstanceID"], str) and each["recoveryInstanceID"]]
        return [each for each in named if each["recoveryInstanceID"] not in self.gone]

    def launch_configuration(self, source_server_id: str) -> Document:
        return self._of("LaunchConfiguration", int(source_server_id[2:]))

    def snapshot_before(self, source_server_id: str, _moment: datetime | None) -> Document:
        return self._of("RecoverySnapshot", int(source_server_id[2:]))

    def send(self, operation: BatchOperation, resource: Batch) -> Document:
        if operation == "terminate":
            marked = {each["recoveryInstanceID"] for each in self.recovery_instances(()) if each["isDrill"] is True}
            assert {*resource.instance_ids} <= marked
            self.gone |= {*resource.instance_ids}
            return {"jobID": f"{NEW_JOB}0"}
        job = copy.deepcopy(DOCUMENTS["Job"]) if self.has_answer else copy.copy(self._made("Job", 0, NEW_JOB))
        if self.has_answer:
            (participant,) = job["participatingServers"]
            named = [{**participant, "sourceServerID": each} for each in resource.source_server_ids]
            job |= {"jobID": f"{NEW_JOB}{len(self.launches)}", "participatingServers": named}
        self.launched |= dict.fromkeys(resource.source_server_ids, job["jobID"])
        self.launches.append(job)
        return {**job, "status": "PENDING"} if self.has_answer else job

    def _jobs_of(self, number: int) -> list[Any]:
        """The IDs of the jobs of a server, newest first."""
        return [*(self.launched[each] for each in [sid(number)] if each in self.launched), f"{JOB}{number}"]

    def _of(self, kind: str, number: int) -> Document:
        return self._made(kind, number, self._jobs_of(number)[0])

    def _made(self, kind: str, number: int, job_id: Any) -> Document:
        key = (kind, number, str(job_id))
        if key not in self.made:
            document = self.made[key] = json.loads(ENCODED[kind])
            put(document, NAMED_AT[kind], sid(number))
            if "jobID" in document:
                document["jobID"] = job_id
            if kind == "RecoveryInstance":
                document["recoveryInstanceID"] = f"i-{number}"
            for of_kind, path, value in self.spoilt.get(number, ()):
                if of_kind == kind:
                    put(document, path, copied(value))
        return self.made[key]


def copied(value: Any) -> Any:
    """A copy; itself if it has too many levels to be copied, as newer Pythons can read it."""
    try:
        return copy.deepcopy(value)
    except RecursionError:
        return value


OPTIONS = {
    "fresh": DrillOptions(goal="drilled", max_age=90, wait_timeout=900),
    "drill": DrillOptions(goal="drilled", max_age=0, terminate=True, wait_timeout=900),
    "absent": DrillOptions(goal="absent", wait_timeout=900),
}
READ_BY = {
    "Job": ["fresh", "drill", "absent"],
    "JobLog": ["fresh", "drill"],
    "RecoveryInstance": ["drill", "absent"],
    "RecoverySnapshot": ["drill"],
    "LaunchConfiguration": ["drill", "absent"],
}
"""The runs that read a kind of document."""


def assert_safe(api: HostileApi, options: DrillOptions) -> Sequence[DrillOutcome]:
    """Every server has an end, and no text that users read has control characters or is long. Returns the outcomes."""
    lines: list[str] = []

    def report(outcomes: Sequence[DrillOutcome]) -> None:
        lines.extend(drill_line(options.goal, each) for each in (outcomes, outcomes[:1]))

    outcomes = [DrillOutcome(sid(number)) for number in range(api.servers)]
    run = DrillRun(options, api, outcomes, api.clock, api.clock.sleep, lambda: NOW, report)
    drill(run)
    assert [outcome.end for outcome in outcomes if outcome.end is None] == []
    values = values_of(outcomes, run.jobs, diff=True)
    sentences = [*lines, *warnings_by_cause(REGION, outcomes), *values["diff"]["after"].splitlines()]
    sentences += [failure_message(run) or success_message(run), *(each.reason for each in outcomes)]
    sentences += [text for outcome in outcomes for text in (outcome.cause, outcome.before, outcome.after)]
    assert [text for text in sentences if not text.isprintable()] == []
    assert [len(text) for text in sentences if len(text) > 8000] == []
    for row in [*values["outcomes"], *values["jobs"]]:
        assert [text for text in texts_in(row) if not text.isprintable()] == []
    assert_encodable(values)
    return outcomes


def texts_in(value: Any) -> list[str]:
    if isinstance(value, (list, dict)):
        return [text for each in (value.values() if isinstance(value, dict) else value) for text in texts_in(each)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize(
    ("kind", "member", "options"), [(kind, member, each) for kind, member in MEMBERS for each in READ_BY[kind]]
)
def test_any_json_type_may_stand_in_the_place_of_any_member(kind: str, member: str, options: str) -> None:
    """Each server has another value at another path, and the last one only clean documents."""
    paths = [path for of_kind, path in PATHS if of_kind == kind and path[0] == member]
    values = list(product(paths, TYPES + TEXTS))
    spoilt = {number: [(kind, path, value)] for number, (path, value) in enumerate(values)}
    last = assert_safe(HostileApi(spoilt, len(values) + 1), OPTIONS[options])[-1]
    assert (last.end, last.changed) == ("done", options != "fresh"), last.reason


@pytest.mark.parametrize("member", DOCUMENTS["Job"])
def test_any_json_type_may_stand_in_the_place_of_any_member_of_an_answer(member: str) -> None:
    for path, value in product([path for kind, path in PATHS if kind == "Job" and path[0] == member], TYPES + TEXTS):
        assert_safe(HostileApi({0: [("Job", path, value)]}, 1, has_answer=False), OPTIONS["drill"])


replacements = st.lists(st.tuples(st.sampled_from(PATHS), json_values | st.sampled_from(HOSTILE)), max_size=6).map(
    lambda found: {0: [(kind, path, value) for (kind, path), value in found]}
)


@settings(max_examples=100, derandomize=True, database=None, deadline=None)
@given(spoilt=replacements, options=st.sampled_from(list(OPTIONS)))
def test_any_json_type_may_stand_in_the_place_of_many_members_and_of_an_answer(spoilt: Spoilt, options: str) -> None:
    assert_safe(HostileApi(spoilt, 1, has_answer=False), OPTIONS[options])


TOLD_BY = {
    "Job": ["jobID"],
    "RecoveryInstance": ["recoveryInstanceID", "sourceServerID"],
    "LaunchConfiguration": ["sourceServerID"],
    "StartRecovery": ["jobID"],
    "TerminateRecoveryInstances": ["jobID"],
}
"""The members by which an object is told apart. Without one an answer counts as none."""


def called(kind: str, answer: str) -> list[Any] | None:
    """What the API makes of this answer; None for one that counts as none."""
    clock = FakeClock()
    client: Any = ParsingClient(MODEL, answer.encode())
    api = DrsRecoveryApi(client, math.inf, 1, clock.sleep, clock)
    calls: dict[str, Callable[[], list[Any]]] = {
        "Job": lambda: api.jobs(NOW),
        "JobLog": lambda: api.job_log(JOB),
        "RecoveryInstance": lambda: api.recovery_instances([sid(0)]),
        "RecoverySnapshot": lambda: [api.snapshot_before("text", None)],
        "LaunchConfiguration": lambda: [api.launch_configuration("text")],
        "StartRecovery": lambda: [api.send("drill", Batch(("text",)))],
        "TerminateRecoveryInstances": lambda: [api.send("terminate", Batch(("text",), (INSTANCE,)))],
    }
    try:
        return calls[kind]()
    except DrsError as error:
        return None if (error.kind, error.code) == ("unanswered", None) else [error]


def answers_with(kind: str, document: str) -> list[tuple[str, str]]:
    """Each call that answers with this kind of document, and the answer."""
    if kind == "LaunchConfiguration":
        return [(kind, document)]
    job = f'{{"job": {document}}}'
    writes = [("StartRecovery", job), ("TerminateRecoveryInstances", job)] if kind == "Job" else []
    return [(kind, f'{{"items": [{document}]}}'), *writes]


@pytest.mark.parametrize(("kind", "member"), MEMBERS)
def test_what_botocore_makes_of_any_json_type_is_an_object_or_no_answer(kind: str, member: str) -> None:
    for path, value in product([path for of_kind, path in PATHS if (of_kind, path[0]) == (kind, member)], TYPES):
        document = copy.deepcopy(DOCUMENTS[kind])
        put(document, path, value)
        for call, answer in answers_with(kind, json.dumps(document)):
            for each in called(call, answer) or ():
                if each is None and call == "RecoverySnapshot":
                    continue
                assert isinstance(each, dict), (call, path, value)
                assert all(isinstance(each[name], str) and each[name] for name in TOLD_BY.get(call, ())), (path, value)


@pytest.mark.parametrize("brackets", ["[]", "{}"])
@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_member_of_any_depth_breaks_nothing(kind: str, brackets: str) -> None:
    spoilt: dict[int, list[tuple[str, Path, Any]]] = {}
    for depth, member in [(60, member) for member in DOCUMENTS[kind]] + [(5000, "arn"), (5000, "sourceServerID")]:
        document = json.dumps({**DOCUMENTS[kind], member: "HERE"}).replace('"HERE"', nested_json(brackets, depth))
        for call, answer in answers_with(kind, document):
            for found in called(call, answer) or ():
                if isinstance(found, dict):
                    spoilt[len(spoilt)] = [(kind, (member,), found.get(member))]
    assert_safe(HostileApi(spoilt, len(spoilt) + 1), OPTIONS["drill"])


def test_the_generator_knows_every_member_of_botocore(drs_model: ServiceModel) -> None:
    for kind in KINDS:
        assert set(DOCUMENTS[kind]) == set(drs_model.shape_for(kind).members)  # type: ignore[attr-defined]
    assert len(PATHS) > 100


@pytest.mark.parametrize("status", [403, 500])
@pytest.mark.parametrize(
    ("goal", "operation"),
    [
        ("drilled", "DescribeSourceServers"),
        ("drilled", "DescribeJobs"),
        ("drilled", "DescribeJobLogItems"),
        ("drilled", "DescribeRecoveryInstances"),
        ("drilled", "DescribeRecoverySnapshots"),
        ("drilled", "GetLaunchConfiguration"),
        ("drilled", "StartRecovery"),
        ("absent", "TerminateRecoveryInstances"),
    ],
)
def test_the_text_of_an_error_is_shown_escaped_and_shortened(goal: str, operation: str, status: int) -> None:
    code = {"code": "Bad\r\n\x1b", "status": status, "message": ESCAPES * 500, "times": None}
    world = DrillWorld(
        fleet(
            {"state": "STALLED", "snapshots": [60]},
            jobs=[{"servers": [sid(1)], "age": 86400, "log": ["SNAPSHOT_END"]}] if goal == "drilled" else [],
            recovery_instances=[{"sourceServerID": sid(1)}] if goal == "absent" else [],
            faults=[{"operation": operation, **code}],
        )
    )
    result = world.run(goal=goal, wait_timeout=120)
    assert any(call["fault"] for call in result.calls)
    message = failure_message(result.run) or ""
    assert operation in message
    assert [text for text in (message, result.only.reason, result.only.cause) if not text.isprintable()] == []
    assert len(message) < 1000
    assert_encodable(values_of(result.outcomes, result.run.jobs, diff=True))
