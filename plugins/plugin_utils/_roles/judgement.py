# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets a role decide what a failed result means, and what of it is printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KEEP_GOING = "drs_keep_going"
"""A variable of the task itself. Elsewhere it has no effect."""


def judged_by_role(task: Any, result: dict[str, Any]) -> dict[str, Any]:
    """The result, unless the task's own variables say that a role judges it: then failed is false, and has_failed true.

    Ansible prints a failed result as a whole, on one line. Results without a summary are errors in the task's options
    or of Python, and stay as they are.
    """
    own: Mapping[str, Any] = getattr(task, "vars", None) or {}
    if own.get(KEEP_GOING) is not True or not result.get("failed") or "summary" not in result:
        return result
    return {**{key: value for key, value in result.items() if key != "exception"}, "failed": False, "has_failed": True}
