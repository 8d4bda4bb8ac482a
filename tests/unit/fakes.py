# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A clock and a DRS that tests script, and the promises that DRS itself watches over."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.faults import Fault, FaultKind
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.outcomes import Outcome
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.replication import Aim, pursue
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.servers import SourceServer

REGION = "eu-west-1"
GONE = "GONE"
"""What a path says of a server that DRS does not know, before or after it was deleted."""

Seen = str | None
"""A data replication state, None for a server without one, or C(GONE)."""


def sid(number: int) -> str:
    """The ID of the server with this number."""
    return f"s-{number:017d}"


def fault(kind: FaultKind, code: str | None = None, message: str = "") -> Fault:
    """A fault, by default with a message that names its code."""
    return Fault(kind, code, message or f"{code or kind}: so says AWS")


REFUSED = fault("refused", "AccessDeniedException")
CONFLICT = fault("conflict", "ConflictException")
THROTTLED = fault("throttled", "ThrottlingException")
ERROR_500 = fault("unanswered", "InternalServerException")
SILENCE = fault("unanswered")
EXPIRED = fault("fatal", "ExpiredTokenException")


class FakeClock:
    """Seconds that pass only when somebody sleeps."""

    def __init__(self, at: float = 1000.0) -> None:
        self.at = at
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        assert 0 < seconds < math.inf, f"nobody can sleep {seconds} s"
        self.slept.append(seconds)
        self.pass_(seconds)

    def pass_(self, seconds: float) -> None:
        with self._lock:
            self.at += seconds


@dataclass(frozen=True)
class End:
    """How a call ends: answered, or with a fault, before its effect or after it, so many seconds later."""

    fault: Fault | None = None
    after_effect: bool = False
    takes: float = 0.0


ANSWERED = End()


@dataclass
class FakeServer:
    """A source server as it is.

    C(path): its states, the first of which is now; each look that sees one moves it on, which is how other actors
    and time are played. C(started), C(stopped): its path once a call took effect. C(stale): seconds for which looks
    still see the state before that. C(starts), C(stops): the ends of the next calls.
    """

    path: list[Seen]
    started: list[Seen] = field(default_factory=lambda: ["INITIATING", "INITIAL_SYNC", "CONTINUOUS"])
    stopped: list[Seen] = field(default_factory=lambda: ["STOPPED"])
    stale: float = 0.0
    starts: list[End] = field(default_factory=list)
    stops: list[End] = field(default_factory=list)
    members: Mapping[str, Any] = field(default_factory=dict)
    effects: int = 0
    shown: Seen = None
    stale_until: float = -math.inf

    def look(self, now: float) -> Seen:
        """What a look sees."""
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
    """A call in the journal. C(seen): the state that the last look saw of the server that is to be changed."""

    operation: Literal["describe", "start", "stop"]
    ids: tuple[str, ...]
    at: float
    until: float
    seen: Seen = None


class FakeDrs:
    """replication.Service over scripted servers, with a journal.

    It fails the test itself when a server is started that its last look did not show as STOPPED, when an accepted
    call is repeated in a run, when a request names no ID or too many, and when a run does not come to an end.
    """

    region = REGION
    attempts = 6
    patience = 5000

    def __init__(self, servers: Mapping[str, FakeServer] | Sequence[Seen], describes: Sequence[End] = ()) -> None:
        """C(servers): by ID, or only the states of servers 0, 1, 2… C(describes): the ends of the next looks."""
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

    def __repr__(self) -> str:
        return f"FakeDrs({list(self.servers.values())}, journal={self.journal})"

    def describe(self, source_server_ids: Sequence[str], until: float) -> list[SourceServer]:
        assert 1 <= len(source_server_ids) <= 200
        with self._lock:
            self._note(Call("describe", tuple(source_server_ids), self.clock(), until))
            end = self.describes.pop(0) if self.describes else ANSWERED
            self.clock.pass_(end.takes)
            if end.fault:
                raise replace(end.fault)
            now = self.clock()
            for source_server_id in source_server_ids:
                server = self.servers.get(source_server_id)
                self._seen[source_server_id] = server.look(now) if server else GONE
            known = [source_server_id for source_server_id in source_server_ids if self._seen[source_server_id] != GONE]
            return [self._server(source_server_id, self._seen[source_server_id]) for source_server_id in known[::-1]]

    def describe_every(self, until: float) -> list[SourceServer]:
        return [server for source_server_id in self.servers for server in self.describe([source_server_id], until)]

    def start(self, source_server_id: str, until: float) -> SourceServer:
        with self._lock:
            assert self._seen[source_server_id] == "STOPPED", "started although the last look did not say STOPPED"
            server = self.servers[source_server_id]
            end = server.starts.pop(0) if server.starts else self.every_start
            return self._write("start", source_server_id, end, server.path[0] == "STOPPED", server.started, until)

    def stop(self, source_server_id: str, until: float) -> SourceServer:
        with self._lock:
            server = self.servers[source_server_id]
            end = server.stops.pop(0) if server.stops else ANSWERED
            running = server.path[0] not in ("STOPPED", "DISCONNECTED", GONE)
            return self._write("stop", source_server_id, end, running, server.stopped, until)

    def run(self, *source_server_ids: str, **aim: Any) -> Run:
        """Pursue an aim (by default: replicating) for these servers, by default for all."""
        outcomes = [Outcome(source_server_id) for source_server_id in source_server_ids or self.servers]
        return self.go_on(outcomes, **aim)

    def go_on(self, outcomes: list[Outcome], **aim: Any) -> Run:
        """As C(run), for servers that were looked at already."""
        begin, begun_at, reports = len(self.journal), self.clock(), []
        self.clock.slept.clear()
        self._accepted.clear()
        effects = {source_server_id: server.effects for source_server_id, server in self.servers.items()}
        ended_by = pursue(
            Aim(**{"goal": "replicating", **aim}),
            outcomes,
            self,
            self.clock,
            self.clock.sleep,
            lambda seen: reports.append([outcome.state for outcome in seen]),
        )
        took_effect = {each for each, server in self.servers.items() if server.effects > effects[each]}
        return Run(outcomes, ended_by, self.journal[begin:], self.clock() - begun_at, reports, took_effect)

    def _write(
        self,
        operation: Literal["start", "stop"],
        source_server_id: str,
        end: End,
        possible: bool,
        path: list[Seen],
        until: float,
    ) -> SourceServer:
        assert source_server_id not in self._accepted, "an accepted call was repeated"
        self._note(Call(operation, (source_server_id,), self.clock(), until, self._seen[source_server_id]))
        if end.fault and not end.after_effect:
            raise replace(end.fault)
        if possible:
            self.servers[source_server_id].take_effect(path, self.clock())
        if end.fault:
            raise replace(end.fault)
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
            **self.servers[source_server_id].members,
        }

    def _note(self, call: Call) -> None:
        self.journal.append(call)
        assert len(self.journal) < self.patience, "the run does not come to an end"


@dataclass(frozen=True)
class Run:
    """What came of a run. C(took_effect): the servers that this run's calls changed, as only DRS itself knows."""

    outcomes: list[Outcome]
    ended_by: Fault | None
    calls: list[Call]
    took: float
    reports: list[list[str | None]]
    took_effect: set[str]

    def of(self, operation: str) -> list[Call]:
        return [call for call in self.calls if call.operation == operation]

    @property
    def writes(self) -> list[str]:
        """The IDs that were started or stopped, a call each, in an order that is always the same."""
        return sorted(call.ids[0] for call in self.calls if call.operation != "describe")

    @property
    def looks(self) -> list[float]:
        """When the looks were, in seconds from the begin of the run."""
        return [call.at - self.calls[0].at for call in self.of("describe")]

    @property
    def only(self) -> Outcome:
        (outcome,) = self.outcomes
        return outcome

    def ids_with(self, applies: Callable[[Outcome], bool]) -> list[str]:
        return [outcome.source_server_id for outcome in self.outcomes if applies(outcome)]
