# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import botocore.session
import pytest
from botocore.model import ServiceModel


@pytest.fixture(scope="session")
def drs_model() -> ServiceModel:
    """DRS as the installed botocore knows it. Read from its files, no network."""
    return botocore.session.Session().get_service_model("drs")
