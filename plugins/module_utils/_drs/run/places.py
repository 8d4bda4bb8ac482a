# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""max_in_progress: limits how many source servers are in progress at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from ..resources.lifecycle import is_stuck
from ..resources.operations import OPERATIONS
from ..resources.servers import hostname_of
from ..resources.text import printable
from .run import Run, Work

IN_PROGRESS_NAMED = 3


def in_turn(run: Run) -> Iterator[list[Work]]:
    """The servers with a call that is due, in batches as large as there are free places.

    The next batch takes the places that are free once the calls of the last one were made.
    """
    free = free_places(run)
    retried = [work for work in run.due if _is_in_progress(work)]
    fresh = iter([work for work in run.due if not _is_in_progress(work)])
    # While the circuit breaker lets a call a minute through, it is the turn of the server with the fewest calls.
    batch = sorted([*islice(fresh, free), *retried], key=_calls_sent)
    while batch:
        before = sum(map(_is_in_progress, batch))
        yield batch
        if free is not None:
            free -= sum(map(_is_in_progress, batch)) - before
        batch = list(islice(fresh, free))


def _calls_sent(work: Work) -> int:
    return work.sent


def free_places(run: Run) -> int | None:
    """How many more servers may be in progress; None for no limit."""
    limit = run.options.max_in_progress
    if limit is None or not OPERATIONS[run.operation].is_limited:
        return None
    return max(0, limit - len(in_progress(run)))


def in_progress(run: Run) -> list[Work]:
    """The servers in progress, including those whose start may have taken effect unobserved."""
    return [work for work in run.work if _is_in_progress(work)]


def _is_in_progress(work: Work) -> bool:
    """Whether the rule says wait, the server was called and its state does not show the result, or it failed after this
    run started it."""
    verdict, outcome = work.rule.verdict, work.outcome
    if outcome.end == "held":
        return False
    if outcome.failed and outcome.changed and not outcome.absent:
        return True
    is_paused = work.run.options.wait and work.is_seen_after_conflict
    is_called = work.may_have_taken_effect or (work.sent > 0 and work.is_open and not is_paused)
    is_unknown = outcome.state is None and not outcome.absent
    return verdict == "wait" or (is_called and (verdict in OPERATIONS or is_unknown))


def defer_without_place(run: Run) -> None:
    """Defer servers without a place, unless a server that is still open may free one before the deadline."""
    occupying = in_progress(run)
    if run.is_over or any(work.is_open for work in occupying):
        return
    for work in run.due:
        if not work.sent:  # deferred implies that nothing was sent
            defer(work, occupying)
    if any(work.outcome.end == "deferred" for work in run.work):
        fail_stuck(occupying)


def fail_stuck(occupying: Sequence[Work]) -> None:
    """Fail the stuck servers that take a place which another server needs: nothing more starts until somebody acts."""
    for outcome in (work.outcome for work in occupying):
        # What this run has just started has not been observed since.
        if is_stuck(outcome.latest, outcome.state) and not outcome.changed:
            outcome.finish("failed", f"{outcome.reason}; it takes a place that other servers need", outcome.cause)
            outcome.warning = None


def defer(work: Work, occupying: Sequence[Work]) -> None:
    """Leave the server to a later run, and name the servers in progress, if they take all places."""
    options = work.run.options
    work.outcome.call_warning = None
    if len(occupying) < (options.max_in_progress or 0):
        work.outcome.finish("deferred", f"not started before wait_timeout ({options.wait_timeout:g} s) expired")
        return
    named = [
        " ".join(printable(text) for text in (each.source_server_id, hostname_of(each.document), each.state) if text)
        for each in (other.outcome for other in occupying[:IN_PROGRESS_NAMED])
    ]
    more = [f"and {len(occupying) - IN_PROGRESS_NAMED} more"] if len(occupying) > IN_PROGRESS_NAMED else []
    taken = f"{len(occupying)} of {options.max_in_progress} places are taken"
    work.outcome.finish("deferred", f"{taken}: {', '.join(named + more)}", cause=f"deferred, since {taken}")
