# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module like any other. A role of this collection decides itself what a failure means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible_collections.disaster_recovery.aws.plugins.plugin_utils._roles.judgement import judged_by_role


class ActionModule(NormalAction):
    """The normal action plugin, whose failures a role may judge."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module."""
        run = cast(Callable[..., dict[str, Any]], super().run)
        return judged_by_role(self._task, run(tmp, task_vars))


def main() -> None:
    """Validate the options of a task as the module does, for ansible-lint.

    Where a module has an action plugin, ansible-lint looks for main() here only, and checks no option if there is none:
    https://github.com/ansible/ansible-lint/issues/4311
    """
    # Only ansible-lint calls this, and it replaces the base class of AnsibleAWSModule just before.
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule  # noqa: PLC0415
    from ansible_collections.disaster_recovery.aws.plugins.modules.drs_source_server_info import (  # noqa: PLC0415
        ARGUMENT_SPEC,
    )

    AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
