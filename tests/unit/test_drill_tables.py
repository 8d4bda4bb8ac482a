# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tables of drills and terminations decide, row by row, and the promises over documents of any shape."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.drill_ends import (
    END_ROWS,
    Ended,
    how_it_ended,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.drills import (
    DRILL_ROWS,
    whether_to_drill,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.evidence import (
    Evidence,
    Observed,
    Unasked,
    Unreadable,
    fresh_evidence,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.lifecycle import LIFECYCLES
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.operations import (
    CALLS,
    Batch,
    document_in,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.recovery_instances import is_living
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.states import PHASES
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.terminations import (
    TERMINATION_ROWS,
    Doomed,
    whether_to_terminate,
)
from ansible_collections.disaster_recovery.aws.tests.unit.documents import (
    ID,
    INSTANCE,
    JOB,
    JSON,
    MACHINE,
    MEMBERS,
    Document,
    document,
    launched,
    properties,
)
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 26, 12, tzinfo=timezone.utc)
OTHER = "i-0cccccccccccccccc"
REFUSED = Unreadable("these credentials lack drs:X", "AccessDeniedException", "at length")
SILENT_LOG = [{"event": "SNAPSHOT_END", "eventData": {"sourceServerID": ID}}]
LAUNCHED_LOG = [
    {"event": "JOB_START"},
    {"event": "LAUNCH_END", "eventData": {"sourceServerID": ID, "targetInstanceID": INSTANCE}},
]


def job(
    initiated_by: str | None = "START_DRILL", status: str = "COMPLETED", days: float = 1, **members: Any
) -> Document:
    """A job of this server that was created so many days ago."""
    named = {
        "jobID": JOB,
        "initiatedBy": initiated_by,
        "status": status,
        "creationDateTime": (NOW - timedelta(days=days)).isoformat(),
        "participatingServers": [{"sourceServerID": ID, "launchStatus": "LAUNCHED"}],
        **members,
    }
    return {name: value for name, value in named.items() if value is not None}


def participant(status: str | None = "LAUNCHED", *runs: Document) -> Document:
    """The member of a job that says this of the server, with these runs of launch actions."""
    actions = {"launchActionsStatus": {"runs": list(runs)}} if runs else {}
    return {"participatingServers": [{"sourceServerID": ID, "launchStatus": status, **actions}]}


def action(status: str, optional: bool) -> Document:
    """A run of a launch action."""
    return {"action": {"name": "Volumes", "optional": optional}, "status": status, "failureReason": "the disk is full"}


def instance(state: str = "RUNNING", **members: Any) -> Document:
    """A recovery instance of this server, by default a drill of the job."""
    named = {
        "recoveryInstanceID": INSTANCE,
        "ec2InstanceID": INSTANCE,
        "sourceServerID": ID,
        "ec2InstanceState": state,
        "isDrill": True,
        "jobID": JOB,
        "pointInTimeSnapshotDateTime": (NOW - timedelta(hours=5)).isoformat(),
        **members,
    }
    return {name: value for name, value in named.items() if value is not None}


def recovered_job(minutes: float, **members: Any) -> Document:
    """A recovery of this server that ended so many minutes ago."""
    return job("START_RECOVERY", endDateTime=(NOW - timedelta(minutes=minutes)).isoformat(), **members)


def configuration(machine: Any = None) -> Document:
    return {
        "sourceServerID": ID,
        "launchIntoInstanceProperties": {"launchIntoEC2InstanceID": machine} if machine else {},
    }


def snapshot(hours: float) -> Document:
    return {"snapshotID": "pit-00000000000000001", "timestamp": (NOW - timedelta(hours=hours)).isoformat()}


def observed(server: Document | None = None, **known: Any) -> Observed:
    """A server that would be drilled, but for what is given."""
    given_ = {"server": document() if server is None else server, "configuration": configuration(), **known}
    return Observed(ID, now=NOW, since=NOW - timedelta(days=90), **given_)


DRILLS: list[tuple[str, Observed, str, str]] = [
    ("unknown", Observed(ID, None, NOW, NOW), "fail", "DRS does not know this ID"),
    ("a log decides", observed(jobs=[job()]), "ask", ""),
    (
        "a log that cannot be read",
        observed(jobs=[job()], logs={JOB: REFUSED}),
        "fail",
        "the log of a drill job cannot be read: these credentials lack drs:X",
    ),
    ("LAUNCH_END in the log", observed(jobs=[job()], logs={JOB: LAUNCHED_LOG}), "done", f"drilled 1 d ago ({JOB})"),
    ("LAUNCHED, with its instance", observed(jobs=[job()], instances=[instance()]), "done", "costs until it is"),
    (
        "of a stopped server",
        observed(document("STOPPED"), jobs=[job()], logs={JOB: LAUNCHED_LOG}),
        "done",
        "drilled 1 d ago",
    ),
    (
        "a job no longer listed",
        observed(document(**launched("DRILL", "TERMINATED", None))),
        "done",
        "drilled 6 d ago",
    ),
    ("a drill runs", observed(jobs=[job(status="STARTED")]), "wait", f"a drill of it is running ({JOB})"),
    ("a drill is pending", observed(jobs=[job(status="PENDING")]), "wait", f"a drill of it is running ({JOB})"),
    (
        "a termination runs",
        observed(jobs=[job("TERMINATE_RECOVERY_INSTANCES", "STARTED")]),
        "defer",
        f"another job holds it ({JOB}, TERMINATE_RECOVERY_INSTANCES)",
    ),
    ("a conversion runs", observed(jobs=[job("TARGET_ACCOUNT", "PENDING")]), "defer", "another job holds it"),
    ("a job of no kind runs", observed(jobs=[job(None, "PENDING")]), "defer", "of unknown kind"),
    ("a recovery has just ended", observed(jobs=[recovered_job(9)]), "defer", f"({JOB}, START_RECOVERY)"),
    (
        "a recovery has just ended and its instance is listed",
        observed(jobs=[recovered_job(1)], instances=[instance(isDrill=False)]),
        "hold",
        "production may run on",
    ),
    ("a recovery has just failed", observed(jobs=[recovered_job(1, **participant("FAILED"))]), "drill", ""),
    ("a recovery without an instance", observed(jobs=[recovered_job(11)]), "drill", ""),
    (
        "a recovery runs elsewhere",
        observed(recovery_job=job("START_RECOVERY", "STARTED", participatingServers=[])),
        "defer",
        f"a recovery is running in this Region and needs the quotas ({JOB})",
    ),
    (
        "an instance without the mark",
        observed(instances=[instance(isDrill=None, jobID="other")]),
        "hold",
        f"production may run on {INSTANCE}; a drill would terminate every earlier recovery instance of it",
    ),
    ("an instance of a recovery", observed(instances=[instance(isDrill=False)]), "hold", "production may run on"),
    ("a stopped one", observed(instances=[instance("STOPPED", isDrill=False)]), "hold", "production may run on"),
    (
        "its own machine",
        observed(instances=[instance(recoveryInstanceID=MACHINE, ec2InstanceID=MACHINE)]),
        "hold",
        f"production may run on {MACHINE}",
    ),
    *(
        (
            f"lifecycle {name}",
            observed({**document(), **MEMBERS[name]}),
            "hold",
            "a drill would terminate every earlier",
        )
        for name in LIFECYCLES
        if name not in ("normal", "extended")
    ),
    ("a dead instance", observed(instances=[instance("TERMINATED", isDrill=False)]), "drill", ""),
    ("STOPPED", observed(document("STOPPED")), "fail", "it is STOPPED: get it protected with drs_source_server_repl"),
    ("DISCONNECTED", observed(document("DISCONNECTED")), "fail", "drs_source_server_replication"),
    ("no state", observed(document(None)), "fail", "AWS reported no data replication state"),
    ("an unknown state", observed(document("NEW")), "fail", "the state NEW is unknown"),
    ("snapshots decide", observed(document("STALLED")), "ask", ""),
    ("snapshots decide at a point in time", observed(point_in_time=NOW), "ask", ""),
    (
        "snapshots that cannot be read",
        observed(document("STALLED"), snapshots=REFUSED),
        "fail",
        "its recovery snapshots cannot be read",
    ),
    ("no snapshot", observed(document("STALLED"), snapshots=[]), "fail", "it is STALLED and has no recovery snapshot"),
    ("none so old", observed(point_in_time=NOW, snapshots=[]), "fail", "it has no recovery snapshot at or before 2026"),
    ("the configuration decides", observed(configuration=None), "ask", ""),
    ("a configuration that cannot be read", observed(configuration=REFUSED), "fail", "its launch configuration cannot"),
    (
        "launch into",
        observed(configuration=configuration(OTHER)),
        "fail",
        f"launchIntoEC2InstanceID of its launch configuration names {OTHER}, whose disks a drill would replace",
    ),
    ("CONTINUOUS", observed(), "drill", "no successful drill is fresh"),
    ("extended", observed({**document(), **MEMBERS["extended"]}), "drill", "no successful drill is fresh"),
    ("STALLED with a snapshot", observed(document("STALLED"), snapshots=[snapshot(3)]), "drill", "taken 3 h ago"),
    (
        "an earlier drill instance",
        observed(instances=[instance(jobID="earlier")]),
        "drill",
        f"the launch deletes its earlier drill instance {INSTANCE}",
    ),
    ("an old drill", observed(jobs=[job(days=91)], logs={JOB: LAUNCHED_LOG}), "drill", ""),
    ("a drill that failed", observed(jobs=[job(**participant("FAILED"))], logs={JOB: LAUNCHED_LOG}), "drill", ""),
    (
        "a mandatory launch action that failed",
        observed(jobs=[job(**participant("LAUNCHED", action("FAILED", optional=False)))], logs={JOB: LAUNCHED_LOG}),
        "drill",
        "",
    ),
    ("a drill without LAUNCH_END", observed(jobs=[job()], logs={JOB: LAUNCHED_LOG[:1]}), "drill", ""),
    ("a recovery that succeeded", observed(jobs=[job("START_RECOVERY")], logs={JOB: LAUNCHED_LOG}), "drill", ""),
]


@pytest.mark.parametrize(("seen", "verdict", "reason"), [row[1:] for row in DRILLS], ids=[row[0] for row in DRILLS])
def test_what_is_observed_decides_whether_to_drill(seen: Observed, verdict: str, reason: str) -> None:
    ruling = whether_to_drill(seen)
    assert (ruling.verdict, reason in ruling.reason) == (verdict, True), ruling


@pytest.mark.parametrize("state", PHASES)
def test_a_fresh_drill_is_enough_in_every_state(state: str) -> None:
    assert whether_to_drill(observed(document(state), jobs=[job()], logs={JOB: LAUNCHED_LOG})).verdict == "done"


def test_a_later_recovery_or_failure_does_not_hide_a_drill() -> None:
    later = [job("START_RECOVERY", jobID="b", days=0.2), job(jobID="a", days=0.5, **participant("FAILED"))]
    logs = {JOB: LAUNCHED_LOG, "a": [], "b": LAUNCHED_LOG}
    evidence = fresh_evidence(observed(jobs=[*later, job()], logs=logs))
    assert isinstance(evidence, Evidence)
    assert (evidence.job_id, evidence.instance_id, evidence.launch_actions) == (JOB, INSTANCE, "unknown")


@pytest.mark.parametrize("status", ["LAUNCHED", "TERMINATED", "PENDING", None])
def test_the_log_decides_whatever_the_job_shows_after_a_termination(status: str | None) -> None:
    seen = observed(jobs=[job(**participant(status))], logs={JOB: LAUNCHED_LOG})
    assert isinstance(fresh_evidence(seen), Evidence)
    assert isinstance(fresh_evidence(replace(seen, logs={})), Unasked)


def test_a_job_that_no_longer_names_the_server_counts_if_the_last_launch_names_it() -> None:
    server = document(**launched("DRILL", "TERMINATED", None))
    seen = observed(server, jobs=[job(participatingServers=[])], logs={JOB: LAUNCHED_LOG})
    assert isinstance(fresh_evidence(seen), Evidence)
    assert fresh_evidence(observed(jobs=[job(participatingServers=[])], logs={JOB: LAUNCHED_LOG})) is None


@pytest.mark.parametrize(
    ("type_", "status", "is_evidence"),
    [
        ("DRILL", "LAUNCHED", True),
        ("DRILL", "TERMINATED", True),
        ("DRILL", "FAILED", False),
        ("DRILL", "PENDING", False),
        ("RECOVERY", "TERMINATED", False),
    ],
)
def test_the_last_launch_counts_where_its_job_is_not_listed(type_: str, status: str, is_evidence: bool) -> None:
    seen = observed(document(**launched(type_, status, None)))
    assert isinstance(fresh_evidence(seen), Evidence) == is_evidence
    assert fresh_evidence(replace(seen, since=NOW)) is None
    assert fresh_evidence(replace(seen, jobs=[job(**participant("FAILED"))])) is None


@pytest.mark.parametrize(
    ("runs", "result"),
    [
        ([], "unknown"),
        ([action("SUCCEEDED", optional=False)], "passed"),
        ([action("SUCCEEDED", optional=False), action("FAILED", optional=True)], "failed"),
        ([action("IN_PROGRESS", optional=True)], "unknown"),
    ],
)
def test_the_evidence_says_what_became_of_the_launch_actions(runs: list[Document], result: str) -> None:
    evidence = fresh_evidence(observed(jobs=[job(**participant("LAUNCHED", *runs))], instances=[instance()]))
    assert isinstance(evidence, Evidence)
    assert evidence.launch_actions == result


FAILED_LOG = [
    {"event": "SNAPSHOT_FAIL", "eventData": {"sourceServerID": "s-00000000000000009", "rawError": "of another"}},
    {"event": "CONVERSION_FAIL", "eventData": {"sourceServerID": ID, "rawError": "You are not authorized"}},
    {"event": "LAUNCH_FAILED", "eventData": {"sourceServerID": ID}},
]
FAILED = job(**participant("FAILED"))
ENDS: list[tuple[str, Observed, Document, bool, str, str]] = [
    ("unmarked", observed(instances=[instance(isDrill=False)]), job(), True, "fail", "is not marked as a drill and is"),
    (
        "a mandatory action failed",
        observed(logs={JOB: LAUNCHED_LOG}),
        job(**participant("LAUNCHED", action("FAILED", optional=False))),
        True,
        "fail",
        "the launch action Volumes failed: the disk is full",
    ),
    ("the log decides", observed(), job(), True, "ask", ""),
    ("LAUNCH_END", observed(logs={JOB: LAUNCHED_LOG}), job(), False, "done", f"drilled ({JOB}, {INSTANCE})"),
    ("the instance", observed(instances=[instance("STOPPED")]), job(), False, "done", f"drilled ({JOB}, {INSTANCE})"),
    ("no instance yet", observed(logs={JOB: []}), job(), False, "wait", ""),
    ("no instance", observed(logs={JOB: []}), job(), True, "fail", "says LAUNCHED, but neither LAUNCH_END nor its"),
    ("no log yet", observed(logs={JOB: replace(REFUSED, is_final=False)}), FAILED, False, "wait", ""),
    ("no log", observed(logs={JOB: replace(REFUSED, is_final=False)}), FAILED, True, "fail", "log of its drill cannot"),
    ("a denied log of a failure", observed(logs={JOB: REFUSED}), FAILED, False, "fail", "log of its drill cannot be"),
    ("an empty log", observed(logs={JOB: []}), FAILED, False, "fail", "without a word"),
    ("a denied log", observed(logs={JOB: REFUSED}), job(**participant("TERMINATED")), True, "fail", "cannot be read"),
    (
        "a log that may be read later",
        observed(logs={JOB: replace(REFUSED, is_final=False)}),
        job(**participant("TERMINATED")),
        True,
        "wait",
        "",
    ),
    ("an event", observed(logs={JOB: FAILED_LOG}), FAILED, False, "fail", "failed, CONVERSION_FAIL: You are not auth"),
    ("skipped", observed(logs={JOB: [{"event": "SERVER_SKIPPED"}]}), FAILED, False, "fail", "failed, SERVER_SKIPPED"),
    ("cancelled", observed(logs={JOB: [{"event": "JOB_CANCEL"}]}), FAILED, False, "fail", "failed, JOB_CANCEL"),
    (
        "silence",
        observed(logs={JOB: SILENT_LOG}),
        FAILED,
        False,
        "fail",
        "without a word; missing EC2 permissions of the caller look like this",
    ),
]


@pytest.mark.parametrize(
    ("seen", "of", "is_late", "verdict", "reason"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS]
)
def test_each_drill_ends_by_itself(seen: Observed, of: Document, is_late: bool, verdict: str, reason: str) -> None:
    ruling = how_it_ended(Ended(seen, of, is_late))
    assert (ruling.verdict, reason in ruling.reason) == (verdict, True), ruling


def doomed(living: Document | None = None, hours: float | None = None, **known: Any) -> Doomed:
    """An instance that would be terminated, but for what is given. hours: its least age."""
    return Doomed(observed(**known), living or instance(), None if hours is None else NOW - timedelta(hours=hours))


YOUNG = [job(days=0.1)]
REVERSED = instance(dataReplicationInfo={"dataReplicationState": "CONTINUOUS"})
NOT_REVERSED = instance(dataReplicationInfo={"dataReplicationState": "STOPPED"})
TERMINATIONS: list[tuple[str, Doomed, str, str]] = [
    ("gone", doomed(instance("TERMINATED")), "done", "no longer exists"),
    ("not found", doomed(instance("NOT_FOUND", isDrill=False)), "done", "no longer exists"),
    ("a recovery", doomed(instance(isDrill=False)), "hold", f"{INSTANCE} is not marked as a drill"),
    ("no mark", doomed(instance(isDrill=None)), "hold", "is not marked as a drill"),
    ("a mark that is not true", doomed(instance(isDrill="true")), "hold", "is not marked as a drill"),
    ("no ID", doomed(instance(recoveryInstanceID=None, ec2InstanceID=None)), "fail", "without an ID"),
    ("young by its job", doomed(hours=4, jobs=YOUNG), "done", "was launched 2026-11-26T09:36:00+00:00 and is left"),
    ("young by its data", doomed(hours=6), "done", "is left"),
    ("of unknown age", doomed(instance(pointInTimeSnapshotDateTime=None), 4), "done", "at an unknown time and is left"),
    ("of any age", doomed(instance(pointInTimeSnapshotDateTime=None)), "terminate", ""),
    ("old by its job", doomed(hours=2, jobs=YOUNG), "terminate", ""),
    ("old by its data", doomed(hours=4), "terminate", ""),
    ("ending", doomed(instance("SHUTTING-DOWN")), "wait", "is being terminated"),
    ("ended by a job", doomed(jobs=[job("TERMINATE_RECOVERY_INSTANCES", "PENDING")]), "wait", "is being terminated"),
    ("held by a job", doomed(jobs=[job("START_DRILL", "STARTED")]), "defer", "another job holds its server"),
    ("the configuration decides", doomed(configuration=None), "ask", ""),
    ("there before", doomed(configuration=configuration(INSTANCE)), "hold", "so it was there before"),
    ("a configuration that cannot be read", doomed(configuration=REFUSED), "hold", "may have been there before: its"),
    (
        "its own machine",
        doomed(instance(recoveryInstanceID=MACHINE, ec2InstanceID=MACHINE)),
        "hold",
        "is the machine that the source server copies",
    ),
    ("reversed", doomed(REVERSED), "fail", f"a reversed replication runs from {INSTANCE}: stop that first"),
    (
        "reversed, but stopped",
        doomed(instance(dataReplicationInfo={"dataReplicationState": "STOPPED"})),
        "terminate",
        "",
    ),
    ("stopped", doomed(instance("STOPPED")), "terminate", ""),
    ("a drill", doomed(configuration=configuration(OTHER)), "terminate", f"{INSTANCE} is a drill instance"),
]


@pytest.mark.parametrize(
    ("seen", "verdict", "reason"), [row[1:] for row in TERMINATIONS], ids=[row[0] for row in TERMINATIONS]
)
def test_what_is_observed_decides_whether_to_terminate(seen: Doomed, verdict: str, reason: str) -> None:
    ruling = whether_to_terminate(seen)
    assert (ruling.verdict, reason in ruling.reason) == (verdict, True), ruling


def test_each_row_of_the_tables_is_tested() -> None:
    """By what the first row with a condition that holds is."""
    matched = {next(row for row in DRILL_ROWS if row.holds(seen)).holds for _name, seen, *_rest in DRILLS}
    assert matched == {row.holds for row in DRILL_ROWS}
    ended = [Ended(seen, of, late) for _name, seen, of, late, *_rest in ENDS]
    assert {next(row for row in END_ROWS if row.holds(each)).holds for each in ended} == {row.holds for row in END_ROWS}
    found = {next(row for row in TERMINATION_ROWS if row.holds(seen)).holds for _name, seen, *_rest in TERMINATIONS}
    assert found == {row.holds for row in TERMINATION_ROWS}


def test_the_guide_repeats_both_tables() -> None:
    page = (Path(__file__).parents[2] / "docs" / "drills.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| [^|]+ \| (\w+) \|$", page, re.MULTILINE)
    verdicts = [row.verdict for row in DRILL_ROWS] + [row.verdict for row in TERMINATION_ROWS]
    assert [each for each in told if each != "outcome"] == [verdict for verdict in verdicts if verdict != "ask"]


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all members of a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, each in items for path in ((*at, key), *paths(each, (*at, key)))]


def with_value(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = with_value(copied[path[0]], path[1:], new)
    return copied


@st.composite
def spoilt(draw: st.DrawFn, value: Any) -> Any:
    """The JSON value with up to two of its members replaced by any JSON value."""
    for _time in range(draw(st.integers(0, 2))):
        found = paths(value)
        if found:
            value = with_value(value, draw(st.sampled_from(found)), draw(JSON))
    return value


SPOILT_SERVERS = st.sampled_from(
    [document(), document(**launched("DRILL", "LAUNCHED")), document(**MEMBERS["failed_over"])]
)
SPOILT_INSTANCES = st.sampled_from(
    [
        instance(),
        instance(isDrill=False),
        instance("STOPPED", recoveryInstanceID=MACHINE),
        instance("TERMINATED", isDrill=False),
        instance(recoveryInstanceID=OTHER, ec2InstanceID=MACHINE),
    ]
)
SPOILT_CONFIGURATIONS = st.sampled_from([configuration(), configuration(INSTANCE), configuration(OTHER)])
SPOILT_JOBS = st.sampled_from([job(days=200), job("START_RECOVERY", "STARTED"), job(), job(status="STARTED")])


@st.composite
def sights(draw: st.DrawFn) -> Observed:
    """A server, its instances and jobs, of any shape."""
    server = draw(SPOILT_SERVERS.flatmap(spoilt))
    settings = draw(st.one_of(SPOILT_CONFIGURATIONS.flatmap(spoilt), st.just(REFUSED)))
    return observed(
        server,
        instances=draw(st.lists(SPOILT_INSTANCES.flatmap(spoilt).filter(is_object), max_size=2)),
        jobs=draw(st.lists(SPOILT_JOBS.flatmap(spoilt).filter(is_object), max_size=2)),
        logs=draw(st.sampled_from([{}, {JOB: LAUNCHED_LOG}, {JOB: REFUSED}])),
        configuration=settings,
        snapshots=draw(st.sampled_from([None, [], [snapshot(1)], REFUSED])),
    )


def is_object(value: Any) -> bool:
    return isinstance(value, dict)


def machine_of(server: Any) -> Any:
    """The EC2 instance that a well-formed server copies, read without the code under test."""
    try:
        return server["sourceProperties"]["identificationHints"]["awsInstanceID"]
    except (KeyError, TypeError, IndexError):
        return None


def no_drill_is_launched_over_an_instance_on_which_production_may_run(seen: Observed) -> None:
    drilled_but_for_its_instances = observed(instances=seen.instances)
    for sight in (seen, drilled_but_for_its_instances):
        if whether_to_drill(sight).verdict != "drill":
            continue
        for each in sight.instances:
            if each.get("ec2InstanceState") not in ("TERMINATED", "NOT_FOUND"):
                assert each.get("isDrill") is True
                machine = machine_of(sight.server)
                assert machine is None or machine not in (each.get("recoveryInstanceID"), each.get("ec2InstanceID"))
        assert not isinstance(sight.configuration, Unreadable)


def no_instance_is_terminated_that_is_not_marked_as_a_drill(seen: Observed) -> None:
    for each in seen.instances:
        if whether_to_terminate(Doomed(seen, each)).verdict == "terminate":
            assert each.get("isDrill") is True


def no_instance_is_terminated_that_was_there_before(seen: Observed) -> None:
    for each in seen.instances:
        if whether_to_terminate(Doomed(seen, each)).verdict == "terminate":
            ids = (each.get("recoveryInstanceID"), each.get("ec2InstanceID"))
            own = machine_of(seen.server)
            assert own is None or own not in ids
            assert isinstance(seen.configuration, dict)
            named = seen.configuration.get("launchIntoInstanceProperties")
            assert named is None or isinstance(named, dict)
            machine = (named or {}).get("launchIntoEC2InstanceID")
            assert machine is None or machine not in ids


def every_ruling_has_a_reason_and_no_document_is_a_traceback(seen: Observed) -> None:
    assert whether_to_drill(seen).reason
    for each in seen.instances:
        assert whether_to_terminate(Doomed(seen, each)).reason
        assert is_living(each) in (True, False)
    for each in seen.jobs:
        assert how_it_ended(Ended(seen, each, is_late=True)).reason


PROMISES: list[Callable[[Observed], None]] = [
    no_drill_is_launched_over_an_instance_on_which_production_may_run,
    no_instance_is_terminated_that_is_not_marked_as_a_drill,
    no_instance_is_terminated_that_was_there_before,
    every_ruling_has_a_reason_and_no_document_is_a_traceback,
]


@properties
@given(seen=sights())
def test_every_promise_holds_whatever_is_observed(seen: Observed) -> None:
    for promise in PROMISES:
        promise(seen)


@properties
@given(
    ids=st.lists(st.text(), min_size=1, max_size=3),
    snapshots=st.dictionaries(st.text(), st.text()),
    tags=st.dictionaries(st.text(), st.text()),
)
def test_a_launch_is_always_a_drill(ids: list[str], snapshots: dict[str, str], tags: dict[str, str]) -> None:
    launches = {name: facts for name, facts in CALLS.items() if facts.api_name == "StartRecovery"}
    assert list(launches) == ["drill"]
    assert launches["drill"].request(Batch(tuple(ids), (), snapshots, tags))["isDrill"] is True


@properties
@given(answer=spoilt({"job": job(status="PENDING", **participant("PENDING"))}))
def test_an_answer_about_other_servers_is_no_clean_answer(answer: Any) -> None:
    found = document_in("drill", Batch((ID,)), answer)
    if found is not None:
        named = found.get("participatingServers")
        servers = [each.get("sourceServerID") for each in named if is_object(each)] if isinstance(named, list) else []
        assert {each for each in servers if isinstance(each, str) and each} <= {ID}
        assert found.get("initiatedBy") in ("START_DRILL", None)
