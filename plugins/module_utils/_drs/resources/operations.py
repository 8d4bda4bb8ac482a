# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations that change resources, as a table: what each one sends, and what shows its effect. Pure.

The call for another resource is another row. The loop for replication needs more facts of its operations, and has its
own table of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .jobs import DRILL, servers_in
from .servers import member, text_at

Goal = Literal["replicating", "continuous", "stopped"]
Operation = Literal["start", "stop"]
BatchOperation = Literal["drill", "terminate"]
Verdict = Literal["start", "stop", "done", "wait", "fail"]

START_SHOWS_WITHIN = 300.0
"""Seconds for which Describe may still return STOPPED after StartReplication took effect. Assumed: AWS documents no
limit."""


@dataclass(frozen=True)
class CallFacts:
    """The properties of a call that changes resources.

    api_name: the operation in the service model. request: its request for this resource (a source server ID, or a
    Batch). answer_at: where its response holds the document of the resource; () is the response itself. is_about:
    whether that document is about the resource.
    """

    api_name: str
    request: Callable[[Any], dict[str, Any]]
    answer_at: tuple[str, ...]
    is_about: Callable[[Any, Any], bool]


@dataclass(frozen=True)
class OperationFacts(CallFacts):
    """The properties of an operation on one source server.

    leads_to: the state after an accepted call, which check mode predicts. took_effect: whether a state shows that a
    call without a response took effect. pending: the verdicts that become "wait" after an accepted call, because the
    state does not show it yet. shows_within: maximum seconds of that delay. undone_by: the opposite operation.
    is_limited: whether max_in_progress applies. verb: past participle for messages. already: phrase for servers that
    need no call. quota: what AWS limits, for the hint after a conflict.
    """

    leads_to: str
    took_effect: Callable[[str], bool]
    pending: frozenset[Verdict]
    shows_within: float
    undone_by: str
    is_limited: bool
    verb: str
    already: str
    quota: str = ""


@dataclass(frozen=True)
class Batch:
    """The source servers of one call. instance_ids: the recovery instances to terminate. snapshot_ids: by source server
    ID, the recovery snapshots to launch from; others are launched from their latest data. tags: of the job."""

    source_server_ids: tuple[str, ...]
    instance_ids: tuple[str, ...] = ()
    snapshot_ids: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


def _source_server(source_server_id: str) -> dict[str, Any]:
    return {"sourceServerID": source_server_id}


def _is_source_server(document: Any, source_server_id: str) -> bool:
    return text_at(document, "sourceServerID") == source_server_id


def _drill(batch: Batch) -> dict[str, Any]:
    return {
        "isDrill": True,
        "sourceServers": [
            {**_source_server(each), **_snapshot(batch.snapshot_ids.get(each))} for each in batch.source_server_ids
        ],
        **({"tags": dict(batch.tags)} if batch.tags else {}),
    }


def _snapshot(snapshot_id: str | None) -> dict[str, Any]:
    return {} if snapshot_id is None else {"recoverySnapshotID": snapshot_id}


def _instances(batch: Batch) -> dict[str, Any]:
    return {"recoveryInstanceIDs": list(batch.instance_ids)}


def _is_drill_job(document: Any, batch: Batch) -> bool:
    return _is_job(document, batch) and member(document, "initiatedBy") in (DRILL, None)


def _is_job(document: Any, batch: Batch) -> bool:
    is_identified = text_at(document, "jobID") is not None
    return is_identified and servers_in(document) <= set(batch.source_server_ids)


def _is_stopped(state: str) -> bool:
    return state == "STOPPED"


def _is_not_stopped(state: str) -> bool:
    return state != "STOPPED"


OPERATIONS: dict[Operation, OperationFacts] = {
    "start": OperationFacts(
        api_name="StartReplication",
        request=_source_server,
        answer_at=("sourceServer",),
        is_about=_is_source_server,
        leads_to="INITIATING",
        took_effect=_is_not_stopped,
        pending=frozenset({"start"}),
        shows_within=START_SHOWS_WITHIN,
        undone_by="StopReplication",
        is_limited=True,
        verb="started",
        already="running already",
        # https://docs.aws.amazon.com/general/latest/gr/drs.html
        quota="the quota of replicating source servers in this Region",
    ),
    "stop": OperationFacts(
        api_name="StopReplication",
        request=_source_server,
        answer_at=("sourceServer",),
        is_about=_is_source_server,
        leads_to="STOPPED",
        took_effect=_is_stopped,
        pending=frozenset({"stop", "fail"}),
        shows_within=math.inf,
        undone_by="StartReplication",
        is_limited=False,
        verb="stopped",
        already="stopped already",
    ),
}

CALLS: dict[Operation | BatchOperation, CallFacts] = {
    "start": OPERATIONS["start"],
    "stop": OPERATIONS["stop"],
    "drill": CallFacts(
        api_name="StartRecovery",
        request=_drill,
        answer_at=("job",),
        is_about=_is_drill_job,
    ),
    "terminate": CallFacts(
        api_name="TerminateRecoveryInstances",
        request=_instances,
        answer_at=("job",),
        is_about=_is_job,
    ),
}
"""Every call that changes something."""

OPERATION_FOR: dict[Goal, Operation] = {"replicating": "start", "continuous": "start", "stopped": "stop"}
"""The operation that brings a source server to the goal."""


def document_in(operation: Operation | BatchOperation, resource: str | Batch, answer: Any) -> Any:
    """The document of this resource in the response; None if the response is not about this resource."""
    facts = CALLS[operation]
    document = member(answer, *facts.answer_at)
    return document if facts.is_about(document, resource) else None
