# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lifecycle of a source server: what its whole document says beyond the data replication state. Pure.

After a recovery the state of the source is DISCONNECTED or STALLED, and advice about its agent would be wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from .servers import (
    SourceServer,
    account_of,
    ec2_instance_id_of,
    error_of,
    extension_status_of,
    last_launch_of,
    recovery_instance_id_of,
    reversed_arn_of,
    staging_account_of,
    staging_arn_of,
    state_of,
    text_at,
)
from .states import Phase, phase_of

Lifecycle = Literal[
    "launching", "failback", "reprotected", "failed_over", "reversed", "extension_error", "extended", "normal"
]

STUCK_PHASES: frozenset[Phase] = frozenset({"stalled", "paused", "disconnected"})

_GUIDE = "https://docs.aws.amazon.com/drs/latest/userguide/"


@dataclass(frozen=True)
class LifecycleFacts:
    """What a lifecycle means for those who act on a source server or speak about it.

    source: the page that describes it, or what is assumed. cause: a phrase without IDs, so that servers can be grouped.
    held_when_stopped, held_when_stuck: whether filters leave such a server alone while it is STOPPED, or DISCONNECTED,
    STALLED or PAUSED. fails_wait_when_stuck: whether a wait for a STALLED or PAUSED one is in vain. guards_stop:
    whether a recovery or failback depends on its replication, so that a stop needs force. speaks: whether its next step
    takes the place of any advice about the agent. unprotected: whether production may run on an instance that this
    server does not copy.
    """

    source: str
    cause: str
    held_when_stopped: bool
    held_when_stuck: bool
    fails_wait_when_stuck: bool
    guards_stop: bool
    speaks: bool
    unprotected: bool


LIFECYCLES: dict[Lifecycle, LifecycleFacts] = {
    "launching": LifecycleFacts(
        source=f"{_GUIDE}failback-preparing-failover.html",
        cause="launching a recovery, wait for its job",
        held_when_stopped=True,
        held_when_stuck=True,
        fails_wait_when_stuck=False,
        guards_stop=True,
        speaks=True,
        unprotected=False,
    ),
    "failback": LifecycleFacts(
        source=f"{_GUIDE}failback-failover-region-region.html",
        cause="the reversed copy of a failover, leave it until the failback is finished",
        held_when_stopped=True,
        held_when_stuck=False,
        fails_wait_when_stuck=False,
        guards_stop=True,
        speaks=False,
        unprotected=False,
    ),
    "reprotected": LifecycleFacts(
        source=(
            "assumed: that awsInstanceID shows what"
            f" {_GUIDE}failback-failover-cross-availability-zone-failback.html describes"
        ),
        cause="it may copy the recovered machine, see whether that is production",
        held_when_stopped=True,
        held_when_stuck=False,
        fails_wait_when_stuck=False,
        guards_stop=False,
        speaks=False,
        unprotected=False,
    ),
    "failed_over": LifecycleFacts(
        source=f"{_GUIDE}failback-failover-region-region.html",
        cause="failed over, protect the recovery instance or fail back, and leave this server and its agent alone",
        held_when_stopped=True,
        held_when_stuck=True,
        fails_wait_when_stuck=True,
        guards_stop=True,
        speaks=True,
        unprotected=True,
    ),
    "reversed": LifecycleFacts(
        source="https://docs.aws.amazon.com/drs/latest/APIReference/API_SourceServer.html",
        cause="failed over, see that its reversed copy exists, copies the recovery instance and is CONTINUOUS",
        held_when_stopped=True,
        held_when_stuck=True,
        fails_wait_when_stuck=True,
        guards_stop=True,
        speaks=True,
        unprotected=True,
    ),
    "extension_error": LifecycleFacts(
        source=f"{_GUIDE}multi-account.html",
        cause="its extension has an error, look into its staging account",
        held_when_stopped=True,
        held_when_stuck=False,
        fails_wait_when_stuck=False,
        guards_stop=False,
        speaks=True,
        unprotected=False,
    ),
    "extended": LifecycleFacts(
        source=f"{_GUIDE}multi-account.html",
        cause="extended, look into its staging account",
        held_when_stopped=True,
        held_when_stuck=False,
        fails_wait_when_stuck=False,
        guards_stop=False,
        speaks=True,
        unprotected=False,
    ),
    "normal": LifecycleFacts(
        source="assumed: whatever shows none of the others",
        cause="",
        held_when_stopped=False,
        held_when_stuck=False,
        fails_wait_when_stuck=False,
        guards_stop=False,
        speaks=False,
        unprotected=False,
    ),
}

FAILED_BACK = replace(
    LIFECYCLES["failback"],
    cause=(
        "failed back, reverse replication from the new instance, which is unprotected until then; then stop and delete"
        " this copy, and delete, never terminate, the record of the instance"
    ),
)
"""A reversed copy that was failed back itself."""

FAILED_OVER_AND_REVERSED = replace(
    LIFECYCLES["failed_over"],
    cause=f"{LIFECYCLES['reversed'].cause}, or fail back, and leave this server and its agent alone",
)
"""A server that failed over, whose recovery instance may be protected already."""


def lifecycle_of(server: SourceServer | None) -> Lifecycle:
    """The lifecycle: the first whose condition holds. A drill never changes it."""
    return next((name for name, is_observed in CONDITIONS if is_observed(server)), "normal")


def facts_of(server: SourceServer | None) -> LifecycleFacts:
    """What the lifecycle of the server means. Its cause says how far a failover or a failback has come."""
    lifecycle = lifecycle_of(server)
    if lifecycle == "failback" and has_launched_recovery(server):
        return FAILED_BACK
    return FAILED_OVER_AND_REVERSED if lifecycle == "failed_over" and reversed_arn_of(server) else LIFECYCLES[lifecycle]


def has_launched_recovery(server: SourceServer | None) -> bool:
    """Whether the last launch is a recovery that has its instance. Of a reversed copy, this is the failback."""
    launch = last_launch_of(server)
    is_recovered = launch.type == "RECOVERY" and launch.status == "LAUNCHED"
    return is_recovered and recovery_instance_id_of(server) is not None


def _is_launching(server: SourceServer | None) -> bool:
    launch = last_launch_of(server)
    return launch.type == "RECOVERY" and launch.status in ("PENDING", "IN_PROGRESS")


def _is_failback(server: SourceServer | None) -> bool:
    return text_at(server, "replicationDirection") == "FAILBACK"


def _is_reprotected(server: SourceServer | None) -> bool:
    instance = recovery_instance_id_of(server)
    return instance is not None and instance == ec2_instance_id_of(server) and has_launched_recovery(server)


def _is_failed_over(server: SourceServer | None) -> bool:
    if recovery_instance_id_of(server) is None:
        return False
    launch = last_launch_of(server)
    return launch.type == "RECOVERY" and launch.status != "TERMINATED"


def _is_reversed(server: SourceServer | None) -> bool:
    # The ARN alone is history: it stays after the failback, when this server protects production again.
    has_instance = recovery_instance_id_of(server) is not None
    return has_instance and reversed_arn_of(server) is not None and last_launch_of(server).type != "DRILL"


def _has_extension_error(server: SourceServer | None) -> bool:
    return extension_status_of(server) == "EXTENSION_ERROR"


def _is_extended(server: SourceServer | None) -> bool:
    if extension_status_of(server) != "EXTENDED":
        return False
    staging, own = staging_account_of(server), account_of(server)
    is_elsewhere = staging is not None and own is not None and staging != own
    return is_elsewhere or staging_arn_of(server) is not None


CONDITIONS: list[tuple[Lifecycle, Callable[[SourceServer | None], bool]]] = [
    ("launching", _is_launching),
    ("failback", _is_failback),
    ("reprotected", _is_reprotected),
    ("failed_over", _is_failed_over),
    ("reversed", _is_reversed),
    ("extension_error", _has_extension_error),
    ("extended", _is_extended),
]
"""What is observed, in this order."""


def is_held(server: SourceServer | None) -> bool:
    """Whether a task that starts servers by filters leaves this one alone."""
    facts, phase = facts_of(server), phase_of(state_of(server))
    return facts.held_when_stopped if phase == "stopped" else facts.held_when_stuck and phase in STUCK_PHASES


def is_stuck(server: SourceServer | None, state: str | None) -> bool:
    """Whether no data flows until somebody intervenes: STALLED, PAUSED, or INITIATING with an error.

    state: the data replication state, in check mode the predicted one.
    """
    phase = phase_of(state)
    has_error = error_of(server) is not None and state == state_of(server)
    return phase in ("stalled", "paused") or (phase == "initiating" and has_error)
