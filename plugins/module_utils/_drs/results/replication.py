# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Converts outcomes to return values, messages, warnings and the diff. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from ..api.errors import (
    IDENTITY_CODES,
    DrsError,
)
from ..resources.decisions import rule_for
from ..resources.lifecycle import is_stuck
from ..resources.next_steps import next_step_of
from ..resources.operations import OPERATIONS, Goal
from ..resources.servers import (
    SourceServer,
    state_of,
)
from ..resources.states import Phase, phase_of
from ..resources.text import (
    count,
    listed,
    sentence,
    short,
)
from ..run.outcomes import End, Outcome
from ..run.run import Run
from .outcome_values import diff_lines, known_servers, outcome_row, outcome_summary, warnings_by_cause
from .summaries import (
    NO_STATE,
    Named,
    by_cause,
    silence_warnings,
    where,
)

NOT_REACHED: dict[Goal, str] = {
    "replicating": "not replicating",
    "continuous": "not continuously protected",
    "stopped": "not stopped",
}

LEFT_ALONE: tuple[End, ...] = ("held", "deferred")
"""Ends of servers about which nothing else is counted in msg."""

STUCK, UNKNOWN, UNCONNECTED = "stuck", "in an unknown state", "disconnected"

STANDINGS: dict[Phase, str] = {"unknown": UNKNOWN, "unreadable": UNKNOWN, "disconnected": UNCONNECTED}
"""How a server in these phases is counted. On others data flows or is about to, or their replication is stopped."""


def values_of(outcomes: Sequence[Outcome], diff: bool) -> dict[str, Any]:
    """The return values common to every result: changed, outcomes, summary, and diff in diff mode."""
    values: dict[str, Any] = {
        "changed": any(outcome.changed for outcome in outcomes),
        "outcomes": [outcome_row(outcome, _next_step(outcome)) for outcome in outcomes],
        "summary": outcome_summary(outcomes),
    }
    if diff:
        before = [(outcome, short(state_of(outcome.first)) or NO_STATE) for outcome in outcomes]
        after = [(outcome, short(outcome.state) or NO_STATE) for outcome in outcomes]
        values["diff"] = {"before": diff_lines(before), "after": diff_lines(after)}
    return values


def _next_step(outcome: Outcome) -> str | None:
    known = None if outcome.absent else outcome.document
    return outcome.namesake or next_step_of(known, outcome.state, outcome.changed and not outcome.undone)


def success_message(run: Run) -> str:
    """What was done, with all counts, region and account."""
    would = "would be " if run.options.check_mode else ""
    done = f"{_changed(run.outcomes)} of {count(len(run.outcomes), 'source server')} {would}{_verb(run)}"
    return f"{', '.join([done, *_unchanged(run, run.outcomes, with_verb=True)])} ({_place(run)})"


def failure_message(run: Run, unmatched: Sequence[str] = ()) -> str | None:
    """What went wrong, with all counts and by cause; None if nothing did."""
    missing = [f"no source server has {listed(unmatched)}"] if unmatched else []
    if run.error:
        return _interrupted_message(run, run.error)
    blamed = [outcome for outcome in run.outcomes if outcome.failed or (run.expired and outcome.end in LEFT_ALONE)]
    if not blamed:
        return sentence(f"{success_message(run)}, but {missing[0]}") if missing else None
    causes = by_cause((outcome.cause, _named(outcome)) for outcome in blamed)
    return sentence(f"{_tally(run)}: {'; '.join([*causes, *missing])}")


def _interrupted_message(run: Run, error: DrsError) -> str:
    """The counts, then the error that ended the run, then how to go on. Where nothing was read, the error alone."""
    if not known_servers(run.outcomes):
        return sentence(error.message)
    undone = f" {run.operation.capitalize()}s were not undone." if _changed(run.outcomes) else ""
    advice = "Renew the credentials and run again" if error.code in IDENTITY_CODES else "Run again"
    return f"{sentence(f'{_tally(run)}: {error.message}')}{undone} {advice} to continue."


def _tally(run: Run) -> str:
    """How many failed, or did not reach the goal before the deadline; what became of the others; and where."""
    missed = [outcome for outcome in run.outcomes if _is_missed(run, outcome)]
    others = [outcome for outcome in run.outcomes if not _is_missed(run, outcome)]
    are = "is" if len(run.outcomes) == 1 else "are"
    how = f"{are} {NOT_REACHED[run.options.goal]} after {run.options.wait_timeout:g} s" if run.expired else "failed"
    text = ", ".join([f"{len(missed)} of {count(len(run.outcomes), 'source server')} {how}", *_of_them(run, missed)])
    if others:
        changed = _changed(others)
        subject = f"{changed} {'other' if changed == 1 else 'others'}" if _changed(missed) else str(changed)
        were = "would be" if run.options.check_mode else _were(changed)
        unchanged = _unchanged(run, others, with_verb=run.options.check_mode)
        text += f"; {', '.join([f'{subject} {were} {_verb(run)}', *unchanged])}"
    return f"{text} ({_place(run)})"


def _is_missed(run: Run, outcome: Outcome) -> bool:
    """Whether the server failed, or where the deadline ended the run, is not at the goal."""
    if not run.expired or outcome.end != "done":
        return run.expired or outcome.failed
    return rule_for(run.options.goal, outcome.latest, outcome.state).verdict != "done"


def _of_them(run: Run, missed: Sequence[Outcome]) -> list[str]:
    """What else is true of servers that failed or are not at the goal. Several counts may include the same server."""
    counts = Counter(trait for outcome in missed for trait in _traits(run, outcome))
    told = {f"after an accepted {run.operation}": _changed(missed)}
    told |= {trait: counts[trait] for trait in (STUCK, UNKNOWN, *LEFT_ALONE)}
    texts = [f"{number} of them {trait}" for trait, number in told.items() if number]
    return [*texts[:1], *(text.replace(" of them", "") for text in texts[1:])]


def _unchanged(run: Run, outcomes: Sequence[Outcome], with_verb: bool) -> list[str]:
    """Counts of the servers that this run did not change, each server once. Zero counts are omitted."""
    counts = Counter(_traits(run, outcome)[0] for outcome in outcomes)
    already = OPERATIONS[run.operation].already
    told = [(counts[trait], trait) for trait in (already, STUCK, UNKNOWN, UNCONNECTED, *LEFT_ALONE) if counts[trait]]
    return [
        f"{number} {_were(number)} {trait}" if with_verb and trait == already else f"{number} {trait}"
        for number, trait in told
    ]


def _traits(run: Run, outcome: Outcome) -> list[str]:
    """What is counted of a server. Where a server counts once, the first counts."""
    if outcome.end in LEFT_ALONE:
        return [outcome.end]
    is_described = outcome.latest is not None and not outcome.absent
    standing = STANDINGS.get(phase_of(outcome.state)) if is_described else None
    if is_stuck(outcome.latest, outcome.state):
        standing = STUCK
    changed = [_verb(run)] if outcome.changed else []
    return [*changed, standing or OPERATIONS[run.operation].already]


def _changed(outcomes: Sequence[Outcome]) -> int:
    return sum(outcome.changed for outcome in outcomes)


def _verb(run: Run) -> str:
    return OPERATIONS[run.operation].verb


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _place(run: Run) -> str:
    return where(run.api.region, known_servers(run.outcomes))


def warnings_of(run: Run, now: datetime) -> list[str]:
    """One warning per cause, and one about servers that have not been seen for a while.

    now: timezone-aware, by the clock of this machine.
    """
    warnings = warnings_by_cause(run.api.region, run.outcomes)
    return [*warnings, *silence_warnings(run.api.region, _looks(run, now))]


def _looks(run: Run, now: datetime) -> list[tuple[SourceServer, datetime]]:
    """The known servers, each with the time of its last look. A wait no longer looks at those that are at the goal."""
    end = run.clock()
    return [
        (server, now - timedelta(seconds=end - work.observed_at))
        for work in run.work
        if (server := work.outcome.document) is not None
    ]


def _named(outcome: Outcome) -> Named:
    return outcome.source_server_id, outcome.document, outcome.detail
