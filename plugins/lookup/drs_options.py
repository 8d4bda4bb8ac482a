# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: drs_options
version_added: 1.0.0
short_description: The checked options of a role of this collection
description:
  - Reads the variables whose names start with C(drs_), wherever they come from, and checks them before AWS is called.
  - An unknown name is an error that names the nearest known one, so that a typing error does not start a fleet. Empty
    values count as not set.
  - The roles P(disaster_recovery.aws.protect#role), P(disaster_recovery.aws.drill#role) and
    P(disaster_recovery.aws.report#role) use it. Playbooks have no need to.
author:
  - the disaster_recovery.aws authors (@disaster-recovery)
options:
  _terms:
    description: The name of the role, V(protect), V(drill) or V(report).
    required: true
"""

EXAMPLES = r"""
- name: Refuse wrong variables
  ansible.builtin.fail:
    msg: "{{ drs_options.errors | join(' ') }}"
  when: drs_options.errors | length > 0
  vars:
    drs_options: "{{ lookup('disaster_recovery.aws.drs_options', 'report') }}"
"""

RETURN = r"""
_list:
  description:
    - A mapping with RV(ignore:errors), a list of sentences, and RV(ignore:set), the options that are set, without the
      prefix.
  type: list
  elements: dict
"""

import os
from pathlib import Path
from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible_collections.disaster_recovery.aws.plugins.plugin_utils._roles.variables import (
    ROLE_VARIABLES,
    read_variables,
    unknown_variables,
)


class LookupModule(LookupBase):
    """Reads the variables of a role."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **_kwargs: Any) -> list[dict[str, Any]]:
        """For each role, its options and what is wrong with the variables."""
        found = variables or {}
        templar: Any = self._templar
        values = {name: templar.template(found[name]) for name in ROLE_VARIABLES if name in found}
        results = []
        for role in terms:
            options, errors = read_variables(values, role)
            if "report_file" in options:
                path = _whole_path(options["report_file"])
                options["report_file"] = str(path)
                errors += _place_errors(path)
            results.append({"set": options, "errors": [*unknown_variables(found), *errors]})
        return results


def _whole_path(path: str) -> Path:
    """The path from the directory in which Ansible was started, which is not always that of its processes."""
    return Path(os.environ.get("PWD", ""), Path(path).expanduser())


def _place_errors(path: Path) -> list[str]:
    """What is wrong with the place of a file that is to be written."""
    if path.is_dir():
        return [f"drs_report_file must be a file, but {path} is a directory."]
    return [] if path.parent.is_dir() else [f"The directory of drs_report_file, {path.parent}, does not exist."]
