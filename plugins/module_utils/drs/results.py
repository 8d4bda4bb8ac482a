# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Outcomes into what the user reads: return values, the message of a failure, warnings, the diff. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.faults import Fault
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.outcomes import Outcome
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.servers import (
    SourceServer,
    error_of,
    hostname_of,
    replication_of,
    state_of,
    storage_of,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.states import Goal

NAMED = 20
LONGEST_REASON = 240
NO_STATE = "UNKNOWN"
"""The key of C(summary.by_state) for servers of which AWS reported no state."""

NOT_THERE: dict[Goal, str] = {
    "replicating": "not replicating",
    "continuous": "not continuously protected",
    "stopped": "not stopped",
}


def snake_case(server: SourceServer) -> dict[str, Any]:
    """A source server with its keys in snake_case, its tags exactly as AWS has them."""
    converted: dict[str, Any] = camel_dict_to_snake_dict(dict(server), ignore_list=["tags"])
    return converted


def values_of(outcomes: Sequence[Outcome], diff: bool) -> dict[str, Any]:
    """The return values that every result has: C(changed), C(outcomes), C(summary), and C(diff) in diff mode."""
    values: dict[str, Any] = {
        "changed": any(outcome.changed for outcome in outcomes),
        "outcomes": [_row(outcome) for outcome in outcomes],
        "summary": {
            **{flag: sum(getattr(o, flag) for o in outcomes) for flag in ("changed", "failed", "held", "deferred")},
            **summary_of(_known(outcomes), [outcome.state for outcome in outcomes if outcome.latest is not None]),
        },
    }
    if diff:
        before = [(outcome, state_of(outcome.first)) for outcome in outcomes]
        after = [(outcome, outcome.state) for outcome in outcomes]
        values["diff"] = {"before": _lines(before), "after": _lines(after)}
    return values


def servers_of(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """The source servers that AWS knows, as AWS last showed them, in the order of the outcomes."""
    return [snake_case(server) for server in _known(outcomes)]


def summary_of(servers: Sequence[SourceServer], states: Iterable[str | None]) -> dict[str, Any]:
    """How many servers are in which state, and how many bytes are replicated."""
    storage = storage_of(servers)
    return {
        "matched": len(servers),
        "by_state": dict(sorted(Counter(state or NO_STATE for state in states).items())),
        "total_storage_bytes": storage.total,
        "replicated_storage_bytes": storage.replicated,
        "backlogged_storage_bytes": storage.backlogged,
        "replicated_percent": storage.percent,
    }


def failure_of(outcomes: Sequence[Outcome], goal: Goal, fatal: Fault | None) -> str | None:
    """The message of a failed task, None where no server failed. Names at most 20 servers."""
    failed = [outcome for outcome in outcomes if outcome.failed]
    if not failed:
        return None
    are = "source server is" if len(outcomes) == 1 else "source servers are"
    count = f"{len(failed)} of {len(outcomes)} {are} {NOT_THERE[goal]}"
    unseen = None if _known(outcomes) else fatal or outcomes[0].look_fault
    if unseen:
        return sentence(unseen.message)  # the same for every server
    if fatal is None:
        return f"{count}: {_names(failed)}"
    changed = sum(outcome.changed for outcome in outcomes)
    undone = f", and the calls for {changed} of them were not undone" if changed else ""
    return f"{fatal.message}; {count}{undone}: run the task again."


def sentence(text: str) -> str:
    """The text with one full stop at its end."""
    return f"{text.rstrip('.')}."


def warnings_of(outcomes: Sequence[Outcome]) -> list[str]:
    """One warning for each cause, not for each server."""
    causes: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        cause = "are held and were left alone" if outcome.held else outcome.warning
        if cause:
            causes.setdefault(cause, []).append(outcome)
    return [
        f"{len(those)} of {len(outcomes)} source servers {cause}: {_names(those)}" for cause, those in causes.items()
    ]


def _known(outcomes: Sequence[Outcome]) -> list[SourceServer]:
    return [outcome.latest for outcome in outcomes if outcome.latest is not None]


def _row(outcome: Outcome) -> dict[str, Any]:
    server = outcome.latest or {}
    replication = replication_of(server)
    return {
        "source_server_id": outcome.source_server_id,
        "arn": server.get("arn"),
        "hostname": hostname_of(server),
        "previous_state": state_of(outcome.first),
        "state": outcome.state,
        "action": outcome.action,
        "changed": outcome.changed,
        "failed": outcome.failed,
        "held": outcome.held,
        "deferred": outcome.deferred,
        "reason": outcome.reason,
        "error_code": outcome.error_code,
        "replication_error": error_of(server),
        "lag_duration": replication.get("lagDuration"),
        "eta": replication.get("etaDateTime"),
    }


def _names(outcomes: Sequence[Outcome]) -> str:
    more = f"; and {len(outcomes) - NAMED} more" if len(outcomes) > NAMED else ""
    return "; ".join(_name(outcome) for outcome in outcomes[:NAMED]) + more


def _name(outcome: Outcome) -> str:
    reason = outcome.reason if len(outcome.reason) <= LONGEST_REASON else f"{outcome.reason[:LONGEST_REASON]}…"
    name = f"{outcome.source_server_id} {hostname_of(outcome.latest) or ''}".rstrip()
    return f"{name} ({outcome.state}: {reason})" if outcome.state else f"{name} ({reason})"


def _lines(states: Iterable[tuple[Outcome, str | None]]) -> str:
    return "".join(
        f"{outcome.source_server_id} {hostname_of(outcome.latest) or '-'} {state or NO_STATE}\n"
        for outcome, state in states
    )
