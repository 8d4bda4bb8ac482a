# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run of drills has seen: jobs, recovery instances, and the answers to what is asked late."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, TypeAlias, TypeVar

from ..api.calls import CALLS_AT_ONCE, batches
from ..api.errors import DrsError
from ..resources.evidence import Configuration, Log, Observed, Snapshots, Unreadable
from ..resources.jobs import (
    RECOVERY,
    Job,
    JobLogItem,
    created_at,
    initiator_of,
    is_active,
    is_at_end,
    is_completed,
    job_id_of,
    jobs_by_server,
    newest_first,
)
from ..resources.recovery_instances import RecoveryInstance, launched_by
from ..resources.rows import Question
from ..resources.servers import last_launch_of, text_at
from .drill_run import SHOWS_WITHIN, DrillRun, DrillWork

FIRST_LISTING = timedelta(days=2)
"""How far back the first listing of jobs goes at least."""

MARGIN = timedelta(hours=1)
"""How much earlier later listings begin: clocks differ, and jobs show late."""

LogByServer: TypeAlias = Mapping[str | None, Sequence[JobLogItem]]
"""The log of a job by source server ID; None has what is about no server."""

Reply = TypeVar("Reply")


class Looks:
    """What was seen. A job that is no longer listed is kept as it was."""

    def __init__(self, run: DrillRun) -> None:
        self.jobs: dict[str, Job] = {}
        self.ended_at: dict[str, float] = {}
        """When a job was first seen as completed."""
        self.listed: set[str] = set()
        """The IDs of the jobs that DescribeJobs listed. That of an accepted call may not be listed yet."""
        self.has_listed = False
        self._run = run
        self._jobs_of: dict[str, list[Job]] = {}
        self._recovery_job: Job | None = None
        self._instances: dict[str, list[RecoveryInstance]] = {}
        self._logs: dict[str, LogByServer | Unreadable] = {}
        self._whole_logs: set[str] = set()
        self._configurations: dict[str, Configuration] = {}
        self._snapshots: dict[str, Snapshots] = {}
        self._asks: dict[Question, Callable[[DrillWork], None]] = {
            "snapshots": self._ask_snapshots,
            "configuration": self._ask_configuration,
        }

    def look(self, works: Sequence[DrillWork]) -> None:
        """List the jobs, and the recovery instances of these servers. Raises DrsError."""
        run = self._run
        for job in run.api.jobs(self._listed_since()):
            job_id = job_id_of(job)
            if job_id is not None:
                self.jobs[job_id] = job
                self.listed.add(job_id)
                if is_completed(job):
                    self.ended_at.setdefault(job_id, run.clock())
        self.has_listed = True
        self._index()
        wanted = {work.server_id for work in works}
        found: dict[str, list[RecoveryInstance]] = {server_id: [] for server_id in wanted}
        for instance in run.api.recovery_instances([work.server_id for work in works]):
            found.setdefault(text_at(instance, "sourceServerID") or "", []).append(instance)
        self._instances.update({server_id: found[server_id] for server_id in wanted})

    def describe(self, works: Sequence[DrillWork]) -> None:
        """Describe these servers. A request that fails is recorded for them; a fatal error is raised."""
        for batch in batches(works):
            error: DrsError | None = None
            try:
                servers = self._run.api.describe([work.server_id for work in batch])
            except DrsError as failed:
                if failed.facts.ends_run:
                    raise
                error, servers = failed, []
            by_id = {server["sourceServerID"]: server for server in servers}
            for work in batch:
                work.observe_error = error
                if error is None:
                    work.outcome.observe(by_id.get(work.server_id))

    def observed(self, work: DrillWork) -> Observed:
        """What is known of this server."""
        run, server_id = self._run, work.server_id
        server = None if work.outcome.absent else work.outcome.latest
        instances = self._instances.get(server_id, [])
        jobs = self._jobs_of.get(server_id, [])
        named = {last_launch_of(server).job_id, *map(launched_by, instances)} - {job_id_of(job) for job in jobs}
        if others := [self.jobs[job_id] for job_id in named if job_id in self.jobs]:
            jobs = newest_first([*jobs, *others])
        return Observed(
            server_id,
            server,
            now=run.now(),
            since=run.fresh_since,
            jobs=jobs,
            recovery_job=self._recovery_job,
            instances=instances,
            logs={job_id: self._log(job_id, server_id) for each in jobs if (job_id := job_id_of(each)) in self._logs},
            configuration=self._configurations.get(server_id),
            snapshots=self._snapshots.get(server_id),
            point_in_time=run.options.point_in_time,
        )

    def ask_logs(self, job_ids: Iterable[str]) -> None:
        """Ask for the logs of these jobs, unless they are known to the end."""
        wanted = [each for each in dict.fromkeys(job_ids) if not self._is_log_whole(each)]
        for job_id, log in zip(wanted, _at_once(self._log_of, wanted), strict=True):
            self._logs[job_id] = log
            if self._is_last_read(job_id, log):
                self._whole_logs.add(job_id)

    def _is_log_whole(self, job_id: str) -> bool:
        return job_id in self._whole_logs

    def _is_last_read(self, job_id: str, log: LogByServer | Unreadable) -> bool:
        """Whether nothing more is to come: the log is at its end, or its job ended so long ago that it must be."""
        ended = self.ended_at.get(job_id)
        if ended is None or isinstance(log, Unreadable):
            return False
        return self._run.clock() - ended >= SHOWS_WITHIN or is_at_end(log.get(None, ()))

    def ask(self, works: Sequence[DrillWork], question: Question) -> None:
        """Ask what decides about these servers."""
        _at_once(self._asks[question], works)

    def forget_answers(self) -> None:
        """Forget what was asked late, so that it is asked again right before the next call."""
        self._configurations.clear()
        self._snapshots.clear()

    def add(self, job_id: str, job: Job) -> None:
        """Remember the job of an accepted call, which may not be listed yet."""
        self.jobs.setdefault(job_id, job)
        self._index()

    def last_event(self, job_id: str, server_id: str) -> str | None:
        """The last event of this server in the log of the job, as far as asked for."""
        log = self._logs.get(job_id)
        items = () if log is None or isinstance(log, Unreadable) else log.get(server_id, ())
        return text_at(items[-1], "event") if items else None

    def active_jobs(self) -> frozenset[str]:
        """The IDs of the jobs that are not completed."""
        return frozenset(job_id for job_id, job in self.jobs.items() if is_active(job))

    def _listed_since(self) -> datetime:
        run = self._run
        if not self.has_listed:
            age = timedelta(days=run.options.max_age)
            if run.options.goal == "absent":
                age = timedelta(hours=run.options.min_age)
            return run.began - max(FIRST_LISTING, age) - MARGIN
        created = (created_at(job) for job in self.jobs.values() if is_active(job))
        return min([run.began, *(at for at in created if at is not None)]) - MARGIN

    def _index(self) -> None:
        jobs = newest_first(self.jobs.values())
        self._jobs_of = jobs_by_server(jobs)
        self._recovery_job = next((each for each in jobs if is_active(each) and initiator_of(each) == RECOVERY), None)

    def _log(self, job_id: str | None, server_id: str) -> Log:
        log = self._logs[job_id or ""]
        if isinstance(log, Unreadable):
            return log
        return [*log.get(server_id, ()), *log.get(None, ())]

    def _log_of(self, job_id: str) -> LogByServer | Unreadable:
        try:
            items = self._run.api.job_log(job_id)
        except DrsError as error:
            return _unreadable(error)
        by_server: dict[str | None, list[JobLogItem]] = {}
        for item in items:
            by_server.setdefault(text_at(item, "eventData", "sourceServerID"), []).append(item)
        return by_server

    def _ask_configuration(self, work: DrillWork) -> None:
        try:
            self._configurations[work.server_id] = self._run.api.launch_configuration(work.server_id)
        except DrsError as error:
            self._configurations[work.server_id] = _unreadable(error)

    def _ask_snapshots(self, work: DrillWork) -> None:
        try:
            newest = self._run.api.snapshot_before(work.server_id, self._run.options.point_in_time)
        except DrsError as error:
            self._snapshots[work.server_id] = _unreadable(error)
        else:
            self._snapshots[work.server_id] = [] if newest is None else [newest]


def _unreadable(error: DrsError) -> Unreadable:
    """The error as an answer. A fatal one is raised."""
    if error.facts.ends_run:
        raise error
    return Unreadable(error.message, error.code, error.error_message, is_final=error.facts.is_answered)


def _at_once(call: Callable[[Any], Reply], items: Sequence[Any]) -> list[Reply]:
    with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
        return list(pool.map(call, items))
