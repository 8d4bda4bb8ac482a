# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds disconnected source servers whose machine, or a machine of the same host name, another server protects. Pure.

Where a machine was replaced or its agent installed anew, its old record stays DISCONNECTED for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from .lifecycle import lifecycle_of
from .next_steps import shortcoming_of
from .servers import SourceServer, ec2_instance_id_of, hostname_of, state_of, text_at, vmware_uuid_of
from .states import phase_of
from .text import printable

NAMESAKE_CAUSE = (
    "DISCONNECTED, while another server of the same machine or host name is CONTINUOUS, read the reason of each before"
    " you delete its record"
)
"""The cause that all servers with a namesake share. Deleting a record cannot be undone."""


class Namesake(NamedTuple):
    """A CONTINUOUS server, and whether something contradicts that it is protected."""

    is_unprotected: bool
    source_server_id: str


def namesakes(servers: Iterable[SourceServer]) -> dict[str, str]:
    """What to do about each disconnected server with a namesake that is CONTINUOUS, by source server ID.

    Both are normal: after a failover a disconnected source is no surprise. The same EC2 instance or VMware machine is
    the same machine. The same host name alone is a question, since clones share it. While the namesake is not
    protected, the disconnected server may have the only recovery points.
    """
    disconnected: list[SourceServer] = []
    continuous: list[SourceServer] = []
    for server in servers:
        phase = phase_of(state_of(server))
        if phase in ("disconnected", "protected") and lifecycle_of(server) == "normal":
            (disconnected if phase == "disconnected" else continuous).append(server)
    by_machine, by_hostname = _index(continuous, _machine_of), _index(continuous, _caseless_hostname_of)
    found: dict[str, str] = {}
    for server in disconnected:
        twin, namesake = by_machine.get(_machine_of(server)), by_hostname.get(_caseless_hostname_of(server))
        if twin:
            text = f"{_named(twin)} copies the same machine and is CONTINUOUS{_what_to_do(twin)}"
        elif namesake:
            text = f"{_named(namesake)} has the same host name and is CONTINUOUS: {_question(server, namesake)}"
        else:
            continue
        found[_id_of(server)] = text
    return found


def _what_to_do(twin: Namesake) -> str:
    if twin.is_unprotected:
        return ", but not protected yet: keep this record until it is, then delete it"
    return ": this record is stale, delete it"


def _question(server: SourceServer, namesake: Namesake) -> str:
    instance = ec2_instance_id_of(server)
    machine = f"this machine ({printable(instance)})" if instance else "this machine"
    first = " once that one is protected" if namesake.is_unprotected else ""
    return f"if {machine} was replaced, delete this record{first}; if it still runs, reconnect its agent"


def _named(namesake: Namesake) -> str:
    return printable(namesake.source_server_id)


def _index(servers: Sequence[SourceServer], key_of: Callable[[SourceServer], str | None]) -> dict[str | None, Namesake]:
    """The first server with each key, the protected before the others, then by ID; None is no key."""
    by_key: dict[str | None, Namesake] = {}
    for server in servers:
        key, namesake = key_of(server), Namesake(shortcoming_of(server) is not None, _id_of(server))
        if key is not None:
            by_key[key] = min(namesake, by_key.get(key, namesake))
    return by_key


def _id_of(server: SourceServer) -> str:
    return text_at(server, "sourceServerID") or ""


def _machine_of(server: SourceServer) -> str | None:
    """What identifies the machine: its EC2 instance, where it has none its VMware UUID."""
    instance, uuid = ec2_instance_id_of(server), vmware_uuid_of(server)
    return instance or (uuid and f"vmware {uuid.lower()}")


def _caseless_hostname_of(server: SourceServer) -> str | None:
    hostname = hostname_of(server)
    return hostname and hostname.casefold()
