# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The data replication states of a source server, and the one rule that decides what to do about them.

Pure: no I/O, no clock, the standard library only. The states are botocore's C(DataReplicationState); the rule is
table 3.2 of the project's design, repeated for readers in docs/states.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Goal = Literal["replicating", "continuous", "stopped"]
Phase = Literal["stopped", "initiating", "replicating", "protected", "stuck", "disconnected", "unknown", "unreadable"]
Verdict = Literal["start", "stop", "done", "wait", "fail"]

START_SHOWS_WITHIN = 300.0
"""Seconds for which Describe may still say STOPPED after StartReplication was accepted."""

PHASES: dict[str, Phase] = {
    "STOPPED": "stopped",
    "INITIATING": "initiating",
    "INITIAL_SYNC": "replicating",
    "CREATING_SNAPSHOT": "replicating",
    "RESCAN": "replicating",
    "BACKLOG": "replicating",
    "CONTINUOUS": "protected",
    "STALLED": "stuck",
    "PAUSED": "stuck",
    "DISCONNECTED": "disconnected",
}


@dataclass(frozen=True)
class Rule:
    """What to do about a source server.

    C(verdict): C(start) or C(stop) call AWS; C(done) the goal is reached; C(wait) it is under way, which is enough
    for whoever does not wait; C(fail) it cannot be reached by a call.
    C(reason): one sentence for the user. C(warning): the cause by which such servers are grouped in one warning.
    """

    verdict: Verdict
    reason: str
    warning: str | None = None


_STUCK = Rule("wait", "replication runs but no data flows", "run, but no data flows")
_UNKNOWN = Rule("wait", "this version does not know the state and leaves it alone", "are in a state that is not known")
_UNREADABLE = Rule("fail", "AWS reported no data replication state, so nothing is known and nothing was called")
_DISCONNECTED = Rule("fail", "reinstall or reconnect the AWS Replication Agent on the source server")

RULES: dict[tuple[Goal, Phase], Rule] = {
    ("replicating", "stopped"): Rule("start", "replication is stopped"),
    ("replicating", "initiating"): Rule("wait", "replication is being initiated, no data flows yet"),
    ("replicating", "replicating"): Rule("done", "data is replicating"),
    ("replicating", "protected"): Rule("done", "it is continuously protected"),
    ("replicating", "stuck"): _STUCK,
    ("replicating", "disconnected"): _DISCONNECTED,
    ("replicating", "unknown"): _UNKNOWN,
    ("replicating", "unreadable"): _UNREADABLE,
    ("continuous", "stopped"): Rule("start", "replication is stopped"),
    ("continuous", "initiating"): Rule("wait", "replication is being initiated, no data flows yet"),
    ("continuous", "replicating"): Rule("wait", "data is replicating, there is no recovery point before CONTINUOUS"),
    ("continuous", "protected"): Rule("done", "it is continuously protected"),
    ("continuous", "stuck"): _STUCK,
    ("continuous", "disconnected"): _DISCONNECTED,
    ("continuous", "unknown"): _UNKNOWN,
    ("continuous", "unreadable"): _UNREADABLE,
    ("stopped", "stopped"): Rule("done", "replication is stopped"),
    ("stopped", "initiating"): Rule("stop", "replication is being initiated"),
    ("stopped", "replicating"): Rule("stop", "data is replicating"),
    ("stopped", "protected"): Rule("stop", "it is continuously protected"),
    ("stopped", "stuck"): Rule("fail", "no data flows, so its snapshots may be the only copy left and are not deleted"),
    ("stopped", "disconnected"): Rule("done", "its agent is disconnected, nothing replicates"),
    ("stopped", "unknown"): Rule("fail", "this version does not know the state, so its snapshots are not deleted"),
    ("stopped", "unreadable"): _UNREADABLE,
}

_STOP_ACCEPTED = Rule("wait", "DRS accepted the stop, its state does not show it yet")
_START_ACCEPTED = Rule("wait", "DRS accepted the start, its state does not show it yet")
_STOPPED_AGAIN = Rule("fail", "it was stopped again after this run started it: look for StopReplication in CloudTrail")


def phase_of(state: str | None) -> Phase:
    """The phase of a state: C(unknown) for one that is not in the table, C(unreadable) for none at all."""
    return "unreadable" if state is None else PHASES.get(state, "unknown")


def decide(goal: Goal, state: str | None, accepted_ago: float | None = None, left_stopped: bool = False) -> Rule:
    """What to do about a source server that was last seen in C(state).

    C(accepted_ago): seconds since AWS accepted a call of this run for this server, None if it accepted none. An
    accepted call is never repeated. C(left_stopped): a look since then said something else than STOPPED.
    """
    rule = RULES[goal, phase_of(state)]
    if accepted_ago is None or rule.verdict == "done" or state is None:
        return rule
    if goal == "stopped":
        return _STOP_ACCEPTED
    if rule.verdict != "start":
        return rule
    if left_stopped:
        return _STOPPED_AGAIN
    if accepted_ago < START_SHOWS_WITHIN:
        return _START_ACCEPTED
    return Rule(
        "fail",
        f"reads STOPPED {accepted_ago:.0f} s after DRS accepted the start: look for StopReplication in CloudTrail",
    )
