# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One call from request to reply: signature, rate limit, faults, other actors, effect, journal."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .faults import ANSWERED_STATES, Actor, Trigger
from .model import ServiceError, names_one_server, operation_at, violations
from .paging import invalid_input, read_token
from .readers import ScriptError
from .recovery import Recovery
from .region import Region
from .replies import Reply, error_reply, spoilt
from .script import RateLimit, Script, read_script
from .signature import Request, signed_region
from .source_servers import Document
from .world import World

if TYPE_CHECKING:
    from botocore.model import OperationModel

TriggerT = TypeVar("TriggerT", bound=Trigger)

Effect = Callable[[World, str, Document], Document]


def _of_recovery(effect: Callable[[Recovery, Region, Document], Document]) -> Effect:
    return lambda world, region, params: effect(world.recovery, world.present(region), params)


EFFECTS: Mapping[str, Effect] = {
    "DescribeSourceServers": World.describe,
    "DescribeRecoverySnapshots": World.describe_snapshots,
    "StartReplication": lambda world, region, params: world.start(region, params["sourceServerID"]),
    "StopReplication": lambda world, region, params: world.stop(region, params["sourceServerID"]),
    "InitializeService": lambda world, region, _params: world.initialize(region),
    "StartRecovery": World.start_recovery,
    "TerminateRecoveryInstances": _of_recovery(Recovery.terminate),
    "DescribeJobs": _of_recovery(Recovery.describe_jobs),
    "DescribeJobLogItems": _of_recovery(Recovery.describe_log),
    "DescribeRecoveryInstances": _of_recovery(Recovery.describe_instances),
    "GetLaunchConfiguration": _of_recovery(Recovery.configuration),
}
DEEDS: Mapping[str, Callable[[World, str, str], Any]] = {
    "start": World.start,
    "stop": World.stop,
    "delete": World.delete,
    "disconnect": World.disconnect,
    "drill": lambda world, region, server_id: world.launch(region, server_id, is_drill=True),
    "recover": lambda world, region, server_id: world.launch(region, server_id, is_drill=False),
    "terminate": World.clean_up,
}


@dataclass(frozen=True)
class Call:
    """A call that triggers are matched with; `page` counts from 1, None if the operation does not page."""

    operation: str
    region: str
    params: Document
    page: int | None


@dataclass
class Watch(Generic[TriggerT]):
    """A trigger and the calls that it has seen."""

    trigger: TriggerT
    seen: int = 0

    def due(self, call: Call) -> bool:
        """Counts a call that matches, and tells whether the trigger answers to it."""
        if not _triggers(self.trigger, call):
            return False
        self.seen += 1
        turn = self.seen - self.trigger.skip
        return turn > 0 and (self.trigger.times is None or turn <= self.trigger.times)


@dataclass
class TokenBucket:
    """A rate limit at work; `level` is the number of calls that pass at once."""

    limit: RateLimit
    level: float
    filled_at: float

    def take(self, now: float) -> bool:
        """Whether a call at `now` (seconds) passes."""
        most = _burst(self.limit)
        self.level = min(most, self.level + (now - self.filled_at) * self.limit.rate)
        self.filled_at = now
        if self.level < 1:
            return False
        self.level -= 1
        return True


class Service:
    """The emulated service as a function of requests; thread-safe. `clock` gives seconds that only grow."""

    def __init__(self, script: Mapping[str, Any], clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self.load(script)

    def load(self, script: Mapping[str, Any]) -> None:
        """Replaces the whole world and clears the journal; raises ScriptError and then changes nothing."""
        read = read_script(script)
        with self._lock:
            self._script = read
            self._world = World(read, self._clock)
            self._watch(read)
            self._buckets: dict[tuple[str, str], TokenBucket] = {}
            self._journal: list[Document] = []
            self._began = self._clock()

    def disturb(self, faults: Sequence[Any] = (), others: Sequence[Any] = ()) -> None:
        """Replaces the faults and the other actors; the world and the journal stay. Raises ScriptError."""
        script = read_script({"faults": faults, "others": others})
        with self._lock:
            self._watch(script)

    def journal(self) -> list[Document]:
        """A copy of the journal, oldest call first."""
        with self._lock:
            return list(self._journal)

    def clear_journal(self) -> None:
        """Forgets every call; the world stays."""
        with self._lock:
            self._journal.clear()

    def servers(self, region: str) -> dict[str, Document]:
        """The true state of every server of a region, by ID."""
        with self._lock:
            return self._world.servers(region)

    def jobs(self, region: str) -> dict[str, Document]:
        """The true state of every job of a region, by ID."""
        with self._lock:
            return self._world.jobs(region)

    def recovery_instances(self, region: str) -> dict[str, Document]:
        """The true state of every recovery instance of a region, by ID."""
        with self._lock:
            return self._world.recovery_instances(region)

    def patch(self, region: str, resource_id: str, changes: Mapping[str, Any]) -> Document:
        """See World.patch."""
        with self._lock:
            return self._world.patch(region, resource_id, changes)

    def delete(self, region: str, resource_id: str) -> None:
        """See World.delete."""
        with self._lock:
            self._world.delete(region, resource_id)

    def latency(self, request: Request) -> float:
        """Seconds that this call takes on its way to the service."""
        operation = operation_at(request.method, request.path)
        return self._script.latency.get(operation.name, 0.0) if operation else 0.0

    def is_early(self, request: Request) -> bool:
        """Whether this call waits at a barrier for calls of other operations."""
        operation = operation_at(request.method, request.path)
        with self._lock:
            barrier = self._script.barriers.get(operation.name, {}) if operation else {}
            came = Counter(entry["operation"] for entry in self._journal)
        return any(came[awaited] < number for awaited, number in barrier.items())

    def call(self, request: Request) -> Reply:
        """Answers one request of an AWS client and writes it into the journal."""

        def answer(entry: Document) -> Reply:
            operation = operation_at(request.method, request.path)
            entry["operation"] = operation.name if operation else None
            region = entry["region"] = signed_region(request, self._script.credentials)
            if operation is None:
                raise ServiceError(
                    "UnknownOperationException", f"{request.method} {request.path} is not an operation of DRS."
                )
            if operation.name not in EFFECTS:
                raise ServiceError("NotImplementedException", f"The emulator does not implement {operation.name}.")
            return self._answer(region, operation, _parsed(request.body), entry)

        return self._written(answer, request.headers.get("user-agent"))

    def perform(self, region: str, operation: OperationModel, params: Document) -> Reply:
        """As call, for a client in this process, which signs nothing."""

        def answer(entry: Document) -> Reply:
            entry["operation"], entry["region"] = operation.name, region
            return self._answer(region, operation, params, entry)

        return self._written(answer)

    def _written(self, answer: Callable[[Document], Reply], user_agent: str | None = None) -> Reply:
        entry: Document = {
            "n": 0,
            "time": 0.0,
            "region": None,
            "operation": None,
            "input": None,
            "status": None,
            "error": None,
            "fault": None,
            "user_agent": user_agent,
            "items": None,
        }
        with self._lock:
            entry["n"], entry["time"] = len(self._journal) + 1, round(self._clock() - self._began, 6)
            self._journal.append(entry)
            try:
                reply = answer(entry)
            except ServiceError as error:
                reply = error_reply(error)
            except ScriptError as error:
                reply = error_reply(ServiceError("InternalFailure", str(error)))
            entry["status"], entry["error"] = reply.status, reply.headers.get("x-amzn-ErrorType")
        return reply

    def _answer(self, region: str, operation: OperationModel, params: Document, entry: Document) -> Reply:
        entry["input"] = params
        _check_input(operation, params)
        self._take_token(region, operation.name)
        call = Call(operation.name, region, params, _page(operation, params))
        fault = next((watch.trigger for watch in self._faults if watch.due(call)), None)
        actors = [watch.trigger for watch in self._others if watch.due(call)]
        entry["fault"] = {"kind": fault.kind, "when": fault.when} if fault else None
        self._act(actors, "before", call)
        reply = self._unapplied(call) if fault and fault.when == "before" else self._replied(operation, call, entry)
        self._act(actors, "after", call)
        return spoilt(reply, fault, params) if fault else reply

    def _unapplied(self, call: Call) -> Reply:
        if call.operation not in ANSWERED_STATES:
            return Reply(200, body={})
        state = ANSWERED_STATES[call.operation]
        return Reply(200, body=self._world.unapplied(call.region, call.params["sourceServerID"], state))

    def _replied(self, operation: OperationModel, call: Call, entry: Document) -> Reply:
        try:
            return self._effect(operation, call, entry)
        except ServiceError as error:
            return error_reply(error)

    def _effect(self, operation: OperationModel, call: Call, entry: Document) -> Reply:
        answer = EFFECTS[operation.name](self._world, call.region, call.params)
        if "items" in answer:
            entry["items"] = len(answer["items"])
        _check_answer(operation, answer)
        status = operation.http.get("responseCode", 200)
        return Reply(status, body="" if status == 204 else answer)

    def _watch(self, script: Script) -> None:
        self._faults = [Watch(fault) for fault in script.faults]
        self._others = [Watch(actor) for actor in script.others]

    def _take_token(self, region: str, operation: str) -> None:
        limit = self._script.rate_limits.get(operation)
        if limit is None:
            return
        now = self._clock()
        bucket = self._buckets.setdefault((region, operation), TokenBucket(limit, _burst(limit), now))
        if not bucket.take(now):
            raise ServiceError("ThrottlingException", "Rate exceeded", retryAfterSeconds=limit.retry_after)

    def _act(self, actors: list[Actor], when: str, call: Call) -> None:
        for actor in actors:
            if actor.when == when:
                # If the other actor's call is refused, this call proceeds regardless.
                with suppress(ServiceError):
                    DEEDS[actor.do](self._world, call.region, actor.server or call.params["sourceServerID"])


def _parsed(body: bytes) -> Document:
    try:
        params = json.loads(body or b"{}")
    except ValueError:
        params = None
    if not isinstance(params, dict):
        raise invalid_input([("body", "is not a JSON object")], reason="cannotParse")
    return params


def _check_input(operation: OperationModel, params: Document) -> None:
    found = violations(operation.input_shape, params) if operation.input_shape else []
    if found:
        raise invalid_input([(violation.path, violation.message) for violation in found])


def _check_answer(operation: OperationModel, answer: Document) -> None:
    # What a script gives was checked when it was read, or a source server when it became what it is; "conform": false
    # lets it through. A log has an event that the model does not know.
    checked: Document = {"items": [], "sourceServer": {}}
    rest = {name: checked.get(name, value) for name, value in answer.items()}
    found = violations(operation.output_shape, rest, answer=True) if operation.output_shape else []
    if found:
        raise ServiceError("InternalFailure", f"The emulator's own answer departs from the model: {found[0]}")


def _page(operation: OperationModel, params: Document) -> int | None:
    paged = operation.input_shape is not None and "nextToken" in operation.input_shape.members
    return read_token(params).page if paged else None


def _burst(limit: RateLimit) -> float:
    return max(1.0, limit.rate if limit.burst is None else limit.burst)


def _ids_in(params: Document) -> list[str]:
    filters = params.get("filters", {})
    lists = [filters.get(name, ()) for name in ("sourceServerIDs", "recoveryInstanceIDs", "jobIDs")]
    launched = [source["sourceServerID"] for source in params.get("sourceServers", ())]
    single = [params[name] for name in ("sourceServerID", "jobID") if name in params]
    return [*single, *launched, *params.get("recoveryInstanceIDs", ()), *chain.from_iterable(lists)]


def _triggers(trigger: Trigger, call: Call) -> bool:
    names_server = trigger.server is None or trigger.server in _ids_in(call.params)
    if isinstance(trigger, Actor) and not names_one_server(call.operation):
        names_server = True
    return (
        names_server
        and trigger.operation in (None, call.operation)
        and trigger.region in (None, call.region)
        and trigger.page in (None, call.page)
    )
