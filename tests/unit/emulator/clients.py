# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the emulator's tests call it with."""

from __future__ import annotations

import json
from typing import Any

import boto3
from ansible_collections.disaster_recovery.aws.tests.emulator import ACCESS_KEY, SECRET_KEY
from ansible_collections.disaster_recovery.aws.tests.emulator.replies import Reply
from ansible_collections.disaster_recovery.aws.tests.emulator.service import Service
from ansible_collections.disaster_recovery.aws.tests.emulator.signature import Request
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

REGION = "eu-west-1"
WEB = "s-00000000000000001"
DB = "s-00000000000000002"
ABSENT = "s-99999999999999999"
BOTH = ({"sourceServerID": WEB}, {"sourceServerID": DB})


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def world_of(*servers: dict[str, Any], **script: Any) -> dict[str, Any]:
    """A script with these servers in eu-west-1."""
    return {"regions": {REGION: {"servers": list(servers)}}, **script}


def signed(
    path: str,
    params: Any = None,
    *,
    region: str = REGION,
    service: str = "drs",
    access_key: str = ACCESS_KEY,
    secret: str = SECRET_KEY,
    method: str = "POST",
) -> Request:
    """A signed request; `params` is sent as JSON, bytes as they are."""
    body = params if isinstance(params, bytes) else json.dumps(params or {}).encode()
    request = AWSRequest(method, f"http://127.0.0.1:1{path}", {"User-Agent": "test/1"}, body)
    SigV4Auth(Credentials(access_key, secret), service, region).add_auth(request)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Request(method, path, {**headers, "host": "127.0.0.1:1"}, body)


def ask(service: Service, operation: str, region: str = REGION, **params: Any) -> Reply:
    """One call past HTTP."""
    return service.call(signed(f"/{operation}", params, region=region))


def describe(service: Service, **params: Any) -> dict[str, Any]:
    """The body of a DescribeSourceServers."""
    body = ask(service, "DescribeSourceServers", **params).body
    return body if isinstance(body, dict) else {"body": body}


def states(service: Service, **params: Any) -> list[str]:
    """The states that one Describe shows, by ID."""
    return [server["dataReplicationInfo"]["dataReplicationState"] for server in describe(service, **params)["items"]]


def code_of(reply: Reply) -> str | None:
    """The code of the error that a reply brings, None without one."""
    return reply.headers.get("x-amzn-ErrorType")


def start(service: Service, source_server_id: str = WEB) -> Reply:
    """One StartReplication."""
    return ask(service, "StartReplication", sourceServerID=source_server_id)


def stop(service: Service, source_server_id: str = WEB) -> Reply:
    """One StopReplication."""
    return ask(service, "StopReplication", sourceServerID=source_server_id)


def many(count: int) -> list[dict[str, Any]]:
    """So many servers, with IDs in order."""
    return [{"sourceServerID": f"s-{number:017d}"} for number in range(count)]


def items(service: Service, operation: str, **params: Any) -> list[dict[str, Any]]:
    """The items of the first page of a Describe."""
    body = ask(service, operation, **params).body
    assert isinstance(body, dict), body
    found: list[dict[str, Any]] = body["items"]
    return found


def log_of(service: Service, job_id: str) -> list[dict[str, Any]]:
    """What the log of a job says so far."""
    return items(service, "DescribeJobLogItems", jobID=job_id)


def launch(service: Service, *source_server_ids: str, is_drill: bool = True) -> str:
    """The ID of a job that launches these servers, by default the first one."""
    sources = [{"sourceServerID": source_server_id} for source_server_id in source_server_ids or (WEB,)]
    body = ask(service, "StartRecovery", sourceServers=sources, isDrill=is_drill).body
    assert isinstance(body, dict), body
    job_id: str = body["job"]["jobID"]
    return job_id


def terminate(service: Service, *recovery_instance_ids: str) -> dict[str, Any]:
    """A job that terminates these instances."""
    body = ask(service, "TerminateRecoveryInstances", recoveryInstanceIDs=list(recovery_instance_ids)).body
    assert isinstance(body, dict), body
    job: dict[str, Any] = body["job"]
    return job


def finish(service: Service, job_id: str) -> dict[str, Any]:
    """Describes a job until it is COMPLETED, and returns it."""
    for _time in range(20):
        (job,) = items(service, "DescribeJobs", filters={"jobIDs": [job_id]})
        if job["status"] == "COMPLETED":
            return job
    raise AssertionError(f"{job_id} does not end")


def ready(source_server_id: str = WEB, **members: Any) -> dict[str, Any]:
    """A server that can be drilled."""
    return {"sourceServerID": source_server_id, "state": "CONTINUOUS", **members}


def statuses(job: dict[str, Any]) -> dict[str, Any]:
    """The launchStatus of each participant, None without one."""
    return {one["sourceServerID"]: one.get("launchStatus") for one in job["participatingServers"]}


def instances(service: Service, **filters: Any) -> dict[str, Any]:
    """The recovery instances that one Describe lists, and the state of each."""
    found = items(service, "DescribeRecoveryInstances", filters=filters)
    return {instance["recoveryInstanceID"]: instance["ec2InstanceState"] for instance in found}


def last_launch(service: Service) -> tuple[Any, Any, Any]:
    """Type and status of the first server's last launch, and its lastLaunchResult."""
    server = service.servers(REGION)[WEB]
    last = server["lifeCycle"]["lastLaunch"]
    return last["initiated"]["type"], last["status"], server["lastLaunchResult"]


def drs_client(url: str, **options: Any) -> Any:
    """A boto3 client that tries everything once."""
    credentials = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY}
    config = Config(retries={"total_max_attempts": 1, "mode": "standard"}, read_timeout=2, connect_timeout=2)
    arguments = {"endpoint_url": url, "region_name": REGION, "config": config, **credentials, **options}
    return boto3.session.Session().client("drs", **arguments)
