# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which source servers a task means: by ID, or by filters as EC2 has them. Matching is pure; C(find) asks AWS."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.replication import Service, batches
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.servers import SourceServer, state_of
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.states import PHASES

SOURCE_SERVER_ID = re.compile(r"s-[0-9a-zA-Z]{17}")
"""SourceServerID in the service model. botocore does not check the pattern."""

STATE_KEY = "replication-state"

READERS: dict[str, Callable[[SourceServer], Any]] = {
    "tag-key": lambda server: list(server.get("tags") or {}),
    "hostname": lambda server: _hint(server, "hostname"),
    "fqdn": lambda server: _hint(server, "fqdn"),
    "ec2-instance-id": lambda server: _hint(server, "awsInstanceID"),
    "source-server-id": lambda server: server.get("sourceServerID"),
    STATE_KEY: state_of,
    "staging-account-id": lambda server: (server.get("stagingArea") or {}).get("stagingAccountID"),
    "origin-account-id": lambda server: (server.get("sourceCloudProperties") or {}).get("originAccountID"),
    "origin-region": lambda server: (server.get("sourceCloudProperties") or {}).get("originRegion"),
    "replication-direction": lambda server: server.get("replicationDirection"),
}
"""The filter keys beside C(tag:<Key>), each with what it reads of a server: a text, a list of texts, or None."""

Filters = dict[str, list[str]]
"""Filter key to the patterns of which one must match."""


class Refusal(Exception):
    """Options that must not reach AWS. The text is one sentence for the user."""


def selection_of(params: Mapping[str, Any], selectors: Sequence[str]) -> list[str] | Filters | None:
    """The IDs or the filters that the module's C(params) give in one of C(selectors); None where they give none.

    A null selector counts as absent. Raises Refusal for two of them, for an empty one (a DescribeSourceServers without
    IDs means every server), and for what C(ids_of) and C(filters_of) refuse.
    """
    given = [selector for selector in selectors if params[selector] is not None]
    if not given:
        return None
    if len(given) > 1:
        raise Refusal(f"Give only one of {_listed(selectors)}, not {_listed(given)}")
    value = params[given[0]]
    if not value:
        raise Refusal(f"{given[0]} is empty, which never means every source server: name what is meant")
    return filters_of(value) if given[0] == "filters" else ids_of(value)


def ids_of(value: str | Sequence[str]) -> list[str]:
    """The source server IDs, each once, in their order. Raises Refusal that names all of a wrong shape."""
    ids = list(dict.fromkeys([value] if isinstance(value, str) else value))
    wrong = [repr(str(text)) for text in ids if not SOURCE_SERVER_ID.fullmatch(str(text))]
    if wrong:
        raise Refusal(f"These are not source server IDs (s- and 17 letters or digits): {', '.join(wrong)}")
    return ids


def filters_of(value: Mapping[str, Any]) -> Filters:
    """The filters with each value as a list of patterns; booleans and numbers become text as in amazon.aws.

    Raises Refusal for an unknown key, an empty list, and a value that is no text, number, boolean or list of these.
    """
    unknown = [str(key) for key in value if key not in READERS and not re.fullmatch(r"tag:.+", str(key), re.DOTALL)]
    if unknown:
        raise Refusal(f"filters has no key {_listed(unknown)}; the keys are tag:<Key>, {_listed(list(READERS))}")
    return {key: _patterns(key, patterns) for key, patterns in value.items()}


def doubts_of(filters: Filters) -> list[str]:
    """Warnings about patterns of C(replication-state) that match no state that is known, such as a mistyped one."""
    return [
        f"filters: {STATE_KEY} {pattern!r} matches none of the known states, which are {_listed(list(PHASES))}"
        for pattern in filters.get(STATE_KEY, [])
        if not any(_regex(pattern).fullmatch(state) for state in PHASES)
    ]


def find(service: Service, filters: Filters) -> list[SourceServer]:
    """The source servers that match, ordered by ID. Raises Fault where a page cannot be had: a part is no answer."""
    ids = filters.get("source-server-id", [])
    if ids and all(SOURCE_SERVER_ID.fullmatch(pattern) for pattern in ids):
        servers = [server for batch in batches(ids) for server in service.describe(batch, math.inf)]
    else:
        servers = service.describe_every(math.inf)
    by_id = {server["sourceServerID"]: server for server in servers}
    return [server for _id, server in sorted(by_id.items()) if matches(server, filters)]


def find_to_change(service: Service, filters: Filters) -> list[SourceServer]:
    """As C(find), but the keys other than C(replication-state) must match a server: a mistyped tag protects nothing.

    Raises Refusal where they match none.
    """
    broad = {key: patterns for key, patterns in filters.items() if key != STATE_KEY}
    servers = find(service, broad)
    if not servers:
        which = f" matches {', '.join(f'{key}={_listed(broad[key])}' for key in broad)}" if broad else " is"
        raise Refusal(f"No source server{which} in {service.region}: check the filters and the region")
    return [server for server in servers if matches(server, filters)]


def matches(server: SourceServer, filters: Filters) -> bool:
    """Whether the server matches every key with one of its patterns; case counts."""
    return all(
        any(_regex(pattern).fullmatch(text) for pattern in patterns for text in _texts(server, key))
        for key, patterns in filters.items()
    )


def why_held(server: SourceServer) -> str | None:
    """Why a filter leaves a stopped server alone: somebody stopped it for a reason. None where it does not."""
    launch = (server.get("lifeCycle") or {}).get("lastLaunch") or {}
    recovered = (launch.get("initiated") or {}).get("type") == "RECOVERY" and server.get("recoveryInstanceId")
    extension = (server.get("stagingArea") or {}).get("status")
    if recovered and launch.get("status") not in ("FAILED", "TERMINATED"):
        return f"it is failed over to {server['recoveryInstanceId']}; name it by its ID to start it"
    if server.get("replicationDirection") == "FAILBACK":
        return "it replicates in direction FAILBACK; name it by its ID to start it"
    if extension in ("EXTENDED", "EXTENSION_ERROR"):
        return f"it is extended from another account ({extension}); name it by its ID to start it"
    return None


def _hint(server: SourceServer, name: str) -> Any:
    return ((server.get("sourceProperties") or {}).get("identificationHints") or {}).get(name)


def _texts(server: SourceServer, key: str) -> list[str]:
    value = (server.get("tags") or {}).get(key[4:]) if key.startswith("tag:") else READERS[key](server)
    return value if isinstance(value, list) else [] if value is None else [value]


def _patterns(key: str, value: Any) -> list[str]:
    patterns = value if isinstance(value, list) else [value]
    if not patterns or not all(isinstance(pattern, (str, bool, int, float)) for pattern in patterns):
        raise Refusal(f"filters: {key} takes a text, a number, a boolean or a list of these, not {value!r}")
    return [str(pattern).lower() if isinstance(pattern, bool) else str(pattern) for pattern in patterns]


@functools.cache
def _regex(pattern: str) -> re.Pattern[str]:
    """An EC2 filter pattern: C(*) and C(?) match any text and any character, a backslash takes their meaning away."""
    wild = {"*": ".*", "?": "."}
    tokens = re.findall(r"\\[*?\\]|.", pattern, re.DOTALL)
    return re.compile("".join(wild.get(token) or re.escape(token[-1]) for token in tokens), re.DOTALL)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
