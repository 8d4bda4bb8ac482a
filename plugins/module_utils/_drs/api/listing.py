# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists the source servers that filters select."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ..resources.selection import (
    NAMING,
    Matcher,
    Names,
    Selection,
    Unmatched,
    broad,
    exclusion_message,
    idle_exclusions,
    idle_warning,
    no_match_message,
    state_warnings,
    unmatched,
)
from ..resources.servers import SOURCE_SERVER_ID, SourceServer
from ..resources.text import sentence
from .calls import Api


@dataclass(frozen=True)
class Found:
    """What the filters matched.

    servers: sorted by ID. unmatched: values of the filters that name a server but match none. unmatched_exclusions:
    such values of the excluded filters. idle_exclusions: excluded filters that match no server, as "key=value".
    is_broadly_matched: whether any server matches the keys that do not narrow. listed: all that DRS returned, whether
    or not they match.
    """

    servers: list[SourceServer]
    unmatched: list[Unmatched] = field(default_factory=list)
    unmatched_exclusions: list[Unmatched] = field(default_factory=list)
    idle_exclusions: list[str] = field(default_factory=list)
    is_broadly_matched: bool = True
    listed: list[SourceServer] = field(default_factory=list)

    @property
    def all_unmatched(self) -> list[str]:
        """The return value `unmatched`."""
        return [str(each) for each in (*self.unmatched, *self.unmatched_exclusions)]


def find(api: Api, selection: Selection) -> Found:
    """The source servers that match the filters. Raises DrsError if any page fails: a partial list is not a result."""
    ids = _only_ids(selection)
    by_id = {server["sourceServerID"]: server for server in (api.describe(ids) if ids else api.describe_all())}
    servers = [server for _id, server in sorted(by_id.items())]
    excluded, names = selection.exclude_filters, Names(servers)
    exclusions = list(map(Matcher, excluded))
    included = [server for server in servers if not any(each.matches(server) for each in exclusions)]
    return Found(
        servers=list(filter(Matcher(selection.filters).matches, included)),
        unmatched=list(unmatched(names, selection.filters)),
        unmatched_exclusions=list(
            dict.fromkeys(each for entry in excluded for each in unmatched(names, entry, "exclude_filters"))
        ),
        idle_exclusions=list(idle_exclusions(servers, names, excluded)),
        is_broadly_matched=any(map(Matcher(broad(selection.filters)).matches, included)),
        listed=servers,
    )


def find_to_act(api: Api, selection: Selection, warn: Callable[[str], None]) -> Found | None:
    """The source servers that filters select, with what there is to warn of; None for IDs. Raises DrsError."""
    if selection.source_server_ids is not None:
        return None
    for warning in state_warnings(selection):
        warn(warning)
    found = find(api, selection)
    if found.idle_exclusions:
        warn(idle_warning(api.region, found.idle_exclusions))
    return found


def refusal_of(found: Found, selection: Selection, region: str) -> str | None:
    """Why nothing may be done to these source servers; None if something may be."""
    if not found.is_broadly_matched:
        return no_match_message(region, selection, found.unmatched)
    if found.unmatched_exclusions:
        return sentence(f"{exclusion_message(region, found.unmatched_exclusions)}; nothing was changed")
    return None


def unmatched_everywhere(found: Iterable[Sequence[Unmatched]]) -> list[Unmatched]:
    """The values that no server of any region has. A filter that would match is that of the first region with one."""
    by_region = [{str(each): each for each in missing} for missing in found]
    common = [name for name in by_region[0] if all(name in other for other in by_region)]
    return [next((other[name] for other in by_region if other[name].likely), by_region[0][name]) for name in common]


def _only_ids(selection: Selection) -> list[str]:
    """The IDs to request if they cover all matches, otherwise []. DRS itself filters only by ID.

    Whether an excluded name exists can only be seen in the whole list.
    """
    filters = selection.filters
    ids = filters.get("source-server-id", [])
    needs_all = bool(selection.exclude_filters) or any(key in filters for key in NAMING if key != "source-server-id")
    return ids if not needs_all and all(SOURCE_SERVER_ID.fullmatch(pattern) for pattern in ids) else []
