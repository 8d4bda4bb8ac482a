# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables of named conditions, in which the first match wins. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from .evidence import Unasked, Unreadable

DrillVerdict = Literal["drill", "terminate", "done", "wait", "defer", "hold", "fail", "ask"]
"""drill, terminate: call AWS. wait: a job will show. defer: later. hold: left alone. ask: ask for what decides."""

Question = Literal["log", "snapshots", "configuration"]
"""What a row asks for: the log of a job, the newest recovery snapshot, the launch configuration."""

Seen = TypeVar("Seen")


@dataclass(frozen=True)
class Row(Generic[Seen]):
    """A row of a table. holds: its condition. reason: a sentence about this server. cause: the same for all such
    servers. question: what it asks for."""

    holds: Callable[[Seen], bool]
    verdict: DrillVerdict
    reason: Callable[[Seen], str]
    cause: str = ""
    question: Question | None = None


@dataclass(frozen=True)
class Ruling:
    """What a table says about one source server or recovery instance."""

    verdict: DrillVerdict
    reason: str
    cause: str
    question: Question | None = None


def first_match(rows: Sequence[Row[Seen]], seen: Seen) -> Ruling:
    """The ruling of the first row whose condition holds. The last row of a table always does."""
    row = next(row for row in rows if row.holds(seen))
    reason = row.reason(seen)
    return Ruling(row.verdict, reason, row.cause or reason, row.question)


def tell_unread(answer: object, what: str) -> str:
    """A sentence about an answer that was not asked for, or could not be read, or is not what it should be."""
    if answer is None or isinstance(answer, Unasked):
        return f"{what} was not read yet"
    why = answer.reason if isinstance(answer, Unreadable) else "not what it should be"
    return f"{what} cannot be read: {why}"
