# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a source server ends in a run of drills, and what its outcome tells of the drill."""

from __future__ import annotations

from datetime import datetime

from ..api.errors import DrsError
from ..resources.evidence import Evidence
from ..resources.iso8601 import parse_datetime
from ..resources.jobs import Job, job_id_of, launch_actions_in
from ..resources.operations import BatchOperation
from ..resources.servers import text_at
from ..resources.text import printable
from .drill_run import Call, DrillWork
from .looks import Looks

NOUNS: dict[BatchOperation, str] = {"drill": "drill", "terminate": "termination"}
"""What a call is called in sentences."""


def tell_evidence(looks: Looks, work: DrillWork, evidence: Evidence) -> None:
    """Put what proves the drill into the outcome."""
    outcome, job = work.outcome, looks.jobs.get(evidence.job_id)
    outcome.evidence, outcome.job_id = evidence, evidence.job_id
    outcome.instance_id, outcome.launched_at = evidence.instance_id, evidence.at or None
    outcome.duration = _seconds(parse_datetime(evidence.at), parse_datetime(evidence.ended_at))
    outcome.after = f"drilled {printable(evidence.at)}"
    if job is not None:
        outcome.launch_actions = launch_actions_in(job, work.server_id)


def tell_job(work: DrillWork, job: Job) -> None:
    work.outcome.job_id, work.outcome.launched_at = job_id_of(job), text_at(job, "creationDateTime")
    work.outcome.launch_actions = launch_actions_in(job, work.server_id)


def _seconds(begin: datetime | None, end: datetime | None) -> float | None:
    return None if begin is None or end is None else max(0.0, (end - begin).total_seconds())


def fail(work: DrillWork, reason: str, cause: str = "") -> None:
    """Finish the server as failed."""
    work.outcome.finish("failed", reason, (cause or reason).replace(work.server_id, "the server"))
    work.outcome.warning = None


def fail_with(work: DrillWork, error: DrsError) -> None:
    """Finish the server as failed by this error, and say what was done before it."""
    call = work.termination or work.drill
    before = ""
    if call is not None and call.is_own:
        known = f"{call.job_id or 'no answer yet'}"
        before = f"the {NOUNS[call.operation]} was sent ({printable(known)}), then: "
    elif not error.facts.is_sent:
        before = "not tried: "
    fail(work, f"{before}{error.message}")
    work.outcome.error_code, work.outcome.error_message = error.code, error.error_message


def fail_unanswered(work: DrillWork, call: Call) -> None:
    """Finish a server of which a call was never answered and shows no effect. The call is not repeated."""
    why = f": {call.error.message}" if call.error else ""
    fail(work, f"the {NOUNS[call.operation]} was sent once, never answered, and may have taken effect{why}")
    if call.error:
        work.outcome.error_code, work.outcome.error_message = call.error.code, call.error.error_message


def defer(work: DrillWork, reason: str, cause: str = "") -> None:
    """Leave the server to a later run."""
    work.outcome.finish("deferred", reason, cause or reason)
