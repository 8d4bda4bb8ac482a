# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs and their logs: what a script says of them, how they go on, and how DRS describes them.

The shape of a drill's job and of its log was captured in aws-samples/drs-tools,
drs-plan-automation/samples/sample_data/sample_result.json: participants are a sourceServerID and a launchStatus, and
datetimes end in +00:00. Live notes in johnjcousens/aws-elasticdrs-orchestrator, docs/DRS_DRILL_LEARNING_SESSION.md: the
job is PENDING, then STARTED, and launchStatus stays PENDING until the launch is over. An answer captured in
kiwonyoon0701/DRS in 2024 also had `"launchActionsStatus": {"runs": []}`. The participants of a TERMINATE job were seen
empty once it was COMPLETED. Assumed: while it runs they are PENDING, and its log has the events that clean an earlier
instance up. What a LAUNCH job shows once its instance is terminated is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from .plans import EVENTS, LAUNCH_END, LAUNCHES, Plan, plans_of
from .readers import BOOLEAN, NUMBER, TEXT, ScriptError, check_conforms, list_of, one_of
from .snapshots import moment_of
from .source_servers import ACCOUNT_ID, Document, member, merged

# "Max concurrent Jobs per source server" and the rest of the quotas count jobs in these statuses.
ACTIVE = ("PENDING", "STARTED")

# The end of the plan of one participant, which no log shows.
ENDED = "ENDED"

# A captured job with two servers took this long.
DURATION = timedelta(minutes=9)

TYPES: Mapping[str, str] = {
    "START_DRILL": "LAUNCH",
    "START_RECOVERY": "LAUNCH",
    "TERMINATE_RECOVERY_INSTANCES": "TERMINATE",
    "TARGET_ACCOUNT": "CREATE_CONVERTED_SNAPSHOT",
}


@dataclass
class Participant:
    """A server in a job. `instance` is the instance that it launches or terminates; `terminated`: it is gone again."""

    source_server_id: str
    plan: Plan
    instance: str
    earlier: tuple[str, ...] = ()
    snapshot: datetime | None = None
    status: str | None = "PENDING"
    over: bool = False
    terminated: bool = False


@dataclass(frozen=True)
class Entry:
    """Something that happens in a job once its unit has come."""

    unit: int
    event: str
    participant: Participant | None = None


@dataclass
class Job:
    """A job: its own members, who takes part, what happens when, and what its log says so far."""

    document: Document
    created: datetime
    number: int
    began: float
    participants: tuple[Participant, ...] = ()
    agenda: tuple[Entry, ...] = ()
    log: tuple[Document, ...] = ()
    reached: int = 0
    describes: int = 0

    @property
    def job_id(self) -> str:
        """Its ID."""
        return str(self.document["jobID"])

    @property
    def active(self) -> bool:
        """Whether it still holds its servers."""
        return self.document.get("status") in ACTIVE

    @property
    def server_ids(self) -> tuple[str, ...]:
        """The source servers that it acts upon."""
        if self.participants:
            return tuple(participant.source_server_id for participant in self.participants)
        named = self.document.get("participatingServers")
        return tuple(str(member(one, "sourceServerID")) for one in (named if isinstance(named, list) else []))

    @property
    def unlisted(self) -> int:
        """For how many units DescribeJobs does not list it yet."""
        return max((participant.plan.unlisted for participant in self.participants), default=0)

    @property
    def forgotten(self) -> float:
        """After how many units DescribeJobs no longer lists it."""
        given = [participant.plan.forgotten for participant in self.participants]
        return min((units for units in given if units is not None), default=float("inf"))

    @property
    def sort_key(self) -> str:
        """Orders jobs by their creation."""
        return f"{self.created:%Y-%m-%dT%H:%M:%S.%f} {self.number:06d}"


@dataclass(frozen=True)
class JobSeed:
    """A job as a script gives it: its age in seconds, its servers, its members, and its log (None: that of its type).

    With `plans` it runs from the beginning, as if somebody had just started it.
    """

    age: float = 0.0
    servers: tuple[str, ...] = ()
    members: Document = field(default_factory=dict)
    log: tuple[Document, ...] | None = None
    plans: tuple[Plan, ...] | None = None


def agenda_of(participants: tuple[Participant, ...]) -> tuple[Entry, ...]:
    """What happens in a job with these participants; it ends with its last server."""
    entries = [Entry(0, "JOB_START")]
    for participant in participants:
        if participant.earlier:
            entries += [Entry(0, "CLEANUP_START", participant), Entry(0, "CLEANUP_END", participant)]
        entries += [Entry(unit, event, participant) for unit, event in participant.plan.schedule()]
        entries.append(Entry(participant.plan.end(), ENDED, participant))
    last = max(entry.unit for entry in entries)
    return (*sorted(entries, key=lambda entry: entry.unit), Entry(last, "JOB_END"))


def job_members(job_id: str, region: str, created: datetime, initiated_by: str) -> Document:
    """The members of a new Job that never change, and its first status."""
    return {
        "jobID": job_id,
        "arn": f"arn:aws:drs:{region}:{ACCOUNT_ID}:job/{job_id}",
        "type": TYPES.get(initiated_by, "LAUNCH"),
        "initiatedBy": initiated_by,
        "creationDateTime": created.isoformat(),
        "status": "PENDING",
        "tags": {},
    }


def job_document(job: Job, after_termination: str = "kept") -> Document:
    """A Job as DescribeJobs shows it."""
    if not job.participants:
        return job.document
    shown: list[Document] = []
    if job.active or job.document["type"] != "TERMINATE":
        for participant in job.participants:
            change = AFTER_TERMINATION[after_termination if participant.terminated else "kept"]
            shown += change(_participating_server(participant))
    return {"participatingServers": shown, **job.document}


def log_item(entry: Entry, moment: datetime) -> Document:
    """The JobLog of an entry."""
    data: Document = {}
    participant = entry.participant
    if participant is not None:
        data["sourceServerID"] = participant.source_server_id
        if entry.event == "CONVERSION_END":
            data["conversionServerID"] = made_up("i", participant.instance, "conversion")
        if entry.event == LAUNCH_END:
            data["targetInstanceID"] = participant.instance
        if entry.event.endswith(("_FAIL", "_FAILED")) and participant.plan.error is not None:
            data["rawError"] = participant.plan.error
    return {"event": entry.event, "eventData": data, "logDateTime": moment.isoformat()}


def read_job(value: Any, where: str) -> JobSeed:
    """Reads a job of the beginning; raises ScriptError."""
    if not isinstance(value, Mapping):
        raise ScriptError(f"{where} is not an object.")
    members = {name: item for name, item in value.items() if name not in SEED_KEYS}
    if BOOLEAN(value.get("conform", True), f"{where}.conform"):
        known = {name: item for name, item in members.items() if item is not None}
        check_conforms("Job", {"jobID": made_up("drsjob", where), **known}, where)
    return JobSeed(
        age=float(NUMBER(value.get("age", 0), f"{where}.age")),
        servers=list_of(TEXT)(value.get("servers", ()), f"{where}.servers"),
        members=members,
        log=list_of(_read_log_item)(value["log"], f"{where}.log") if "log" in value else None,
        plans=plans_of(LAUNCHES)(value["launch"], f"{where}.launch") if "launch" in value else None,
    )


def seeded_job(seed: JobSeed, number: int, region: str, birth: datetime) -> Job:
    """The job of a seed that does not run: by default a drill that was COMPLETED with every server LAUNCHED."""
    created = birth - timedelta(seconds=seed.age)
    initiated_by = seed.members.get("initiatedBy", "START_DRILL")
    status = seed.members.get("status", "COMPLETED")
    job_id = seed.members.get("jobID") or made_up("drsjob", region, number)
    document = {
        **job_members(job_id, region, created, initiated_by),
        "status": status,
        "participatingServers": [
            {"sourceServerID": id_, "launchStatus": "PENDING" if status in ACTIVE else "LAUNCHED"}
            for id_ in seed.servers
        ],
        **({} if status in ACTIVE else {"endDateTime": (created + DURATION).isoformat()}),
    }
    document = merged(document, seed.members)
    log = seed.log
    if log is None:
        over = document.get("type") == "LAUNCH" and status == "COMPLETED"
        log = _usual_log(seed.servers, job_id, created) if over else ()
    dated = tuple({"logDateTime": created.isoformat(), **item} for item in log)
    return Job(document, moment_of(document.get("creationDateTime")) or created, number, began=0.0, log=dated)


def made_up(prefix: str, *parts: Any) -> str:
    """An ID that always is the same for these parts."""
    return f"{prefix}-{sha256(repr(parts).encode(errors='replace')).hexdigest()[:17]}"


def _participating_server(participant: Participant) -> Document:
    document: Document = {"sourceServerID": participant.source_server_id}
    if participant.status is not None:
        document["launchStatus"] = participant.status
    if participant.plan.actions is not None:
        document["launchActionsStatus"] = participant.plan.actions if participant.over else {"runs": []}
    return document


def _usual_log(servers: tuple[str, ...], job_id: str, created: datetime) -> tuple[Document, ...]:
    plan = Plan(LAUNCHES["launched"])
    participants = tuple(Participant(id_, plan, made_up("i", job_id, id_)) for id_ in servers)
    entries = agenda_of(participants)
    step = DURATION / max(1, entries[-1].unit)
    return tuple(log_item(entry, created + step * entry.unit) for entry in entries if entry.event != ENDED)


def _read_log_item(value: Any, where: str) -> Document:
    item = {"event": value} if isinstance(value, str) else value
    if not isinstance(item, Mapping):
        raise ScriptError(f"{where} is neither an event nor an object.")
    one_of(*EVENTS)(item.get("event"), f"{where}.event")
    check_conforms("JobLog", {name: part for name, part in item.items() if name != "event"}, where)
    return dict(item)


def _kept(participant: Document) -> list[Document]:
    return [participant]


def _terminated(participant: Document) -> list[Document]:
    return [{**participant, "launchStatus": "TERMINATED"}]


def _without_status(participant: Document) -> list[Document]:
    return [merged(participant, {"launchStatus": None})]


def _without_actions(participant: Document) -> list[Document]:
    return [merged(participant, {"launchActionsStatus": None})]


def _removed(_participant: Document) -> list[Document]:
    return []


# What a LAUNCH job shows of a server whose instance is terminated: nobody has seen it.
AFTER_TERMINATION: Mapping[str, Callable[[Document], list[Document]]] = {
    "kept": _kept,
    "terminated": _terminated,
    "without_status": _without_status,
    "without_actions": _without_actions,
    "removed": _removed,
    "unlisted": _kept,
}

SEED_KEYS = ("age", "servers", "log", "launch", "conform")
