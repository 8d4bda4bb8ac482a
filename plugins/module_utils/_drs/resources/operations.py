# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations that change a resource, as a table: what each one sends, and what shows its effect. Pure.

The call for another resource, such as a recovery instance or a job, is another row. The loop is for source servers: the
facts from leads_to on are theirs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from .servers import member, text_at

Goal = Literal["replicating", "continuous", "stopped"]
Operation = Literal["start", "stop"]
Verdict = Literal["start", "stop", "done", "wait", "fail"]

START_SHOWS_WITHIN = 300.0
"""Seconds for which Describe may still return STOPPED after StartReplication took effect. Assumed: AWS documents no
limit."""


@dataclass(frozen=True)
class OperationFacts:
    """The properties of an operation that changes a resource.

    api_name: the operation in the service model. request: its request for the resource with this ID. answer_at: where
    its response holds the document of the resource; () is the response itself. is_about: whether that document is about
    the resource with this ID. leads_to: the state after an accepted call, which check mode predicts. took_effect:
    whether a state shows that a call without a response took effect. pending: the verdicts that become "wait" after an
    accepted call, because the state does not show it yet. shows_within: maximum seconds of that delay. undone_by: the
    opposite operation. is_limited: whether max_in_progress applies. verb: past participle for messages. already: phrase
    for servers that need no call.
    """

    api_name: str
    request: Callable[[str], dict[str, Any]]
    answer_at: tuple[str, ...]
    is_about: Callable[[Any, str], bool]
    leads_to: str
    took_effect: Callable[[str], bool]
    pending: frozenset[Verdict]
    shows_within: float
    undone_by: str
    is_limited: bool
    verb: str
    already: str


def _source_server(source_server_id: str) -> dict[str, Any]:
    return {"sourceServerID": source_server_id}


def _is_source_server(document: Any, source_server_id: str) -> bool:
    return text_at(document, "sourceServerID") == source_server_id


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

OPERATION_FOR: dict[Goal, Operation] = {"replicating": "start", "continuous": "start", "stopped": "stop"}
"""The operation that brings a source server to the goal."""


def document_in(operation: Operation, resource_id: str, answer: Any) -> Any:
    """The document of this resource in the response; None if the response is not about this resource."""
    facts = OPERATIONS[operation]
    document = member(answer, *facts.answer_at)
    return document if facts.is_about(document, resource_id) else None
