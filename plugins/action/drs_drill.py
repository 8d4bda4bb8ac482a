# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module like any other and, while it waits, displays the progress lines that it writes."""

from __future__ import annotations

from ansible_collections.disaster_recovery.aws.plugins.action.drs_source_server_replication import (
    ActionModule as ProgressAction,
)


class ActionModule(ProgressAction):
    """The normal action plugin plus live progress. The module waits by default."""

    waits_by_default = True


def main() -> None:
    """Validate the options of a task as the module does, for ansible-lint, as in the other action plugin."""
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule  # noqa: PLC0415
    from ansible_collections.disaster_recovery.aws.plugins.modules.drs_drill import ARGUMENT_SPEC  # noqa: PLC0415

    AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
