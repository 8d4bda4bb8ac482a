# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision table of the contract, once for all tests."""

from __future__ import annotations

from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.states import Goal, Verdict

GOALS: tuple[Goal, ...] = ("replicating", "continuous", "stopped")

TABLE: dict[str | None, tuple[Verdict, Verdict, Verdict]] = {
    "STOPPED": ("start", "start", "done"),
    "INITIATING": ("wait", "wait", "stop"),
    "INITIAL_SYNC": ("done", "wait", "stop"),
    "CREATING_SNAPSHOT": ("done", "wait", "stop"),
    "RESCAN": ("done", "wait", "stop"),
    "BACKLOG": ("done", "wait", "stop"),
    "CONTINUOUS": ("done", "done", "stop"),
    "STALLED": ("wait", "wait", "fail"),
    "PAUSED": ("wait", "wait", "fail"),
    "DISCONNECTED": ("fail", "fail", "done"),
    "SOMETHING_NEW": ("wait", "wait", "fail"),
    None: ("fail", "fail", "fail"),
}
"""State to its verdicts for the goals replicating, continuous and stopped. None: no state in the answer."""
