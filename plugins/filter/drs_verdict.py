# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: drs_verdict
version_added: 1.0.0
short_description: Whether a result of this collection is good, and the lines that say so
description:
  - Judges a result of M(disaster_recovery.aws.drs_source_server_replication), M(disaster_recovery.aws.drs_drill) or
    M(disaster_recovery.aws.drs_source_server_info), and says what is wrong in a few readable lines.
  - The roles P(disaster_recovery.aws.protect#role) and P(disaster_recovery.aws.report#role) print them.
author:
  - the disaster_recovery.aws authors (@disaster-recovery)
options:
  _input:
    description: The registered result.
    type: dict
    required: true
  options:
    description: The options of the role, as P(disaster_recovery.aws.drs_options#lookup) returns them.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show which source servers need attention
  ansible.builtin.debug:
    msg: "{{ (fleet | disaster_recovery.aws.drs_verdict({'max_drill_age': 90})).lines }}"
"""

RETURN = r"""
_value:
  description: A mapping with C(is_good), the sentence C(msg), and the list C(lines).
  type: dict
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from ansible_collections.disaster_recovery.aws.plugins.plugin_utils._roles.report import rows_of, verdict_of
from ansible_collections.disaster_recovery.aws.plugins.plugin_utils._roles.texts import outcome_lines, report_lines


def drs_verdict(result: Mapping[str, Any], options: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Whether the result is good, its sentence, and the lines to print."""
    given, now = options or {}, datetime.now(timezone.utc)
    if "protection" not in result:
        return {
            "is_good": not (result.get("has_failed") or result.get("failed")),
            "msg": result.get("msg", ""),
            "lines": outcome_lines(result),
        }
    is_good, msg = verdict_of(result, given, now)
    lines = report_lines(rows_of(result, given, now), msg, bool(given.get("all")))
    return {"is_good": is_good, "msg": msg, "lines": lines}


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"drs_verdict": drs_verdict}
