# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans each source server of a run of drills: finish it, keep it waiting, or mark the call that is due."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..resources.drill_ends import Ended, how_it_ended
from ..resources.drills import costs_of, running_drill, whether_to_drill
from ..resources.evidence import Evidence, Observed, Unasked, Unreadable, fresh_evidence, judge
from ..resources.jobs import DRILL, Job, initiator_of, is_completed, job_id_of, servers_in
from ..resources.operations import BatchOperation
from ..resources.recovery_instances import (
    RecoveryInstance,
    instance_id_of,
    is_drill_instance,
    is_ending,
    is_living,
    launched_by,
)
from ..resources.rows import DrillVerdict, Ruling
from ..resources.servers import text_at
from ..resources.terminations import Doomed, whether_to_terminate
from ..resources.text import listed, printable
from .drill_outcomes import defer, fail, fail_unanswered, fail_with, tell_evidence, tell_job
from .drill_run import SHOWS_WITHIN, Call, DrillRun, DrillWork
from .looks import Looks

URGENCY: tuple[DrillVerdict, ...] = ("ask", "terminate", "wait", "defer", "fail", "hold", "done")
"""The verdicts on the instances of one server: the first one that any of them has is that on the server."""


def plan(run: DrillRun, looks: Looks, work: DrillWork) -> None:
    """Decide what is next for this open server, by what was seen."""
    work.is_due = False
    if work.observe_error is not None:
        if work.outcome.first is None or not run.options.wait:
            fail_with(work, work.observe_error)
    elif work.termination is not None:
        _plan_gone(run, looks, work)
    elif work.drill is not None and work.outcome.evidence is None:
        _plan_end(run, looks, work)
    else:
        apply(run, looks, work, decide(run, looks, work))


def ask_logs(looks: Looks, works: Iterable[DrillWork]) -> None:
    """Ask for the logs that decide about the evidence of these servers, for each the newest first."""
    judged = list(works)
    while wanted := [
        judgement.job_id for work in judged if isinstance(judgement := fresh_evidence(looks.observed(work)), Unasked)
    ]:
        looks.ask_logs(wanted)


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
    observed, outcome = looks.observed(work), work.outcome
    if run.options.goal == "absent":
        drills = [instance_id_of(each) or "-" for each in observed.living if is_drill_instance(each)]
        told = listed(drills) or "no drill instance"
        outcome.before, outcome.after = outcome.before or told, told
        if observed.server is None:
            return Ruling("fail", "DRS does not know this ID", "DRS does not know this ID")
        if not observed.living and not work.sent_ids and run.old_before is None and running_drill(observed):
            return Ruling("defer", "a drill of it is running, which launches an instance", "a drill of it is running")
        instances = [each for each in observed.living if instance_id_of(each) not in work.sent_ids]
    else:
        instances = [each for each in observed.instances if work.drill and launched_by(each) == work.drill.job_id]
        if not instances:
            return _unlisted(run, looks, work)
    rulings = [(each, whether_to_terminate(Doomed(observed, each, run.old_before))) for each in instances]
    work.doomed = tuple(instance_id_of(each) or "" for each, ruling in rulings if ruling.verdict == "terminate")
    return _joined([ruling for _instance, ruling in rulings])


def _unlisted(run: DrillRun, looks: Looks, work: DrillWork) -> Ruling:
    """The ruling where the instance that this run launched is not listed."""
    told = "its drill instance is not listed, so it was not terminated"
    return Ruling("fail" if _is_late(run, looks, work.drill) else "wait", told, told)


def _joined(rulings: list[Ruling]) -> Ruling:
    """One ruling on all instances of a server."""
    if not rulings:
        return Ruling("done", "no drill instance is left", "no drill instance is left")
    first = min(rulings, key=lambda ruling: URGENCY.index(ruling.verdict))
    others = [ruling for ruling in rulings if ruling is not first]
    reason = "; ".join(ruling.reason for ruling in (first, *others))
    return Ruling(first.verdict, reason, first.cause, first.question)


def apply(run: DrillRun, looks: Looks, work: DrillWork, ruling: Ruling) -> None:
    """Do what the ruling says, apart from a call, which is marked as due."""
    work.outcome.reason, work.outcome.cause = ruling.reason, ruling.cause
    ON_RULING[ruling.verdict](run, looks, work, ruling)


def _on_call(_run: DrillRun, _looks: Looks, work: DrillWork, _ruling: Ruling) -> None:
    work.is_due = True


def _on_done(run: DrillRun, looks: Looks, work: DrillWork, ruling: Ruling) -> None:
    outcome, observed = work.outcome, looks.observed(work)
    if work.drill is not None:
        work.has_succeeded = True
        outcome.finish("done", f"drilled ({printable(work.drill.job_id or '')}) and its instance terminated", "drilled")
    else:
        _warn_of_costs(run, work, observed)
        outcome.finish("done", ruling.reason, ruling.cause)


def _warn_of_costs(run: DrillRun, work: DrillWork, observed: Observed) -> None:
    """With terminate, warn of drill instances of others, which are left."""
    if run.options.terminate and costs_of(observed):
        work.outcome.warning = "a drill instance that this run did not launch costs until terminated, see state: absent"


def _on_wait(run: DrillRun, looks: Looks, work: DrillWork, ruling: Ruling) -> None:
    """Somebody else drills or terminates."""
    job = running_drill(looks.observed(work)) if operation_of(run, work) == "drill" else None
    if job is not None:
        none: frozenset[str] = frozenset()
        work.drill = Call("drill", frozenset(servers_in(job)), none, run.clock(), job_id_of(job), is_own=False)
        tell_job(work, job)
    if not run.options.wait:
        work.outcome.finish("done", ruling.reason, ruling.cause)
    work.outcome.detail = "in drill" if job is not None else "terminating"


def _on_defer(run: DrillRun, _looks: Looks, work: DrillWork, ruling: Ruling) -> None:
    work.outcome.detail = "waiting for another job"
    if not run.options.wait:
        defer(work, ruling.reason, ruling.cause)


def _on_hold(run: DrillRun, _looks: Looks, work: DrillWork, ruling: Ruling) -> None:
    """Leave the server alone. A server of which a call may have taken effect is never held."""
    outcome = work.outcome
    if work.drill is not None or (run.options.goal == "drilled" and not run.options.holds):
        fail(work, ruling.reason, ruling.cause)
    elif outcome.changed:
        outcome.warning = f"left alone, {ruling.cause}"
        outcome.finish("done", f"terminated; {ruling.reason}", ruling.cause)
    else:
        outcome.warning, outcome.detail = f"held, {ruling.cause}", ""
        outcome.finish("held", ruling.reason, ruling.cause)


def _on_fail(_run: DrillRun, looks: Looks, work: DrillWork, ruling: Ruling) -> None:
    fail(work, ruling.reason, ruling.cause)
    observed, outcome = looks.observed(work), work.outcome
    for answer in (fresh_evidence(observed), observed.snapshots, observed.configuration):
        if isinstance(answer, Unreadable) and answer.reason in ruling.reason:
            outcome.error_code, outcome.error_message = answer.code, answer.text


ON_RULING: dict[DrillVerdict, Callable[[DrillRun, Looks, DrillWork, Ruling], None]] = {
    "drill": _on_call,
    "terminate": _on_call,
    "ask": _on_call,
    "done": _on_done,
    "wait": _on_wait,
    "defer": _on_defer,
    "hold": _on_hold,
    "fail": _on_fail,
}


def _plan_end(run: DrillRun, looks: Looks, work: DrillWork) -> None:
    """A drill was sent, or somebody else's is waited for."""
    call, outcome = work.drill, work.outcome
    if call is None or not _is_found(run, looks, work, call):
        return
    job = looks.jobs.get(call.job_id or "")
    if job is not None:
        tell_job(work, job)
    if not run.options.wait:
        outcome.finish("done", f"DRS accepted the drill ({printable(call.job_id or '')})", "DRS accepted the drill")
    elif job is None or call.job_id not in looks.listed:
        outcome.detail = "drill accepted"
        if run.clock() - call.at >= SHOWS_WITHIN:
            fail(work, f"DRS accepted the drill, but does not list its job {printable(call.job_id or '')}")
    elif not is_completed(job):
        event = looks.last_event(call.job_id or "", work.server_id) or text_at(job, "status") or "in drill"
        outcome.detail = printable(event).lower().replace("_", " ")
        outcome.reason = outcome.cause = f"its drill {printable(call.job_id or '')} is not finished"
    else:
        _settle(run, looks, work, job)


def _is_found(run: DrillRun, looks: Looks, work: DrillWork, call: Call) -> bool:
    """Whether the job of the call is known. One without an answer is looked for among the jobs.

    It is a drill that the look before the call did not list, with exactly these servers. No clock is compared.
    """
    if call.job_id is None:
        new = ((job_id, job) for job_id, job in looks.jobs.items() if job_id not in call.known_jobs)
        call.job_id = next((job_id for job_id, job in new if _is_drill_of(job, call.source_server_ids)), None)
    if call.job_id is not None:
        work.outcome.changed = work.outcome.changed or call.is_own
        return True
    work.outcome.detail = "waiting for its job to show"
    if run.clock() - call.at >= SHOWS_WITHIN:
        fail_unanswered(work, call)
    return False


def _is_drill_of(job: Job, source_server_ids: frozenset[str]) -> bool:
    return initiator_of(job) == DRILL and servers_in(job) == source_server_ids


def _settle(run: DrillRun, looks: Looks, work: DrillWork, job: Job) -> None:
    """The job has ended."""
    observed = looks.observed(work)
    ruling = how_it_ended(Ended(observed, job, _is_late(run, looks, work.drill)))
    work.outcome.reason, work.outcome.cause, work.outcome.detail = (
        ruling.reason,
        ruling.cause,
        "waiting for its instance",
    )
    if ruling.verdict == "fail":
        fail(work, ruling.reason, ruling.cause)
    elif ruling.verdict == "done":
        _succeed(run, looks, work, observed, job)


def _succeed(run: DrillRun, looks: Looks, work: DrillWork, observed: Observed, job: Job) -> None:
    outcome, evidence = work.outcome, judge(observed, job)
    if isinstance(evidence, Evidence):
        tell_evidence(looks, work, evidence)
    if run.options.terminate and work.drill is not None and work.drill.is_own:
        apply(run, looks, work, decide(run, looks, work))
    else:
        work.has_succeeded = True
        _warn_of_costs(run, work, observed)
        outcome.finish("done", f"{outcome.reason}{costs_of(observed)}", outcome.cause)


def _plan_gone(run: DrillRun, looks: Looks, work: DrillWork) -> None:
    """A termination was sent: the instances tell whether it took effect."""
    call, outcome, observed = work.termination, work.outcome, looks.observed(work)
    if call is None:
        return
    mine = [each for each in observed.instances if instance_id_of(each) in call.instance_ids]
    living = [each for each in mine if is_living(each)]
    if not living:
        outcome.changed, work.termination = True, None
        _finish_termination(run, looks, work)
        return
    outcome.detail = "terminating"
    outcome.reason = outcome.cause = f"{_names(living)} is not terminated yet"
    if call.job_id is None and any(is_ending(each) for each in living):
        outcome.changed = True
        if not run.options.wait:
            outcome.finish("done", f"{_names(living)} is being terminated", "its drill instance is being terminated")
    elif call.job_id is None:
        if run.clock() - call.at >= SHOWS_WITHIN:
            fail_unanswered(work, call)
    elif _is_late(run, looks, call):
        fail(work, f"{_names(living)} still exists after its termination ended", "an instance outlived its termination")


def _finish_termination(run: DrillRun, looks: Looks, work: DrillWork) -> None:
    """What was to be terminated is gone."""
    if run.options.goal == "absent":
        ruling = decide(run, looks, work)
        if ruling.verdict == "done":
            ruling = Ruling("done", f"terminated {listed(sorted(work.sent_ids))}", "terminated")
        apply(run, looks, work, ruling)
    else:
        _on_done(run, looks, work, Ruling("done", "", ""))


def _names(instances: list[RecoveryInstance]) -> str:
    return listed([instance_id_of(each) or "-" for each in instances])


def _is_late(run: DrillRun, looks: Looks, call: Call | None) -> bool:
    """Whether the job of the call ended so long ago that its effect must show. One that is not listed ended at once."""
    if call is None:
        return False
    job_id = call.job_id or ""
    ended = looks.ended_at.get(job_id, call.at if job_id not in looks.listed else None)
    return ended is not None and run.clock() - ended >= SHOWS_WITHIN
