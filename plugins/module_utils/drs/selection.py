# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Selects source servers by ID or by EC2-style filters. Matching is pure; find() calls DRS."""

from __future__ import annotations

import fnmatch
import functools
import glob
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.api import Api
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.errors import InvalidOptions
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.servers import (
    SOURCE_SERVER_ID,
    SourceServer,
    state_of,
    tags_of,
    text_at,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.states import PHASES
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.text import listed, printable, sentence

WILDCARDS = frozenset({"*", "?"})

STATE_KEY = "replication-state"
_HINTS = ("sourceProperties", "identificationHints")

READERS: dict[str, Callable[[SourceServer], list[str] | str | None]] = {
    "tag-key": lambda server: list(tags_of(server)),
    "hostname": lambda server: text_at(server, *_HINTS, "hostname"),
    "fqdn": lambda server: text_at(server, *_HINTS, "fqdn"),
    "ec2-instance-id": lambda server: text_at(server, *_HINTS, "awsInstanceID"),
    "source-server-id": lambda server: text_at(server, "sourceServerID"),
    STATE_KEY: state_of,
    "staging-account-id": lambda server: text_at(server, "stagingArea", "stagingAccountID"),
    "origin-account-id": lambda server: text_at(server, "sourceCloudProperties", "originAccountID"),
    "origin-region": lambda server: text_at(server, "sourceCloudProperties", "originRegion"),
    "replication-direction": lambda server: text_at(server, "replicationDirection"),
}
"""The filter keys other than tag:<Key>, each with a function that returns a string, a list of strings or None."""

CASELESS = frozenset({"hostname", "fqdn"})
"""Hostnames are case-insensitive (RFC 4343)."""

NAMING = ("hostname", "fqdn", "ec2-instance-id", "source-server-id")
"""The keys whose literal values name a server. If no server matches such a value, it is reported as unmatched."""

Filters = dict[str, list[str]]
"""Maps each filter key to its patterns, any of which may match."""


@dataclass(frozen=True)
class Selection:
    """The selected source servers: by ID, or those that match filters and none of exclude_filters."""

    source_server_ids: list[str] | None = None
    filters: Filters = field(default_factory=dict)
    exclude_filters: list[Filters] = field(default_factory=list)


@dataclass(frozen=True)
class Found:
    """What the filters matched.

    servers: sorted by ID. unmatched: values that name a server but match none, as "key=value". is_broadly_matched:
    whether any server matches the keys other than replication-state.
    """

    servers: list[SourceServer]
    unmatched: list[str]
    is_broadly_matched: bool = True


def parse_selection(params: Mapping[str, Any], selectors: Sequence[str]) -> Selection | None:
    """The selection from the one selector that is set; None if none is. A null selector counts as not set.

    Raises InvalidOptions for several selectors, for an empty one (DescribeSourceServers without IDs returns every
    server), and for what parse_ids and parse_filters reject.
    """
    selector = _selector(params, selectors)
    exclude_filters = [parse_filters("exclude_filters", entry) for entry in params["exclude_filters"] or []]
    if selector == "filters":
        return Selection(filters=parse_filters("filters", params["filters"]), exclude_filters=exclude_filters)
    if selector is None:
        return Selection(exclude_filters=exclude_filters) if exclude_filters else None
    if exclude_filters:
        raise InvalidOptions(f"exclude_filters cannot be combined with {selector}")
    return Selection(source_server_ids=parse_ids(params[selector]))


def _selector(params: Mapping[str, Any], selectors: Sequence[str]) -> str | None:
    """The selector that is set; None if none is. Raises InvalidOptions for several selectors and for an empty one."""
    given = [selector for selector in selectors if params[selector] is not None]
    if not given:
        return None
    if len(given) > 1:
        raise InvalidOptions(f"Give only one of {listed(selectors)}, not {listed(given)}")
    value = params[given[0]]
    if not value or (isinstance(value, str) and not value.strip()):
        raise InvalidOptions(f"{given[0]} is empty. Name the source servers; empty never means all")
    return given[0]


def parse_ids(value: str | Sequence[str]) -> list[str]:
    """The source server IDs without surrounding whitespace and duplicates, in order.

    Raises InvalidOptions that lists all malformed IDs.
    """
    ids = list(dict.fromkeys(str(text).strip() for text in ([value] if isinstance(value, str) else value)))
    wrong = [repr(text) for text in ids if not SOURCE_SERVER_ID.fullmatch(text)]
    if wrong:
        raise InvalidOptions(f"Invalid source server IDs (expected s- and 17 letters or digits): {listed(wrong)}")
    return ids


def parse_filters(option: str, value: Any) -> Filters:
    """The filters with each value as a list of patterns. Booleans and numbers are converted as in amazon.aws.

    Raises InvalidOptions for empty filters, an unknown key, an empty list, and a value that is not a string, number,
    boolean or list of these.
    """
    if not isinstance(value, Mapping) or not value:
        raise InvalidOptions(f"{option} has an empty entry. Name the source servers; empty never means all")
    check_keys(option, value)
    return {key: _patterns(option, key, patterns) for key, patterns in value.items()}


def check_keys(option: str, keys: Iterable[object]) -> None:
    """Raises InvalidOptions that lists the keys that are not filter keys."""
    unknown = [key for key in keys if key not in READERS and not re.fullmatch(r"tag:.+", str(key), re.DOTALL)]
    if unknown:
        raise InvalidOptions(f"{option}: unknown key {listed(unknown)}; use tag:<Key>, {listed(list(READERS))}")


def state_warnings(selection: Selection) -> list[str]:
    """Warnings about replication-state patterns that match no known state, such as mistyped ones."""
    return [
        f"{STATE_KEY} {printable(repr(pattern))} matches none of the known states: {listed(list(PHASES))}"
        for filters in (selection.filters, *selection.exclude_filters)
        for pattern in filters.get(STATE_KEY, [])
        if not any(_regex(pattern).fullmatch(state) for state in PHASES)
    ]


def find(api: Api, selection: Selection) -> Found:
    """The source servers that match the filters. Raises DrsError if any page fails: a partial list is not a result."""
    ids = _only_ids(selection.filters)
    servers = api.describe(ids) if ids else api.describe_all()
    by_id = {server["sourceServerID"]: server for server in servers}
    included = [
        server
        for _id, server in sorted(by_id.items())
        if not any(matches(server, filters) for filters in selection.exclude_filters)
    ]
    broad = {key: patterns for key, patterns in selection.filters.items() if key != STATE_KEY}
    return Found(
        servers=[server for server in included if matches(server, selection.filters)],
        unmatched=list(unmatched(list(by_id.values()), selection.filters)),
        is_broadly_matched=any(matches(server, broad) for server in included),
    )


def unmatched(servers: Sequence[SourceServer], filters: Filters) -> Iterator[str]:
    """The values without a wildcard that name a server but match none of these, as "key=value"."""
    for key in NAMING:
        for pattern in filters.get(key, []):
            if _is_literal(pattern) and not any(matches(server, {key: [pattern]}) for server in servers):
                yield f"{key}={pattern}"


def matches(server: SourceServer, filters: Filters) -> bool:
    """Whether the server matches at least one pattern of every key. Case-sensitive, except for hostnames."""
    return all(
        any(_regex(pattern, key in CASELESS).fullmatch(text) for pattern in patterns for text in texts_of(server, key))
        for key, patterns in filters.items()
    )


# https://docs.aws.amazon.com/drs/latest/userguide/failback-performing-main.html
HOLDS: list[tuple[Callable[[SourceServer], bool], str]] = [
    (lambda server: _last_recovery(server) in ("PENDING", "IN_PROGRESS"), "a recovery launch is in progress"),
    (
        lambda server: (
            bool(text_at(server, "recoveryInstanceId")) and _last_recovery(server) not in (None, "FAILED", "TERMINATED")
        ),
        "failed over to a recovery instance",
    ),
    (lambda server: server.get("replicationDirection") == "FAILBACK", "replicates in direction FAILBACK"),
    (
        lambda server: text_at(server, "stagingArea", "status") in ("EXTENDED", "EXTENSION_ERROR"),
        "extended from another account",
    ),
    (
        lambda server: bool(text_at(server, "reversedDirectionSourceServerArn")),
        "has a reversed source server, protect it by reversed replication",
    ),
]
"""Conditions that show that a server was stopped on purpose, with the reason given to the user."""


def hold_reason(server: SourceServer) -> str | None:
    """Why filters leave a stopped server alone; None if they do not."""
    return next((reason for applies, reason in HOLDS if applies(server)), None)


def _last_recovery(server: SourceServer) -> str | None:
    """The status of the last launch if that was a recovery; None for a drill, which does not stop replication."""
    is_recovery = text_at(server, "lifeCycle", "lastLaunch", "initiated", "type") == "RECOVERY"
    return (text_at(server, "lifeCycle", "lastLaunch", "status") or "") if is_recovery else None


def _only_ids(filters: Filters) -> list[str]:
    """The IDs to request if they cover all matches, otherwise []. DRS itself filters only by ID."""
    ids = filters.get("source-server-id", [])
    named_otherwise = any(key in filters for key in NAMING if key != "source-server-id")
    return ids if not named_otherwise and all(SOURCE_SERVER_ID.fullmatch(pattern) for pattern in ids) else []


def no_match_message(region: str, selection: Selection) -> str:
    """The message for filters that match no server in any state."""
    keys = {key: patterns for key, patterns in selection.filters.items() if key != STATE_KEY}
    meant = ", ".join(f"{printable(key)}={listed(patterns)}" for key, patterns in keys.items())
    excluded = " and is not excluded" if selection.exclude_filters else ""
    which = f" matches {meant}{excluded}" if meant else f" exists{excluded}"
    return sentence(f"No source server{which} in {region}: check the filters and the region")


def texts_of(server: SourceServer, key: str) -> list[str]:
    """The server's values for a filter key; empty if there are none."""
    value = tags_of(server).get(key[4:]) if key.startswith("tag:") else READERS[key](server)
    return value if isinstance(value, list) else [] if value is None else [value]


def _patterns(option: str, key: str, value: Any) -> list[str]:
    patterns = value if isinstance(value, list) else [value]
    if not patterns or not all(isinstance(pattern, (str, bool, int, float)) for pattern in patterns):
        given = printable(repr(value))
        raise InvalidOptions(f"{option}: {key} takes a string, number, boolean or a list of these, not {given}")
    return [str(pattern).lower() if isinstance(pattern, bool) else str(pattern) for pattern in patterns]


def _tokens(pattern: str) -> list[str]:
    return re.findall(r"\\[*?\\]|.", pattern, re.DOTALL)


def _is_literal(pattern: str) -> bool:
    return WILDCARDS.isdisjoint(_tokens(pattern))


@functools.cache
def _regex(pattern: str, caseless: bool = False) -> re.Pattern[str]:
    """An EC2 filter pattern: * matches any string and ? any character; a backslash escapes them."""
    # fnmatch's expressions do not backtrack, so no hostname can keep them busy.
    text = "".join(token if token in WILDCARDS else glob.escape(token[-1]) for token in _tokens(pattern))
    return re.compile(fnmatch.translate(text), re.IGNORECASE if caseless else re.RegexFlag(0))
