# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The data replication states of a source server, those of botocore's DataReplicationState. Pure."""

from __future__ import annotations

from typing import Literal

Phase = Literal[
    "stopped",
    "initiating",
    "replicating",
    "unsettled",
    "protected",
    "stalled",
    "paused",
    "disconnected",
    "unknown",
    "unreadable",
]
"""unsettled: CONTINUOUS, but the same document contradicts that the server is protected."""

PHASES: dict[str, Phase] = {
    "STOPPED": "stopped",
    "INITIATING": "initiating",
    "INITIAL_SYNC": "replicating",
    "CREATING_SNAPSHOT": "replicating",
    "RESCAN": "replicating",
    "BACKLOG": "replicating",
    "CONTINUOUS": "protected",
    "STALLED": "stalled",
    "PAUSED": "paused",
    "DISCONNECTED": "disconnected",
}


def phase_of(state: str | None) -> Phase:
    """The phase of a state: "unknown" if it is not in the table, "unreadable" if there is none."""
    return "unreadable" if state is None else PHASES.get(state, "unknown")
