# Copyright: (c) 2026, the disaster_recovery.aws authors
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


def drs_client(url: str, **options: Any) -> Any:
    """A boto3 client that tries everything once."""
    credentials = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY}
    config = Config(retries={"total_max_attempts": 1, "mode": "standard"}, read_timeout=2, connect_timeout=2)
    arguments = {"endpoint_url": url, "region_name": REGION, "config": config, **credentials, **options}
    return boto3.session.Session().client("drs", **arguments)
