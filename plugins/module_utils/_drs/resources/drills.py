# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether to drill a source server: a table in which the first match wins. Pure.

docs/drills.md repeats it, and a test compares them. What is dear to ask is asked late: a row may ask for it.
"""

from __future__ import annotations

from datetime import timedelta

from .evidence import Evidence, Observed, Unasked, Unreadable, fresh_evidence
from .iso8601 import parse_datetime
from .jobs import (
    DRILL,
    RECOVERY,
    Job,
    initiator_of,
    is_active,
    job_id_of,
    launch_status_in,
)
from .lifecycle import facts_of, lifecycle_of
from .next_steps import next_step_of
from .recovery_instances import (
    instance_id_of,
    is_drill_instance,
    is_own_machine,
    launched_by,
    machine_to_launch_into,
    names_machine_clearly,
)
from .rows import Row, Ruling, first_match, tell_unread
from .servers import RecoverySnapshot, state_of, text_at
from .states import phase_of
from .text import ago, listed, printable

DRILLABLE = frozenset({"normal", "extended"})
"""The lifecycles in which no production depends on what a launch deletes."""


SEEN_AFTER = timedelta(minutes=10)
"""How long after its job a recovery instance may not be listed. Assumed: 5 minutes, and clocks that differ by at most
5, since AWS refuses the signatures of others:
https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html"""


def whether_to_drill(observed: Observed) -> Ruling:
    """What to do about a source server of which a fresh successful drill is to exist."""
    return first_match(DRILL_ROWS, observed)


def _is_unknown(observed: Observed) -> bool:
    return observed.server is None


def _is_log_unasked(observed: Observed) -> bool:
    return isinstance(fresh_evidence(observed), Unasked)


def _is_log_unreadable(observed: Observed) -> bool:
    return isinstance(fresh_evidence(observed), Unreadable)


def _is_drilled(observed: Observed) -> bool:
    return isinstance(fresh_evidence(observed), Evidence)


def running_drill(observed: Observed) -> Job | None:
    """The drill job that holds the source server."""
    return next((job for job in observed.jobs if is_active(job) and initiator_of(job) == DRILL), None)


def other_job(observed: Observed) -> Job | None:
    """The job that holds the source server and is no drill. A recovery holds it until its instance may be seen."""
    return next((job for job in observed.jobs if _is_other(job) or _is_unseen_recovery(observed, job)), None)


def _is_other(job: Job) -> bool:
    return is_active(job) and initiator_of(job) != DRILL


def _is_unseen_recovery(observed: Observed, job: Job) -> bool:
    """Whether a recovery ended just now, so that an instance on which production runs may not be listed yet."""
    ended = parse_datetime(text_at(job, "endDateTime"))
    if initiator_of(job) != RECOVERY or ended is None or observed.now - ended >= SEEN_AFTER:
        return False
    is_failed = launch_status_in(job, observed.source_server_id) == "FAILED"
    return not is_failed and not any(launched_by(each) == job_id_of(job) for each in observed.instances)


def _is_in_drill(observed: Observed) -> bool:
    return running_drill(observed) is not None


def _is_held_by_other_job(observed: Observed) -> bool:
    return other_job(observed) is not None


def _is_recovery_running(observed: Observed) -> bool:
    return observed.recovery_job is not None


def _may_be_production(observed: Observed) -> bool:
    is_unsafe = any(not is_drill_instance(each) or is_own_machine(each, observed.server) for each in observed.living)
    return is_unsafe or lifecycle_of(observed.server) not in DRILLABLE


def _is_not_replicating(observed: Observed) -> bool:
    return phase_of(state_of(observed.server)) in ("stopped", "disconnected")


def _is_unreadable(observed: Observed) -> bool:
    return phase_of(state_of(observed.server)) in ("unknown", "unreadable")


def _needs_snapshot(observed: Observed) -> bool:
    return phase_of(state_of(observed.server)) != "protected" or observed.point_in_time is not None


def _are_snapshots_unasked(observed: Observed) -> bool:
    return _needs_snapshot(observed) and observed.snapshots is None


def _are_snapshots_unreadable(observed: Observed) -> bool:
    return isinstance(observed.snapshots, Unreadable)


def _has_no_snapshot(observed: Observed) -> bool:
    return _needs_snapshot(observed) and not observed.snapshots


def _is_configuration_unasked(observed: Observed) -> bool:
    return observed.configuration is None


def _is_configuration_unreadable(observed: Observed) -> bool:
    configuration = observed.configuration
    return configuration is None or isinstance(configuration, Unreadable) or not names_machine_clearly(configuration)


def _launches_into_a_machine(observed: Observed) -> bool:
    return _machine(observed) is not None


def _may_be_drilled(_observed: Observed) -> bool:
    return True


def _machine(observed: Observed) -> str | None:
    configuration = observed.configuration
    if configuration is None or isinstance(configuration, Unreadable):
        return None
    return machine_to_launch_into(configuration)


def _tell_unknown(_observed: Observed) -> str:
    return "DRS does not know this ID"


def _tell_evidence(observed: Observed) -> str:
    evidence = fresh_evidence(observed)
    if not isinstance(evidence, Evidence):
        return ""
    at = parse_datetime(evidence.at)
    age = ago((observed.now - at).total_seconds()) if at else "recently"
    actions = ", but an optional launch action failed" if evidence.launch_actions == "failed" else ""
    return f"drilled {age} ({printable(evidence.job_id)}{actions}){costs_of(observed)}"


def costs_of(observed: Observed) -> str:
    """A clause about the living drill instances; empty if there are none."""
    names = [instance_id_of(each) or "-" for each in observed.living if is_drill_instance(each)]
    return f"; its drill instance {listed(names)} costs until it is terminated, see state: absent" if names else ""


def _tell_drill(observed: Observed) -> str:
    return f"a drill of it is running ({_name(running_drill(observed))})"


def _tell_other_job(observed: Observed) -> str:
    job = other_job(observed)
    return f"another job holds it ({_name(job)}, {printable(initiator_of(job or {}) or 'of unknown kind')})"


def _tell_recovery(observed: Observed) -> str:
    return f"a recovery is running in this Region and needs the quotas ({_name(observed.recovery_job)})"


def _name(job: Job | None) -> str:
    return printable(job_id_of(job or {}) or "a job without an ID")


def _tell_production(observed: Observed) -> str:
    unmarked = [each for each in observed.living if not is_drill_instance(each)]
    own = [each for each in observed.living if is_own_machine(each, observed.server)]
    found = [instance_id_of(each) or "-" for each in (*unmarked, *own)]
    if found:
        why = f"production may run on {listed(list(dict.fromkeys(found)))}"
    else:
        why = next_step_of(observed.server, state_of(observed.server)) or facts_of(observed.server).cause
    return f"{why}; a drill would terminate every earlier recovery instance of it"


def _tell_not_replicating(observed: Observed) -> str:
    state = printable(state_of(observed.server) or "")
    return f"it is {state}: get it protected with drs_source_server_replication first"


def _tell_unreadable(observed: Observed) -> str:
    state = state_of(observed.server)
    return f"the state {printable(state)} is unknown" if state else "AWS reported no data replication state"


def _tell_no_snapshot(observed: Observed) -> str:
    if observed.point_in_time is not None:
        return f"it has no recovery snapshot at or before {observed.point_in_time.isoformat()}"
    return f"it is {printable(state_of(observed.server) or '')} and has no recovery snapshot"


def _tell_log(observed: Observed) -> str:
    return tell_unread(fresh_evidence(observed), "the log of a drill job")


def _tell_snapshots(observed: Observed) -> str:
    return tell_unread(observed.snapshots, "its recovery snapshots")


def _tell_configuration(observed: Observed) -> str:
    return tell_unread(observed.configuration, "its launch configuration")


def _tell_machine(observed: Observed) -> str:
    return (
        f"launchIntoEC2InstanceID of its launch configuration names {printable(_machine(observed))}, whose disks a"
        " drill would replace"
    )


def _tell_drillable(observed: Observed) -> str:
    parts = ["no successful drill is fresh"]
    taken = parse_datetime(text_at(snapshot_of(observed), "timestamp"))
    if taken:
        age = ago((observed.now - taken).total_seconds())
        parts.append(f"{printable(state_of(observed.server))}, its newest recovery snapshot was taken {age}")
    names = [instance_id_of(each) or "-" for each in observed.living]
    if names:
        parts.append(f"the launch deletes its earlier drill instance {listed(names)}")
    return "; ".join(parts)


def snapshot_of(observed: Observed) -> RecoverySnapshot | None:
    """The newest recovery snapshot that may be used, where it was asked for."""
    if not _needs_snapshot(observed) or isinstance(observed.snapshots, Unreadable) or not observed.snapshots:
        return None
    return observed.snapshots[0]


def staleness_of(observed: Observed) -> str | None:
    """How old the data of a drill may be, where the server is not CONTINUOUS; None where it is."""
    state, taken = state_of(observed.server), parse_datetime(text_at(snapshot_of(observed), "timestamp"))
    if phase_of(state) == "protected" or taken is None:
        return None
    return f"{printable(state)}, the newest is of {ago((observed.now - taken).total_seconds())}"


PRODUCTION = "production may depend on a recovery instance that a launch would terminate"

DRILL_ROWS: list[Row[Observed]] = [
    Row(_is_unknown, "fail", _tell_unknown),
    Row(_is_log_unasked, "ask", _tell_log, question="log"),
    Row(_is_log_unreadable, "fail", _tell_log),
    Row(_is_drilled, "done", _tell_evidence, "a successful drill is fresh"),
    Row(_is_in_drill, "wait", _tell_drill, "a drill is running"),
    Row(_is_held_by_other_job, "defer", _tell_other_job, "another job holds it"),
    Row(_is_recovery_running, "defer", _tell_recovery),
    Row(_may_be_production, "hold", _tell_production, PRODUCTION),
    Row(_is_not_replicating, "fail", _tell_not_replicating),
    Row(_is_unreadable, "fail", _tell_unreadable),
    Row(_are_snapshots_unasked, "ask", _tell_snapshots, question="snapshots"),
    Row(_are_snapshots_unreadable, "fail", _tell_snapshots),
    Row(_has_no_snapshot, "fail", _tell_no_snapshot),
    Row(_is_configuration_unasked, "ask", _tell_configuration, question="configuration"),
    Row(_is_configuration_unreadable, "fail", _tell_configuration),
    Row(_launches_into_a_machine, "fail", _tell_machine, "its launch configuration names launchIntoEC2InstanceID"),
    Row(_may_be_drilled, "drill", _tell_drillable, "no successful drill is fresh"),
]
"""Whether to drill. What a launch would destroy is asked before anything about the data."""
