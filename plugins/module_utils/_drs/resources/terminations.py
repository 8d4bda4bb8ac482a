# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether to terminate a recovery instance: a table in which the first match wins. Pure.

docs/drills.md repeats it, and a test compares them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .evidence import Observed, Unreadable
from .iso8601 import parse_datetime
from .jobs import TERMINATION, Job, created_at, initiator_of, is_active, job_id_of
from .recovery_instances import (
    RecoveryInstance,
    instance_id_of,
    is_drill_instance,
    is_ending,
    is_launched_into,
    is_living,
    is_own_machine,
    launched_by,
    names_machine_clearly,
    reverses_replication,
)
from .rows import Row, Ruling, first_match, tell_unread
from .servers import text_at
from .text import printable

NONE_LEFT = "no drill instance is left"
ENDING = "its drill instance is being terminated"
"""Causes that others than the table use."""


@dataclass(frozen=True)
class Doomed:
    """A recovery instance that may be terminated. before: only if it was launched by then; None for any."""

    observed: Observed
    instance: RecoveryInstance
    before: datetime | None = None


def whether_to_terminate(doomed: Doomed) -> Ruling:
    """What to do about a recovery instance of a server of which no drill instance is to be left."""
    return first_match(TERMINATION_ROWS, doomed)


def launch_of(doomed: Doomed) -> datetime | None:
    """When it was launched: the creation of its job, or where that is unknown, its point in time."""
    job_id = launched_by(doomed.instance)
    jobs = (job for job in doomed.observed.jobs if job_id is not None and job_id_of(job) == job_id)
    created = next((created_at(job) for job in jobs), None)
    return created or parse_datetime(text_at(doomed.instance, "pointInTimeSnapshotDateTime"))


def _holding_job(doomed: Doomed) -> Job | None:
    return next((job for job in doomed.observed.jobs if is_active(job)), None)


def _is_gone(doomed: Doomed) -> bool:
    return not is_living(doomed.instance)


def _is_no_drill(doomed: Doomed) -> bool:
    return not is_drill_instance(doomed.instance)


def _has_no_id(doomed: Doomed) -> bool:
    return instance_id_of(doomed.instance) is None


def _is_young(doomed: Doomed) -> bool:
    launched = launch_of(doomed)
    return doomed.before is not None and (launched is None or launched > doomed.before)


def _is_being_terminated(doomed: Doomed) -> bool:
    job = _holding_job(doomed)
    return is_ending(doomed.instance) or (job is not None and initiator_of(job) == TERMINATION)


def _is_held_by_job(doomed: Doomed) -> bool:
    return _holding_job(doomed) is not None


def _is_reversed(doomed: Doomed) -> bool:
    return reverses_replication(doomed.instance)


def _is_unasked(doomed: Doomed) -> bool:
    return doomed.observed.configuration is None


def _was_there_before(doomed: Doomed) -> bool:
    configuration = doomed.observed.configuration
    if configuration is None or isinstance(configuration, Unreadable) or not names_machine_clearly(configuration):
        return True
    return is_launched_into(doomed.instance, configuration) or is_own_machine(doomed.instance, doomed.observed.server)


def _may_be_terminated(_doomed: Doomed) -> bool:
    return True


def _name(doomed: Doomed) -> str:
    return printable(instance_id_of(doomed.instance) or "an instance without an ID")


def _tell_gone(doomed: Doomed) -> str:
    return f"{_name(doomed)} no longer exists"


def _tell_no_drill(doomed: Doomed) -> str:
    return f"{_name(doomed)} is not marked as a drill"


def _tell_no_id(_doomed: Doomed) -> str:
    return "AWS reported a drill instance without an ID"


def _tell_young(doomed: Doomed) -> str:
    launched = launch_of(doomed)
    return f"{_name(doomed)} was launched {launched.isoformat() if launched else 'at an unknown time'} and is left"


def _tell_ending(doomed: Doomed) -> str:
    return f"{_name(doomed)} is being terminated"


def _tell_job(doomed: Doomed) -> str:
    job = _holding_job(doomed) or {}
    kind = printable(initiator_of(job) or "of unknown kind")
    return f"another job holds its server ({printable(job_id_of(job) or 'without an ID')}, {kind})"


def _tell_reversed(doomed: Doomed) -> str:
    return f"a reversed replication runs from {_name(doomed)}: stop that first"


def _tell_unread(doomed: Doomed) -> str:
    return tell_unread(doomed.observed.configuration, "its launch configuration")


def _tell_there_before(doomed: Doomed) -> str:
    configuration = doomed.observed.configuration
    if isinstance(configuration, Unreadable) or configuration is None or not names_machine_clearly(configuration):
        return f"{_name(doomed)} may have been there before: {_tell_unread(doomed)}"
    if is_launched_into(doomed.instance, configuration):
        return f"launchIntoEC2InstanceID of the launch configuration names {_name(doomed)}, so it was there before"
    return f"{_name(doomed)} is the machine that the source server copies"


def _tell_drill(doomed: Doomed) -> str:
    return f"{_name(doomed)} is a drill instance"


TERMINATION_ROWS: list[Row[Doomed]] = [
    Row(_is_gone, "done", _tell_gone, NONE_LEFT),
    Row(_is_no_drill, "hold", _tell_no_drill, "its instance is not marked as a drill"),
    Row(_has_no_id, "fail", _tell_no_id),
    Row(_is_young, "done", _tell_young, "its drill instance is younger than min_age"),
    Row(_is_being_terminated, "wait", _tell_ending, ENDING),
    Row(_is_held_by_job, "defer", _tell_job, "another job holds it"),
    Row(_is_unasked, "ask", _tell_unread, question="configuration"),
    Row(_was_there_before, "hold", _tell_there_before, "its instance may have been there before"),
    Row(_is_reversed, "fail", _tell_reversed, "a reversed replication runs from its drill instance: stop that first"),
    Row(_may_be_terminated, "terminate", _tell_drill, "a drill instance is left"),
]
"""Whether to terminate. Whose machine it is comes first."""
