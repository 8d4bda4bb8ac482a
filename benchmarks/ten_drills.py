# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A minimal script for comparison: drill every source server, one call a server, ten at a time."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config

EVERY = 1.0
"""Seconds between looks at a job, and between tries while a quota is used up."""

drs: Any = boto3.client("drs", config=Config(max_pool_connections=10))


def drill(source_server_id: str) -> bool:
    """Whether the drill of this server succeeded."""
    job = started(source_server_id)
    while job["status"] != "COMPLETED":
        time.sleep(EVERY)
        job = drs.describe_jobs(filters={"jobIDs": [job["jobID"]]})["items"][0]
    return all(each["launchStatus"] == "LAUNCHED" for each in job["participatingServers"])


def started(source_server_id: str) -> Any:
    """The job of this server."""
    while True:
        try:
            return drs.start_recovery(isDrill=True, sourceServers=[{"sourceServerID": source_server_id}])["job"]
        except drs.exceptions.ServiceQuotaExceededException:
            time.sleep(EVERY)


pages = drs.get_paginator("describe_source_servers").paginate(filters={})
servers = [server["sourceServerID"] for page in pages for server in page["items"]]
with ThreadPoolExecutor(10) as pool:
    print(sum(pool.map(drill, servers)), "of", len(servers))
