# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of DRS in one region."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .model import ServiceError

if TYPE_CHECKING:
    from datetime import datetime

    from .jobs import Job
    from .recovery_instances import RecoveryInstance
    from .script import Seed
    from .snapshots import Snapshot
    from .source_servers import Document
    from .timelines import Step


SOURCE_SERVER_TYPE = "SourceServer"


@dataclass
class SourceServer:
    """One source server: its document, the timeline that it follows and what Describe still says instead.

    `entered` is when its state began; `scripts_last_seen` says that the script, not the clock, tells when its agent was
    seen last; `turns` counts its launches and its terminations. `document` is replaced, never changed in place, so that
    answers may be encoded outside the world's lock.
    """

    document: Document
    seed: Seed
    conform: bool
    entered: datetime
    scripts_last_seen: bool
    snapshots: tuple[Snapshot, ...] = ()
    timeline: tuple[Step, ...] = ()
    began: float = 0.0
    describes: int = 0
    reached: int = -1
    stale_document: Document | None = None
    stale_describes: int = 0
    stale_until: float = 0.0
    turns: dict[str, int] = field(default_factory=dict)


@dataclass
class Region:
    """What there is in one region; source servers, jobs and recovery instances by ID. `numbered` counts jobs."""

    name: str
    initialized: bool = False
    servers: dict[str, SourceServer] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    instances: dict[str, RecoveryInstance] = field(default_factory=dict)
    numbered: int = 0


def server_not_found(source_server_id: str) -> ServiceError:
    """The error of a call for a source server that is not there."""
    return ServiceError(
        "ResourceNotFoundException",
        f"Source server {source_server_id} was not found.",
        resourceId=source_server_id,
        resourceType=SOURCE_SERVER_TYPE,
    )
