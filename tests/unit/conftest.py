# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import REGION
from botocore.config import Config
from botocore.model import ServiceModel


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
