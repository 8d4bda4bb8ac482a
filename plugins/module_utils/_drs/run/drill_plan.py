# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans each source server of a run of drills: finish it, keep it waiting, or mark the call that is due."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..resources.drill_ends import Ended, how_it_ended
from ..resources.drills import costs_of, running_drill
from ..resources.evidence import Evidence, Observed, Unasked, Unreadable, fresh_evidence, judge
from ..resources.jobs import DRILL, Job, initiator_of, is_completed, job_id_of, servers_in
from ..resources.recovery_instances import (
    instance_id_of,
    is_ending,
    is_living,
)
from ..resources.rows import DrillVerdict, Ruling
from ..resources.servers import text_at
from ..resources.terminations import ENDING
from ..resources.text import printable
from .drill_outcomes import defer, fail, fail_unanswered, fail_with, tell_evidence, tell_job
from .drill_rulings import decide, is_late, names_of, operation_of
from .drill_run import SHOWS_WITHIN, Call, DrillRun, DrillWork
from .looks import Looks


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


def _on_hold(run: DrillRun, looks: Looks, work: DrillWork, ruling: Ruling) -> None:
    """Leave the server alone. A server of which a call may have taken effect is never held."""
    outcome, cause, unread = work.outcome, ruling.cause, _unread(looks, work, ruling)
    if unread is not None:
        cause = f"{cause}: {unread.reason}".replace(work.server_id, "the server")
    if work.drill is not None or (run.options.goal == "drilled" and not run.options.holds):
        fail(work, ruling.reason, cause)
    elif outcome.changed:
        outcome.warning = f"left alone, {cause}"
        outcome.finish("done", ruling.reason, cause)
    else:
        outcome.warning, outcome.detail = f"held, {cause}", ""
        outcome.finish("held", ruling.reason, cause)


def _on_fail(_run: DrillRun, looks: Looks, work: DrillWork, ruling: Ruling) -> None:
    fail(work, ruling.reason, ruling.cause)
    unread = _unread(looks, work, ruling)
    if unread is not None:
        work.outcome.error_code, work.outcome.error_message = unread.code, unread.text


def _unread(looks: Looks, work: DrillWork, ruling: Ruling) -> Unreadable | None:
    """The answer that could not be read and that decided; None if there is none."""
    observed = looks.observed(work)
    answers = (fresh_evidence(observed), observed.snapshots, observed.configuration)
    return next((each for each in answers if isinstance(each, Unreadable) and each.reason in ruling.reason), None)


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
    ruling = how_it_ended(Ended(observed, job, is_late(run, looks, work.drill)))
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
    outcome.reason = outcome.cause = f"{names_of(living)} is not terminated yet"
    if call.job_id is None and any(is_ending(each) for each in living):
        outcome.changed = True
        if not run.options.wait:
            outcome.finish("done", f"{names_of(living)} is being terminated", ENDING)
    elif call.job_id is None:
        if run.clock() - call.at >= SHOWS_WITHIN:
            fail_unanswered(work, call)
    elif is_late(run, looks, call):
        fail(
            work, f"{names_of(living)} still exists after its termination ended", "an instance outlived its termination"
        )


def _finish_termination(run: DrillRun, looks: Looks, work: DrillWork) -> None:
    """What was to be terminated is gone."""
    if run.options.goal == "absent":
        apply(run, looks, work, decide(run, looks, work))
    else:
        _on_done(run, looks, work, Ruling("done", "", ""))
