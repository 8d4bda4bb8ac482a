# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fake clock and a scripted fake of DRS, which also checks invariants of the calls."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.circuit_breaker import CircuitBreaker
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.errors import DrsError, ErrorKind
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.operations import Operation
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.servers import SourceServer
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.options import RunOptions
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.outcomes import Outcome
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.reconcile import reconcile
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.run import Run as ReconcileRun

REGION = "eu-west-1"
GONE = "GONE"
"""What a path says of a server that DRS does not know, before or after it was deleted."""

Seen = str | None
"""A data replication state, None for a server without one, or GONE."""


def sid(number: int) -> str:
    """The ID of the server with this number."""
    return f"s-{number:017d}"


def error(kind: ErrorKind, code: str | None = None, message: str = "") -> DrsError:
    """An error, by default with a message that names its code. One with a code has a whole text of AWS."""
    return DrsError(kind, code, message or f"{code or kind}: so says AWS", error_message=code and f"{code}, at length.")


REFUSED = error("refused", "AccessDeniedException")
CONFLICT = error("conflict", "ConflictException")
THROTTLED = error("throttled", "ThrottlingException")
ERROR_500 = error("unanswered", "InternalServerException")
NO_ANSWER = error("unanswered")
EXPIRED = error("fatal", "ExpiredTokenException")


class FakeClock:
    """Seconds that pass only when somebody sleeps."""

    def __init__(self, at: float = 1000.0) -> None:
        self.at = at
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        assert 0 < seconds < math.inf, f"cannot sleep {seconds} s"
        self.slept.append(seconds)
        self.pass_(seconds)

    def pass_(self, seconds: float) -> None:
        with self._lock:
            self.at += seconds


@dataclass(frozen=True)
class End:
    """How a call ends: answered, or with an error, before its effect or after it, so many seconds later."""

    error: DrsError | None = None
    after_effect: bool = False
    takes: float = 0.0


ANSWERED = End()


@dataclass
class FakeServer:
    """A source server as it is.

    path: its states, the first of which is now; each Describe that shows one moves it on, which is how other actors
    and time are played. started, stopped: its path once a call took effect. stale: seconds for which Describes
    still show the state before that. starts, stops: the ends of the next calls. holds: whether the next Describes
    show something for which filters hold it; the last one stays.
    """

    path: list[Seen]
    started: list[Seen] = field(default_factory=lambda: ["INITIATING", "INITIAL_SYNC", "CONTINUOUS"])
    stopped: list[Seen] = field(default_factory=lambda: ["STOPPED"])
    stale: float = 0.0
    starts: list[End] = field(default_factory=list)
    stops: list[End] = field(default_factory=list)
    members: Mapping[str, Any] = field(default_factory=dict)
    holds: list[bool] = field(default_factory=list)
    effects: int = 0
    shown: Seen = None
    stale_until: float = -math.inf

    def __post_init__(self) -> None:
        # The lists of a parametrized test stay as they are.
        self.path, self.starts = list(self.path), list(self.starts)
        self.stops, self.holds = list(self.stops), list(self.holds)

    def observe(self, now: float) -> Seen:
        """The state that a Describe shows."""
        if len(self.holds) > 1:
            self.holds.pop(0)
        if now < self.stale_until:
            return self.shown
        self.shown = self.path.pop(0) if len(self.path) > 1 else self.path[0]
        return self.shown

    def take_effect(self, path: list[Seen], now: float) -> None:
        self.effects += 1
        self.shown, self.stale_until = self.path[0], now + self.stale
        self.path = list(path)


@dataclass(frozen=True)
class Call:
    """A call in the journal.

    seen: the state that the last Describe showed of the server that is to be changed. saw: what a Describe showed.
    may_take_effect: whether the answer to a start or stop leaves that open.
    """

    operation: Literal["describe", "start", "stop"]
    ids: tuple[str, ...]
    at: float
    until: float
    seen: Seen = None
    saw: Mapping[str, Seen] = field(default_factory=dict)
    may_take_effect: bool = True


class FakeDrs:
    """The API over scripted servers, with a journal.

    It fails the test itself when a server is started that its last Describe did not show as STOPPED, when an
    accepted call is repeated in a run, when a request names no ID or too many, and when a run does not come to an end.
    """

    region = REGION
    attempts = 6
    until = math.inf
    patience = 5000

    def __init__(self, servers: Mapping[str, FakeServer] | Sequence[Seen], describes: Sequence[End] = ()) -> None:
        """servers: by ID, or only the states of servers 0, 1, 2… describes: the ends of the next Describes."""
        if not isinstance(servers, Mapping):
            servers = {sid(number): FakeServer([state]) for number, state in enumerate(servers)}
        self.servers = dict(servers)
        self.clock = FakeClock()
        self.describes = list(describes)
        self.every_start = ANSWERED
        self.journal: list[Call] = []
        self._seen: dict[str, Seen] = {}
        self._accepted: set[str] = set()
        self._lock = threading.Lock()
        self._forget_errors()

    def __repr__(self) -> str:
        return f"FakeDrs({list(self.servers.values())}, journal={self.journal})"

    def describe(self, source_server_ids: Sequence[str]) -> list[SourceServer]:
        assert 1 <= len(source_server_ids) <= 200
        with self._lock:
            self._admit("describe")
            saw: dict[str, Seen] = {}
            self._note(Call("describe", tuple(source_server_ids), self.clock(), self.until, saw=saw))
            end = self.describes.pop(0) if self.describes else ANSWERED
            self.clock.pass_(end.takes)
            self._record("describe", end.error, calls=self.attempts if end.error else 1)
            if end.error:
                raise replace(end.error)
            now = self.clock()
            for source_server_id in source_server_ids:
                server = self.servers.get(source_server_id)
                self._seen[source_server_id] = saw[source_server_id] = server.observe(now) if server else GONE
            known = [source_server_id for source_server_id in source_server_ids if self._seen[source_server_id] != GONE]
            return [self._server(source_server_id, self._seen[source_server_id]) for source_server_id in known[::-1]]

    def describe_all(self) -> list[SourceServer]:
        return [server for source_server_id in self.servers for server in self.describe([source_server_id])]

    def send(self, operation: Operation, source_server_id: str) -> SourceServer:
        with self._lock:
            if self.clock() >= self.until:
                raise DrsError("not_sent", None, "not sent before the deadline")
            self._admit(operation)
            return {"start": self._start, "stop": self._stop}[operation](source_server_id)

    def _start(self, source_server_id: str) -> SourceServer:
        assert self._seen[source_server_id] == "STOPPED", "started although the last Describe did not say STOPPED"
        server = self.servers[source_server_id]
        end = server.starts.pop(0) if server.starts else self.every_start
        return self._write("start", source_server_id, end, server.path[0] == "STOPPED", server.started)

    def _stop(self, source_server_id: str) -> SourceServer:
        server = self.servers[source_server_id]
        end = server.stops.pop(0) if server.stops else ANSWERED
        running = server.path[0] not in ("STOPPED", "DISCONNECTED", GONE)
        return self._write("stop", source_server_id, end, running, server.stopped)

    def run(self, *source_server_ids: str, **options: Any) -> Run:
        """Reconcile these servers, by default all, with these options (by default: replicating)."""
        outcomes = [Outcome(source_server_id) for source_server_id in source_server_ids or self.servers]
        return self.go_on(outcomes, **options)

    def go_on(self, outcomes: list[Outcome], listed: Sequence[SourceServer] = (), **options: Any) -> Run:
        """As run, for servers that were described already. listed: what else the listing under filters returned."""
        begin, begun_at = len(self.journal), self.clock()
        reports: list[list[str | None]] = []
        self.clock.slept.clear()
        self._accepted.clear()
        self._forget_errors()
        effects = {source_server_id: server.effects for source_server_id, server in self.servers.items()}
        run_options = RunOptions(**{"goal": "replicating", **options})
        run_options = replace(run_options, wait=run_options.wait and not run_options.check_mode)
        self.until = self.clock() + run_options.wait_timeout
        run = ReconcileRun(
            run_options,
            self,
            outcomes,
            self.clock,
            self.clock.sleep,
            lambda seen: reports.append([outcome.state for outcome in seen]),
            listed=listed,
        )
        reconcile(run)
        took_effect = {each for each, server in self.servers.items() if server.effects > effects[each]}
        return Run(run, outcomes, run.error, self.journal[begin:], self.clock() - begun_at, reports, took_effect)

    def _forget_errors(self) -> None:
        self._breakers = {name: CircuitBreaker(self.clock) for name in ("describe", "start", "stop")}
        self._fatal: DrsError | None = None

    def _admit(self, name: str) -> None:
        """As the API does: no call after a fatal error, or while the circuit breaker is open."""
        if self._fatal:
            raise replace(self._fatal, kind="not_tried")
        if not self._breakers[name].lets_through():
            raise DrsError("not_tried", None, "20 calls in a row were not answered")

    def _record(self, name: str, error: DrsError | None, calls: int = 1) -> None:
        for _call in range(calls):
            self._breakers[name].record(answered=error is None or error.facts.is_answered)
        if error and error.facts.ends_run:
            self._fatal = error

    def _write(
        self,
        operation: Operation,
        source_server_id: str,
        end: End,
        possible: bool,
        path: list[Seen],
    ) -> SourceServer:
        assert source_server_id not in self._accepted, "an accepted call was repeated"
        open_end = possible if end.error is None else end.error.kind == "unanswered"
        seen = self._seen[source_server_id]
        self._note(Call(operation, (source_server_id,), self.clock(), self.until, seen, may_take_effect=open_end))
        self._record(operation, end.error)
        if end.error and not end.after_effect:
            raise replace(end.error)
        if possible:
            self.servers[source_server_id].take_effect(path, self.clock())
        if end.error:
            raise replace(end.error)
        if not possible:
            raise replace(CONFLICT)
        self._accepted.add(source_server_id)
        return self._server(source_server_id, "INITIATING" if operation == "start" else "STOPPED")

    def _server(self, source_server_id: str, state: Seen) -> SourceServer:
        stuck = {"dataReplicationError": {"error": "AGENT_NOT_SEEN"}} if state in ("STALLED", "DISCONNECTED") else {}
        return {
            "sourceServerID": source_server_id,
            "arn": f"arn:aws:drs:{REGION}:123456789012:source-server/{source_server_id}",
            "dataReplicationInfo": {} if state is None else {"dataReplicationState": state, **stuck},
            **({"replicationDirection": "FAILBACK"} if any(self.servers[source_server_id].holds[:1]) else {}),
            **self.servers[source_server_id].members,
        }

    def _note(self, call: Call) -> None:
        self.journal.append(call)
        assert len(self.journal) < self.patience, "the run does not end"


@dataclass(frozen=True)
class Run:
    """The result of a run. took_effect: the servers that this run's calls changed, as only DRS itself knows."""

    run: ReconcileRun
    outcomes: list[Outcome]
    ended_by: DrsError | None
    calls: list[Call]
    took: float
    reports: list[list[str | None]]
    took_effect: set[str]

    @property
    def reported(self) -> set[str]:
        """The servers of which the run says that it changed them, or that it may have."""
        return {
            outcome.source_server_id for outcome in self.outcomes if outcome.changed or " was sent " in outcome.reason
        }

    def of(self, operation: str) -> list[Call]:
        return [call for call in self.calls if call.operation == operation]

    @property
    def writes(self) -> list[str]:
        """The IDs that were started or stopped, a call each, in an order that is always the same."""
        return sorted(call.ids[0] for call in self.calls if call.operation != "describe")

    @property
    def described_at(self) -> list[float]:
        """When the Describes were sent, in seconds from the beginning of the run."""
        return [call.at - self.calls[0].at for call in self.of("describe")]

    @property
    def only(self) -> Outcome:
        (outcome,) = self.outcomes
        return outcome

    def ids_with(self, applies: Callable[[Outcome], bool]) -> list[str]:
        return [outcome.source_server_id for outcome in self.outcomes if applies(outcome)]
