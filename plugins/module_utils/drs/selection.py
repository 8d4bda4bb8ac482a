# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which source servers a task names. Pure, no AWS call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

SELECTORS = ("source_server_id", "source_server_ids")
SOURCE_SERVER_ID = re.compile(r"s-[0-9a-zA-Z]{17}")
"""SourceServerID in the service model. botocore does not check the pattern."""


class Refusal(Exception):
    """Options that must not reach AWS. The text is one sentence for the user."""


def select_ids(params: Mapping[str, Any]) -> list[str]:
    """The source server IDs that the module's C(params) name, each once, in their order.

    A null selector counts as absent. Raises Refusal for no selector, for two, for an empty one (a DescribeSourceServers
    without IDs means every server) and for IDs of a wrong shape, all of which are named.
    """
    given = [selector for selector in SELECTORS if params.get(selector) is not None]
    if not given:
        raise Refusal(f"one of {' and '.join(SELECTORS)} must be given, and none is (null counts as absent)")
    if len(given) > 1:
        raise Refusal(f"exactly one of {' and '.join(SELECTORS)} may be given, not {' and '.join(given)}")
    value = params[given[0]]
    if not value:
        raise Refusal(f"{given[0]} is empty, and that never means every source server: name at least one")
    ids = list(dict.fromkeys(value if isinstance(value, list) else [value]))
    wrong = [repr(str(source_server_id)) for source_server_id in ids if not _has_shape(source_server_id)]
    if wrong:
        raise Refusal(f"a source server ID is s- and 17 letters or digits, which these are not: {', '.join(wrong)}")
    return ids


def _has_shape(source_server_id: object) -> bool:
    return isinstance(source_server_id, str) and bool(SOURCE_SERVER_ID.fullmatch(source_server_id))


def refuse_unacknowledged_stop(params: Mapping[str, Any]) -> None:
    """Raises Refusal for a stop without C(delete_snapshots): it deletes every recovery snapshot of the server."""
    if params["state"] == "stopped" and not params["delete_snapshots"]:
        raise Refusal(
            "a stop deletes every recovery snapshot of the source servers, and nothing brings them back: "
            "set delete_snapshots: true to go on"
        )
