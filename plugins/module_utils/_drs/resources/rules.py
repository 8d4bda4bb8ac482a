# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules that decide what to do about a source server in each state, and what to check for each error.

Pure: no I/O, no clock, standard library only. docs/states.md repeats the tables, and a test compares them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .operations import OPERATION_FOR, OPERATIONS, Goal, Verdict
from .servers import SourceServer, last_seen_of, raw_error_of, rescan_of, state_of
from .states import Phase, phase_of
from .text import abridged, printable


@dataclass(frozen=True)
class Rule:
    """What to do about a source server.

    verdict: "start" and "stop" call AWS; "done": the goal is reached; "wait": it is in progress, which counts as done
    when not waiting; "fail": no call can reach the goal. reason: a clause for the user. warn: whether to warn the user.
    on_error: how a dataReplicationError is told: added to the reason, in place of it, or not at all. needs_force:
    whether force turns a "fail" into a stop. is_guard: whether the reason is about a call, so that nothing replaces it.
    """

    verdict: Verdict
    reason: str
    warn: bool = False
    on_error: Literal["add", "replace", "omit"] = "add"
    needs_force: bool = False
    is_guard: bool = False


_STOPPED = Rule("start", "replication is stopped")
_INITIATING = Rule("wait", "replication is being initiated, no data is flowing yet")
_PROTECTED = Rule("done", "it is continuously protected")
_STALLED = Rule("wait", "replication has stalled, no data is flowing", warn=True, on_error="replace")
_PAUSED = Rule("wait", "replication is paused", warn=True)
_DISCONNECTED = Rule(
    "fail",
    "see that the host is up, that its agent's service runs (aws-replication-agent, on Windows AwsReplicationService)"
    " and what its log says; reinstall the agent only where it does not come back, that can copy everything again",
    on_error="omit",
)
_UNKNOWN = Rule("wait", "the state is unknown to this version of the collection", warn=True)
_UNREADABLE = Rule("fail", "AWS reported no data replication state")

RULES: dict[tuple[Goal, Phase], Rule] = {
    ("replicating", "stopped"): _STOPPED,
    ("replicating", "initiating"): _INITIATING,
    ("replicating", "replicating"): Rule("done", "data is replicating"),
    ("replicating", "unsettled"): Rule("done", "data is replicating"),
    ("replicating", "protected"): _PROTECTED,
    ("replicating", "stalled"): _STALLED,
    ("replicating", "paused"): _PAUSED,
    ("replicating", "disconnected"): _DISCONNECTED,
    ("replicating", "unknown"): _UNKNOWN,
    ("replicating", "unreadable"): _UNREADABLE,
    ("continuous", "stopped"): _STOPPED,
    ("continuous", "initiating"): _INITIATING,
    ("continuous", "replicating"): Rule("wait", "data is replicating, it is not CONTINUOUS yet"),
    ("continuous", "unsettled"): Rule("wait", "data is replicating, it is not protected yet"),
    ("continuous", "protected"): _PROTECTED,
    ("continuous", "stalled"): _STALLED,
    ("continuous", "paused"): _PAUSED,
    ("continuous", "disconnected"): _DISCONNECTED,
    ("continuous", "unknown"): _UNKNOWN,
    ("continuous", "unreadable"): _UNREADABLE,
    ("stopped", "stopped"): Rule("done", "replication is stopped"),
    ("stopped", "initiating"): Rule("stop", "replication is being initiated"),
    ("stopped", "replicating"): Rule("stop", "data is replicating"),
    ("stopped", "unsettled"): Rule("stop", "data is replicating"),
    ("stopped", "protected"): Rule("stop", "it is continuously protected"),
    ("stopped", "stalled"): Rule(
        "fail", "no data is flowing, and its recovery snapshots may be the only copy left", needs_force=True
    ),
    ("stopped", "paused"): Rule(
        "fail", "replication is paused, and its recovery snapshots may be the only copy left", needs_force=True
    ),
    ("stopped", "disconnected"): Rule("done", "its agent is disconnected, nothing replicates", on_error="omit"),
    ("stopped", "unknown"): Rule(
        "fail",
        f"{_UNKNOWN.reason}, and its recovery snapshots may be the only copy left",
        needs_force=True,
    ),
    ("stopped", "unreadable"): _UNREADABLE,
}

FIRST_CHECK: dict[str, str] = {
    "AGENT_NOT_SEEN": "check that the source server is up and its agent runs and reaches DRS on TCP 443",
    "SNAPSHOTS_FAILURE": "look in CloudTrail for CreateSnapshot refused by IAM, an SCP or API throttling",
    "NOT_CONVERGING": (
        "check bandwidth, staging disks, source CPU and the replication server's CPU credits against the write rate"
    ),
    "UNSTABLE_NETWORK": "check TCP 1500 and the bandwidth from the source server to the staging area",
    "FAILED_TO_CREATE_SECURITY_GROUP": (
        "check that the staging subnet still exists, the server's replication settings and the IAM permissions of DRS"
    ),
    "FAILED_TO_LAUNCH_REPLICATION_SERVER": "check the EC2 quota of the instance type and the IAM permissions of DRS",
    "FAILED_TO_BOOT_REPLICATION_SERVER": "check TCP 443 from the staging subnet to DRS, security group, network ACL",
    "FAILED_TO_AUTHENTICATE_WITH_SERVICE": "check DNS and TCP 443 from the staging subnet to the DRS endpoint",
    "FAILED_TO_DOWNLOAD_REPLICATION_SOFTWARE": "check TCP 443 from the staging subnet to Amazon S3",
    "FAILED_TO_CREATE_STAGING_DISKS": "check access to the KMS key that encrypts the staging disks",
    "FAILED_TO_ATTACH_STAGING_DISKS": "check IAM permissions for EC2 volumes and the EBS quotas of the staging Region",
    "FAILED_TO_PAIR_REPLICATION_SERVER_WITH_AGENT": (
        "check the network between agent, replication server and DRS, after many starts also that server's CPU credits"
    ),
    "FAILED_TO_CONNECT_AGENT_TO_REPLICATION_SERVER": (
        "check TCP 1500 from the source server to the replication server, after many starts also its CPU credits"
    ),
    "FAILED_TO_START_DATA_TRANSFER": "check the network to the replication server and the agent's log",
}
"""The first thing to check for each dataReplicationError code."""


def after_call(rule: Rule, goal: Goal, state: str | None, accepted_ago: float, effect_seen: bool) -> Rule:
    """The rule for a source server for which a call of this run took effect, as far as known. It is never repeated.

    rule: the one without regard to that call. accepted_ago: seconds since then. effect_seen: whether its effect has
    been observed since.
    """
    name = OPERATION_FOR[goal]
    operation = OPERATIONS[name]
    if state is None or rule.verdict not in operation.pending:
        return rule
    if accepted_ago < operation.shows_within and not effect_seen:
        return Rule("wait", f"DRS accepted the {name}, but the state does not show it yet", is_guard=True)
    when = "again" if effect_seen else f"{accepted_ago:.0f} s"
    return Rule(
        "fail",
        f"reads {state} {when} after DRS accepted the {name}: look for {operation.undone_by} in CloudTrail",
        is_guard=True,
    )


def advice(error_code: str) -> str:
    """A dataReplicationError code, with the first thing to check if the code is known."""
    return f"{error_code}, {FIRST_CHECK[error_code]}" if error_code in FIRST_CHECK else error_code


def condition(rule: Rule, state: str | None, error_code: str | None = None, has_check: bool = True) -> str:
    """A phrase about a server in this state with this rule. Servers with the same condition are grouped.

    has_check: whether the error has its first check.
    """
    if state is None:
        return rule.reason
    if not error_code or rule.on_error == "omit":
        return f"{state}, {rule.reason}"
    if rule.is_guard:
        return f"{state} {error_code}, {rule.reason}"
    reason = "" if rule.on_error == "replace" else f", {rule.reason}"
    return f"{state}{reason}: {advice(error_code) if has_check else error_code}"


def details_of(server: SourceServer | None) -> list[str]:
    """What only this server reports about its state: the raw error, when it was last seen if it is disconnected, and
    how far its rescan is."""
    raw, seen, rescan = raw_error_of(server), last_seen_of(server), rescan_of(server)
    details = [abridged(raw)] if raw else []
    if seen and phase_of(state_of(server)) == "disconnected":
        details.append(f"last seen {printable(seen)}")
    return [*details, rescan] if rescan else details
