# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A minimal script for comparison: start every stopped source server, ten at a time.

botocore's retries are configured by the environment (AWS_RETRY_MODE, AWS_MAX_ATTEMPTS). With the argument `awsretry`,
each start is wrapped in amazon.aws's AWSRetry.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3

drs: Any = boto3.client("drs")
start: Any = drs.start_replication
if "awsretry" in sys.argv:
    from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

    start = AWSRetry.jittered_backoff(catch_extra_error_codes=["ThrottlingException"])(start)

pages = drs.get_paginator("describe_source_servers").paginate(filters={})
servers = [server for page in pages for server in page["items"]]
stopped = [s["sourceServerID"] for s in servers if s["dataReplicationInfo"]["dataReplicationState"] == "STOPPED"]
with ThreadPoolExecutor(10) as pool:
    list(pool.map(lambda source_server_id: start(sourceServerID=source_server_id), stopped))
