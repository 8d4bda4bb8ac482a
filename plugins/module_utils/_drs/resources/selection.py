# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Selects source servers by ID or by EC2-style filters. Pure."""

from __future__ import annotations

import fnmatch
import glob
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from .lifecycle import LIFECYCLES, lifecycle_of
from .servers import (
    HINTS,
    SourceServer,
    ec2_instance_id_of,
    staging_account_of,
    state_of,
    tags_of,
    text_at,
)
from .states import PHASES
from .text import listed, printable, sentence

WILDCARDS = frozenset({"*", "?"})

STATE_KEY = "replication-state"
LIFECYCLE_KEY = "lifecycle"

NARROWING: dict[str, Sequence[str]] = {STATE_KEY: tuple(PHASES), LIFECYCLE_KEY: tuple(LIFECYCLES)}
"""The keys whose values change with time, and their known values. Filters may leave no server only by them."""

FILTER_KEYS: dict[str, Callable[[SourceServer], list[str] | str | None]] = {
    "tag-key": lambda server: list(tags_of(server)),
    "hostname": lambda server: text_at(server, *HINTS, "hostname"),
    "fqdn": lambda server: text_at(server, *HINTS, "fqdn"),
    "ec2-instance-id": ec2_instance_id_of,
    "source-server-id": lambda server: text_at(server, "sourceServerID"),
    STATE_KEY: state_of,
    LIFECYCLE_KEY: lifecycle_of,
    "staging-account-id": staging_account_of,
    "origin-account-id": lambda server: text_at(server, "sourceCloudProperties", "originAccountID"),
    "origin-region": lambda server: text_at(server, "sourceCloudProperties", "originRegion"),
    "replication-direction": lambda server: text_at(server, "replicationDirection"),
}
"""The filter keys other than tag:<Key>, each with a function that returns a string, a list of strings or None."""

ACCOUNT_KEYS = ("staging-account-id", "origin-account-id")

OTHER_NAME = {"hostname": "fqdn", "fqdn": "hostname"}

CASELESS = frozenset(OTHER_NAME)
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


def state_warnings(selection: Selection) -> list[str]:
    """Warnings about patterns that match no known state or lifecycle, such as mistyped ones."""
    return [
        f"{key} {printable(repr(pattern))} matches none of the known values: {listed(values)}"
        for filters in (selection.filters, *selection.exclude_filters)
        for key, values in NARROWING.items()
        for pattern in filters.get(key, [])
        if not any(map(Patterns.of(key, [pattern]).match, values))
    ]


def broad(filters: Filters) -> Filters:
    """The filters without the keys that narrow."""
    return {key: patterns for key, patterns in filters.items() if key not in NARROWING}


@dataclass(frozen=True)
class Unmatched:
    """A value without a wildcard that names a server, but that no server has.

    likely: a filter that would match, if only the form of a host name is wrong. option: where the value stands.
    """

    key: str
    value: str
    likely: str = ""
    option: Literal["filters", "exclude_filters"] = "filters"

    def __str__(self) -> str:
        """As in the return value `unmatched`."""
        return f"{'' if self.option == 'filters' else f'{self.option}: '}{self.key}={self.value}"

    @property
    def told(self) -> str:
        """As in a sentence."""
        return f"{self.key}={self.value}{f' ({self.likely} would match)' if self.likely else ''}"


class Names:
    """The names that these servers have, by filter key: thousands of values cost a look-up each, not a pass each."""

    def __init__(self, servers: Sequence[SourceServer]) -> None:
        self._names = {
            key: {_folded(key, text) for server in servers for text in texts_of(server, key)} for key in NAMING
        }
        self._first_labels = {
            key: {name.partition(".")[0] for name in self._names[key] if "." in name} for key in OTHER_NAME
        }

    def has(self, key: str, pattern: str) -> bool:
        """Whether a server has the name that this pattern without a wildcard stands for."""
        return _folded(key, _literal(pattern)) in self._names[key]

    def likely(self, key: str, pattern: str) -> str:
        """The first filter that matches another form of the host name, as key=value; empty if none does.

        The forms are web1 and web1.example.net, as hostname and as fqdn.
        """
        if key not in OTHER_NAME:
            return ""
        other, (label, dot, _domain) = OTHER_NAME[key], pattern.partition(".")
        if self.has(other, pattern):
            return f"{other}={pattern}"
        known, form = (self._names, label) if dot else (self._first_labels, f"{label}.*")
        return next((f"{each}={form}" for each in (key, other) if _folded(each, _literal(label)) in known[each]), "")


def unmatched(
    names: Names, filters: Filters, option: Literal["filters", "exclude_filters"] = "filters"
) -> Iterator[Unmatched]:
    """The values without a wildcard that name a server, but that no server has."""
    for key in NAMING:
        for pattern in filters.get(key, []):
            if is_literal(pattern) and not names.has(key, pattern):
                yield Unmatched(key, pattern, names.likely(key, pattern), option)


def idle_exclusions(servers: Sequence[SourceServer], names: Names, exclude_filters: Sequence[Filters]) -> Iterator[str]:
    """The entries that match none of these servers, as "key=value", without those that `unmatched` reports.

    An entry with replication-state or lifecycle may match none.
    """
    for entry in exclude_filters:
        if NARROWING.keys() & entry.keys() or any(unmatched(names, entry)):
            continue
        if not any(map(Matcher(entry).matches, servers)):
            yield ", ".join(f"{key}={listed(patterns)}" for key, patterns in entry.items())


def idle_warning(region: str, entries: Sequence[str]) -> str:
    """The warning about excluded filters that match no server."""
    return f"exclude_filters: no source server in {region} matches {'; '.join(map(printable, entries))}"


def exclusion_message(region: str, missing: Sequence[Unmatched]) -> str:
    """What is said of excluded names that no server has: such a mistake would start servers that are to be left."""
    return f"exclude_filters: no source server in {region} has {listed([each.told for each in missing])}"


@dataclass(frozen=True)
class Patterns:
    """The patterns of one filter key: the values without a wildcard, and an expression for each of the others."""

    key: str
    literals: frozenset[str]
    wildcards: tuple[re.Pattern[str], ...]

    @classmethod
    def of(cls, key: str, patterns: Sequence[str]) -> Patterns:
        literals = frozenset(_folded(key, _literal(pattern)) for pattern in patterns if is_literal(pattern))
        wildcards = tuple(_regex(_folded(key, pattern)) for pattern in patterns if not is_literal(pattern))
        return cls(key, literals, wildcards)

    def match(self, text: str) -> bool:
        """Whether any of them matches the text. Case-sensitive, except for hostnames."""
        folded = _folded(self.key, text)
        return folded in self.literals or any(wildcard.fullmatch(folded) for wildcard in self.wildcards)


class Matcher:
    """Filters, compiled once for many servers."""

    def __init__(self, filters: Filters) -> None:
        self._all_patterns = [Patterns.of(key, patterns) for key, patterns in filters.items()]

    def matches(self, server: SourceServer) -> bool:
        """Whether the server matches at least one pattern of every key."""
        return all(any(map(each.match, texts_of(server, each.key))) for each in self._all_patterns)


def texts_of(server: SourceServer, key: str) -> list[str]:
    """The server's values for a filter key; empty if there are none."""
    value = tags_of(server).get(key[4:]) if key.startswith("tag:") else FILTER_KEYS[key](server)
    return value if isinstance(value, list) else [] if value is None else [value]


def _folded(key: str, text: str) -> str:
    return text.lower() if key in CASELESS else text


def _tokens(pattern: str) -> list[str]:
    return re.findall(r"\\[*?\\]|.", pattern, re.DOTALL)


def is_literal(pattern: str) -> bool:
    """Whether the pattern has no wildcard."""
    return WILDCARDS.isdisjoint(_tokens(pattern))


def _literal(pattern: str) -> str:
    """The text that a pattern without a wildcard stands for."""
    return "".join(token[-1] for token in _tokens(pattern))


def _regex(pattern: str) -> re.Pattern[str]:
    """An EC2 filter pattern: * matches any string and ? any character; a backslash escapes them."""
    # fnmatch's expressions do not backtrack, so no hostname can keep them busy.
    text = "".join(token if token in WILDCARDS else glob.escape(token[-1]) for token in _tokens(pattern))
    return re.compile(fnmatch.translate(text))


def no_match_message(region: str, selection: Selection, missing: Sequence[Unmatched] = ()) -> str:
    """The message for filters that match no server in any state and lifecycle.

    missing: the names that no server has. If only the form of a host name is wrong, the message says what would match.
    """
    meant = ", ".join(f"{printable(key)}={listed(patterns)}" for key, patterns in broad(selection.filters).items())
    excluded = " and is not excluded" if selection.exclude_filters else ""
    which = f" matches {meant}{excluded}" if meant else f" exists{excluded}"
    likely = listed(list(dict.fromkeys(each.likely for each in missing if each.likely)))
    hint = f"; {likely} would match" if likely else ""
    return sentence(f"No source server{which} in {region}: check the filters and the region{hint}")
