# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recovery: launching and terminating recovery instances by jobs, and describing both.

DescribeJobs shows the latest job first: https://docs.aws.amazon.com/drs/latest/APIReference/API_DescribeJobs.html.
Assumed: its filters bound the creation, inclusively; a log is listed oldest first, and an unknown job has none.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .job_progress import Progress, change_server, configured, server_document
from .jobs import Job, Participant, agenda_of, job_document, job_members, made_up, seeded_job
from .launch_configurations import launched_into
from .model import ServiceError
from .paging import page_of, read_token
from .readers import check_conforms
from .recovery_instances import Origin, RecoveryInstance, recovery_instance
from .refusals import START_CHECKS, TERMINATE_CHECKS, Asked, refuse, snapshot_ids
from .region import server_not_found
from .snapshots import moment_of, moments_between
from .source_servers import Document, merged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .plans import Plan
    from .region import Region
    from .script import RegionSeed, Script
    from .timekeeper import Timekeeper


class Recovery:
    """The jobs and recovery instances of a world's regions."""

    def __init__(self, script: Script, time: Timekeeper) -> None:
        self._script = script
        self._time = time
        self._progress = Progress(time)

    def seed(self, region: Region, seed: RegionSeed) -> None:
        """Gives a region the recovery instances and jobs of the beginning."""
        for instance_seed in seed.instances:
            server_id = instance_seed.members["sourceServerID"]
            job_id = instance_seed.members.get("jobID") or made_up("drsjob", region.name, server_id)
            instance_id = instance_seed.members.get("recoveryInstanceID") or made_up("i", job_id, server_id)
            launched = self._time.birth - timedelta(seconds=instance_seed.age)
            document = recovery_instance(
                instance_id,
                server_document(region, server_id),
                Origin(job_id, region.name, launched, launched),
                instance_seed.members,
            )
            region.instances[instance_id] = RecoveryInstance(document, began=self._time.clock())
        for job_seed in seed.jobs:
            region.numbered += 1
            job = seeded_job(job_seed, region.numbered, region.name, self._time.birth)
            if job_seed.plans is not None:
                members = {**job.document, "status": "PENDING", "participatingServers": None, "endDateTime": None}
                plans = dict.fromkeys(job_seed.servers, job_seed.plans[0])
                job = self._begun(region, merged({}, members), self._launched(region, job.job_id, plans))
            region.jobs[job.job_id] = job

    def start(self, region: Region, params: Mapping[str, Any]) -> Document:
        """A StartRecoveryResponse: the job, PENDING. Raises ServiceError."""
        snapshots = {source["sourceServerID"]: source.get("recoverySnapshotID") for source in params["sourceServers"]}
        server_ids = [source["sourceServerID"] for source in params["sourceServers"]]
        given = [(server_id, snapshot_id) for server_id, snapshot_id in snapshots.items() if snapshot_id]
        refuse(Asked(region, server_ids, snapshot_ids=given), self._script.quotas, START_CHECKS)
        initiated_by = "START_DRILL" if params.get("isDrill") else "START_RECOVERY"
        document = self._new(region, initiated_by, params.get("tags"))
        plans = {server_id: self._plan(region, server_id, "launches") for server_id in server_ids}
        participants = self._launched(region, document["jobID"], plans)
        for participant in participants:
            snapshot_id = snapshots[participant.source_server_id]
            if snapshot_id:
                participant.snapshot = snapshot_ids(region, participant.source_server_id)[snapshot_id]
        job = region.jobs[document["jobID"]] = self._begun(region, document, participants)
        for server_id in server_ids:
            initiated = {
                "apiCallDateTime": job.created.isoformat(),
                "jobID": job.job_id,
                "type": "DRILL" if params.get("isDrill") else "RECOVERY",
            }
            last_launch = {"lastLaunch": {"initiated": initiated, "status": "PENDING"}}
            change_server(region, server_id, {"lifeCycle": last_launch, "lastLaunchResult": "PENDING"})
        return {"job": job_document(job)}

    def terminate(self, region: Region, params: Mapping[str, Any]) -> Document:
        """A TerminateRecoveryInstancesResponse: the job, PENDING. Raises ServiceError."""
        instance_ids = list(dict.fromkeys(params["recoveryInstanceIDs"]))
        instances = region.instances
        servers = {id_: instances[id_].server_id for id_ in instance_ids if id_ in instances}
        asked = Asked(region, list(dict.fromkeys(servers.values())), instance_ids)
        refuse(asked, self._script.quotas, TERMINATE_CHECKS)
        document = self._new(region, "TERMINATE_RECOVERY_INSTANCES", None)
        participants = tuple(
            Participant(server_id, self._plan(region, server_id, "terminations"), instance_id)
            for instance_id, server_id in servers.items()
        )
        job = region.jobs[document["jobID"]] = self._begun(region, document, participants)
        return {"job": job_document(job)}

    def describe_jobs(self, region: Region, params: Mapping[str, Any]) -> Document:
        """A DescribeJobsResponse; every job on the page has been described once more."""
        filters = params.get("filters", {})
        wanted, between = filters.get("jobIDs"), moments_between(filters, "fromDate", "toDate")
        found = {
            job.sort_key: job
            for job in region.jobs.values()
            if (not wanted or job.job_id in wanted) and between[0] <= job.created <= between[1]
        }
        listed = [key for key, job in found.items() if self._lists(job)]
        page, token = page_of(sorted(listed, reverse=True), params, self._script.page_size, descending=True)
        hidden = [] if read_token(params).page > 1 else [key for key in found if key not in listed]
        for key in (*page, *hidden):
            found[key].describes += 1
            self._progress.advance(region, found[key])
        return {"items": [job_document(found[key], self._script.after_termination) for key in page], **token}

    def describe_log(self, region: Region, params: Mapping[str, Any]) -> Document:
        """A DescribeJobLogItemsResponse; does not count as a Describe of the job."""
        job = region.jobs.get(params["jobID"])
        log = job.log if job is not None and self._lists(job) else ()
        items = {f"{number:06d}": item for number, item in enumerate(log)}
        page, token = page_of(list(items), params, self._script.page_size)
        return {"items": [items[key] for key in page], **token}

    def describe_instances(self, region: Region, params: Mapping[str, Any]) -> Document:
        """A DescribeRecoveryInstancesResponse; every instance on the page has been described once more."""
        filters = params.get("filters", {})
        wanted, servers = filters.get("recoveryInstanceIDs"), filters.get("sourceServerIDs")
        found = {
            id_: instance
            for id_, instance in region.instances.items()
            if (not wanted or id_ in wanted) and (not servers or instance.server_id in servers)
        }
        listed = [id_ for id_, instance in found.items() if self._shows(instance)]
        page, token = page_of(sorted(listed), params, self._script.page_size)
        hidden = [] if read_token(params).page > 1 else [id_ for id_ in found if id_ not in listed]
        for id_ in (*page, *hidden):
            found[id_].describes += 1
        return {"items": [found[id_].document for id_ in page], **token}

    def configuration(self, region: Region, params: Mapping[str, Any]) -> Document:
        """A LaunchConfiguration. Raises ServiceError."""
        if params["sourceServerID"] not in region.servers:
            raise server_not_found(params["sourceServerID"])
        return configured(region, params["sourceServerID"])

    def living(self, region: Region, source_server_id: str) -> list[str]:
        """The IDs of a server's recovery instances that still exist."""
        return [
            id_
            for id_, instance in region.instances.items()
            if instance.living and instance.server_id == source_server_id
        ]

    def jobs(self, region: Region) -> dict[str, Document]:
        """Every job of a region, by ID, as it truly is."""
        self.advance(region)
        return {id_: job_document(job, self._script.after_termination) for id_, job in region.jobs.items()}

    def instances(self, region: Region) -> dict[str, Document]:
        """Every recovery instance of a region, by ID, as it truly is; also one that is no longer listed."""
        self.advance(region)
        return {id_: instance.document for id_, instance in region.instances.items()}

    def patch(self, region: Region, resource_id: str, changes: Mapping[str, Any]) -> Document:
        """Changes a job or a recovery instance: a deep merge, None deletes. Raises ServiceError, and ScriptError."""
        resource = _found(region, resource_id)
        members = {name: value for name, value in changes.items() if name != "conform"}
        document = merged(resource.document, members)
        if changes.get("conform", True):
            check_conforms(
                "Job" if isinstance(resource, Job) else "RecoveryInstance", document, f"The change of {resource_id}"
            )
        resource.document = document
        return document

    def delete(self, region: Region, resource_id: str) -> None:
        """Removes a job or a recovery instance. Raises ServiceError."""
        _found(region, resource_id)
        region.jobs.pop(resource_id, None)
        region.instances.pop(resource_id, None)

    def advance(self, region: Region) -> None:
        """Brings every job of a region to where it is by now."""
        for job in list(region.jobs.values()):
            self._progress.advance(region, job)

    def _new(self, region: Region, initiated_by: str, tags: Mapping[str, str] | None) -> Document:
        region.numbered += 1
        job_id = made_up("drsjob", region.name, region.numbered)
        return {**job_members(job_id, region.name, self._time.moment(), initiated_by), "tags": dict(tags or {})}

    def _begun(self, region: Region, document: Document, participants: tuple[Participant, ...]) -> Job:
        created = moment_of(document["creationDateTime"]) or self._time.moment()
        return Job(document, created, region.numbered, self._time.clock(), participants, agenda=agenda_of(participants))

    def _plan(self, region: Region, server_id: str, kind: str) -> Plan:
        server = region.servers.get(server_id)
        if server is None:
            return self._script.plans[kind][0]
        plans, turn = server.seed.plans[kind], server.turns.get(kind, 0)
        server.turns[kind] = turn + 1
        return plans[min(turn, len(plans) - 1)]

    def _launched(self, region: Region, job_id: str, plans: Mapping[str, Plan]) -> tuple[Participant, ...]:
        return tuple(
            Participant(
                server_id,
                plan,
                launched_into(configured(region, server_id)) or made_up("i", job_id, server_id),
                earlier=tuple(self.living(region, server_id)),
            )
            for server_id, plan in plans.items()
        )

    def _lists(self, job: Job) -> bool:
        units = self._time.units(job.began, job.describes + 1)
        if self._script.after_termination == "unlisted" and any(one.terminated for one in job.participants):
            return False
        return not job.participants or job.unlisted <= units < job.forgotten

    def _shows(self, instance: RecoveryInstance) -> bool:
        units = self._time.units(instance.began, instance.describes + 1)
        return units >= instance.unlisted if instance.living else units < self._script.linger


def _found(region: Region, resource_id: str) -> Job | RecoveryInstance:
    resource = region.jobs.get(resource_id) or region.instances.get(resource_id)
    if resource is None:
        raise ServiceError("ResourceNotFoundException", f"{resource_id} was not found.", resourceId=resource_id)
    return resource
