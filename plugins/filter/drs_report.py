# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: drs_report
version_added: 1.0.0
short_description: One report over all hosts of a run
description:
  - Merges what the role P(disaster_recovery.aws.report#role) has found on each host into one text, with totals, the
    counts per account and region, the source servers worst first, and the hosts that could not be read.
  - A source server that several hosts read counts once, by its worst verdict.
author:
  - the disaster_recovery.aws authors (@disaster-recovery)
positional: hostvars, format
options:
  _input:
    description: The names of the hosts.
    type: list
    elements: str
    required: true
  hostvars:
    description: The variables of all hosts, C(hostvars).
    type: dict
    required: true
  format:
    description: What to write. A V(html) page is self-contained, and loads nothing.
    type: str
    choices: [json, csv, html]
    default: json
"""

EXAMPLES = r"""
- name: Mail the report
  community.general.mail:
    subject: Disaster recovery report
    subtype: html
    body: "{{ ansible_play_hosts_all | disaster_recovery.aws.drs_report(hostvars, 'html') }}"
  run_once: true
  delegate_to: localhost
"""

RETURN = r"""
_value:
  description: The report.
  type: str
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ansible_collections.disaster_recovery.aws.plugins.plugin_utils._roles.page import page
from ansible_collections.disaster_recovery.aws.plugins.plugin_utils._roles.report import report_of
from ansible_collections.disaster_recovery.aws.plugins.plugin_utils._roles.texts import csv_text, json_text

FORMATS: dict[str, Callable[[Mapping[str, Any]], str]] = {"json": json_text, "csv": csv_text, "html": page}


def drs_report(names: Sequence[str], hostvars: Mapping[str, Any], format: str = "json") -> str:  # noqa: A002
    """The report over these hosts."""
    hosts = [
        (name, found.get("drs_report_options") or {}, found.get("drs_report_result") or {})
        for name, found in ((name, hostvars[name]) for name in names)
    ]
    return FORMATS[format](report_of(hosts, datetime.now(timezone.utc)))


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"drs_report": drs_report}
