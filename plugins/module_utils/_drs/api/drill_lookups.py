# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks up the newest fresh successful drill of many source servers: one listing of jobs, and the logs that decide."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from ..resources.evidence import Evidence, Log, Observed, Unasked, Unreadable, fresh_evidence
from ..resources.jobs import job_id_of, jobs_by_server, newest_first
from ..resources.servers import SourceServer, last_launch_of
from .calls import CALLS_AT_ONCE
from .errors import DrsError
from .recovery import RecoveryApi


def look_up_drills(
    api: RecoveryApi, servers: Sequence[SourceServer], since: datetime, now: datetime
) -> dict[str, Evidence]:
    """The newest successful drill since then, by source server ID. Raises DrsError if the jobs cannot be listed.

    A log that cannot be read proves nothing.
    """
    jobs = newest_first(api.jobs(since))
    by_server, by_id = jobs_by_server(jobs), {job_id_of(job): job for job in jobs}
    logs: dict[str, Log] = {}

    def judged(server: SourceServer) -> Evidence | Unasked | Unreadable | None:
        server_id = server["sourceServerID"]
        own = list(by_server.get(server_id, []))
        last = by_id.get(last_launch_of(server).job_id)
        if last is not None and not any(job is last for job in own):
            own = newest_first([*own, last])
        return fresh_evidence(Observed(server_id, server, now, since, own, logs=logs))

    def log_of(job_id: str) -> Log:
        try:
            return api.job_log(job_id)
        except DrsError as error:
            if error.facts.ends_run:
                raise
            return Unreadable(error.message, error.code, error.error_message)

    found = {server["sourceServerID"]: judged(server) for server in servers}
    while wanted := list(dict.fromkeys(each.job_id for each in found.values() if isinstance(each, Unasked))):
        with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
            logs.update(zip(wanted, pool.map(log_of, wanted), strict=True))
        for server in servers:
            if isinstance(found[server["sourceServerID"]], Unasked):
                found[server["sourceServerID"]] = judged(server)
    return {server_id: each for server_id, each in found.items() if isinstance(each, Evidence)}
