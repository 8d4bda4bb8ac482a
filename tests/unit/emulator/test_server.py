# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulator over HTTP, with real clients."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.tests.emulator import Emulator
from ansible_collections.disaster_recovery.aws.tests.unit.emulator.clients import ABSENT, DB, WEB, drs_client, world_of
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError, PaginationError, ReadTimeoutError

STOPPED = {"sourceServerID": WEB}
CONTINUOUS = {"sourceServerID": DB, "state": "CONTINUOUS"}
IMPATIENT = Config(retries={"total_max_attempts": 1}, read_timeout=0.2)


def control(emulator: Emulator, method: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{emulator.url}/_emulator/{path}", data, method=method)
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)


def refusal(emulator: Emulator, method: str, path: str, body: Any = None) -> tuple[int, str]:
    with pytest.raises(urllib.error.HTTPError) as caught:
        control(emulator, method, path, body)
    with caught.value as error:
        return error.code, json.load(error)["message"]


def test_boto3_describes_starts_and_stops() -> None:
    with Emulator(world_of(STOPPED, CONTINUOUS, page_size=1)) as emulator, closing(drs_client(emulator.url)) as drs:
        pages = list(drs.get_paginator("describe_source_servers").paginate())
        assert [len(page["items"]) for page in pages] == [1, 1]
        started = drs.start_replication(sourceServerID=WEB)["sourceServer"]
        assert started["dataReplicationInfo"]["dataReplicationState"] == "INITIATING"
        stopped = drs.stop_replication(sourceServerID=DB)["sourceServer"]
        assert stopped["dataReplicationInfo"]["dataReplicationState"] == "STOPPED"
        assert [call["input"] for call in emulator.calls("StartReplication")] == [{"sourceServerID": WEB}]
        assert set(emulator.servers()) == {WEB, DB}


@pytest.mark.parametrize(
    ("source_server_id", "code", "status"),
    [(ABSENT, "ResourceNotFoundException", 404), (DB, "ConflictException", 409)],
)
def test_boto3_sees_the_model_s_errors(source_server_id: str, code: str, status: int) -> None:
    with (
        Emulator(world_of(STOPPED, CONTINUOUS)) as emulator,
        closing(drs_client(emulator.url)) as drs,
        pytest.raises(ClientError) as caught,
    ):
        drs.start_replication(sourceServerID=source_server_id)
    assert isinstance(caught.value, getattr(drs.exceptions, code))
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert caught.value.response["resourceId"] == source_server_id


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"aws_secret_access_key": "wrong"}, "InvalidSignatureException"),
        ({"aws_access_key_id": "AKIANOBODY"}, "UnrecognizedClientException"),
    ],
)
def test_boto3_with_wrong_credentials_is_refused(options: dict[str, str], code: str) -> None:
    with (
        Emulator() as emulator,
        closing(drs_client(emulator.url, **options)) as drs,
        pytest.raises(ClientError) as caught,
    ):
        drs.describe_source_servers()
    assert caught.value.response["Error"]["Code"] == code


def test_boto3_with_a_session_token_is_accepted() -> None:
    with Emulator() as emulator, closing(drs_client(emulator.url, aws_session_token="a-token")) as drs:
        assert drs.describe_source_servers()["items"] == []


def test_an_operation_that_is_not_implemented_is_not_tried_again() -> None:
    retrying = Config(retries={"total_max_attempts": 3, "mode": "standard"})
    with Emulator() as emulator, closing(drs_client(emulator.url, config=retrying)) as drs:
        with pytest.raises(ClientError, match="does not implement DescribeSourceNetworks"):
            drs.describe_source_networks()
        assert [call["status"] for call in emulator.calls("DescribeSourceNetworks")] == [501]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "drop"}, ConnectionClosedError),
        ({"kind": "hang", "seconds": 5}, ReadTimeoutError),
        ({"kind": "garbage", "body": "json_list"}, AttributeError),
        ({"kind": "error", "code": "InternalServerException"}, ClientError),
    ],
)
def test_boto3_meets_every_kind_of_fault(fault: dict[str, Any], expected: type[Exception]) -> None:
    script = world_of(STOPPED, faults=[fault])
    with Emulator(script) as emulator, closing(drs_client(emulator.url, config=IMPATIENT)) as drs:
        with pytest.raises(expected):
            drs.describe_source_servers()
        assert drs.describe_source_servers()["items"]


def test_boto3_makes_an_empty_answer_of_html() -> None:
    script = world_of(STOPPED, faults=[{"kind": "garbage", "body": "html"}])
    with Emulator(script) as emulator, closing(drs_client(emulator.url)) as drs:
        assert "items" not in drs.describe_source_servers()


def test_boto3_never_makes_servers_of_half_an_answer() -> None:
    with Emulator(world_of(STOPPED, faults=[{"kind": "cut"}])) as emulator, closing(drs_client(emulator.url)) as drs:
        # botocore 1.34 raises; 1.44 no longer compares the length, fails to parse, and answers nothing.
        with suppress(ConnectionClosedError):
            assert "items" not in drs.describe_source_servers()
        assert emulator.journal()[0]["fault"] == {"kind": "cut", "when": "after"}


def test_boto3_s_paginator_refuses_a_repeated_token() -> None:
    script = world_of(STOPPED, CONTINUOUS, page_size=1, faults=[{"kind": "repeat_token", "times": None}])
    with Emulator(script) as emulator, closing(drs_client(emulator.url)) as drs, pytest.raises(PaginationError):
        list(drs.get_paginator("describe_source_servers").paginate())


def test_latency_is_waited_for_outside_the_lock() -> None:
    script = {"latency": {"DescribeSourceServers": 0.2}}
    with Emulator(script) as emulator, closing(drs_client(emulator.url)) as drs:
        drs.describe_source_servers()
        began = time.monotonic()
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda _n: drs.describe_source_servers(), range(8)))
        assert 0.2 <= time.monotonic() - began < 1.2


def test_a_call_waits_at_its_barrier_until_the_awaited_calls_came() -> None:
    script = world_of(STOPPED, barriers={"StartReplication": {"DescribeSourceServers": 2}})
    with Emulator(script) as emulator, closing(drs_client(emulator.url)) as drs, ThreadPoolExecutor(1) as threads:
        drs.describe_source_servers()
        start = threads.submit(drs.start_replication, sourceServerID=WEB)
        time.sleep(0.1)
        assert not start.done()
        drs.describe_source_servers()
        assert start.result(10)["sourceServer"]["sourceServerID"] == WEB
        assert [call["operation"] for call in emulator.journal()][2:] == ["StartReplication"]


def test_it_ends_while_a_call_waits_at_its_barrier() -> None:
    script = world_of(STOPPED, barriers={"StartReplication": {"DescribeSourceServers": 1}})
    with ThreadPoolExecutor(1) as threads:
        with Emulator(script) as emulator, closing(drs_client(emulator.url)) as drs:
            start = threads.submit(drs.start_replication, sourceServerID=WEB)
            time.sleep(0.1)
        with pytest.raises(HTTPClientError):
            start.result(10)
    assert emulator.journal() == []


def test_a_hundred_starts_at_once_start_each_server_once() -> None:
    servers = [{"sourceServerID": f"s-{number:017d}"} for number in range(25)]
    config = Config(retries={"total_max_attempts": 1}, max_pool_connections=10)
    with Emulator(world_of(*servers)) as emulator, closing(drs_client(emulator.url, config=config)) as drs:

        def start(number: int) -> int:
            try:
                answer = drs.start_replication(sourceServerID=servers[number % 25]["sourceServerID"])
            except ClientError as error:
                answer = error.response
            status: int = answer["ResponseMetadata"]["HTTPStatusCode"]
            return status

        with ThreadPoolExecutor(10) as threads:
            statuses = list(threads.map(start, range(100)))
        assert sorted(statuses) == [200] * 25 + [409] * 75
        assert [call["n"] for call in emulator.journal()] == list(range(1, 101))


def test_it_ends_at_once_even_while_a_call_hangs() -> None:
    with Emulator({"faults": [{"kind": "hang", "seconds": 60}]}) as emulator:
        drs = drs_client(emulator.url, config=Config(retries={"total_max_attempts": 1}, read_timeout=60))
        failures: list[Exception] = []

        def call() -> None:
            try:
                drs.describe_source_servers()
            except HTTPClientError as error:
                failures.append(error)

        caller = threading.Thread(target=call)
        caller.start()
        while not emulator.journal():
            time.sleep(0.01)
        began = time.monotonic()
    caller.join(5)
    assert time.monotonic() - began < 2
    assert len(failures) == 1
    drs.close()


def test_the_environment_leads_clients_here() -> None:
    with Emulator() as emulator:
        environment = emulator.environment
        assert environment["AWS_URL"] == environment["AWS_ENDPOINT_URL"] == emulator.url
        assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == "eu-west-1"
        assert environment["AWS_EC2_METADATA_DISABLED"] == "true"


def test_the_control_path() -> None:
    with Emulator(world_of(STOPPED, CONTINUOUS)) as emulator, closing(drs_client(emulator.url)) as drs:
        drs.describe_source_servers()
        assert [call["n"] for call in control(emulator, "GET", "journal")] == [1]
        assert set(control(emulator, "GET", "servers?region=eu-west-1")) == {WEB, DB}
        assert control(emulator, "GET", "servers?region=us-east-1") == {}
        assert control(emulator, "PATCH", f"servers/{WEB}", {"state": "PAUSED"})["sourceServerID"] == WEB
        assert emulator.servers()[WEB]["dataReplicationInfo"]["dataReplicationState"] == "PAUSED"
        assert control(emulator, "DELETE", f"servers/{WEB}") == {}
        assert set(emulator.servers()) == {DB}
        assert control(emulator, "DELETE", "journal") == {}
        assert emulator.journal() == []
        assert control(emulator, "PUT", "script", {}) == {}
        assert emulator.servers() == {}


def test_the_control_path_of_jobs_and_recovery_instances() -> None:
    job, instance = "drsjob-0123456789abcdef0", "i-0123456789abcdef0"
    seeds = {"jobs": [{"jobID": job}], "recovery_instances": [{"sourceServerID": WEB, "recoveryInstanceID": instance}]}
    with Emulator({"regions": {"eu-west-1": seeds}}) as emulator:
        assert set(control(emulator, "GET", "jobs")) == {job}
        assert control(emulator, "PATCH", f"jobs/{job}", {"status": "STARTED"})["status"] == "STARTED"
        assert control(emulator, "GET", "recovery_instances")[instance]["isDrill"] is True
        assert control(emulator, "DELETE", f"recovery_instances/{instance}") == {}
        assert emulator.recovery_instances() == {}
        assert refusal(emulator, "DELETE", f"jobs/{job}0")[0] == 404


def test_the_control_path_refuses_in_one_sentence() -> None:
    with Emulator(world_of(STOPPED)) as emulator:
        assert refusal(emulator, "PUT", "script", {"pages": 1})[0] == 400
        assert "unknown key 'pages'" in refusal(emulator, "PUT", "script", {"pages": 1})[1]
        assert refusal(emulator, "PUT", "script")[0] == 400
        assert refusal(emulator, "PATCH", f"servers/{WEB}", [])[0] == 400
        assert refusal(emulator, "PATCH", f"servers/{WEB}", {"state": "NAPPING"})[0] == 400
        assert refusal(emulator, "PATCH", f"servers/{ABSENT}", {})[0] == 404
        assert refusal(emulator, "GET", "nothing")[0] == 404
        assert set(emulator.servers()) == {WEB}
        assert emulator.journal() == []


def test_python_s_load_and_patch() -> None:
    with Emulator() as emulator:
        emulator.load(world_of(STOPPED))
        assert emulator.patch(WEB, {"tags": {"a": "b"}})["tags"] == {"a": "b"}
