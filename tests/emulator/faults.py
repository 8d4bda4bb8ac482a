# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scripted faults, and scripted actions by others, triggered by calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .model import error_status, names_one_server
from .readers import (
    COUNT,
    NUMBER,
    OBJECT,
    POSITIVE,
    TEXT,
    Reader,
    ScriptError,
    object_of,
    one_of,
    operation,
    plain,
)

# Kinds that change a real answer; they always come after the effect.
ANSWER_KINDS = ("cut", "replace", "repeat_token", "bad_token", "endless_pages")
FAULT_KINDS = ("error", "drop", "hang", "trickle", "garbage", "other_server", *ANSWER_KINDS)

# Seconds: how long a hang lasts, and the pause between two bytes of a trickle.
DEFAULT_SECONDS: Mapping[str, float] = {"hang": 60.0, "trickle": 1.0}

# Operations that answer with the source server of the call, and the state that it then has.
ANSWERED_STATES: Mapping[str, str] = {"StartReplication": "INITIATING", "StopReplication": "STOPPED"}

# Invalid bodies: content type and text of a response with status 200.
GARBAGE: Mapping[str, tuple[str, str]] = {
    "html": ("text/html", "<html><body><h1>Welcome to the hotel's network</h1></body></html>"),
    "control": ("application/json", '{"items": "\x1b[2J\r\n\x07", "sourceServer": "\x1b[2J\r\n\x07"}'),
    "deep": ("application/json", '{"items": ' + "[" * 100_000),
    "empty": ("application/json", ""),
    "empty_object": ("application/json", "{}"),
    "items_null": ("application/json", '{"items": null}'),
    "items_object": ("application/json", '{"items": {"sourceServerID": "s-00000000000000000"}}'),
    "items_of_other_types": ("application/json", '{"items": [null, true, 7, "text", [], {}]}'),
    "items_string": ("application/json", '{"items": "none"}'),
    "json_list": ("application/json", "[]"),
    "json_null": ("application/json", "null"),
    "json_string": ("application/json", '"ok"'),
    "nan": ("application/json", '{"items": NaN, "sourceServer": Infinity}'),
    "no_items": ("application/json", '{"nextToken": null}'),
    "not_utf8": ("application/json", '{"items": "\ud800", "sourceServer": "\ud800"}'),
    "source_server_null": ("application/json", '{"sourceServer": null}'),
    "source_server_string": ("application/json", '{"sourceServer": "started"}'),
    "surrogate": ("application/json", '{"items": "\\ud800", "sourceServer": "\\ud800"}'),
    "truncated": ("application/json", '{"items": [{"sourceServerID": "s-0000'),
}


@dataclass(frozen=True)
class Trigger:
    """Which calls: after `skip` matching ones, the next `times` (None: all).

    `server` is the ID of a source server, a recovery instance or a job.
    """

    operation: str | None = None
    server: str | None = None
    region: str | None = None
    page: int | None = None
    skip: int = 0
    times: int | None = 1
    when: str = "before"


@dataclass(frozen=True)
class Fault(Trigger):
    """A fault of a call."""

    kind: str = "error"
    code: str | None = None
    status: int | None = None
    message: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    part: str = "body"
    body: str | None = None
    content_type: str | None = None
    members: Mapping[str, Any] = field(default_factory=dict)
    other: str = "s-fffffffffffffffff"


@dataclass(frozen=True)
class Actor(Trigger):
    """Somebody else, who acts when a call comes: on `server`, or on the server of the call."""

    do: str = "start"


def read_fault(value: Any, where: str) -> Fault:
    """Reads a fault; raises ScriptError."""
    fault = _read_fault(value, where)
    if fault.kind == "error":
        if fault.code is None:
            raise ScriptError(f"{where} lacks 'code'.")
        if fault.status is None and error_status(fault.code) is None:
            raise ScriptError(f"{where} lacks 'status': {fault.code!r} is not an error of the DRS model.")
    if fault.kind == "garbage" and fault.content_type is None and fault.body not in GARBAGE:
        raise ScriptError(
            f"{where}.body is {fault.body!r}, not one of {', '.join(sorted(GARBAGE))}; "
            "a literal body needs a content_type."
        )
    if fault.kind == "replace" and not fault.members:
        raise ScriptError(f"{where} lacks 'members'.")
    if fault.kind == "other_server" and fault.operation not in ANSWERED_STATES:
        raise ScriptError(f"{where}.operation is not one of {', '.join(ANSWERED_STATES)}.")
    seconds = fault.seconds if "seconds" in value else DEFAULT_SECONDS.get(fault.kind, 0.0)
    return replace(fault, seconds=seconds, when="after" if fault.kind in ANSWER_KINDS else fault.when)


def read_actor(value: Any, where: str) -> Actor:
    """Reads another actor; raises ScriptError."""
    actor = _read_actor(value, where)
    if actor.operation is None:
        raise ScriptError(f"{where} lacks 'on'.")
    if not names_one_server(actor.operation) and actor.server is None:
        raise ScriptError(f"{where} lacks 'server': a {actor.operation} has no server of its own.")
    return actor


TRIGGER_KEYS: Mapping[str, Reader] = {
    "server": plain(str, optional=True),
    "region": TEXT,
    "page": POSITIVE,
    "skip": COUNT,
    "times": plain(int, least=1, optional=True),
    "when": one_of("before", "after"),
}
FAULT_KEYS: Mapping[str, Reader] = {
    **TRIGGER_KEYS,
    "operation": operation,
    "kind": one_of(*FAULT_KINDS),
    "code": TEXT,
    "status": POSITIVE,
    "message": TEXT,
    "fields": OBJECT,
    "seconds": NUMBER,
    "part": one_of("body", "head"),
    "body": TEXT,
    "content_type": TEXT,
    "members": OBJECT,
    "other": TEXT,
}
ACTOR_KEYS: Mapping[str, Reader] = {
    **TRIGGER_KEYS,
    "on": operation,
    "do": one_of("start", "stop", "delete", "disconnect", "drill", "recover", "terminate"),
}

_read_fault = object_of(Fault, FAULT_KEYS)
_read_actor = object_of(Actor, ACTOR_KEYS, on="operation")
