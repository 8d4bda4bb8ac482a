# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A minimal script for comparison: look up the newest recovery snapshot of each server, ten at a time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

import boto3
from botocore.config import Config

drs: Any = boto3.client("drs", config=Config(max_pool_connections=10))
since = datetime.now(timezone.utc) - timedelta(hours=1)


def is_protected(source_server_id: str) -> bool:
    """Whether the newest recovery snapshot is at most an hour old."""
    page = drs.describe_recovery_snapshots(sourceServerID=source_server_id, order="DESC", maxResults=1)
    return any(datetime.fromisoformat(item["timestamp"].replace("Z", "+00:00")) >= since for item in page["items"])


pages = drs.get_paginator("describe_source_servers").paginate(filters={})
servers = [server["sourceServerID"] for page in pages for server in page["items"]]
with ThreadPoolExecutor(10) as pool:
    print(sum(pool.map(is_protected, servers)), "of", len(servers))
