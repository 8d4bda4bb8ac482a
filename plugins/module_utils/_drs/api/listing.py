# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists the source servers that filters select."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..resources.selection import NAMING, Filters, Selection, broad, matches, unmatched
from ..resources.servers import SOURCE_SERVER_ID, SourceServer
from .calls import Api


@dataclass(frozen=True)
class Found:
    """What the filters matched.

    servers: sorted by ID. unmatched: values that name a server but match none, as "key=value". is_broadly_matched:
    whether any server matches the keys that do not narrow. listed: all that DRS returned, whether or not they match.
    """

    servers: list[SourceServer]
    unmatched: list[str]
    is_broadly_matched: bool = True
    listed: list[SourceServer] = field(default_factory=list)


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
    broad_filters = broad(selection.filters)
    return Found(
        servers=[server for server in included if matches(server, selection.filters)],
        unmatched=list(unmatched(list(by_id.values()), selection.filters)),
        is_broadly_matched=any(matches(server, broad_filters) for server in included),
        listed=list(by_id.values()),
    )


def _only_ids(filters: Filters) -> list[str]:
    """The IDs to request if they cover all matches, otherwise []. DRS itself filters only by ID."""
    ids = filters.get("source-server-id", [])
    named_otherwise = any(key in filters for key in NAMING if key != "source-server-id")
    return ids if not named_otherwise and all(SOURCE_SERVER_ID.fullmatch(pattern) for pattern in ids) else []
