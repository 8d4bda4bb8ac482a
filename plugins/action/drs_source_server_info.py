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
