# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How jobs go on, and what comes of it: instances that launch and end, and what their servers then show.

"Launch of a new recovery instance from the same source server will clean up all the previous recovery instances,
regardless if they have been disconnected and deleted from DRS":
https://docs.aws.amazon.com/drs/latest/userguide/failback-preparing-failover.html. Assumed: a drill is its server's
lastLaunch and recoveryInstanceId as a recovery is, the latter until the instance is terminated, and then the lastLaunch
is TERMINATED.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .jobs import ENDED, Entry, Job, Participant, log_item
from .launch_configurations import launch_configuration
from .recovery_instances import DISPOSED, Origin, RecoveryInstance, recovery_instance
from .source_servers import Document, member, merged

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from .region import Region
    from .timekeeper import Timekeeper

SHUTTING_DOWN = "SHUTTING-DOWN"


class Progress:
    """Brings the jobs of a world to where they are by now."""

    def __init__(self, time: Timekeeper) -> None:
        self._time = time

    def advance(self, region: Region, job: Job) -> None:
        """Lets everything happen in a job that is due."""
        units = self._time.units(job.began, job.describes)
        for entry in job.agenda[job.reached :]:
            if entry.unit > units:
                return
            job.reached += 1
            self._happen(region, job, entry)

    def _happen(self, region: Region, job: Job, entry: Entry) -> None:
        moment = self._time.moment_at(job.began, entry.unit)
        participant = entry.participant
        if entry.event == "JOB_START":
            job.document = {**job.document, "status": "STARTED"}
        elif entry.event == "JOB_END":
            job.document = {**job.document, "status": "COMPLETED", "endDateTime": moment.isoformat()}
        elif participant is not None:
            self._participate(region, job, entry, participant, moment)
        if entry.event != ENDED:
            job.log = (*job.log, log_item(entry, moment))

    def _participate(self, region: Region, job: Job, entry: Entry, participant: Participant, moment: datetime) -> None:
        terminates = job.document["type"] == "TERMINATE"
        doomed = (participant.instance,) if terminates else participant.earlier
        if entry.event == "CLEANUP_START":
            for instance in _present(region, doomed):
                instance.become(SHUTTING_DOWN)
        elif entry.event == "CLEANUP_END":
            self._end(region, doomed)
        elif entry.event == ENDED:
            participant.over, participant.status = True, participant.plan.outcome.status
            if terminates:
                self._settle_termination(region, participant)
            else:
                self._settle_launch(region, job, participant, moment)

    def _settle_termination(self, region: Region, participant: Participant) -> None:
        if not participant.plan.outcome.living:
            self._end(region, (participant.instance,))
            return
        for instance in _present(region, (participant.instance,)):
            instance.become(instance.state_before)

    def _settle_launch(self, region: Region, job: Job, participant: Participant, moment: datetime) -> None:
        server_id, plan = participant.source_server_id, participant.plan
        result = "SUCCEEDED" if participant.status == "LAUNCHED" else "FAILED"
        last_launch = {"lifeCycle": {"lastLaunch": {"status": participant.status}}, "lastLaunchResult": result}
        change_server(region, server_id, last_launch)
        if not plan.outcome.living:
            return
        origin = Origin(
            job.job_id,
            region.name,
            moment,
            participant.snapshot or job.created,
            is_drill=job.document["initiatedBy"] == "START_DRILL",
            tags=job.document.get("tags") or {},
        )
        state = DISPOSED.get(str(configured(region, server_id).get("launchDisposition")), "RUNNING")
        document = recovery_instance(
            participant.instance,
            server_document(region, server_id),
            origin,
            {"ec2InstanceState": state, **plan.instance},
        )
        region.instances[participant.instance] = RecoveryInstance(
            document, self._time.clock(), unlisted=plan.instance_unlisted
        )
        change_server(region, server_id, {"recoveryInstanceId": participant.instance})

    def _end(self, region: Region, instance_ids: Sequence[str]) -> None:
        for instance in _present(region, instance_ids):
            instance.become("TERMINATED")
            instance.began, instance.describes = self._time.clock(), 0
            self._forget(region, instance)

    def _forget(self, region: Region, instance: RecoveryInstance) -> None:
        """What the job that launched a terminated instance, and its server, then say of it."""
        instance_id, job_id = instance.document.get("recoveryInstanceID"), instance.document.get("jobID")
        for participant in region.jobs[job_id].participants if job_id in region.jobs else ():
            participant.terminated |= participant.instance == instance_id
        server = server_document(region, instance.server_id)
        if server.get("recoveryInstanceId") == instance_id:
            change_server(region, instance.server_id, {"recoveryInstanceId": None})
        if member(server, "lifeCycle", "lastLaunch", "initiated", "jobID") == job_id:
            change_server(region, instance.server_id, {"lifeCycle": {"lastLaunch": {"status": "TERMINATED"}}})


def server_document(region: Region, server_id: str) -> Document:
    """A source server, or what is left to say of one that is not there."""
    server = region.servers.get(server_id)
    return server.document if server else {"sourceServerID": server_id}


def configured(region: Region, server_id: str) -> Document:
    """The launch configuration of a server, {} if there is no such server."""
    server = region.servers.get(server_id)
    return launch_configuration(server.document, server.seed.launch_configuration) if server else {}


def change_server(region: Region, server_id: str, changes: Mapping[str, Any]) -> None:
    """Merges changes into a server, if it is still there."""
    server = region.servers.get(server_id)
    if server is not None:
        server.document = merged(server.document, changes)


def _present(region: Region, instance_ids: Sequence[str]) -> list[RecoveryInstance]:
    """Those that still live."""
    instances = [region.instances[id_] for id_ in instance_ids if id_ in region.instances]
    return [instance for instance in instances if instance.living]
