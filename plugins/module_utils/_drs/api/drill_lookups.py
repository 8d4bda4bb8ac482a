# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks up the newest fresh successful drill of many source servers: one listing of jobs, and the logs that decide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from ..resources.evidence import (
    DrillLookup,
    Evidence,
    Judgement,
    Log,
    Observed,
    Unasked,
    Unreadable,
    drill_lookup,
    fresh_evidence,
    is_seen_by_its_instance,
)
from ..resources.jobs import job_id_of, jobs_by_server, newest_first
from ..resources.recovery_instances import RecoveryInstance
from ..resources.servers import SourceServer, last_launch_of, text_at
from .calls import CALLS_AT_ONCE
from .errors import DrsError
from .recovery import RecoveryApi


def look_up_drills(
    api: RecoveryApi, servers: Sequence[SourceServer], since: datetime, now: datetime
) -> dict[str, DrillLookup]:
    """What became of the drills since then, by source server ID. Raises DrsError if the jobs cannot be listed.

    The instances are asked for last, and only of servers that were launched without a word in the log.
    """
    jobs = newest_first(api.jobs(since))
    by_server, by_id = jobs_by_server(jobs), {job_id_of(job): job for job in jobs}
    logs: dict[str, Log] = {}
    instances: dict[str, list[RecoveryInstance]] = {}

    def observed(server_id: str) -> Observed:
        server = described[server_id]
        own = list(by_server.get(server_id, []))
        last = by_id.get(last_launch_of(server).job_id)
        if last is not None and not any(job is last for job in own):
            own = newest_first([*own, last])
        return Observed(server_id, server, now, since, own, instances=instances.get(server_id, ()), logs=logs)

    def judged(server_ids: Iterable[str]) -> dict[str, Judgement]:
        return {server_id: fresh_evidence(observed(server_id)) for server_id in server_ids}

    def log_of(job_id: str) -> Log:
        try:
            return api.job_log(job_id)
        except DrsError as error:
            if error.facts.ends_run:
                raise
            return _unread(error)

    described = {server["sourceServerID"]: server for server in servers}
    found = judged(described)
    while wanted := list(dict.fromkeys(each.job_id for each in found.values() if isinstance(each, Unasked))):
        with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
            logs.update(zip(wanted, pool.map(log_of, wanted), strict=True))
        found |= judged(server_id for server_id, each in found.items() if isinstance(each, Unasked))

    launched = [
        server_id
        for server_id, each in found.items()
        if not isinstance(each, Evidence) and is_seen_by_its_instance(observed(server_id))
    ]
    try:
        for instance in api.recovery_instances(launched):
            instances.setdefault(text_at(instance, "sourceServerID") or "", []).append(instance)
        found |= judged(launched)
    except DrsError as error:
        found |= {server_id: found[server_id] or _unread(error) for server_id in launched}
    return {server_id: drill_lookup(observed(server_id), each) for server_id, each in found.items()}


def _unread(error: DrsError) -> Unreadable:
    return Unreadable(error.message, error.code, error.error_message)
