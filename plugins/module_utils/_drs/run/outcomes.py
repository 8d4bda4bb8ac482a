# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The outcome that the user sees for one source server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..resources.servers import SourceServer, error_of, state_of
from ..resources.states import Rule, advice, condition, details_of
from ..resources.text import short

Action = Literal["start", "stop", "none"]
End = Literal["done", "failed", "held", "deferred"]
"""
done: the goal is reached or, when not waiting, on its way. failed: it cannot be reached. held: left alone because it
appears to have been stopped on purpose. deferred: left to a later run.
"""


@dataclass
class Outcome:
    """One source server in a run: what was observed, what was done, and how it ended.

    first, latest: the first and last description from AWS. absent: DRS did not know it when last polled.
    predicted_state: in check mode. action: the last call made, or that check mode would make. end: None while there is
    more to do. reason: a sentence about this server. cause: the same without details of this server, so that servers
    can be grouped. detail: its progress, if the deadline ended a wait. warning: the cause of a warning. hold_warning:
    the cause of a warning about a start by ID that filters would have held. error_code, error_message: AWS's own,
    of the error that it failed with.
    """

    source_server_id: str
    first: SourceServer | None = None
    latest: SourceServer | None = None
    absent: bool = False
    predicted_state: str | None = None
    action: Action = "none"
    changed: bool = False
    end: End | None = None
    reason: str = ""
    cause: str = ""
    detail: str = ""
    warning: str | None = None
    hold_warning: str | None = None
    error_code: str | None = None
    error_message: str | None = None

    @property
    def state(self) -> str | None:
        """The data replication state, in check mode the predicted one; None if unknown."""
        return self.predicted_state or (None if self.absent else state_of(self.latest))

    @property
    def failed(self) -> bool:
        return self.end == "failed"

    @property
    def warnings(self) -> list[str]:
        return [warning for warning in (self.warning, self.hold_warning) if warning]

    def observe(self, server: SourceServer | None) -> None:
        """Record an observation: the source server, or None if DRS does not know it."""
        self.absent = server is None
        if server is not None:
            self.first = self.first or server
            self.latest = server

    def explain(self, rule: Rule) -> None:
        """Set reason (with the details of this server), cause (without them) and warning from the rule."""
        state, code = short(self.state), short(error_of(self.latest))
        parts = [rule.reason, *([advice(code)] if code else []), *details_of(self.latest)]
        self.reason, self.cause = "; ".join(parts), condition(rule, state, code)
        self.warning = self.cause if rule.warn else None

    def finish(self, end: End, reason: str, cause: str = "") -> None:
        """Set the final result."""
        self.end, self.reason, self.cause = end, reason, cause or reason
