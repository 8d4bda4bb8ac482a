# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Converts outcomes to return values, messages, warnings and the diff. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..api.errors import (
    IDENTITY_CODES,
    DrsError,
)
from ..resources.lifecycle import lifecycle_of
from ..resources.next_steps import next_step_of
from ..resources.operations import OPERATIONS, Goal
from ..resources.selection import Selection, broad
from ..resources.servers import (
    SourceServer,
    error_of,
    hostname_of,
    recovery_instance_id_of,
    state_of,
    text_at,
)
from ..resources.text import (
    count,
    listed,
    printable,
    sentence,
    short,
)
from ..run.outcomes import End, Outcome
from ..run.run import Run
from .summaries import (
    NAMED,
    NO_STATE,
    Named,
    by_cause,
    snake_case,
    summary_of,
    tags_value,
    where,
)

NOT_REACHED: dict[Goal, str] = {
    "replicating": "not replicating",
    "continuous": "not continuously protected",
    "stopped": "not stopped",
}

COUNTED: tuple[End, ...] = ("held", "deferred", "failed")
"""Other ends counted in msg."""


def values_of(outcomes: Sequence[Outcome], diff: bool) -> dict[str, Any]:
    """The return values common to every result: changed, outcomes, summary, and diff in diff mode."""
    values: dict[str, Any] = {
        "changed": any(outcome.changed for outcome in outcomes),
        "outcomes": [_row(outcome) for outcome in outcomes],
        "summary": {
            "changed": sum(outcome.changed for outcome in outcomes),
            **{end: sum(outcome.end == end for outcome in outcomes) for end in COUNTED},
            **summary_of(_known(outcomes), [outcome.state for outcome in outcomes if outcome.latest is not None]),
        },
    }
    if diff:
        before = [(outcome, state_of(outcome.first)) for outcome in outcomes]
        after = [(outcome, outcome.state) for outcome in outcomes]
        values["diff"] = {"before": _lines(before), "after": _lines(after)}
    return values


def servers_of(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """The source servers known to DRS, as last returned, in the order of the outcomes."""
    return [snake_case(server) for server in _known(outcomes)]


def success_message(run: Run) -> str:
    """What was done, with all counts, region and account."""
    done = f"{_changed(run)} of {count(len(run.outcomes), 'source server')} {_verb(run)}"
    return f"{', '.join([done, *_counts(run)])} ({where(run.api.region, _known(run.outcomes))})"


def failure_message(run: Run, unmatched: Sequence[str] = ()) -> str | None:
    """What went wrong, by cause and with all counts; None if nothing did."""
    failed = [outcome for outcome in run.outcomes if outcome.failed or (run.expired and outcome.end == "deferred")]
    missing = [f"no source server has {listed(unmatched)}"] if unmatched else []
    if run.error:
        return _interrupted_message(run, run.error)
    if not failed:
        return sentence(f"{success_message(run)}, but {missing[0]}") if missing else None
    are = "is" if len(run.outcomes) == 1 else "are"
    after = f" after {run.options.wait_timeout:g} s" if run.expired else ""
    counts = ", ".join([f"{_changed(run)} {_verb(run)}", *_counts(run)])
    return sentence(
        f"{len(failed)} of {count(len(run.outcomes), 'source server')} {are} {NOT_REACHED[run.options.goal]}{after}"
        f" ({counts}; {where(run.api.region, _known(run.outcomes))}): "
        + "; ".join([*by_cause((outcome.cause, _named(outcome)) for outcome in failed), *missing])
    )


def warnings_of(outcomes: Sequence[Outcome]) -> list[str]:
    """One warning per cause."""
    warned = [
        (warning, (outcome.source_server_id, outcome.latest, detail))
        for outcome in outcomes
        for warning, detail in outcome.warnings
    ]
    groups = by_cause(warned)
    if len(warned) > NAMED:
        groups[-2:] = ["; ".join(groups[-2:])]
    return [f"Of {count(len(outcomes), 'source server')}: {group}" for group in groups]


def _interrupted_message(run: Run, error: DrsError) -> str:
    if not _known(run.outcomes):
        return sentence(error.message)
    undone = f" {run.operation.capitalize()}s were not undone." if _changed(run) else ""
    advice = "Renew the credentials and run again" if error.code in IDENTITY_CODES else "Run again"
    place = where(run.api.region, _known(run.outcomes))
    left = sum(outcome.failed and not outcome.changed for outcome in run.outcomes)
    counts = ", ".join([f"{_changed(run)} {_verb(run)}", f"{left} not", *_counts(run, ("held", "deferred"))])
    return f"{sentence(error.message)} {counts} ({place}).{undone} {advice} to continue."


def _changed(run: Run) -> int:
    return sum(outcome.changed for outcome in run.outcomes)


def _verb(run: Run) -> str:
    """What happened to the changed servers, or in check mode would."""
    would = "would be " if run.options.check_mode else ""
    return f"{would}{OPERATIONS[run.operation].verb}"


def _counts(run: Run, ends: Sequence[End] = COUNTED) -> list[str]:
    """Counts of the servers that this run did not change, by end. Zero counts are omitted."""
    already = sum(outcome.end == "done" and not outcome.changed for outcome in run.outcomes)
    were = "was" if already == 1 else "were"
    counts = [(already, f"{were} {OPERATIONS[run.operation].already}")]
    counts += [(sum(outcome.end == end for outcome in run.outcomes), end) for end in ends]
    return [f"{number} {what}" for number, what in counts if number]


def _named(outcome: Outcome) -> Named:
    return outcome.source_server_id, _document(outcome), outcome.detail


def _known(outcomes: Sequence[Outcome]) -> list[SourceServer]:
    return [outcome.latest for outcome in outcomes if outcome.latest is not None]


def _row(outcome: Outcome) -> dict[str, Any]:
    """The entry of the return value outcomes."""
    server = _document(outcome)
    known = None if outcome.absent else server
    stopped_by_run = outcome.changed and outcome.action == "stop"
    return {
        "source_server_id": outcome.source_server_id,
        "arn": short(text_at(server, "arn"), 2048),
        "hostname": short(hostname_of(server), 256),
        "tags": tags_value(server or {}),
        "previous_state": short(state_of(outcome.first)),
        "state": short(outcome.state),
        "lifecycle": lifecycle_of(known) if known is not None else None,
        "next_step": next_step_of(known, outcome.state, stopped_by_run),
        "recovery_instance_id": short(recovery_instance_id_of(known)),
        "action": outcome.action,
        "changed": outcome.changed,
        "failed": outcome.failed,
        "held": outcome.end == "held",
        "deferred": outcome.end == "deferred",
        "reason": outcome.reason,
        "error_code": outcome.error_code,
        "replication_error": short(error_of(outcome.latest)),
        "lag_duration": short(text_at(outcome.latest, "dataReplicationInfo", "lagDuration")),
        "eta": short(text_at(outcome.latest, "dataReplicationInfo", "etaDateTime")),
    }


def _document(outcome: Outcome) -> SourceServer | None:
    """The source server as AWS last described it.

    An answer to a start may lack sourceProperties. What it lacks is then taken from the description before.
    """
    first, latest = outcome.first, outcome.latest
    if first and latest and "sourceProperties" in first and "sourceProperties" not in latest:
        return {**first, **latest}
    return latest


def _lines(states: Iterable[tuple[Outcome, str | None]]) -> str:
    return "".join(
        f"{outcome.source_server_id} {printable(hostname_of(_document(outcome)) or '-')} {short(state) or NO_STATE}\n"
        for outcome, state in states
    )


def no_match_message(region: str, selection: Selection) -> str:
    """The message for filters that match no server in any state and lifecycle."""
    meant = ", ".join(f"{printable(key)}={listed(patterns)}" for key, patterns in broad(selection.filters).items())
    excluded = " and is not excluded" if selection.exclude_filters else ""
    which = f" matches {meant}{excluded}" if meant else f" exists{excluded}"
    return sentence(f"No source server{which} in {region}: check the filters and the region")
