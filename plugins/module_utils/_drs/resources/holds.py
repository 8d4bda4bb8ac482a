# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a stopped source server is left alone. Pure."""

from __future__ import annotations

from .servers import SourceServer, text_at


# https://docs.aws.amazon.com/drs/latest/userguide/failback-performing-main.html
def hold_reason(server: SourceServer) -> str | None:
    """Why filters leave a stopped server alone: it appears to have been stopped on purpose. None if they do not."""
    recovery = _last_recovery(server)
    if recovery in ("PENDING", "IN_PROGRESS"):
        return "a recovery launch is in progress"
    if text_at(server, "recoveryInstanceId") and recovery not in (None, "FAILED", "TERMINATED"):
        return "failed over to a recovery instance"
    if text_at(server, "replicationDirection") == "FAILBACK":
        return "replicates in direction FAILBACK"
    if text_at(server, "stagingArea", "status") in ("EXTENDED", "EXTENSION_ERROR"):
        return "extended from another account"
    if text_at(server, "reversedDirectionSourceServerArn"):
        return "has a reversed source server, protect it by reversed replication"
    return None


def _last_recovery(server: SourceServer) -> str | None:
    """The status of the last launch if that was a recovery; None for a drill, which does not stop replication."""
    is_recovery = text_at(server, "lifeCycle", "lastLaunch", "initiated", "type") == "RECOVERY"
    return (text_at(server, "lifeCycle", "lastLaunch", "status") or "") if is_recovery else None
