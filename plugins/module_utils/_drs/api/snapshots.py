# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks up the newest recovery snapshots of many source servers concurrently."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import TypeAlias

from ..resources.iso8601 import parse_datetime
from ..resources.servers import RecoverySnapshot
from .calls import (
    CALLS_AT_ONCE,
    SNAPSHOTS_PER_PAGE,
    SnapshotApi,
)
from .errors import DrsError

Lookup: TypeAlias = "RecoverySnapshot | DrsError | None"
"""The newest recovery snapshot of a server, None if there is none, or the error of the lookup."""


def look_up(api: SnapshotApi, source_server_ids: Sequence[str]) -> list[Lookup]:
    """For each source server its newest recovery snapshot, None if it has none, or the error of the lookup."""
    with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
        return list(pool.map(partial(_newest, api), source_server_ids))


def _newest(api: SnapshotApi, source_server_id: str) -> Lookup:
    try:
        # One page is enough: ten snapshots without a timestamp would mean ten being taken at once.
        return newest(islice(api.recovery_snapshots(source_server_id), SNAPSHOTS_PER_PAGE))
    except DrsError as error:
        return error


def ended_by(lookups: Sequence[Lookup]) -> DrsError | None:
    """The error that ended the run: a fatal one, or the first if no lookup succeeded."""
    errors = [lookup for lookup in lookups if isinstance(lookup, DrsError)]
    fatal = [error for error in errors if error.facts.ends_run]
    return next(iter(fatal or (errors if len(errors) == len(lookups) else [])), None)


def newest(snapshots: Iterable[RecoverySnapshot]) -> RecoverySnapshot | None:
    """The first snapshot with a timestamp, otherwise the first; None if there is none.

    The service model requires only expectedTimestamp: a snapshot that is being taken may have no timestamp.
    """
    first = None
    for snapshot in snapshots:
        if parse_datetime(snapshot.get("timestamp")):
            return snapshot
        first = first or snapshot
    return first
