# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Timelines of source servers: the steps that a script gives, and what a server is once it has reached one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .readers import (
    BOOLEAN,
    NUMBER,
    OBJECT,
    POSITIVE,
    TEXT,
    Reader,
    ScriptError,
    check_conforms,
    list_of,
    members_of,
    object_of,
)
from .snapshots import SnapshotSeed, read_snapshots
from .source_servers import ADDED, SHARES, Document, in_state, merged, source_server, state_of


@dataclass(frozen=True)
class Step:
    """A step of a timeline: the state (None: as it was) for so many Describes, or so many wall steps."""

    state: str | None = None
    describes: int = 1
    replicated: float | None = None
    rescanned: float | None = None
    backlogged: float | None = None
    total: float | None = None
    error: Document | None = None
    merge: Document = field(default_factory=dict)
    deleted: bool = False
    conform: bool = True

    @property
    def traits(self) -> Document:
        """The traits that take the place of those that go with the state."""
        return {name: getattr(self, name) for name in (*SHARES, "error") if getattr(self, name) is not None}


def read_timeline(value: Any, where: str) -> tuple[Step, ...]:
    """Reads a timeline: a list of state names and step objects, at least one; raises ScriptError."""
    steps = list_of(_step)(value, where)
    if not steps:
        raise ScriptError(f"{where} has no steps.")
    return steps


def read_change(changes: Mapping[str, Any]) -> tuple[Step, tuple[SnapshotSeed, ...] | None]:
    """What a patch of a server makes of it, and its snapshots (None: they stay); raises ScriptError."""
    given = members_of({name: changes[name] for name in CHANGE_KEYS if name in changes}, CHANGE_KEYS, "the change")
    snapshots = given.pop("snapshots", None)
    members = {name: value for name, value in changes.items() if name not in CHANGE_KEYS}
    return Step(merge=members, **given), snapshots


def _step(value: Any, where: str) -> Step:
    step = Step(state=value) if isinstance(value, str) else _read_step(value, where)
    if step.conform and not step.deleted:
        check_conforms("SourceServer", apply_step(source_server("s-0123456789abcdef0"), step), where)
    return step


def apply_step(document: Document, step: Step, moment: Any = ADDED) -> Document:
    """`document` as it is once `step` is reached at `moment` (an aware datetime)."""
    if step.state is not None or step.traits:
        state = state_of(document) if step.state is None else step.state
        document = in_state(document, state, moment, step.traits)
    return merged(document, step.merge)


def step_at(timeline: tuple[Step, ...], units: float) -> int:
    """The index of the step that lasts at `units` (Describes or wall steps since the beginning); -1 for none yet.

    The last step lasts for ever.
    """
    if units < 0:
        return -1
    for index, step in enumerate(timeline):
        units -= step.describes
        if units < 0:
            return index
    return len(timeline) - 1


SHARE_KEYS: Mapping[str, Reader] = dict.fromkeys(SHARES, NUMBER)

STEP_KEYS: Mapping[str, Reader] = {
    "state": TEXT,
    "describes": POSITIVE,
    **SHARE_KEYS,
    "dataReplicationError": OBJECT,
    "merge": OBJECT,
    "deleted": BOOLEAN,
    "conform": BOOLEAN,
}
CHANGE_KEYS: Mapping[str, Reader] = {
    **SHARE_KEYS,
    "state": TEXT,
    "snapshots": read_snapshots,
    "conform": BOOLEAN,
}

_read_step = object_of(Step, STEP_KEYS, dataReplicationError="error")
