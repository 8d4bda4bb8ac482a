# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tables say about the next call for each source server of a run of drills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..resources.drills import running_drill, whether_to_drill
from ..resources.evidence import Evidence, Observed, fresh_evidence
from ..resources.operations import BatchOperation
from ..resources.recovery_instances import RecoveryInstance, instance_id_of, is_drill_instance, launched_by
from ..resources.rows import DrillVerdict, Ruling
from ..resources.terminations import NONE_LEFT, Doomed, whether_to_terminate
from ..resources.text import listed, printable
from .drill_outcomes import tell_evidence
from .drill_run import SHOWS_WITHIN, Call, DrillRun, DrillWork
from .looks import Looks

URGENCY: tuple[DrillVerdict, ...] = ("ask", "terminate", "wait", "defer", "fail", "hold", "done")
"""The verdicts on the instances of one server: the first one that any of them has is that on the server."""


STAYS: tuple[DrillVerdict, ...] = ("done", "hold", "fail")
"""The verdicts on instances that this run leaves."""

ENDED_BY_OTHERS = "its drill instance was terminated by somebody else or by an earlier run"


def operation_of(run: DrillRun, work: DrillWork) -> BatchOperation:
    """The call that may be next for this server."""
    return "terminate" if run.options.goal == "absent" or work.drill is not None else "drill"


def decide(run: DrillRun, looks: Looks, work: DrillWork) -> Ruling:
    """What the table says about the next call for this server."""
    decisions = {"drill": _decide_drill, "terminate": _decide_termination}
    work.ruling = decisions[operation_of(run, work)](run, looks, work)
    return work.ruling


def _decide_drill(_run: DrillRun, looks: Looks, work: DrillWork) -> Ruling:
    observed, outcome = looks.observed(work), work.outcome
    ruling = whether_to_drill(observed)
    evidence = fresh_evidence(observed)
    if ruling.verdict == "done" and isinstance(evidence, Evidence):
        tell_evidence(looks, work, evidence)
    told = f"drilled {printable(evidence.at)}" if isinstance(evidence, Evidence) else "no fresh drill"
    outcome.before, outcome.after = outcome.before or told, told
    return ruling


def _decide_termination(run: DrillRun, looks: Looks, work: DrillWork) -> Ruling:
    observed = looks.observed(work)
    if run.options.goal == "absent":
        return _decide_absence(run, work, observed)
    instances = [each for each in observed.instances if work.drill and launched_by(each) == work.drill.job_id]
    return _joined(_rule_on(run, work, observed, instances)) if instances else _unlisted(run, looks, work)


def _decide_absence(run: DrillRun, work: DrillWork, observed: Observed) -> Ruling:
    """What the table says about the instances for which no call was sent. In check mode, the others count as gone."""
    outcome = work.outcome
    others = [each for each in observed.living if instance_id_of(each) not in work.sent_ids]
    told = names_of(list(filter(is_drill_instance, others if run.options.check_mode else observed.living)))
    outcome.before, outcome.after = outcome.before or told, told
    if observed.server is None:
        return Ruling("fail", "DRS does not know this ID", "DRS does not know this ID")
    if not observed.living and not work.sent_ids and run.old_before is None and running_drill(observed):
        return Ruling("defer", "a drill of it is running, which launches an instance", "a drill of it is running")
    rulings = _rule_on(run, work, observed, others)
    outcome.kept = [
        instance_id_of(each) or "-"
        for each, ruling in zip(others, rulings, strict=True)
        if is_drill_instance(each) and ruling.verdict in STAYS
    ]
    if work.sent_ids:
        return _with_sent(run, work, rulings)
    is_ended = not others and outcome.before != told
    return Ruling("done", ENDED_BY_OTHERS, ENDED_BY_OTHERS) if is_ended else _joined(rulings)


def _rule_on(run: DrillRun, work: DrillWork, observed: Observed, instances: Sequence[RecoveryInstance]) -> list[Ruling]:
    """The ruling on each instance. Those to be terminated are remembered."""
    rulings = [whether_to_terminate(Doomed(observed, each, run.old_before)) for each in instances]
    found = zip(instances, rulings, strict=True)
    work.doomed = tuple(instance_id_of(each) or "" for each, ruling in found if ruling.verdict == "terminate")
    return rulings


def _with_sent(run: DrillRun, work: DrillWork, rulings: list[Ruling]) -> Ruling:
    """The ruling on the other instances, after what was sent."""
    reason, cause = f"terminated {listed(sorted(work.sent_ids))}", "terminated"
    if run.options.check_mode:
        reason = f"would terminate {listed(sorted(work.sent_ids))}"
    elif work.termination is not None:
        cause = "DRS accepted the termination"
        reason = f"{cause} ({printable(work.termination.job_id or '')})"
    if not rulings:
        return Ruling("done", reason, cause)
    ruling = _joined(rulings)
    return replace(ruling, reason=f"{reason}; {ruling.reason}")


def _unlisted(run: DrillRun, looks: Looks, work: DrillWork) -> Ruling:
    """The ruling where the instance that this run launched is not listed."""
    told = "its drill instance is not listed, so it was not terminated"
    return Ruling("fail" if is_late(run, looks, work.drill) else "wait", told, told)


def _joined(rulings: list[Ruling]) -> Ruling:
    """One ruling on all instances of a server."""
    if not rulings:
        return Ruling("done", NONE_LEFT, NONE_LEFT)
    first = min(rulings, key=lambda ruling: URGENCY.index(ruling.verdict))
    others = [ruling for ruling in rulings if ruling is not first]
    reason = "; ".join(ruling.reason for ruling in (first, *others))
    return Ruling(first.verdict, reason, first.cause, first.question)


def names_of(instances: list[RecoveryInstance]) -> str:
    return listed([instance_id_of(each) or "-" for each in instances]) or "no drill instance"


def is_late(run: DrillRun, looks: Looks, call: Call | None) -> bool:
    """Whether the job of the call ended so long ago that its effect must show. One that is not listed ended at once."""
    if call is None:
        return False
    job_id = call.job_id or ""
    ended = looks.ended_at.get(job_id, call.at if job_id not in looks.listed else None)
    return ended is not None and run.clock() - ended >= SHOWS_WITHIN
