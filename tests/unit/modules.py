# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules for a ForkServer, and what they print."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

import botocore.session
from ansible_collections.disaster_recovery.aws.tests.unit.forks import Finished, serve
from botocore.loaders import create_loader

MODULES = "ansible_collections.disaster_recovery.aws.plugins.modules"
NAMES = ("drs_drill", "drs_source_server_info", "drs_source_server_replication")
IMPORTED_BY_AMAZON_AWS = "ansible.module_utils._text"
"""Deprecated in ansible-core 2.20, which tells of it in every result, with a traceback."""


def result_of(finished: Finished) -> dict[str, Any]:
    """The result that a module printed. Its exit status must agree, and nothing of ours may be deprecated."""
    assert finished.stderr == ""
    result: dict[str, Any] = json.loads(finished.stdout)
    # Since ansible-core 2.22 a module tells the controller which values are secret; the controller takes them out.
    result.pop("_ansible_new_secrets", None)
    assert finished.returncode == int(result.get("failed", False))
    deprecations = [each for each in result.pop("deprecations", []) if IMPORTED_BY_AMAZON_AWS not in str(each)]
    assert deprecations == []
    return result


def read_the_files_of_botocore() -> None:
    """Read them once, for all sessions."""
    loader = create_loader()
    botocore.session.create_loader = lambda *_search_path: loader
    session = botocore.session.Session()
    session.set_credentials("AKIAIOSFODNN7EXAMPLE", "example")
    session.create_client("drs", region_name="eu-west-1")


if __name__ == "__main__":
    read_the_files_of_botocore()
    serve({name: import_module(f"{MODULES}.{name}").main for name in NAMES})
