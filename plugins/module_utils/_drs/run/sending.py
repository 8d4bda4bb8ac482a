# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sends calls for many source servers at once. DRS accepts all of a batch or none, and names no culprit.

"One or more of the Source Servers included in API call are currently being processed by a Job" was seen
(https://github.com/johnjcousens/aws-elasticdrs-orchestrator, docs/BUG_7_ROOT_CAUSE_ANALYSIS.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from ..api.errors import DrsError, ErrorKind
from ..resources.drills import snapshot_of, staleness_of
from ..resources.operations import Batch, BatchOperation
from ..resources.servers import text_at
from ..resources.text import printable
from .drill_outcomes import NOUNS, fail_with
from .drill_plan import apply, ask_logs
from .drill_rulings import decide, operation_of
from .drill_run import Call, DrillRun, DrillWork
from .looks import Looks

SERVERS_PER_JOB = 100
JOBS_AT_ONCE = 20
SERVERS_AT_ONCE = 500
"""The quotas of DRS: https://docs.aws.amazon.com/general/latest/gr/drs.html#limits_drs"""

STALE = "not CONTINUOUS, so a drill may have to use an older recovery snapshot"

QUOTA = (
    f"a quota is used up: DRS runs at most {JOBS_AT_ONCE} jobs with {SERVERS_AT_ONCE} source servers in all at a time"
)


@dataclass(frozen=True)
class Portion:
    """Servers that are sent in one call. refusal: why the last call for them was refused. is_repeat: whether a single
    server was sent again."""

    works: tuple[DrillWork, ...]
    refusal: DrsError | None = None
    is_repeat: bool = False


def due(run: DrillRun, operation: BatchOperation) -> Iterator[DrillWork]:
    """The servers for which this call is due."""
    return (work for work in run.open if work.is_due and operation_of(run, work) == operation)


def ready(run: DrillRun, looks: Looks, operation: BatchOperation) -> list[DrillWork]:
    """The next servers to send, as many as there are places and as a job takes, after all questions about them."""
    free = run.free_places if operation == "drill" else None
    size = SERVERS_PER_JOB if free is None else min(free, SERVERS_PER_JOB)
    batch = list(islice(due(run, operation), size))
    if operation == "drill":
        ask_logs(looks, batch)
    rulings = {work: decide(run, looks, work) for work in batch}
    while questions := {ruling.question for ruling in rulings.values() if ruling.question}:
        for question in questions:
            looks.ask([work for work, ruling in rulings.items() if ruling.question == question], question)
        rulings = {work: decide(run, looks, work) for work in batch}
    return [work for work in batch if _is_still_due(run, looks, work, operation)]


def _is_still_due(run: DrillRun, looks: Looks, work: DrillWork, operation: BatchOperation) -> bool:
    """Whether the rule still asks for the call. Otherwise, what it says is done."""
    ruling = decide(run, looks, work)
    if ruling.verdict == operation:
        outcome = work.outcome
        outcome.reason, outcome.cause = ruling.reason, ruling.cause
        return True
    work.is_due = False
    apply(run, looks, work, ruling)
    return False


def _warn_of_age(looks: Looks, work: DrillWork) -> None:
    """Warn of a drill that may not have the latest data."""
    stale = staleness_of(looks.observed(work))
    work.outcome.call_warning, work.outcome.copied = (STALE, stale) if stale else (None, "")


def send_due(run: DrillRun, looks: Looks, operation: BatchOperation) -> None:
    """Make the calls that are due. Raises a fatal DrsError."""
    looks.forget_answers()
    if not run.full <= looks.active_jobs():
        run.full = frozenset()
    while not run.is_over and not run.full and next(due(run, operation), None):
        if operation == "drill" and run.free_places == 0:
            return
        _send_all(run, looks, operation, ready(run, looks, operation))


def predict(run: DrillRun, looks: Looks, operation: BatchOperation) -> None:
    """In check mode, predict the calls that would be made now."""
    looks.forget_answers()
    while not run.is_over and next(due(run, operation), None) and not (operation == "drill" and run.free_places == 0):
        for work in ready(run, looks, operation):
            outcome = work.outcome
            work.is_due, work.is_predicted = False, operation == "drill"
            outcome.action, outcome.changed = operation, True
            if operation == "drill":
                _warn_of_age(looks, work)
                outcome.after = "drilled now"
                outcome.finish("done", f"would drill: {outcome.reason}", outcome.cause)
            else:
                work.sent_ids |= set(work.doomed)
                apply(run, looks, work, decide(run, looks, work))


def _send_all(run: DrillRun, looks: Looks, operation: BatchOperation, works: Sequence[DrillWork]) -> None:
    """Send these servers in one call, or where it is refused, in ever smaller ones."""
    portions = [Portion(tuple(works))] if works else []
    while portions and not run.is_over and not run.full:
        portion = portions.pop(0)
        kept = _looked_at(run, looks, operation, portion)
        if kept == portion.works and portion.refusal and not _is_repeatable(portion):
            portions = [*_parts(operation, portion, portion.refusal), *portions]
        elif kept:
            sent = replace(portion, works=kept, is_repeat=portion.refusal is not None and kept == portion.works)
            portions = [*_send(run, looks, operation, sent), *portions]
    _postpone(work for portion in portions for work in portion.works)


def _is_repeatable(portion: Portion) -> bool:
    """Whether a single server is sent once more."""
    may_pass = portion.refusal is not None and portion.refusal.facts.may_pass
    return may_pass and len(portion.works) == 1 and not portion.is_repeat


def _looked_at(run: DrillRun, looks: Looks, operation: BatchOperation, portion: Portion) -> tuple[DrillWork, ...]:
    """The servers for which the rule still asks for the call after another look, right before it."""
    try:
        if portion.refusal is not None:
            looks.describe(portion.works)
        looks.look(portion.works)
    except DrsError as error:
        _later(run, portion.works, error)
        return ()
    for work in portion.works:
        if work.observe_error is not None:
            _later(run, [work], work.observe_error)
    kept = tuple(work for work in portion.works if work.is_due and _is_still_due(run, looks, work, operation))
    if operation == "terminate" or run.free_places is None:
        return kept
    for work in [each for each in due(run, operation) if each not in portion.works]:
        _is_still_due(run, looks, work, operation)  # somebody else may drill it, which takes a place
    return kept[: run.free_places]


def _parts(operation: BatchOperation, portion: Portion, refusal: DrsError) -> list[Portion]:
    """What is sent in place of a refused portion: those that the error names alone, or halves. A single one fails."""
    works, text = portion.works, refusal.error_message or ""
    if len(works) == 1:
        works[0].is_due, works[0].outcome.action = False, _action(works[0], operation)
        fail_with(works[0], refusal)
        return []
    named = [work for work in works if any(each in text for each in (work.server_id, *work.doomed))]
    others = tuple(work for work in works if work not in named)
    if named and others:
        return [Portion(others), *(Portion((work,)) for work in named)]
    half = len(works) // 2
    return [Portion(works[:half]), Portion(works[half:])]


def _send(run: DrillRun, looks: Looks, operation: BatchOperation, portion: Portion) -> list[Portion]:
    """Make the call. Returns what is left to send."""
    batch = _batch(run, looks, portion.works)
    ids = frozenset(batch.source_server_ids)
    call = Call(operation, ids, frozenset(batch.instance_ids), run.clock(), known_jobs=frozenset(looks.jobs))
    try:
        job = run.api.send(operation, batch)
    except DrsError as error:
        call.error = error
        return ON_SEND_ERROR[error.kind](run, looks, portion, call)
    call.job_id = text_at(job, "jobID")
    _record(run, looks, portion, call)
    for work in portion.works:
        outcome = work.outcome
        outcome.changed, outcome.detail = True, f"{NOUNS[operation]} accepted"
        outcome.reason = f"DRS accepted the {NOUNS[operation]} ({printable(call.job_id or '')})"
        outcome.cause = f"DRS accepted the {NOUNS[operation]}"
        if operation == "drill":
            outcome.job_id, outcome.launched_at = call.job_id, text_at(job, "creationDateTime")
        if not run.options.wait and operation == "drill":
            outcome.finish("done", outcome.reason, outcome.cause)
        elif not run.options.wait:
            apply(run, looks, work, decide(run, looks, work))  # its other instances, before the job holds the server
    looks.add(call.job_id or "", job)
    return []


def _batch(run: DrillRun, looks: Looks, works: Sequence[DrillWork]) -> Batch:
    is_dated = run.options.point_in_time is not None
    snapshots = {work.server_id: snapshot_of(looks.observed(work)) for work in works if is_dated}
    return Batch(
        source_server_ids=tuple(work.server_id for work in works),
        instance_ids=tuple(instance_id for work in works for instance_id in work.doomed),
        snapshot_ids={id_: name for id_, each in snapshots.items() if (name := text_at(each, "snapshotID"))},
        tags=run.options.job_tags,
    )


def _record(run: DrillRun, looks: Looks, portion: Portion, call: Call) -> None:
    """Remember the call for its servers, so that it is never repeated."""
    run.calls.append(call)
    for work in portion.works:
        work.is_due, work.send_error, work.outcome.action = False, None, _action(work, call.operation)
        if call.operation == "drill":
            work.drill = call
            _warn_of_age(looks, work)
        else:
            work.termination = call
            work.sent_ids |= set(work.doomed)


def _action(work: DrillWork, operation: BatchOperation) -> BatchOperation:
    """What this run does to the server: a termination after a drill belongs to the drill."""
    return "drill" if work.drill is not None else operation


def _postpone(works: Iterable[DrillWork]) -> None:
    """Leave these servers to the next look, which asks the rule again."""
    for work in works:
        work.is_due = False


def _later(run: DrillRun, works: Iterable[DrillWork], error: DrsError) -> None:
    """A wait goes on after an error that is about no server. Raises a fatal one."""
    if error.facts.ends_run:
        raise error
    for work in works:
        work.is_due, work.send_error = False, error
        if not run.options.wait:
            fail_with(work, error)


def _on_later(run: DrillRun, _looks: Looks, portion: Portion, call: Call) -> list[Portion]:
    if call.error:
        _later(run, portion.works, call.error)
    return []


def _on_refused(_run: DrillRun, _looks: Looks, portion: Portion, call: Call) -> list[Portion]:
    return [replace(portion, refusal=call.error)]


def _on_unanswered(run: DrillRun, looks: Looks, portion: Portion, call: Call) -> list[Portion]:
    _record(run, looks, portion, call)
    for work in portion.works:
        work.outcome.detail = f"{NOUNS[call.operation]} not answered"
    return []


def _on_quota(run: DrillRun, looks: Looks, portion: Portion, call: Call) -> list[Portion]:
    """Wait until a job has ended. Where none runs, the portion is too large."""
    error, active = call.error, looks.active_jobs()
    if error is None or not active:
        return _parts(call.operation, portion, error) if error else []
    run.full = active
    for work in portion.works:
        work.is_due, work.outcome.detail = False, "waiting for the quota"
        work.outcome.reason = work.outcome.cause = QUOTA
    return []


def _on_not_sent(_run: DrillRun, _looks: Looks, portion: Portion, _call: Call) -> list[Portion]:
    """The deadline ends the run."""
    _postpone(portion.works)
    return []


ON_SEND_ERROR: dict[ErrorKind, Callable[[DrillRun, Looks, Portion, Call], list[Portion]]] = {
    "throttled": _on_later,
    "unanswered": _on_unanswered,
    "conflict": _on_refused,
    "quota": _on_quota,
    "refused": _on_refused,
    "fatal": _on_later,
    "not_sent": _on_not_sent,
    "not_tried": _on_later,
}
