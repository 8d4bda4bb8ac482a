# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a stopped source server is left alone. Pure."""

from __future__ import annotations

from collections.abc import Callable

from .servers import SourceServer, text_at

# https://docs.aws.amazon.com/drs/latest/userguide/failback-performing-main.html
HOLDS: list[tuple[Callable[[SourceServer], bool], str]] = [
    (lambda server: _last_recovery(server) in ("PENDING", "IN_PROGRESS"), "a recovery launch is in progress"),
    (
        lambda server: (
            bool(text_at(server, "recoveryInstanceId")) and _last_recovery(server) not in (None, "FAILED", "TERMINATED")
        ),
        "failed over to a recovery instance",
    ),
    (lambda server: server.get("replicationDirection") == "FAILBACK", "replicates in direction FAILBACK"),
    (
        lambda server: text_at(server, "stagingArea", "status") in ("EXTENDED", "EXTENSION_ERROR"),
        "extended from another account",
    ),
    (
        lambda server: bool(text_at(server, "reversedDirectionSourceServerArn")),
        "has a reversed source server, protect it by reversed replication",
    ),
]
"""Conditions that show that a server was stopped on purpose, with the reason given to the user."""


def hold_reason(server: SourceServer) -> str | None:
    """Why filters leave a stopped server alone; None if they do not."""
    return next((reason for applies, reason in HOLDS if applies(server)), None)


def _last_recovery(server: SourceServer) -> str | None:
    """The status of the last launch if that was a recovery; None for a drill, which does not stop replication."""
    is_recovery = text_at(server, "lifeCycle", "lastLaunch", "initiated", "type") == "RECOVERY"
    return (text_at(server, "lifeCycle", "lastLaunch", "status") or "") if is_recovery else None
