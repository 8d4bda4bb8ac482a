# Copyright: (c) 2026, the disaster_recovery.aws authors
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
