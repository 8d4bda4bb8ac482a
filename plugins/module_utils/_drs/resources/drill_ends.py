# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a drill ended: a table in which the first match wins. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from .evidence import Evidence, Log, Observed, Unasked, Unreadable, judge
from .jobs import Job, failed_action_in, failure_in, job_id_of, launch_status_in
from .recovery_instances import instance_id_of, is_drill_instance, launched_by
from .rows import Row, Ruling, first_match, tell_unread
from .servers import text_at
from .text import abridged, first_line, listed, printable


@dataclass(frozen=True)
class Ended:
    """A drill whose job is COMPLETED. is_late: whether its instance could have been seen by now."""

    observed: Observed
    job: Job
    is_late: bool


def how_it_ended(ended: Ended) -> Ruling:
    """How the drill of this source server ended, by itself: its neighbours in the job may have ended otherwise."""
    return first_match(END_ROWS, ended)


def _unmarked(ended: Ended) -> list[str]:
    found = [each for each in ended.observed.living if launched_by(each) == job_id_of(ended.job)]
    return [instance_id_of(each) or "-" for each in found if not is_drill_instance(each)]


def _is_unmarked(ended: Ended) -> bool:
    return bool(_unmarked(ended))


def _has_failed_action(ended: Ended) -> bool:
    return failed_action_in(ended.job, ended.observed.source_server_id) is not None


def _is_end_unasked(ended: Ended) -> bool:
    return isinstance(judge(ended.observed, ended.job), Unasked)


def _has_succeeded(ended: Ended) -> bool:
    return isinstance(judge(ended.observed, ended.job), Evidence)


def _is_launched(ended: Ended) -> bool:
    return launch_status_in(ended.job, ended.observed.source_server_id) == "LAUNCHED"


def _may_still_show(ended: Ended) -> bool:
    return _is_launched(ended) and not ended.is_late


def _may_be_read_later(ended: Ended) -> bool:
    judgement = judge(ended.observed, ended.job)
    return isinstance(judgement, Unreadable) and not judgement.is_final


def _is_end_unreadable(ended: Ended) -> bool:
    return isinstance(judge(ended.observed, ended.job), Unreadable)


def _may_reason_be_read_later(ended: Ended) -> bool:
    log = _log(ended)
    return isinstance(log, Unreadable) and not log.is_final and not ended.is_late


def _log(ended: Ended) -> Log | None:
    return ended.observed.logs.get(job_id_of(ended.job) or "")


def _name(ended: Ended) -> str:
    return printable(job_id_of(ended.job) or "a job without an ID")


def _is_over(_ended: Ended) -> bool:
    return True


def _tell_unmarked(ended: Ended) -> str:
    return f"{listed(_unmarked(ended))} of its drill is not marked as a drill and is left alone"


def _tell_failed_action(ended: Ended) -> str:
    action = failed_action_in(ended.job, ended.observed.source_server_id)
    name, why = (action.name, action.failure_reason) if action else (None, None)
    return f"the launch action {printable(name or 'without a name')} failed: {abridged(why or 'no reason was given')}"


def _tell_end_log(ended: Ended) -> str:
    return tell_unread(judge(ended.observed, ended.job), "the log of its drill")


def _tell_success(ended: Ended) -> str:
    evidence = judge(ended.observed, ended.job)
    instance = evidence.instance_id if isinstance(evidence, Evidence) else None
    return f"drilled ({_name(ended)}{f', {printable(instance)}' if instance else ''})"


def _tell_no_trace(_ended: Ended) -> str:
    return "its drill says LAUNCHED, but neither LAUNCH_END nor its instance was seen"


def _tell_failure(ended: Ended) -> str:
    log = _log(ended)
    if isinstance(log, Unreadable):
        return f"its drill failed; {tell_unread(log, 'the log of its drill')}"
    item = failure_in(log or (), ended.observed.source_server_id)
    if item is None:
        return (
            "its drill ended without a successful launch and without a word; missing EC2 permissions of the caller look"
            " like this"
        )
    error = text_at(item, "eventData", "rawError")
    why = f": {first_line(error)}" if error else ""
    return f"its drill failed, {printable(text_at(item, 'event') or '')}{why}"


END_ROWS: list[Row[Ended]] = [
    Row(_is_unmarked, "fail", _tell_unmarked, "the instance of its drill is not marked as a drill"),
    Row(_has_failed_action, "fail", _tell_failed_action),
    Row(_is_end_unasked, "ask", _tell_end_log, question="log"),
    Row(_has_succeeded, "done", _tell_success, "drilled"),
    Row(_may_still_show, "wait", _tell_no_trace),
    Row(_may_be_read_later, "wait", _tell_end_log),
    Row(_is_end_unreadable, "fail", _tell_end_log),
    Row(_is_launched, "fail", _tell_no_trace, "its drill says LAUNCHED, but nothing shows that"),
    Row(_may_reason_be_read_later, "wait", _tell_failure),
    Row(_is_over, "fail", _tell_failure),
]
"""How a drill ended whose job is COMPLETED."""
