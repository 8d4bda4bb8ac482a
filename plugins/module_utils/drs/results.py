# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Converts outcomes to return values, messages, warnings and the diff. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.errors import (
    IDENTITY_CODES,
    DrsError,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.outcomes import End, Outcome
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.run import Run
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.selection import STATE_KEY, Selection
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.servers import (
    SourceServer,
    error_of,
    hostname_of,
    state_of,
    storage_of,
    text_at,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.states import OPERATIONS, Goal
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.text import (
    count,
    listed,
    printable,
    sentence,
    short,
)

NAMED = 20
"""Maximum number of servers named in one sentence."""

Named: TypeAlias = "tuple[str, SourceServer | None, str]"
"""A server to name in a sentence: its ID, its description from AWS, and further details."""

CAUSES = 20
"""Maximum number of causes in one sentence."""

ACCOUNTS = 3
LONGEST_ACCOUNT = 20
"""Maximum number of accounts in one sentence, and of characters of each. An account ID has 12."""

DEEPEST = 50
"""Maximum levels of a returned source server. The service model has 8; callbacks fail at some hundred."""

NO_STATE = "UNKNOWN"
"""The key in summary.by_state for servers without a reported state."""

NOT_REACHED: dict[Goal, str] = {
    "replicating": "not replicating",
    "continuous": "not continuously protected",
    "stopped": "not stopped",
}

COUNTED: tuple[End, ...] = ("held", "deferred", "failed")
"""Other ends counted in msg."""


def snake_case(server: SourceServer) -> dict[str, Any]:
    """A source server with keys in snake_case and tags unchanged.

    If it is nested too deeply for Ansible to handle, only its ID is returned.
    """
    if _is_deeper(server, DEEPEST):
        return {"source_server_id": server["sourceServerID"]}
    converted: dict[str, Any] = camel_dict_to_snake_dict(_encodable(dict(server)), ignore_list=["tags"])
    return converted


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


def summary_of(servers: Sequence[SourceServer], states: Iterable[str | None]) -> dict[str, Any]:
    """How many servers are in which state, and how many bytes are replicated."""
    storage = storage_of(servers)
    return {
        "matched": len(servers),
        "by_state": dict(sorted(Counter(short(state) or NO_STATE for state in states).items())),
        "total_storage_bytes": storage.total,
        "replicated_storage_bytes": storage.replicated,
        "backlogged_storage_bytes": storage.backlogged,
        "replicated_percent": storage.percent,
    }


def error_value(error: DrsError) -> dict[str, Any]:
    """The return value `error`: the error that ended the run, in the format of fail_json_aws."""
    return {"error": {"code": error.code, "message": error.message}}


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


def no_match_message(region: str, selection: Selection) -> str:
    """The message for filters that match no server in any state."""
    keys = {key: patterns for key, patterns in selection.filters.items() if key != STATE_KEY}
    meant = ", ".join(f"{printable(key)}={listed(patterns)}" for key, patterns in keys.items())
    excluded = " and is not excluded" if selection.exclude_filters else ""
    which = f" matches {meant}{excluded}" if meant else f" exists{excluded}"
    return sentence(f"No source server{which} in {region}: check the filters and the region")


def warnings_of(outcomes: Sequence[Outcome]) -> list[str]:
    """One warning per cause."""
    warned = [(warning, _named(outcome)) for outcome in outcomes for warning in outcome.warnings]
    groups = by_cause(warned)
    if len(warned) > NAMED:
        groups[-2:] = ["; ".join(groups[-2:])]
    return [f"Of {count(len(outcomes), 'source server')}: {group}" for group in groups]


def where(region: str, servers: Iterable[SourceServer]) -> str:
    """The region, and the account from the servers' ARNs."""
    arns = (text_at(server, "arn") or "" for server in servers)
    accounts = sorted({arn.split(":")[4] for arn in arns if arn.count(":") >= 5 and arn.split(":")[4]})
    more = f" and {len(accounts) - ACCOUNTS} more" if len(accounts) > ACCOUNTS else ""
    shown = ", ".join(printable(account, LONGEST_ACCOUNT) for account in accounts[:ACCOUNTS])
    return f"{region}, account {shown}{more}" if accounts else region


def named(servers: Iterable[Named]) -> list[str]:
    """Each server as named in a sentence: ID, hostname, and details in parentheses."""
    return [
        " ".join(
            part for part in (source_server_id, printable(hostname_of(server) or ""), detail and f"({detail})") if part
        )
        for source_server_id, server, detail in servers
    ]


def by_cause(causes: Iterable[tuple[str, Named]], counted: bool = False) -> list[str]:
    """Each cause once, with its servers. At most 20 servers are named in total, and at most 20 causes; the rest
    are counted.

    counted: whether to put the number of servers before each cause.
    """
    groups: dict[str, list[Named]] = {}
    for cause, server in causes:
        groups.setdefault(cause, []).append(server)
    left, total, parts = NAMED, sum(map(len, groups.values())), []
    for cause, servers in list(groups.items())[:CAUSES]:
        shown = named(servers[:left])
        left -= len(shown)
        head = f"{len(servers)} {cause}" if counted else cause
        if shown:
            parts.append(f"{head}: {', '.join(shown)}")
        else:
            parts.append(head if counted else f"{head}: {count(len(servers), 'source server')}")
    return [*parts, f"and {total - NAMED} more"] if total > NAMED else parts


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
    return outcome.source_server_id, outcome.latest, outcome.detail


def _known(outcomes: Sequence[Outcome]) -> list[SourceServer]:
    return [outcome.latest for outcome in outcomes if outcome.latest is not None]


def _row(outcome: Outcome) -> dict[str, Any]:
    server = outcome.latest
    return {
        "source_server_id": outcome.source_server_id,
        "arn": short(text_at(server, "arn"), 2048),
        "hostname": short(hostname_of(server), 256),
        "previous_state": short(state_of(outcome.first)),
        "state": short(outcome.state),
        "action": outcome.action,
        "changed": outcome.changed,
        "failed": outcome.failed,
        "held": outcome.end == "held",
        "deferred": outcome.end == "deferred",
        "reason": outcome.reason,
        "error_code": outcome.error_code,
        "replication_error": short(error_of(server)),
        "lag_duration": short(text_at(server, "dataReplicationInfo", "lagDuration")),
        "eta": short(text_at(server, "dataReplicationInfo", "etaDateTime")),
    }


def _lines(states: Iterable[tuple[Outcome, str | None]]) -> str:
    return "".join(
        f"{outcome.source_server_id} {printable(hostname_of(outcome.latest) or '-')} {short(state) or NO_STATE}\n"
        for outcome, state in states
    )


def _is_deeper(value: Any, levels: int) -> bool:
    level = [value]
    for _level in range(levels):
        level = [child for each in level for child in _children(each)]
    return bool(level)


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()


def _encodable(value: Any) -> Any:
    """The value with lone surrogates escaped, which a result cannot contain. Otherwise unchanged."""
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return _without_surrogates(value)
    return value


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    return value
