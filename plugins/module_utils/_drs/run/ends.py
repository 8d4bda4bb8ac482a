# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a source server ends that did not reach the goal: what was sent, what is known, and why."""

from __future__ import annotations

from ..api.errors import DrsError
from ..resources.operations import OPERATIONS
from ..resources.servers import error_of, progress_of, state_of
from ..resources.text import printable, short, times
from .places import defer, free_places, in_progress
from .run import Run, Work


def fail(work: Work, reason: str, cause: str = "") -> None:
    """Finish the server as failed. Calls without a response are mentioned before the reason, which replaces the warning
    about its dataReplicationError: the code follows it."""
    sent, code = tell_unanswered(work), _warned_error(work)
    reason, cause = (f"{sent}: {text}" if sent else text for text in (reason, cause or reason))
    if code and code not in reason:
        reason, work.outcome.detail = f"{reason}; {code}", work.outcome.detail or code
    work.outcome.finish("failed", reason, cause.replace(work.outcome.source_server_id, "the server"))
    work.outcome.warning = work.outcome.error_code = work.outcome.error_message = None
    if not work.may_have_taken_effect:
        work.outcome.call_warning = None


def _warned_error(work: Work) -> str | None:
    """The code of the dataReplicationError, if its server would be warned of."""
    outcome = work.outcome
    return short(error_of(outcome.latest)) if OPERATIONS[work.run.operation].is_limited and not outcome.absent else None


def fail_with(work: Work, error: DrsError) -> None:
    """Finish the server as failed by this error, and say what was done before it."""
    before = ""
    if work.accepted_at is not None:
        before = f"DRS accepted the {work.outcome.action}, then: "
    elif ((work.is_due or work.attempts) and not work.sent) or not error.facts.is_sent:
        before = _untried(work)
    fail(work, "; ".join(part for part in (f"{before}{error.message}", _hint(work, error)) if part))
    work.outcome.error_code, work.outcome.error_message = error.code, error.error_message


def _hint(work: Work, error: DrsError) -> str:
    """What to check after this error, which has no hint for most kinds."""
    hint, quota = error.facts.hint, OPERATIONS[work.run.operation].quota
    return f"{hint}, or {quota} is used up" if hint and quota else hint


def _untried(work: Work) -> str:
    return "not tried again: " if work.sent else "not tried: "


def tell_unanswered(work: Work) -> str:
    """What was sent without a response, and what is known about it; empty if nothing was."""
    if work.accepted_at is not None or not work.unanswered:
        return ""
    state, unanswered = work.outcome.state, len(work.unanswered)
    parts = [
        f"the {work.outcome.action} was sent {times(work.sent)}",
        "never answered" if unanswered == work.sent else f"{unanswered} of them not answered",
    ]
    if state is not None:
        parts.append(f"{'still' if state == state_of(work.outcome.first) else 'now'} {short(state)}")
    if work.observed_at < work.shows_until:
        parts.append("and may have taken effect")
    return ", ".join(parts)


def expire(run: Run) -> None:
    """At the deadline, defer the servers that never got a place and fail the rest."""
    run.expired = bool(run.open)
    is_limited, occupying = free_places(run) is not None, in_progress(run)
    for work in run.open:
        if is_limited and not work.sent and work.rule.verdict in OPERATIONS:
            defer(work, occupying)
        else:
            _expire(work)


def _expire(work: Work) -> None:
    outcome, error = work.outcome, work.observe_error or work.call_error
    outcome.detail = printable(progress_of(outcome.latest))
    reason = outcome.reason or "not described in time"
    if error and not error.facts.is_sent:
        reason, error = f"{_untried(work)}{error.message}", None
    refusal = [error.message, _hint(work, error)] if error else []
    parts = [reason, outcome.detail, *refusal, f"wait_timeout ({work.run.options.wait_timeout:g} s) expired"]
    causes = [outcome.cause or reason, *(refusal if error and error.facts.is_answered else [])]
    fail(work, "; ".join(part for part in parts if part), "; ".join(cause for cause in causes if cause))
    if error:
        outcome.error_code, outcome.error_message = error.code, error.error_message
