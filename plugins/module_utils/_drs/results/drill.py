# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Converts the outcomes of a run of drills to return values, messages and warnings. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..api.errors import IDENTITY_CODES, DrsError
from ..resources.jobs import Job, LaunchAction, created_at, initiator_of, job_id_of, servers_in
from ..resources.next_steps import next_step_of
from ..resources.servers import recovery_instance_id_of, text_at
from ..resources.terminations import ENDING
from ..resources.text import abridged, count, few, listed, printable, sentence, short
from ..run.drill_options import DrillGoal
from ..run.drill_rulings import ENDED_BY_OTHERS
from ..run.drill_run import DrillOutcome, DrillRun
from .outcome_values import COUNTED, diff_lines, known_servers, outcome_row, outcome_summary
from .summaries import Named, by_cause, evidence_row, where


@dataclass(frozen=True)
class Words:
    """What is said of a goal. done: of servers that this run changed. accepted: without wait. would: in check mode.
    already: of servers that needed no call. missed: at the deadline."""

    done: str
    accepted: str
    would: str
    already: str
    missed: str


WORDS: dict[DrillGoal, Words] = {
    "drilled": Words("drilled", "started", "would be drilled", "drilled already", "not drilled"),
    "absent": Words(
        "freed of drill instances",
        "about to be freed of drill instances",
        "would be freed of drill instances",
        "had none",
        "not freed of drill instances",
    ),
}


NOT_FREED = "drilled, but not freed of drill instances"
"""What is said of servers that the deadline found after their drill and before the end of its instance."""


def values_of(outcomes: Sequence[DrillOutcome], jobs: Sequence[Job], diff: bool) -> dict[str, Any]:
    """The return values common to every result: changed, outcomes, jobs, summary, and diff in diff mode."""
    values: dict[str, Any] = {
        "changed": any(outcome.changed for outcome in outcomes),
        "outcomes": [_row(outcome) for outcome in outcomes],
        "jobs": [_job_row(job) for job in jobs],
        "summary": outcome_summary(outcomes),
    }
    if diff:
        before = ((outcome, outcome.before or "-") for outcome in outcomes)
        after = ((outcome, outcome.after or "-") for outcome in outcomes)
        values["diff"] = {"before": diff_lines(before), "after": diff_lines(after)}
    return values


def success_message(run: DrillRun) -> str:
    """What was done, with all counts, region and account."""
    counts = _counts(run, run.outcomes, f" of {count(len(run.outcomes), 'source server')}")
    return f"{', '.join(counts)} ({_place(run)})"


def failure_message(run: DrillRun, unmatched: Sequence[str] = ()) -> str | None:
    """What went wrong, with all counts and by cause; None if nothing did."""
    missing = [f"no source server has {listed(unmatched)}"] if unmatched else []
    if run.error:
        return _interrupted(run, run.error)
    blamed = [outcome for outcome in run.outcomes if _is_missed(run, outcome)]
    if not blamed:
        return sentence(f"{success_message(run)}, but {missing[0]}") if missing else None
    causes = by_cause((outcome.cause, _named(outcome)) for outcome in blamed)
    return sentence(f"{_tally(run, blamed)}: {'; '.join([*causes, *_still_running(run), *missing])}")


def _still_running(run: DrillRun) -> list[str]:
    """The clause that names some of the jobs that go on; none if there are none."""
    return [f"still running: {few(run.running)}"] if run.running else []


def _is_missed(run: DrillRun, outcome: DrillOutcome) -> bool:
    """Whether the server failed, or where the deadline ended the run, was deferred."""
    return outcome.failed or (run.expired and outcome.end == "deferred")


def _interrupted(run: DrillRun, error: DrsError) -> str:
    """The counts, then the error that ended the run, then how to go on. Where nothing was read, the error alone."""
    if not any(outcome.latest for outcome in run.outcomes):
        return sentence(error.message)
    blamed = [outcome for outcome in run.outcomes if outcome.failed]
    told = "; ".join([error.message, *_still_running(run)])
    is_dear = run.options.goal == "drilled" and any(outcome.changed for outcome in blamed)
    costs = " Drill instances cost until they are terminated, see state: absent." if is_dear else ""
    advice = "Renew the credentials and run again" if error.code in IDENTITY_CODES else "Run again"
    return f"{sentence(f'{_tally(run, blamed)}: {told}')}{costs} {advice} to continue."


def _tally(run: DrillRun, blamed: Sequence[DrillOutcome]) -> str:
    """How many failed, or did not reach the goal before the deadline; what became of the others; and where."""
    words = WORDS[run.options.goal]
    others = [outcome for outcome in run.outcomes if outcome not in blamed]
    are = "is" if len(run.outcomes) == 1 else "are"
    drilled = [outcome for outcome in blamed if run.expired and outcome.evidence is not None]
    missed, late = (words.missed, drilled) if len(drilled) < len(blamed) else (NOT_FREED, [])
    how = f"{are} {missed} after {run.options.wait_timeout:g} s" if run.expired else "failed"
    text = f"{len(blamed) - len(late)} of {count(len(run.outcomes), 'source server')} {how}"
    rest = [*([f"{len(late)} {NOT_FREED}"] if late else []), *_counts(run, others)]
    return f"{text}{'; ' if rest else ''}{', '.join(rest)} ({_place(run)})"


def _counts(run: DrillRun, outcomes: Sequence[DrillOutcome], total: str = "") -> list[str]:
    """How many of these servers this run changed, and what is counted of the others, each server once.

    Zero counts are omitted, but not that of what was changed if some were changed partly, or before a total.
    """
    words, options = WORDS[run.options.goal], run.options
    done = words.done if options.wait else words.would if options.check_mode else words.accepted
    changed = [outcome for outcome in outcomes if outcome.changed]
    partly = sum(bool(outcome.kept) for outcome in changed)
    others = Counter(_standing(run, outcome) for outcome in outcomes if not outcome.changed)
    return [
        *([f"{len(changed) - partly}{total} {done}"] if changed or total else []),
        *([f"{partly} partly"] if partly else []),
        *(f"{number} {standing}" for standing, number in others.items()),
    ]


def _standing(run: DrillRun, outcome: DrillOutcome) -> str:
    """What is counted of a server that this run did not change."""
    if outcome.end in COUNTED:
        return str(outcome.end)
    if run.options.goal == "drilled" and outcome.evidence is None:
        return "in drill already"
    return "left" if outcome.kept else ENDED.get(outcome.cause, WORDS[run.options.goal].already)


ENDED = {ENDING: "being freed already", ENDED_BY_OTHERS: "freed already"}
"""What is counted of servers whose drill instances others terminate, by cause."""


def _place(run: DrillRun) -> str:
    return where(run.api.region, known_servers(run.outcomes))


def _named(outcome: DrillOutcome) -> Named:
    return outcome.source_server_id, outcome.latest, ""


def _row(outcome: DrillOutcome) -> dict[str, Any]:
    """The entry of the return value outcomes."""
    known = None if outcome.absent else outcome.latest
    return {
        **outcome_row(outcome, next_step_of(known, outcome.state)),
        "recovery_instance_id": short(outcome.instance_id or recovery_instance_id_of(known)),
        "job_id": short(outcome.job_id),
        "launched_at": short(outcome.launched_at),
        "duration_seconds": outcome.duration,
        "launch_actions": [_action_row(action) for action in outcome.launch_actions],
        "evidence": evidence_row(outcome.evidence),
    }


def _action_row(action: LaunchAction) -> dict[str, Any]:
    reason = action.failure_reason
    return {
        "name": short(action.name, 256),
        "status": short(action.status),
        "optional": action.optional,
        "failure_reason": None if reason is None else abridged(reason),
    }


def _job_row(job: Job) -> dict[str, Any]:
    created = created_at(job)
    return {
        "job_id": short(job_id_of(job)),
        "initiated_by": short(initiator_of(job)),
        "status": short(text_at(job, "status")),
        "created": created.isoformat() if created else None,
        "source_server_ids": sorted(printable(each) for each in servers_in(job)),
    }
