# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every kind of fault that the matrices put at every call, as scripts of the emulator have it."""

from __future__ import annotations

from typing import Any

READ_TIMEOUT = 0.5
"""Seconds. Answers of the emulator take a hundredth of that, and the rows that hang wait for all of it."""

ERRORS: dict[str, dict[str, Any]] = {
    "403": {"code": "AccessDeniedException", "status": 403},
    "404": {"code": "ResourceNotFoundException", "status": 404},
    "409": {"code": "ConflictException", "status": 409},
    "429": {"code": "ThrottlingException", "status": 429},
    "500": {"code": "InternalServerException", "status": 500},
    "503": {"code": "ServiceUnavailableException", "status": 503},
}
KINDS: dict[str, dict[str, Any]] = {
    **ERRORS,
    "drop": {"kind": "drop"},
    "hang": {"kind": "hang", "seconds": 3 * READ_TIMEOUT},
    **{body: {"kind": "garbage", "body": body} for body in ("html", "json_list", "truncated", "empty_object")},
    "cut": {"kind": "cut"},
}
REFUSALS = {"403", "404", "409"}
SAY_NOT_APPLIED = {*REFUSALS, "429"}
"""Answers that say that the call was not applied. After the effect they are untrue, and the module believes them."""
