# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real AWS CLI against the emulator."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.tests.emulator import Emulator
from ansible_collections.disaster_recovery.aws.tests.unit.emulator import aws_cli
from ansible_collections.disaster_recovery.aws.tests.unit.emulator.clients import ABSENT, DB, WEB, world_of
from ansible_collections.disaster_recovery.aws.tests.unit.forks import Finished, ForkServer

THIRD = "s-00000000000000003"
SCRIPT = world_of(
    {"sourceServerID": WEB, "hostname": "web1"},
    {"sourceServerID": DB, "state": "CONTINUOUS", "hostname": "db1"},
    {"sourceServerID": THIRD, "state": "BACKLOG", "snapshots": [7200, 600, 86400]},
)


ARGUMENTS = ("describe-source-servers", "--page-size", "1")


Aws = Callable[..., Finished]
Answer = Callable[..., Any]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(SCRIPT) as running:
        yield running


@pytest.fixture
def environment(emulator: Emulator) -> dict[str, str]:
    """Only this leads to the emulator, and the user's own AWS settings are not there."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    ours = {**emulator.environment, "AWS_MAX_ATTEMPTS": "1", "AWS_CONFIG_FILE": os.devnull, "AWS_PAGER": ""}
    return {**inherited, **ours, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    with ForkServer(aws_cli.__name__, tmp_path_factory.mktemp("aws")) as running:
        yield running


@pytest.fixture
def aws(server: ForkServer, environment: dict[str, str]) -> Aws:
    """Run a command of the AWS CLI."""
    return lambda *arguments: server.run("aws", ["drs", *arguments, "--output", "json"], environment)


@pytest.fixture
def answer(aws: Aws) -> Answer:
    """Run a command that succeeds: what it prints."""

    def run(*arguments: str) -> Any:
        finished = aws(*arguments)
        assert (finished.returncode, finished.stderr) == (0, "")
        return json.loads(finished.stdout)

    return run


def test_a_new_process_prints_the_same(emulator: Emulator, environment: dict[str, str], answer: Answer) -> None:
    command = shutil.which("aws", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    assert command, "The AWS CLI is missing: tests/requirements.txt lists it."
    argv = [command, "drs", *ARGUMENTS, "--output", "json"]
    finished = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (finished.returncode, finished.stderr) == (0, "")
    journal = emulator.journal()
    emulator.load(SCRIPT)
    assert ids_of(json.loads(finished.stdout)) == ids_of(answer(*ARGUMENTS))
    assert [call["input"] for call in emulator.journal()] == [call["input"] for call in journal]


def ids_of(document: dict[str, Any]) -> list[str]:
    return [server["sourceServerID"] for server in document["items"]]


def test_describe_pages_through_every_server(emulator: Emulator, answer: Answer) -> None:
    items = answer(*ARGUMENTS)["items"]
    assert [server["sourceServerID"] for server in items] == [WEB, DB, THIRD]
    assert [call["input"]["maxResults"] for call in emulator.calls("DescribeSourceServers")] == [1, 1, 1]


def test_describe_stops_at_max_items_and_goes_on_from_its_token(answer: Answer) -> None:
    first = answer(*ARGUMENTS, "--max-items", "2")
    assert [server["sourceServerID"] for server in first["items"]] == [WEB, DB]
    rest = answer("describe-source-servers", "--starting-token", first["NextToken"])
    assert [server["sourceServerID"] for server in rest["items"]] == [THIRD]


def test_describe_filters_by_id(answer: Answer) -> None:
    items = answer("describe-source-servers", "--filters", f"sourceServerIDs={WEB},{ABSENT}")["items"]
    assert [server["sourceProperties"]["identificationHints"]["hostname"] for server in items] == ["web1"]


@pytest.mark.parametrize(
    ("command", "source_server_id", "state"), [("start", WEB, "INITIATING"), ("stop", DB, "STOPPED")]
)
def test_start_and_stop(emulator: Emulator, answer: Answer, command: str, source_server_id: str, state: str) -> None:
    server = answer(f"{command}-replication", "--source-server-id", source_server_id)["sourceServer"]
    assert server["dataReplicationInfo"]["dataReplicationState"] == state
    assert emulator.servers()[source_server_id] == server


@pytest.mark.parametrize(
    ("source_server_id", "code"), [(ABSENT, "ResourceNotFoundException"), (DB, "ConflictException")]
)
def test_a_start_that_is_refused(aws: Aws, source_server_id: str, code: str) -> None:
    finished = aws("start-replication", "--source-server-id", source_server_id)
    assert f"An error occurred ({code}) when calling the StartReplication operation" in finished.stderr
    assert finished.returncode != 0


def test_throttling(emulator: Emulator, aws: Aws) -> None:
    emulator.load({**SCRIPT, "faults": [{"operation": "StartReplication", "code": "ThrottlingException"}]})
    finished = aws("start-replication", "--source-server-id", WEB)
    assert "(ThrottlingException)" in finished.stderr
    assert [call["status"] for call in emulator.calls("StartReplication")] == [429]


def test_a_region_that_is_not_initialised(emulator: Emulator, aws: Aws) -> None:
    finished = aws("describe-source-servers", "--region", "us-east-1")
    assert "(UninitializedAccountException)" in finished.stderr
    assert emulator.journal()[0]["status"] == 400


def test_recovery_snapshots_newest_first_over_every_page(emulator: Emulator, answer: Answer) -> None:
    items = answer("describe-recovery-snapshots", "--source-server-id", THIRD, "--page-size", "2")["items"]
    times = [item["timestamp"] for item in items]
    assert len(set(times)) == 3
    assert times == sorted(times, reverse=True)
    calls = emulator.calls("DescribeRecoverySnapshots")
    assert [call["items"] for call in calls] == [2, 1]
    assert calls[0]["input"] == {"sourceServerID": THIRD, "maxResults": 2}


def test_the_newest_recovery_snapshot_before_a_moment(answer: Answer) -> None:
    arguments = ("describe-recovery-snapshots", "--source-server-id", THIRD, "--max-items", "1")
    newest = answer(*arguments, "--order", "DESC")["items"]
    oldest = answer(*arguments, "--order", "ASC")["items"]
    assert newest[0]["timestamp"] > oldest[0]["timestamp"]
    before = newest[0]["timestamp"].replace("+00:00", "Z")
    both = answer(*arguments[:-2], "--filters", f"toDateTime={before}")["items"]
    assert [item["snapshotID"] for item in (both[0], both[-1])] == [newest[0]["snapshotID"], oldest[0]["snapshotID"]]


def test_no_recovery_snapshots_of_a_stopped_server(answer: Answer) -> None:
    assert answer("describe-recovery-snapshots", "--source-server-id", WEB)["items"] == []


def test_a_whole_drill(emulator: Emulator, answer: Answer) -> None:
    job = answer("start-recovery", "--is-drill", "--source-servers", f"sourceServerID={DB}")["job"]
    assert (job["status"], job["initiatedBy"]) == ("PENDING", "START_DRILL")
    jobs = ("describe-jobs", "--filters", f"jobIDs={job['jobID']}")
    seen = [answer(*jobs)["items"][0] for _time in range(3)]
    assert [one["status"] for one in seen] == ["STARTED", "STARTED", "COMPLETED"]
    assert seen[2]["participatingServers"] == [{"sourceServerID": DB, "launchStatus": "LAUNCHED"}]

    log = answer("describe-job-log-items", "--job-id", job["jobID"])["items"]
    assert [item["event"] for item in log][-2:] == ["LAUNCH_END", "JOB_END"]
    instances = ("describe-recovery-instances", "--filters", f"sourceServerIDs={DB}")
    (instance,) = answer(*instances)["items"]
    assert (instance["jobID"], instance["isDrill"], instance["ec2InstanceState"]) == (job["jobID"], True, "RUNNING")
    assert log[-2]["eventData"]["targetInstanceID"] == instance["ec2InstanceID"]
    configuration = answer("get-launch-configuration", "--source-server-id", DB)
    assert configuration["name"] == "db1"

    arguments = ("terminate-recovery-instances", "--recovery-instance-ids", instance["recoveryInstanceID"])
    termination = answer(*arguments)["job"]
    seen = [answer("describe-jobs")["items"] for _time in range(2)]
    assert [[one["jobID"] for one in items] for items in seen] == [[termination["jobID"], job["jobID"]]] * 2
    assert (seen[1][0]["status"], seen[1][0]["participatingServers"]) == ("COMPLETED", [])
    (record,) = answer(*instances)["items"]
    assert record["ec2InstanceState"] == "TERMINATED"
    assert [call["input"] for call in emulator.calls("TerminateRecoveryInstances")] == [
        {"recoveryInstanceIDs": [instance["recoveryInstanceID"]]}
    ]
