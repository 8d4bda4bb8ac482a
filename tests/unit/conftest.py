# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from ansible_collections.disaster_recovery.aws.tests.emulator import Emulator
from ansible_collections.disaster_recovery.aws.tests.unit import modules
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import REGION
from ansible_collections.disaster_recovery.aws.tests.unit.forks import ForkServer
from botocore.config import Config
from botocore.loaders import create_loader
from botocore.model import ServiceModel


@pytest.fixture(scope="session", autouse=True)
def _files_of_botocore() -> Iterator[None]:
    """botocore's files, read once for all sessions of the same data path, which takes half the time of a client."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", functools.cache(create_loader))
        yield


@pytest.fixture(scope="session")
def drs_model() -> ServiceModel:
    """DRS as the installed botocore knows it. Read from its files, no network."""
    return botocore.session.Session().get_service_model("drs")


@pytest.fixture(scope="session")
def drs_client() -> Any:
    """A client of botocore that never retries. No test may let it reach the network: see canned_response.py."""
    session = botocore.session.Session()
    session.set_credentials("AKIAIOSFODNN7EXAMPLE", "example")
    return session.create_client("drs", region_name=REGION, config=Config(retries={"total_max_attempts": 1}))


@pytest.fixture(scope="session")
def module_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    with ForkServer(modules.__name__, tmp_path_factory.mktemp("modules")) as server:
        yield server


@pytest.fixture
def run(
    module_server: ForkServer, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., dict[str, Any]]:
    """Run a module with arguments: its result. Its environment is that of the test.

    Only the environment leads to the emulator of the test file, and the user's own AWS settings are not there.
    """
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    settings = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_MAX_ATTEMPTS": "1"}
    for name, value in {**emulator.environment, **settings}.items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "arguments.json"

    def run_module(name: str, **arguments: Any) -> dict[str, Any]:
        file.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
        return modules.result_of(module_server.run(name, [str(file)], os.environ))

    return run_module
