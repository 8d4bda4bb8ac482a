# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run knows of one source server, and how it ended."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.faults import Fault
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.servers import SourceServer, state_of

Action = Literal["start", "stop", "none"]


@dataclass
class Outcome:
    """One source server in a run: what was seen of it, what was done about it, and how that ended.

    C(first) and C(latest): as AWS first and last showed it. C(action): the last call that was made, or in check mode
    would be. C(settled): nothing more is to be done or waited for.
    """

    source_server_id: str
    first: SourceServer | None = None
    latest: SourceServer | None = None
    predicted_state: str | None = None
    action: Action = "none"
    changed: bool = False
    failed: bool = False
    held: bool = False
    deferred: bool = False
    settled: bool = False
    reason: str = ""
    warning: str | None = None
    error_code: str | None = None

    absent: bool = False
    look_fault: Fault | None = None
    call_fault: Fault | None = None
    due: Action = "none"
    accepted_at: float | None = None
    left_stopped: bool = False
    conflicts: int = 0
    unanswered: int = 0
    unclear: bool = False
    look_at: float = -math.inf
    call_at: float = -math.inf

    @property
    def state(self) -> str | None:
        """The data replication state, in check mode the predicted one; None where it is not known."""
        return self.predicted_state or (None if self.absent else state_of(self.latest))

    def see(self, server: SourceServer | None) -> None:
        """Take note of a look; None: DRS does not know the server."""
        self.look_fault, self.unclear, self.absent = None, False, server is None
        if server is not None:
            self.first = self.first or server
            self.latest = server
            if self.accepted_at is not None and state_of(server) not in ("STOPPED", None):
                self.left_stopped = True

    def settle(self, reason: str) -> None:
        """Nothing more is to be done."""
        self.settled, self.reason = True, reason

    def fail(self, reason: str, fault: Fault | None = None, disproved: bool = False) -> None:
        """Settle as failed.

        A call that ended without a clean answer counts as a change, unless it is C(disproved): a look after each of
        them said otherwise.
        """
        self.settle(reason)
        self.failed, self.warning = True, None
        self.error_code = fault.code if fault else None
        self.changed = self.changed or (self.unanswered > 0 and not disproved)
