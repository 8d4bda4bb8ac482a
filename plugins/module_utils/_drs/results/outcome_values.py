# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules that act on source servers return alike. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..resources.lifecycle import lifecycle_of
from ..resources.servers import SourceServer, error_of, hostname_of, recovery_instance_id_of, state_of, text_at
from ..resources.text import count, printable, short
from ..run.outcomes import End, Outcome
from .summaries import Named, by_cause, snake_case, summary_of, tags_value, where

COUNTED: tuple[End, ...] = ("held", "deferred", "failed")
"""Ends counted in the summary."""

WARNINGS = 20
"""Maximum number of causes that get a warning of their own."""


def known_servers(outcomes: Sequence[Outcome]) -> list[SourceServer]:
    """The source servers of which AWS has told anything, in the order of the outcomes."""
    return [server for outcome in outcomes if (server := outcome.document) is not None]


def servers_of(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """The source servers known to DRS, as last returned, in the order of the outcomes."""
    return [snake_case(outcome.latest) for outcome in outcomes if outcome.latest is not None]


def selected_values(params: Mapping[str, Any], outcomes: Sequence[Outcome], unmatched: list[str]) -> dict[str, Any]:
    """The return values that depend on how the servers were selected: unmatched, source_server, source_servers."""
    values: dict[str, Any] = {} if params["filters"] is None else {"unmatched": unmatched}
    if params["source_server_id"] is not None:
        return {**values, "source_server": next(iter(servers_of(outcomes)), {})}
    return {**values, "source_servers": servers_of(outcomes)} if params["return_source_servers"] else values


def ansible_facts_of(params: Mapping[str, Any], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """ansible_facts for a single source server; empty for several."""
    if params["source_server_id"] is None:
        return {}
    return {"ansible_facts": {"drs_source_server": servers_of(outcomes)[0]}}


def outcome_summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The return value summary."""
    return {
        "changed": sum(outcome.changed for outcome in outcomes),
        **{end: sum(outcome.end == end for outcome in outcomes) for end in COUNTED},
        **summary_of(known_servers(outcomes), [outcome.state for outcome in outcomes if outcome.latest is not None]),
    }


def outcome_row(outcome: Outcome, next_step: str | None) -> dict[str, Any]:
    """The entry of the return value outcomes."""
    server = outcome.document
    known = None if outcome.absent else server
    return {
        "source_server_id": outcome.source_server_id,
        "arn": short(text_at(server, "arn"), 2048),
        "hostname": short(hostname_of(server), 256),
        "tags": tags_value(server or {}),
        "previous_state": short(state_of(outcome.first)),
        "state": short(outcome.state),
        "lifecycle": lifecycle_of(known) if known is not None else None,
        "next_step": next_step,
        "recovery_instance_id": short(recovery_instance_id_of(known)),
        "action": outcome.action,
        "changed": outcome.changed,
        "failed": outcome.failed,
        "held": outcome.end == "held",
        "deferred": outcome.end == "deferred",
        "reason": outcome.reason,
        "error_code": outcome.error_code,
        "error_message": outcome.error_message,
        "replication_error": short(error_of(outcome.latest)),
        "lag_duration": short(text_at(outcome.latest, "dataReplicationInfo", "lagDuration")),
        "eta": short(text_at(outcome.latest, "dataReplicationInfo", "etaDateTime")),
    }


def warnings_by_cause(region: str, outcomes: Sequence[Outcome]) -> list[str]:
    """One warning per cause."""
    groups: dict[str, list[Named]] = {}
    for outcome in outcomes:
        for warning, detail in outcome.warnings:
            groups.setdefault(warning, []).append((outcome.source_server_id, outcome.document, detail))
    told = ["; ".join(by_cause((cause, each) for each in servers)) for cause, servers in groups.items()]
    if len(told) > WARNINGS:
        told[WARNINGS:] = [f"{count(len(told) - WARNINGS, 'other cause')}, see the reason of each outcome"]
    place = where(region, known_servers(outcomes))
    return [f"Of {count(len(outcomes), 'source server')} ({place}): {each}" for each in told]


def diff_lines(texts: Iterable[tuple[Outcome, str]]) -> str:
    """A side of the diff: a line for each source server, with its text."""
    return "".join(
        f"{outcome.source_server_id} {printable(hostname_of(outcome.document) or '-')} {text}\n"
        for outcome, text in texts
    )
