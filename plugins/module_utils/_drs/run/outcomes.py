# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The outcome that the user sees for one source server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..resources.next_steps import cause_of, explanation_of, warning_of
from ..resources.rules import Rule, details_of
from ..resources.servers import SourceServer, error_of, state_of

Action = Literal["start", "stop", "drill", "terminate", "none"]
End = Literal["done", "failed", "held", "deferred"]
"""
done: the goal is reached or, when not waiting, on its way. failed: it cannot be reached. held: left alone because it
appears to have been stopped on purpose. deferred: left to a later run.
"""


@dataclass
class Outcome:
    """One source server in a run: what was observed, what was done, and how it ended.

    first, latest: the first and last document from AWS. described: the last one that is no answer to a call. absent:
    DRS did not know it when last polled. predicted_state: in check mode. action: the last call made, or that check mode
    would make. end: None while there is more to do. reason: a sentence about this server. cause: the same without
    details of this server, so that servers can be grouped. detail: its progress, if the deadline ended a wait, or the
    error code of a held one. warning: the cause of a warning. call_warning: the cause of a warning about a call: a
    start by ID that filters would have held, or a stop by force. copied: what such a start copies. namesake: what to do
    about it, since another server protects its machine.
    error_code, error_message: AWS's own, of the error that it failed with. undone: whether the state shows that
    somebody undid the call of this run.
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
    call_warning: str | None = None
    copied: str = ""
    namesake: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    undone: bool = False
    described: SourceServer | None = None

    def __post_init__(self) -> None:
        self.described = self.described or self.first

    @property
    def state(self) -> str | None:
        """The data replication state, in check mode the predicted one; None if unknown."""
        return self.predicted_state or (None if self.absent else state_of(self.latest))

    @property
    def document(self) -> SourceServer | None:
        """The last document. An answer to a call may lack members: those come from the description before."""
        if self.latest is None or self.described is None or self.latest is self.described:
            return self.latest
        before = {name: value for name, value in self.described.items() if name != "dataReplicationInfo"}
        return {**before, **self.latest}

    @property
    def failed(self) -> bool:
        return self.end == "failed"

    @property
    def warnings(self) -> list[tuple[str, str]]:
        """The causes of warnings, each with what it says of this server alone."""
        warnings = [(self.warning, self.detail if self.end == "held" else ""), (self.call_warning, self.copied)]
        return [(cause, detail) for cause, detail in warnings if cause]

    def observe(self, server: SourceServer | None) -> None:
        """Record an observation: the source server, or None if DRS does not know it."""
        self.absent = server is None
        if server is not None:
            self.first = self.first or server
            self.latest = self.described = server

    def explain(self, rule: Rule, warn_of_error: bool) -> None:
        """Set reason (with the details of this server), cause (without them) and warning from the rule.

        warn_of_error: whether to warn of a dataReplicationError in any state.
        """
        server = self.document
        self.reason = "; ".join([explanation_of(server, self.state, rule), *details_of(server)])
        self.cause = cause_of(server, self.state, rule)
        warns = rule.warn or (warn_of_error and error_of(server))
        self.warning = warning_of(server, self.state, rule) if warns else None

    def finish(self, end: End, reason: str, cause: str = "") -> None:
        """Set the final result."""
        self.end, self.reason, self.cause = end, reason, cause or reason
