# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which source servers a task means: by ID, or by filters as EC2 has them. Matching is pure; find() asks DRS."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.api import Api
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.errors import InvalidOptions
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.servers import (
    SourceServer,
    state_of,
    tags_of,
    text_at,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.states import PHASES
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.text import listed

SOURCE_SERVER_ID = re.compile(r"s-[0-9a-zA-Z]{17}")
"""SourceServerID in the service model. botocore does not check the pattern."""

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
"""The filter keys beside tag:<Key>, each with what it reads of a server: a text, a list of texts, or None."""

CASELESS = frozenset({"hostname", "fqdn"})
"""Host names know no case (RFC 4343)."""

NAMING = ("hostname", "fqdn", "ec2-instance-id", "source-server-id")
"""The keys whose values name a server: one that no server has is told."""

Filters = dict[str, list[str]]
"""Filter key to the patterns of which one must match."""


@dataclass(frozen=True)
class Selection:
    """The source servers that a task means: by ID, or the ones that match the filters and none of the excluded ones."""

    source_server_ids: list[str] | None = None
    filters: Filters = field(default_factory=dict)
    exclude_filters: list[Filters] = field(default_factory=list)


@dataclass(frozen=True)
class Found:
    """What filters found.

    servers: ordered by ID. unmatched: the values, as "key=value", that name a server and that no server has.
    is_broadly_matched: whether some server matches the keys other than replication-state.
    """

    servers: list[SourceServer]
    unmatched: list[str]
    is_broadly_matched: bool


def parse_selection(params: Mapping[str, Any], selectors: Sequence[str]) -> Selection | None:
    """The selection that one of the selectors gives, None where none is given. A null selector counts as absent.

    Raises InvalidOptions for two of them, for an empty one (a DescribeSourceServers without IDs means every server),
    and for what parse_ids and parse_filters refuse.
    """
    selector = _selector(params, selectors)
    exclude_filters = [parse_filters("exclude_filters", entry) for entry in params["exclude_filters"] or []]
    if selector == "filters":
        return Selection(filters=parse_filters("filters", params["filters"]), exclude_filters=exclude_filters)
    if selector is None:
        return Selection(exclude_filters=exclude_filters) if exclude_filters else None
    if exclude_filters:
        raise InvalidOptions(f"exclude_filters goes with filters, not with {selector}")
    return Selection(source_server_ids=parse_ids(params[selector]))


def _selector(params: Mapping[str, Any], selectors: Sequence[str]) -> str | None:
    """The selector that is given, None where none is. Raises InvalidOptions for two of them and for an empty one."""
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
    """The source server IDs without white space around them, each once, in their order.

    Raises InvalidOptions that names all of a wrong shape.
    """
    ids = list(dict.fromkeys(str(text).strip() for text in ([value] if isinstance(value, str) else value)))
    wrong = [repr(text) for text in ids if not SOURCE_SERVER_ID.fullmatch(text)]
    if wrong:
        raise InvalidOptions(f"These are not source server IDs (s- and 17 letters or digits): {listed(wrong)}")
    return ids


def parse_filters(option: str, value: Any) -> Filters:
    """The filters with each value as a list of patterns; booleans and numbers become text as in amazon.aws.

    Raises InvalidOptions for no key at all, an unknown key, an empty list, and a value that is no text, number, boolean
    or list of these.
    """
    if not isinstance(value, Mapping) or not value:
        raise InvalidOptions(f"{option} has an empty entry. Name the source servers; empty never means all")
    unknown = [str(key) for key in value if key not in READERS and not re.fullmatch(r"tag:.+", str(key), re.DOTALL)]
    if unknown:
        raise InvalidOptions(f"{option} has no key {listed(unknown)}; the keys are tag:<Key>, {listed(list(READERS))}")
    return {key: _patterns(option, key, patterns) for key, patterns in value.items()}


def state_warnings(selection: Selection) -> list[str]:
    """Warnings about patterns of replication-state that match no known state, such as a mistyped one."""
    return [
        f"{STATE_KEY} {pattern!r} matches none of the known states, which are {listed(list(PHASES))}"
        for filters in (selection.filters, *selection.exclude_filters)
        for pattern in filters.get(STATE_KEY, [])
        if not any(_regex(pattern).fullmatch(state) for state in PHASES)
    ]


def find(api: Api, selection: Selection) -> Found:
    """The source servers that match the filters. Raises DrsError where a page cannot be had: a part is no answer."""
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
    """The values without a wildcard, as "key=value", that name a server and that none of the servers has."""
    for key in NAMING:
        for pattern in filters.get(key, []):
            if _is_literal(pattern) and not any(matches(server, {key: [pattern]}) for server in servers):
                yield f"{key}={pattern}"


def matches(server: SourceServer, filters: Filters) -> bool:
    """Whether the server matches every key with one of its patterns. Case counts, but for host names."""
    return all(
        any(_regex(pattern, key in CASELESS).fullmatch(text) for pattern in patterns for text in texts_of(server, key))
        for key, patterns in filters.items()
    )


# https://docs.aws.amazon.com/drs/latest/userguide/failback-performing-main.html
HOLDS: list[tuple[Callable[[SourceServer], bool], str]] = [
    (lambda server: _last_recovery(server) in ("PENDING", "IN_PROGRESS"), "its launch for recovery is under way"),
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
        "has a server with reversed direction, protect it by reversed replication",
    ),
]
"""When somebody stopped a server for a reason, and what is said of it."""


def hold_reason(server: SourceServer) -> str | None:
    """Why filters leave a stopped server alone, None where they do not."""
    return next((reason for applies, reason in HOLDS if applies(server)), None)


def _last_recovery(server: SourceServer) -> str | None:
    """The status of the last launch where that was for recovery; a drill stops nothing."""
    is_recovery = text_at(server, "lifeCycle", "lastLaunch", "initiated", "type") == "RECOVERY"
    return (text_at(server, "lifeCycle", "lastLaunch", "status") or "") if is_recovery else None


def _only_ids(filters: Filters) -> list[str]:
    """The IDs, where these are all that DRS has to be asked for: it filters by nothing else."""
    ids = filters.get("source-server-id", [])
    named_otherwise = any(key in filters for key in NAMING if key != "source-server-id")
    return ids if not named_otherwise and all(SOURCE_SERVER_ID.fullmatch(pattern) for pattern in ids) else []


def texts_of(server: SourceServer, key: str) -> list[str]:
    """What the server has for a filter key; nothing where it has none."""
    value = tags_of(server).get(key[4:]) if key.startswith("tag:") else READERS[key](server)
    return value if isinstance(value, list) else [] if value is None else [value]


def _patterns(option: str, key: str, value: Any) -> list[str]:
    patterns = value if isinstance(value, list) else [value]
    if not patterns or not all(isinstance(pattern, (str, bool, int, float)) for pattern in patterns):
        raise InvalidOptions(f"{option}: {key} takes a text, a number, a boolean or a list of these, not {value!r}")
    return [str(pattern).lower() if isinstance(pattern, bool) else str(pattern) for pattern in patterns]


def _tokens(pattern: str) -> list[str]:
    return re.findall(r"\\[*?\\]|.", pattern, re.DOTALL)


def _is_literal(pattern: str) -> bool:
    return not {"*", "?"} & set(_tokens(pattern))


@functools.cache
def _regex(pattern: str, caseless: bool = False) -> re.Pattern[str]:
    """An EC2 filter pattern: * and ? match any text and any character; a backslash takes their meaning away."""
    wild = {"*": ".*", "?": "."}
    text = "".join(wild.get(token) or re.escape(token[-1]) for token in _tokens(pattern))
    return re.compile(text, re.DOTALL | (re.IGNORECASE if caseless else re.RegexFlag(0)))
