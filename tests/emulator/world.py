# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulated account: regions, their source servers, and how these change with time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from .model import ServiceError
from .paging import page_of
from .readers import check_conforms
from .recovery import Recovery
from .region import SOURCE_SERVER_TYPE, Region, SourceServer, server_not_found
from .snapshots import Snapshot, default_snapshots, described_snapshots, snapshots_at
from .source_servers import (
    DISCONNECTED_ON_PURPOSE,
    NOT_REPLICATING,
    Document,
    in_state,
    member,
    scripts_last_seen,
    seen_at,
    state_of,
)
from .timekeeper import Timekeeper
from .timelines import Step, apply_step, read_change, step_at

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .script import RegionSeed, Script, Seed

# StartReplication: "for a stopped Source Server"; a server that replicates nothing cannot be stopped, and the
# emulator counts DISCONNECTED as such (the API reference names only the ConflictException, not the states).
STARTABLE = ("STOPPED",)
NOT_STOPPABLE = ("STOPPED", "DISCONNECTED")


class World:
    """All regions of a script. Not thread-safe: callers hold a lock. `clock` gives seconds that only grow."""

    def __init__(self, script: Script, clock: Callable[[], float] = time.monotonic) -> None:
        self._script = script
        self._time = Timekeeper(clock, script.step_seconds)
        self.recovery = Recovery(script, self._time)
        self._regions = {name: self._populated(name, region) for name, region in script.regions.items()}

    def describe(self, region: str, params: Mapping[str, Any]) -> Document:
        """A DescribeSourceServersResponse; every server on the page has been described once more."""
        servers = self._initialized(region).servers
        filters = params.get("filters", {})
        found = sorted(id_ for id_, server in servers.items() if _matches(id_, server.document, filters))
        page, token = page_of(found, params, self._script.page_size)
        shown = [self._observe(region, id_) for id_ in page]
        return {"items": [document for document in shown if document is not None], **token}

    def describe_snapshots(self, region: str, params: Mapping[str, Any]) -> Document:
        """A DescribeRecoverySnapshotsResponse; does not count as a Describe. Raises ServiceError.

        An unknown server has none: an assumption, since the model has no ResourceNotFoundException for this operation.
        """
        servers = self._initialized(region).servers
        source_server_id = params["sourceServerID"]
        if not self._advance(region, source_server_id):
            return {"items": []}
        server = servers[source_server_id]
        return described_snapshots(server.document, server.snapshots, params, self._script.page_size)

    def start(self, region: str, source_server_id: str) -> Document:
        """A StartReplicationResponse: the server, already INITIATING. Raises ServiceError."""
        server = self._found(region, source_server_id)
        if state_of(server.document) not in STARTABLE:
            raise _conflict(source_server_id, server, "Replication can only be started for a stopped source server")
        now = self._time.clock()
        server.stale_document = server.document
        server.stale_describes = server.seed.stale_describes
        server.stale_until = now + server.seed.stale_seconds
        self._follow(server, server.seed.timeline)
        self._apply(server, Step("INITIATING"))
        return {"sourceServer": server.document}

    def stop(self, region: str, source_server_id: str) -> Document:
        """A StopReplicationResponse: the server, STOPPED. Raises ServiceError."""
        server = self._found(region, source_server_id)
        if state_of(server.document) in NOT_STOPPABLE:
            raise _conflict(source_server_id, server, "Replication can only be stopped while it runs")
        self._settle_in(server, Step("STOPPED"))
        return {"sourceServer": server.document}

    def start_recovery(self, region: str, params: Mapping[str, Any]) -> Document:
        """See Recovery.start; every server is where it is by now."""
        for source in params["sourceServers"]:
            self._advance(region, source["sourceServerID"])
        return self.recovery.start(self.present(region), params)

    def launch(self, region: str, source_server_id: str, is_drill: bool) -> None:
        """Somebody else launches a drill or a recovery of a server. Raises ServiceError."""
        self.start_recovery(region, {"sourceServers": [{"sourceServerID": source_server_id}], "isDrill": is_drill})

    def clean_up(self, region: str, source_server_id: str) -> None:
        """Somebody else terminates the recovery instances of a server. Raises ServiceError."""
        living = self.recovery.living(self.present(region), source_server_id)
        if living:
            self.recovery.terminate(self.present(region), {"recoveryInstanceIDs": living})

    def unapplied(self, region: str, source_server_id: str, state: str) -> Document:
        """The answer of a call that would bring the server into `state`, without the effect; {} without the server."""
        server = self._region(region).servers.get(source_server_id)
        return {} if server is None else {"sourceServer": in_state(server.document, state, self._time.moment())}

    def initialize(self, region: str) -> Document:
        """An InitializeServiceResponse: initialises DRS in that region."""
        self._regions.setdefault(region, Region(region)).initialized = True
        return {}

    def disconnect(self, region: str, source_server_id: str) -> None:
        """Somebody else disconnects a server, as DisconnectSourceServer does. Raises ServiceError."""
        self._settle_in(self._found(region, source_server_id), Step("DISCONNECTED", **DISCONNECTED_ON_PURPOSE))

    def delete(self, region: str, resource_id: str) -> None:
        """A server, a job or a recovery instance is gone. Raises ServiceError."""
        if resource_id.startswith("s-"):
            self._found(region, resource_id)
            del self._regions[region].servers[resource_id]
        else:
            self.recovery.delete(self.present(region), resource_id)

    def patch(self, region: str, resource_id: str, changes: Mapping[str, Any]) -> Document:
        """Somebody else changes a server, a job or a recovery instance: a deep merge, None deletes.

        Of a server, `state` and the like are as in a script, and a change of the state ends its timeline. Raises
        ServiceError, and ScriptError for a change that departs from the model.
        """
        if resource_id.startswith("s-"):
            return self._patch_server(region, resource_id, changes)
        return self.recovery.patch(self.present(region), resource_id, changes)

    def _patch_server(self, region: str, source_server_id: str, changes: Mapping[str, Any]) -> Document:
        server = self._found(region, source_server_id)
        step, snapshots = read_change(changes)
        self._apply(server, step, f"The change of {source_server_id}")
        if snapshots is not None:
            server.snapshots = snapshots_at(self._time.moment(), snapshots)
        if step.state is not None or step.traits or "dataReplicationInfo" in step.merge:
            self._follow(server, ())
            server.stale_document = None
        return server.document

    def present(self, name: str) -> Region:
        """A region with its jobs where they are by now. Raises ServiceError: it may not be initialised."""
        region = self._initialized(name)
        self.recovery.advance(region)
        return region

    def servers(self, region: str) -> dict[str, Document]:
        """The true state of every server of a region, by ID; does not count as a Describe."""
        for source_server_id in list(self._region(region).servers):
            self._advance(region, source_server_id)
        return {id_: server.document for id_, server in self._region(region).servers.items()}

    def jobs(self, region: str) -> dict[str, Document]:
        """The true state of every job of a region, by ID; does not count as a Describe."""
        return self.recovery.jobs(self._region(region))

    def recovery_instances(self, region: str) -> dict[str, Document]:
        """The true state of every recovery instance of a region, by ID; does not count as a Describe."""
        return self.recovery.instances(self._region(region))

    def _region(self, name: str) -> Region:
        return self._regions.get(name, Region(name))

    def _initialized(self, name: str) -> Region:
        region = self._region(name)
        if not region.initialized:
            raise ServiceError("UninitializedAccountException", "Account is not initialized.")
        return region

    def _found(self, region: str, source_server_id: str) -> SourceServer:
        self._initialized(region)
        self._advance(region, source_server_id)
        server = self._region(region).servers.get(source_server_id)
        if server is None:
            raise server_not_found(source_server_id)
        return server

    def _populated(self, name: str, seed: RegionSeed) -> Region:
        servers = {server.document["sourceServerID"]: self._born(server) for server in seed.servers}
        region = Region(name, seed.initialized, servers)
        self.recovery.seed(region, seed)
        return region

    def _born(self, seed: Seed) -> SourceServer:
        if seed.snapshots is None:
            snapshots = default_snapshots(state_of(seed.document), self._time.birth)
        else:
            snapshots = snapshots_at(self._time.birth, seed.snapshots)
        server = SourceServer(
            document=seed.document,
            seed=seed,
            conform=seed.conform,
            entered=self._time.birth,
            scripts_last_seen=seed.scripts_last_seen,
            snapshots=snapshots,
        )
        if seed.from_now:
            self._follow(server, seed.timeline)
        return server

    def _follow(self, server: SourceServer, timeline: tuple[Step, ...]) -> None:
        server.timeline, server.began, server.describes, server.reached = timeline, self._time.clock(), 0, -1

    def _settle_in(self, server: SourceServer, step: Step) -> None:
        self._follow(server, ())
        server.stale_document = None
        self._apply(server, step)

    def _observe(self, region: str, source_server_id: str) -> Document | None:
        server = self._region(region).servers[source_server_id]
        if server.stale_describes > 0 or self._time.clock() < server.stale_until:
            server.stale_describes = max(0, server.stale_describes - 1)
            if server.stale_document is not None:
                return server.stale_document
        server.stale_document = None
        server.describes += 1
        return server.document if self._advance(region, source_server_id) else None

    def _advance(self, region: str, source_server_id: str) -> bool:
        """Brings a server to where its timeline is by now; False if it is gone."""
        servers = self._region(region).servers
        server = servers.get(source_server_id)
        if server is None:
            return False
        due = step_at(server.timeline, self._time.units(server.began, server.describes))
        for step in server.timeline[server.reached + 1 : due + 1]:
            if step.deleted:
                del servers[source_server_id]
                return False
            self._apply(server, step)
        server.reached = max(server.reached, due)
        self._see(server)
        return True

    def _see(self, server: SourceServer) -> None:
        if not server.scripts_last_seen:
            server.document = seen_at(server.document, server.entered, self._time.moment())

    def _apply(self, server: SourceServer, step: Step, what: str = "A step of a timeline") -> None:
        document = apply_step(server.document, step, self._time.moment())
        if server.conform and step.conform:
            check_conforms("SourceServer", document, what)
        server.scripts_last_seen |= scripts_last_seen(step.merge)
        self._become(server, document, server.conform and step.conform)
        self._see(server)

    def _become(self, server: SourceServer, document: Document, conform: bool) -> None:
        before, after = state_of(server.document), state_of(document)
        server.document, server.conform = document, conform
        if before != after:
            server.entered = self._time.moment()
        # StopReplication deletes "its existing snapshots", DisconnectSourceServer "all AWS resources" of the
        # replication: https://docs.aws.amazon.com/drs/latest/APIReference/API_StopReplication.html and
        # API_DisconnectSourceServer.html.
        if after in NOT_REPLICATING and before != after:
            server.snapshots = ()
        elif after == "CONTINUOUS" and before != after and server.seed.snapshots is None:
            server.snapshots = (Snapshot(self._time.moment()), *server.snapshots)


def _matches(source_server_id: str, document: Document, filters: Mapping[str, Any]) -> bool:
    ids, accounts, hardware = (filters.get(key) for key in ("sourceServerIDs", "stagingAccountIDs", "hardwareId"))
    hints = ("sourceProperties", "identificationHints")
    return (
        (not ids or source_server_id in ids)
        and (not accounts or member(document, "stagingArea", "stagingAccountID") in accounts)
        # No member of a source server is called so; the model says only "hardware ID".
        and (not hardware or hardware in [member(document, *hints, name) for name in ("vmWareUuid", "awsInstanceID")])
    )


def _conflict(source_server_id: str, server: SourceServer, message: str) -> ServiceError:
    return ServiceError(
        "ConflictException",
        f"{message}: {source_server_id} is {state_of(server.document)}.",
        resourceId=source_server_id,
        resourceType=SOURCE_SERVER_TYPE,
    )
