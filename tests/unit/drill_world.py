# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drill loop against the emulator in this process: real answers, no network and no real time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

import botocore.session
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.recovery import DrsRecoveryApi
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.drill import drill
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.drill_options import DrillOptions
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.drill_run import DrillOutcome, DrillRun
from ansible_collections.disaster_recovery.aws.tests.emulator.service import Service
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import REGION, FakeClock, sid
from botocore import xform_name
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from botocore.hooks import HierarchicalEmitter
from botocore.model import OperationModel
from botocore.parsers import create_parser

Script = dict[str, Any]

WRITES = ("StartRecovery", "TerminateRecoveryInstances")
STEP = 60
"""Seconds of a step of the emulator's clock."""


def fleet(*servers: Script, **script: Any) -> Script:
    """A script with these servers, CONTINUOUS unless they say otherwise, numbered from 1, and other keys.

    jobs, recovery_instances: of the region.
    """
    named = [{"sourceServerID": sid(number), "state": "CONTINUOUS", **each} for number, each in enumerate(servers, 1)]
    region: Script = {
        "servers": named,
        **{key: script.pop(key) for key in ("jobs", "recovery_instances") if key in script},
    }
    return {"clock": {"wall": STEP}, "regions": {REGION: region}, **script}


@dataclass(frozen=True)
class Result:
    """A run, the calls that it made, and the seconds that it took."""

    run: DrillRun
    calls: list[dict[str, Any]]
    reports: list[list[str]]
    took: float

    @property
    def outcomes(self) -> Sequence[DrillOutcome]:
        return self.run.outcomes

    @property
    def only(self) -> DrillOutcome:
        (outcome,) = self.outcomes
        return outcome

    @property
    def ends(self) -> list[str | None]:
        return [outcome.end for outcome in self.outcomes]

    def of(self, operation: str) -> list[dict[str, Any]]:
        """The inputs of the calls of this operation."""
        return [call["input"] for call in self.calls if call["operation"] == operation]

    @property
    def operations(self) -> list[str]:
        return [call["operation"] for call in self.calls]

    @property
    def writes(self) -> list[str]:
        return [operation for operation in self.operations if operation in WRITES]

    @property
    def drilled(self) -> list[list[str]]:
        """The numbers of the servers of each StartRecovery."""
        return [[each["sourceServerID"] for each in call["sourceServers"]] for call in self.of("StartRecovery")]


class DrillWorld:
    """An emulated region that outlives its runs."""

    def __init__(self, script: Script) -> None:
        self.clock = FakeClock()
        self.service = Service(script, self.clock)
        self.born, self.born_at = datetime.now(timezone.utc), self.clock()
        self.client: Any = _Client(self.service, self.clock)

    def now(self) -> datetime:
        return self.born + timedelta(seconds=self.clock() - self.born_at)

    def api(self, wait_timeout: float = 3600) -> DrsRecoveryApi:
        """The API of a run that lasts at most so many seconds."""
        until = self.clock() + wait_timeout
        return DrsRecoveryApi(self.client, until, 2, self.clock.pass_, self.clock)

    def run(self, *source_server_ids: str, filtered: bool = False, **options: Any) -> Result:
        """Run over these servers, by default all. filtered: as if filters had selected them."""
        given = {"wait_timeout": 7200, "holds": filtered, **options}
        api = self.api(given["wait_timeout"])
        wanted = source_server_ids or tuple(self.service.servers(REGION))
        outcomes = [DrillOutcome(each) for each in wanted]
        if filtered:
            servers = {server["sourceServerID"]: server for server in api.describe(wanted)}
            outcomes = [DrillOutcome(each, first=servers[each], latest=servers[each]) for each in wanted]
        reports: list[list[str]] = []
        run = DrillRun(
            DrillOptions(**given),
            api,
            outcomes,
            self.clock,
            self.clock.sleep,
            self.now,
            lambda seen: reports.append([each.end or each.detail for each in seen]),
        )
        began, began_at = len(self.service.journal()), self.clock()
        drill(run)
        assert all(outcome.end for outcome in outcomes), "a server has no end"
        return Result(run, self.service.journal()[began:], reports, self.clock() - began_at)

    def instances(self) -> dict[str, Any]:
        """The recovery instances that exist, by ID."""
        found = self.service.recovery_instances(REGION)
        return {
            id_: each for id_, each in found.items() if each.get("ec2InstanceState") not in ("TERMINATED", "NOT_FOUND")
        }


class _Client:
    """A client of DRS, as far as the API needs one, whose calls the service answers in this process.

    botocore parses the answers, but builds and signs no request, which takes three times as long as all the rest. A
    hang passes on the clock.
    """

    def __init__(self, service: Service, clock: FakeClock) -> None:
        self._service, self._clock = service, clock
        self.meta = SimpleNamespace(region_name=REGION, events=HierarchicalEmitter())

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self._call, _operations()[name])

    def _call(self, operation: OperationModel, **params: Any) -> Any:
        self.meta.events.emit(f"before-send.drs.{operation.name}", params=params)
        reply = self._service.perform(REGION, operation, params)
        if reply.delay:
            self._clock.pass_(reply.delay)
            raise ReadTimeoutError(endpoint_url="http://127.0.0.1:1")
        if reply.status is None:
            raise ConnectionClosedError(endpoint_url="http://127.0.0.1:1")
        body = reply.encoded()
        headers = {name.lower(): value for name, value in reply.headers.items()}
        answer = {
            "status_code": reply.status,
            "headers": headers,
            "body": body[: len(body) // 2] if reply.cut else body,
        }
        parsed = _parser().parse(answer, operation.output_shape)
        self.meta.events.emit(f"response-received.drs.{operation.name}", response_dict=answer, parsed_response=parsed)
        if reply.status >= 300:
            raise ClientError(parsed, operation.name)
        return parsed


@cache
def _operations() -> dict[str, OperationModel]:
    model = botocore.session.Session().get_service_model("drs")
    return {xform_name(name): model.operation_model(name) for name in model.operation_names}


@cache
def _parser() -> Any:
    return create_parser("rest-json")
