# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paging: which part of a list an answer holds, and the token of the next part."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .model import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Members of a request that may differ from page to page.
PAGE_MEMBERS = ("maxResults", "nextToken")


@dataclass(frozen=True)
class Cursor:
    """Where a page begins: behind the key `after` (None: behind the last one); and its number, from 1."""

    after: str | None = ""
    page: int = 1


def page_of(
    keys: Sequence[str], params: Mapping[str, Any], page_size: int, descending: bool = False
) -> tuple[list[str], dict[str, str]]:
    """The part of the sorted `keys` that a request asks for, and the `nextToken` member if there is more.

    Raises ServiceError for a token of another request.
    """
    cursor = read_token(params)
    size = min(params.get("maxResults", page_size), page_size)
    rest = [key for key in keys if _is_behind(key, cursor.after, descending)]
    if len(rest) <= size:
        return rest, {}
    return rest[:size], {"nextToken": write_token(Cursor(rest[size - 1], cursor.page + 1), params)}


def write_token(cursor: Cursor, params: Mapping[str, Any]) -> str:
    """An opaque token, valid only for the request that it was issued for."""
    text = json.dumps([cursor.after, cursor.page, _digest(params)])
    return base64.urlsafe_b64encode(text.encode()).decode()


def read_token(params: Mapping[str, Any]) -> Cursor:
    """The cursor of a request's token, the first page's without one; raises ServiceError (ValidationException)."""
    token = params.get("nextToken")
    if not token:
        return Cursor()
    try:
        after, page, digest = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (binascii.Error, UnicodeError, TypeError, ValueError):
        digest = None
    if digest != _digest(params):
        raise invalid_input([("nextToken", "is not a token of this request")])
    return Cursor(after, page)


def invalid_input(faults: list[tuple[str, str]], reason: str = "fieldValidationFailed") -> ServiceError:
    """The ValidationException that names those members and what is wrong with each."""
    return ServiceError(
        "ValidationException",
        "; ".join(f"{name} {text}".strip() for name, text in faults),
        reason=reason,
        fieldList=[{"name": name, "message": text} for name, text in faults],
    )


def _is_behind(key: str, after: str | None, descending: bool) -> bool:
    if not after:
        return after is not None
    return key < after if descending else key > after


def _digest(params: Mapping[str, Any]) -> int:
    asked = {name: value for name, value in params.items() if name not in PAGE_MEMBERS}
    return binascii.crc32(json.dumps(asked, sort_keys=True).encode())
