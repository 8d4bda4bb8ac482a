# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Replies, and how faults change them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .faults import GARBAGE, Fault
from .model import ServiceError, error_parts, error_status
from .paging import Cursor, read_token, write_token
from .source_servers import Document, member


@dataclass(frozen=True)
class Trickle:
    """An answer that is sent byte by byte and never ends: its `head` or its `body`, `seconds` between two bytes."""

    part: str
    seconds: float


@dataclass(frozen=True)
class Reply:
    """What goes back: after `delay` seconds a status, headers and body; no status means a dropped connection.

    With `cut` the connection ends in the middle of the body.
    """

    status: int | None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Document | str = ""
    delay: float = 0.0
    cut: bool = False
    trickle: Trickle | None = None

    def encoded(self) -> bytes:
        """The body as bytes; a lone surrogate in a text becomes bytes that are not UTF-8."""
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return text.encode(errors="surrogatepass")


def error_reply(error: ServiceError, status: int | None = None) -> Reply:
    """The reply of an error, by default with its own status."""
    headers, body = error_parts(error)
    return Reply(status or error_status(error.code) or 500, headers, body)


def spoilt(reply: Reply, fault: Fault, params: Mapping[str, Any]) -> Reply:
    """What comes back in place of `reply` to a request with these `params`."""
    return SPOILT[fault.kind](reply, fault, params)


def with_member(value: Any, path: tuple[str, ...], new: Any) -> Any:
    """A copy of `value` in which the member at `path` is `new`; a number in the path is an index of a list."""
    if not path:
        return new
    head, *rest = path
    if isinstance(value, list) and head.isdecimal():
        return [with_member(item, tuple(rest), new) if n == int(head) else item for n, item in enumerate(value)]
    members = value if isinstance(value, Mapping) else {}
    return {**members, head: with_member(members.get(head), tuple(rest), new)}


def _error(_reply: Reply, fault: Fault, _params: Mapping[str, Any]) -> Reply:
    code = fault.code or ""
    return error_reply(ServiceError(code, fault.message or f"{code} (scripted)", **fault.fields), fault.status)


def _garbage(_reply: Reply, fault: Fault, _params: Mapping[str, Any]) -> Reply:
    named = GARBAGE.get(fault.body or "", ("", "")) if fault.content_type is None else (fault.content_type, fault.body)
    return Reply(fault.status or 200, {"Content-Type": named[0]}, named[1] or "")


def _replaced(reply: Reply, fault: Fault, _params: Mapping[str, Any]) -> Reply:
    def changed(document: Any) -> Any:
        if fault.server is None or fault.server in _ids_of(document):
            for path, value in fault.members.items():
                document = with_member(document, tuple(path.split(".")), value)
        return document

    if not isinstance(reply.body, dict) or "message" in reply.body:
        return reply
    body = dict(reply.body)
    held = next((name for name in ("sourceServer", "job") if name in body), None)
    if held is not None:
        body[held] = changed(body[held])
    elif "items" in body:
        body["items"] = [changed(item) for item in body["items"]]
    else:
        body = changed(body)
    return replace(reply, body=body)


def _ids_of(document: Mapping[str, Any]) -> list[Any]:
    """The IDs of a source server, recovery instance or job, and of what belongs to it."""
    own = [document.get(name) for name in ("sourceServerID", "recoveryInstanceID", "jobID")]
    participants = document.get("participatingServers")
    return own + [member(one, "sourceServerID") for one in (participants if isinstance(participants, list) else [])]


def _of_other_server(reply: Reply, fault: Fault, params: Mapping[str, Any]) -> Reply:
    if not isinstance(reply.body, dict) or "sourceServer" not in reply.body:
        return reply
    server = reply.body["sourceServer"]
    arn = str(server.get("arn")).replace(params["sourceServerID"], fault.other)
    return replace(reply, body={"sourceServer": {**server, "sourceServerID": fault.other, "arn": arn}})


def _with_token(reply: Reply, token: str) -> Reply:
    if not isinstance(reply.body, dict) or "items" not in reply.body:
        return reply
    return replace(reply, body={**reply.body, "nextToken": token})


def _endless(reply: Reply, _fault: Fault, params: Mapping[str, Any]) -> Reply:
    if isinstance(reply.body, dict) and "nextToken" in reply.body:
        return reply
    return _with_token(reply, write_token(Cursor(None, read_token(params).page + 1), params))


# What each kind of fault makes of a reply.
SPOILT: Mapping[str, Callable[[Reply, Fault, Mapping[str, Any]], Reply]] = {
    "error": _error,
    "garbage": _garbage,
    "drop": lambda _reply, _fault, _params: Reply(None),
    "hang": lambda _reply, fault, _params: Reply(None, delay=fault.seconds),
    "trickle": lambda reply, fault, _params: replace(reply, trickle=Trickle(fault.part, fault.seconds)),
    "cut": lambda reply, _fault, _params: replace(reply, cut=True),
    "replace": _replaced,
    "other_server": _of_other_server,
    "repeat_token": lambda reply, _fault, params: _with_token(reply, write_token(read_token(params), params)),
    "bad_token": lambda reply, _fault, _params: _with_token(reply, "expired"),
    "endless_pages": _endless,
}
