# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do next about a source server, and what is said of it, by its lifecycle, state and error. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .lifecycle import LIFECYCLES, Lifecycle, LifecycleFacts, facts_of, has_launched_recovery, lifecycle_of
from .rules import RULES, Rule, advice, condition
from .servers import (
    SourceServer,
    account_in,
    disks_without_attributes_of,
    ec2_instance_id_of,
    error_of,
    extension_status_of,
    is_disconnected_on_purpose,
    is_rescanning,
    last_launch_of,
    recovery_instance_id_of,
    reversed_arn_of,
    staging_account_of,
    staging_arn_of,
    state_of,
    text_at,
)
from .states import Phase, phase_of
from .text import abridged, printable, short


def next_step_of(server: SourceServer | None, state: str | None, called_by_run: bool = False) -> str | None:
    """What to do next about this server, as a clause with IDs, accounts and ARNs; None if nothing.

    state: the data replication state, in check mode the predicted one. called_by_run: whether a call of this run was
    accepted, so that STOPPED is what was wanted, or does not show the start yet.
    """
    return NEXT_STEPS[lifecycle_of(server)](server, None if called_by_run and state == "STOPPED" else state)


def copied_by_start(server: SourceServer | None) -> str:
    """A clause that says what a start of this server copies, for a warning where its lifecycle is not normal."""
    return COPIED[lifecycle_of(server)](server)


def cause_of(server: SourceServer | None, state: str | None, rule: Rule) -> str:
    """A phrase without IDs about a server that is not where it should be. Servers with the same cause are grouped.

    state: the data replication state, in check mode the predicted one. rule: the one for the state.
    """
    facts = facts_of(server)
    if not facts.speaks or rule.is_guard:
        return _condition_of(server, state, rule, facts)
    return facts.cause if state is not None else f"{rule.reason}, {facts.cause}"


def reason_of(server: SourceServer | None, state: str | None, rule: Rule) -> str:
    """The same about this server alone, with IDs. Where its lifecycle speaks, its error has no first check."""
    facts = facts_of(server)
    if not facts.speaks or rule.is_guard:
        return _condition_of(server, state, rule, facts)
    parts = [short(state) or rule.reason, short(_error_in(server, state)), next_step_of(server, state)]
    return ", ".join(part for part in parts if part)


def _condition_of(server: SourceServer | None, state: str | None, rule: Rule, facts: LifecycleFacts) -> str:
    rule = replace(rule, reason=clause_of(server, rule))
    return condition(rule, short(state), short(_error_in(server, state)), has_check=not facts.speaks)


def clause_of(server: SourceServer | None, rule: Rule) -> str:
    """The reason of the rule. The document of a disconnected server that fails, or of an unsettled one, says more."""
    if rule == RULES["continuous", "disconnected"]:
        return disconnection_of(server)
    shortcoming = shortcoming_of(server) if rule == RULES["continuous", "unsettled"] else None
    return f"{rule.reason}: {shortcoming}" if shortcoming and not error_of(server) else rule.reason


def explanation_of(server: SourceServer | None, state: str | None, rule: Rule) -> str:
    """Why the rule says so, for the outcome of this server, which shows the state beside it."""
    code = short(_error_in(server, state))
    if facts_of(server).speaks and not rule.is_guard:
        parts = [rule.reason if state is None else None, next_step_of(server, state), code]
    else:
        parts = [clause_of(server, rule), _told_error(server, code)]
    return "; ".join(part for part in parts if part)


def warning_of(server: SourceServer | None, state: str | None, rule: Rule) -> str:
    """The cause of a warning about this server. Where its lifecycle speaks, its error has no first check."""
    facts = facts_of(server)
    if not facts.speaks or rule.is_guard:
        return _condition_of(server, state, rule, facts)
    parts = [short(state) or rule.reason, short(_error_in(server, state)), facts.cause]
    return ", ".join(part for part in parts if part)


def shortcoming_of(server: SourceServer | None) -> str | None:
    """What contradicts that a CONTINUOUS server is protected, whatever its lifecycle; None if nothing does.

    A CONTINUOUS server without a shortcoming is what wait_until: continuous waits for.
    """
    return next((shortcoming for find in SHORTCOMINGS if (shortcoming := find(server))), None)


def _shown_error(server: SourceServer | None) -> str | None:
    return _told_error(server, short(error_of(server)))


def _told_error(server: SourceServer | None, code: str | None) -> str | None:
    return code and (code if facts_of(server).speaks else advice(code))


def _extension_error(server: SourceServer | None) -> str | None:
    has_error = extension_status_of(server) == "EXTENSION_ERROR"
    return LIFECYCLES["extension_error"].cause if has_error else None


def _missing_attributes(server: SourceServer | None) -> str | None:
    return UNLAUNCHABLE if disks_without_attributes_of(server) else None


def _unfinished_rescan(server: SourceServer | None) -> str | None:
    return "a rescan is not finished, until then no recovery point is made" if is_rescanning(server) else None


UNLAUNCHABLE = "volume attributes of a disk are missing, it cannot be launched"

SHORTCOMINGS: list[Callable[[SourceServer | None], str | None]] = [
    _shown_error,
    _extension_error,
    _missing_attributes,
    _unfinished_rescan,
]
"""What contradicts that a server is protected, the most urgent first. The last one ends by itself."""


def _instance(server: SourceServer | None) -> str:
    return printable(recovery_instance_id_of(server) or "its recovery instance")


def _machine(server: SourceServer | None) -> str:
    instance = ec2_instance_id_of(server)
    return f"the old machine{f' ({printable(instance)})' if instance else ''}"


def _staging(server: SourceServer | None) -> str:
    arn = staging_arn_of(server)
    account = account_in(arn) or staging_account_of(server)
    where = f"account {printable(account)}" if account else "its staging account"
    return f"{where} ({printable(arn)})" if arn else where


def _copies_while_launching(server: SourceServer | None) -> str:
    return f"it copies {_machine(server)}, while a recovery of it is being launched"


def _copies_recovery_instance(server: SourceServer | None) -> str:
    instance = ec2_instance_id_of(server)
    where = f" {printable(instance)}" if instance else ""
    return f"it is the reversed copy of a failover and copies the recovery instance{where}"


def _copies_recovered_machine(server: SourceServer | None) -> str:
    return f"it may copy the recovered machine {_instance(server)}"


def _copies_old_machine(server: SourceServer | None) -> str:
    return f"it copies {_machine(server)}, while production may run on {_instance(server)}"


def _copies_elsewhere(server: SourceServer | None) -> str:
    return f"it is extended from {_staging(server)}, where its machine is copied"


def _copies_its_machine(_server: SourceServer | None) -> str:
    return "it copies its machine"


COPIED: dict[Lifecycle, Callable[[SourceServer | None], str]] = {
    "launching": _copies_while_launching,
    "failback": _copies_recovery_instance,
    "reprotected": _copies_recovered_machine,
    "failed_over": _copies_old_machine,
    "reversed": _copies_old_machine,
    "extension_error": _copies_elsewhere,
    "extended": _copies_elsewhere,
    "normal": _copies_its_machine,
}


def _wait_for_launch(server: SourceServer | None, _state: str | None) -> str:
    job = last_launch_of(server).job_id
    return f"a recovery is being launched, wait for its job{f' {printable(job)}' if job else ''}"


def _finish_failback(server: SourceServer | None, state: str | None) -> str:
    instance = recovery_instance_id_of(server)
    if instance and has_launched_recovery(server):
        step = (
            f"failed back to {printable(instance)}, which is unprotected until replication is reversed from it; then"
            " stop and delete this copy, and delete, never terminate, the record of the instance"
        )
    else:
        step = "this is the reversed copy of a failover, leave it until the failback is finished"
    wrong = None if state == "STOPPED" else advice_of(server, state)
    return f"{wrong}; {step}" if wrong else step


def _look_what_it_copies(server: SourceServer | None, state: str | None) -> str | None:
    if state != "STOPPED":
        return advice_of(server, state)
    return (
        f"this record may copy the recovered machine {_instance(server)}: where that is production, start it by its ID"
    )


def _protect_recovery_instance(server: SourceServer | None, state: str | None) -> str:
    earlier = " of an earlier launch (the last recovery failed)" if last_launch_of(server).status == "FAILED" else ""
    step = f"production may run on {_instance(server)}{earlier}"
    if reversed_arn_of(server):
        step += f"{_maybe_protected_by(server)}, or fail back; leave this server and its agent alone"
    else:
        step += ": protect it by reversed replication or fail back, and leave this server and its agent alone"
    if state == "CONTINUOUS" and not shortcoming_of(server):
        step += (
            f"; if production is back at the source, terminate {_instance(server)}, and it counts as protected again"
        )
    return step


def _check_reversed_copy(server: SourceServer | None, _state: str | None) -> str:
    return f"production may run on {_instance(server)}{_maybe_protected_by(server)}"


def _maybe_protected_by(server: SourceServer | None) -> str:
    # The ARN can be of an earlier failover.
    arn = printable(reversed_arn_of(server))
    return f", and may be protected by {arn}: see that it exists, copies that instance and is CONTINUOUS"


def _tell_extension_error(server: SourceServer | None, _state: str | None) -> str:
    message = text_at(server, "stagingArea", "errorMessage")
    why = f": {abridged(message)}" if message else ""
    return f"its extension from {_staging(server)} has an error{why}"


def _look_into_staging_account(server: SourceServer | None, _state: str | None) -> str:
    return f"it replicates in {_staging(server)}: look there"


def advice_of(server: SourceServer | None, state: str | None) -> str | None:
    """What to do about a server whose state and error alone decide; None for a state without an error.

    An error counts only while the server is in the state that it was reported with.
    """
    phase, code = phase_of(state), short(_error_in(server, state))
    if phase == "disconnected":
        return disconnection_of(server)
    return advice(code) if code and phase != "stopped" else ADVICE.get(phase)


def _error_in(server: SourceServer | None, state: str | None) -> str | None:
    return error_of(server) if state == state_of(server) else None


ADVICE: dict[Phase, str] = {
    "stopped": "start its replication",
    "stalled": "look at its failed initiation step and at the log of its agent",
    "paused": "find out who or what paused its replication",
}
"""What to do about a server in these phases without an error."""

ON_PURPOSE = "was disconnected on purpose, or its agent removed: where it is still needed, install its agent again"


def disconnection_of(server: SourceServer | None) -> str:
    """What to do about a disconnected server. Installing its agent again comes last: it can copy everything again."""
    return ON_PURPOSE if is_disconnected_on_purpose(server) else RULES["continuous", "disconnected"].reason


NEXT_STEPS: dict[Lifecycle, Callable[[SourceServer | None, str | None], str | None]] = {
    "launching": _wait_for_launch,
    "failback": _finish_failback,
    "reprotected": _look_what_it_copies,
    "failed_over": _protect_recovery_instance,
    "reversed": _check_reversed_copy,
    "extension_error": _tell_extension_error,
    "extended": _look_into_staging_account,
    "normal": advice_of,
}
