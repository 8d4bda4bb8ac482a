# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What both modules return and say about source servers: their dicts, totals, accounts and causes. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict

from ..api.errors import DrsError
from ..resources.servers import (
    SourceServer,
    account_of,
    hostname_of,
    silence_of,
    storage_of,
    tags_of,
)
from ..resources.text import ago, count, listed, printable, short

if TYPE_CHECKING:
    from ..resources.evidence import Evidence

NAMED = 20
"""Maximum number of servers named in one sentence."""

Named: TypeAlias = "tuple[str, SourceServer | None, str]"
"""A server to name in a sentence: its ID, its description from AWS, and further details."""

ACCOUNTS = 3
LONGEST_ACCOUNT = 20
"""Maximum number of accounts in one sentence, and of characters of each. An account ID has 12."""

DEEPEST = 50
"""Maximum levels of a returned source server. The service model has 8; callbacks fail at some hundred."""

LONGEST_TAG = 1024
"""Maximum characters of a tag key or value in a row. AWS allows 128 and 256, which may be escaped:
https://docs.aws.amazon.com/drs/latest/APIReference/API_TagResource.html"""

NO_STATE = "UNKNOWN"
"""The key in summary.by_state for servers without a reported state that can be a key."""


CLAIMED = ("__ansible_", "_ansible_")
"""Prefixes of keys that Ansible claims in any dict. ansible-core 2.19 and newer refuses a whole result with the key
__ansible_type, older ones read __ansible_vault and __ansible_unsafe, and all remove _ansible_ keys."""


def snake_case(server: SourceServer) -> dict[str, Any]:
    """A source server as returned, with keys in snake_case and tags unchanged."""
    return {
        name: value if key == "tags" else _with_snake_case_keys(value)
        for key, value in returnable(server).items()
        if not _is_claimed(name := _snake_case_key(key))
    }


def returnable(server: SourceServer) -> dict[str, Any]:
    """A source server that Ansible can return and cache: without claimed keys, and with lone surrogates escaped.

    If it is nested too deeply for Ansible to handle, only its ID is returned.
    """
    if _is_too_deep(server):
        return {"sourceServerID": server["sourceServerID"]}
    returned: dict[str, Any] = _encodable(_without_claimed(dict(server)))
    return returned


def claimed_warnings(region: str, servers: Iterable[SourceServer]) -> list[str]:
    """The warning that names the keys which returnable() leaves out; empty if there are none."""
    claiming = [(server, keys) for server in servers if (keys := _claimed_keys(server))]
    if not claiming:
        return []
    found = sorted({key.strip() for _server, keys in claiming for key in keys})
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    place = where(region, [server for server, _keys in claiming])
    return [f"Tags whose keys are reserved by Ansible are left out: {listed(found[:NAMED])}{more} ({place})"]


def tags_value(server: SourceServer) -> dict[str, str]:
    """The tags as a printable return value, without claimed keys. source_servers has them unchanged."""
    tags = _without_claimed(tags_of(server))
    return {printable(key, LONGEST_TAG): printable(value, LONGEST_TAG) for key, value in tags.items()}


def summary_of(servers: Sequence[SourceServer], states: Iterable[str | None]) -> dict[str, Any]:
    """How many servers are in which state, and how many bytes are replicated."""
    storage = storage_of(servers)
    return {
        "matched": len(servers),
        "by_state": dict(sorted(Counter(map(_state_key, states)).items())),
        "total_storage_bytes": storage.total,
        "replicated_storage_bytes": storage.replicated,
        "backlogged_storage_bytes": storage.backlogged,
        "replicated_percent": storage.percent,
    }


def _state_key(state: str | None) -> str:
    """A state as a key of by_state, which no claimed one can be."""
    return short(None if _is_claimed(state) else state) or NO_STATE


def evidence_row(evidence: Evidence | None) -> dict[str, Any] | None:
    """The return value evidence; None if there is none."""
    if evidence is None:
        return None
    return {
        "job_id": short(evidence.job_id),
        "at": short(evidence.at),
        "launch_actions": evidence.launch_actions,
    }


def error_value(error: DrsError) -> dict[str, Any]:
    """The return value `error`: the error that ended the run, in the format of fail_json_aws."""
    return {"error": {"code": error.code, "message": error.whole_message}}


def where(region: str, servers: Iterable[SourceServer]) -> str:
    """The region, and the account from the servers' ARNs."""
    accounts = sorted({account for server in servers if (account := account_of(server))})
    more = f" and {len(accounts) - ACCOUNTS} more" if len(accounts) > ACCOUNTS else ""
    shown = ", ".join(printable(account, LONGEST_ACCOUNT) for account in accounts[:ACCOUNTS])
    return f"{region}, account {shown}{more}" if accounts else region


def silence_warnings(region: str, looks: Sequence[tuple[SourceServer, datetime]]) -> list[str]:
    """A warning that names the servers which read CONTINUOUS but have not been seen for a while; [] if none does.

    looks: each server with the time at which AWS described it so, timezone-aware.
    """
    servers = [server for server, _at in looks]
    silent = [(server, seconds) for server, at in looks if (seconds := silence_of(server, at))]
    if not silent:
        return []
    what = "read CONTINUOUS but were last seen over 10 minutes ago"
    details = [f"{ago(seconds)}" for _server, seconds in silent]
    if len(silent) == 1:
        what, details = f"reads CONTINUOUS but was last seen {details[0]}", [""]
    groups = by_cause(
        (what, (server["sourceServerID"], server, detail))
        for (server, _seconds), detail in zip(silent, details, strict=True)
    )
    return [f"{count(len(silent), 'source server')} of {len(servers)} in {where(region, servers)} {'; '.join(groups)}"]


def named(servers: Iterable[Named]) -> list[str]:
    """Each server as named in a sentence: ID, hostname, and details in parentheses."""
    return [
        " ".join(
            part for part in (source_server_id, printable(hostname_of(server) or ""), detail and f"({detail})") if part
        )
        for source_server_id, server, detail in servers
    ]


def by_cause(causes: Iterable[tuple[str, Named]], counted: bool = False) -> list[str]:
    """Each cause once, with its servers. At most 20 servers are named in total; the rest are counted.

    The causes take turns in naming a server, so that a rare cause is not left without one.

    counted: whether to put the number of servers before each cause.
    """
    groups: dict[str, list[Named]] = {}
    for cause, server in causes:
        groups.setdefault(cause, []).append(server)
    turns = sorted((turn, cause) for cause, servers in enumerate(groups.values()) for turn in range(len(servers)))
    shares = Counter(cause for _turn, cause in turns[:NAMED])
    parts = [
        f"{len(servers)} {cause}: {names}" if counted else f"{cause}: {names}"
        for number, (cause, servers) in enumerate(groups.items())
        if (names := ", ".join(named(servers[: shares[number]])))
    ]
    return [*parts, f"and {len(turns) - NAMED} more"] if len(turns) > NAMED else parts


@cache
def _snake_case_key(key: str) -> str:
    """Converted once, since all source servers have the same few keys."""
    return str(next(iter(camel_dict_to_snake_dict({key: None}))))


def _with_snake_case_keys(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_snake_case_keys(item) for item in value]
    if isinstance(value, dict):
        names = ((_snake_case_key(key), item) for key, item in value.items())
        return {name: _with_snake_case_keys(item) for name, item in names if not _is_claimed(name)}
    return value


def _is_too_deep(server: SourceServer) -> bool:
    return sum(1 for _level in _levels(server)) > DEEPEST


def _levels(server: SourceServer) -> Iterator[list[Any]]:
    """What is at each level of a source server, down to one more than DEEPEST."""
    level: list[Any] = [server]
    for _level in range(DEEPEST + 1):
        if not level:
            return
        yield level
        level = [child for each in level for child in _children(each)]


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()


def _is_claimed(key: Any) -> bool:
    # Rows have their tags without whitespace around the keys.
    return isinstance(key, str) and key.strip().startswith(CLAIMED)


def _without_claimed(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_claimed(item) for item in value]
    if isinstance(value, dict):
        return {key: _without_claimed(item) for key, item in value.items() if not _is_claimed(key)}
    return value


def _claimed_keys(server: SourceServer) -> set[str]:
    """The claimed keys at any level of a source server, down to DEEPEST."""
    levels = islice(_levels(server), DEEPEST)
    return {key for level in levels for each in level if isinstance(each, Mapping) for key in each if _is_claimed(key)}


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
