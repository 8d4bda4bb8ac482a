#!/usr/bin/python
# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: drs_source_server_info
version_added: 1.0.0
short_description: Gather information about AWS Elastic Disaster Recovery source servers
description:
  - Tells which source servers are protected, up to when, and why the others are not. Never changes anything.
  - Without a selector it describes every source server of the region. An ID that AWS does not know is absent from the
    result and listed in RV(unmatched), and filters that match nothing give an empty list.
options:
  rpo:
    description:
      - The recovery point objective in seconds, at most a year. A source server is protected if its newest recovery
        snapshot is at most this old, whatever its state.
      - The snapshots are looked up with C(DescribeRecoverySnapshots), one call for each source server, ten at a time.
      - Without it no snapshot is looked up, and a source server is protected if its state is V(CONTINUOUS).
    type: int
  return_source_servers:
    description:
      - Whether RV(source_servers) is returned. It takes about 4 KB for each source server.
    type: bool
    default: true
author:
  - the disaster_recovery.aws authors (@disaster-recovery)
extends_documentation_fragment:
  - disaster_recovery.aws.source_servers
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  platform:
    platforms: all
notes:
  - Needs the IAM action C(drs:DescribeSourceServers), and with O(rpo) also C(drs:DescribeRecoverySnapshots).
  - If the recovery snapshots of one source server cannot be looked up, it counts as unprotected and its reason says
    why. If no lookup succeeds at all, or the credentials are refused, the task fails.
  - A run ends after one hour at the latest. Source servers that were not looked up by then count as unprotected.
seealso:
  - module: disaster_recovery.aws.drs_source_server_replication
  - name: DescribeSourceServers
    description: The AWS API reference.
    link: https://docs.aws.amazon.com/drs/latest/APIReference/API_DescribeSourceServers.html
  - name: DescribeRecoverySnapshots
    description: The AWS API reference.
    link: https://docs.aws.amazon.com/drs/latest/APIReference/API_DescribeRecoverySnapshots.html
"""

EXAMPLES = r"""
- name: Describe every source server of a region
  disaster_recovery.aws.drs_source_server_info:
    region: eu-west-1
  register: fleet

- name: Tell how far the production servers are
  disaster_recovery.aws.drs_source_server_info:
    region: eu-west-1
    filters:
      tag:Environment: production
  register: production

- name: Look up which production servers have a recovery point of the last hour
  disaster_recovery.aws.drs_source_server_info:
    region: eu-west-1
    filters:
      tag:Environment: production
    rpo: 3600
    return_source_servers: false
  register: production

- name: Fail when a production server is not protected
  ansible.builtin.assert:
    that: production.summary.unprotected == 0
    fail_msg: "{{ production.msg }}"
"""

RETURN = r"""
msg:
  description: One sentence with how many source servers are protected, and the others by cause.
  returned: always
  type: str
  sample: >-
    9 of 10 source servers are protected; 1 STALLED: UNSTABLE_NETWORK, check TCP 1500 and the bandwidth from the source
    server to the staging area: s-1234567890abcdef0 web1; in eu-west-1, account 123456789012.
protection:
  description: One entry for each source server, in the order of RV(source_servers).
  returned: always
  type: list
  elements: dict
  contains:
    source_server_id:
      description: The ID.
      type: str
      returned: always
      sample: s-1234567890abcdef0
    arn:
      description: The ARN.
      type: str
      returned: always
      sample: arn:aws:drs:eu-west-1:123456789012:source-server/s-1234567890abcdef0
    hostname:
      description: The host name, or the FQDN where there is no host name.
      type: str
      returned: always
      sample: web1
    state:
      description: The data replication state, null where AWS reported none.
      type: str
      returned: always
      sample: CONTINUOUS
    protected:
      description: Whether the source server is protected.
      type: bool
      returned: always
      sample: true
    reason:
      description: Why it is protected or not.
      type: str
      returned: always
      sample: it has a recovery point within 1:00:00; the newest is 0:04:00 old
    replication_error:
      description: The code of the data replication error, null where there is none.
      type: str
      returned: always
      sample: UNSTABLE_NETWORK
    lag_seconds:
      description: The replication lag in seconds, null where AWS reported none.
      type: float
      returned: always
      sample: 0.0
    replicated_percent:
      description: The replicated share of its disks in percent, null where there is nothing to replicate.
      type: float
      returned: always
      sample: 100.0
    recovery_point:
      description: When the newest recovery snapshot was taken. Null without O(rpo) or where there is none.
      type: str
      returned: always
      sample: "2026-11-23T14:05:00Z"
    recovery_point_age:
      description: The age of RV(protection[].recovery_point) in seconds. Null where that is null.
      type: int
      returned: always
      sample: 240
    last_launch:
      description: The last launch of a drill or recovery instance.
      type: dict
      returned: always
      contains:
        type:
          description: V(DRILL) or V(RECOVERY), null where there was no launch.
          type: str
          returned: always
          sample: DRILL
        status:
          description: The status of the launch.
          type: str
          returned: always
          sample: LAUNCHED
        at:
          description: When it was asked for.
          type: str
          returned: always
          sample: "2026-10-01T09:00:00Z"
    last_seen:
      description: When DRS last saw the agent.
      type: str
      returned: always
      sample: "2026-11-23T14:08:00Z"
unmatched:
  description:
    - The IDs, and the values of V(hostname), V(fqdn), V(ec2-instance-id) and V(source-server-id) without a wildcard,
      that no source server has. Each is C(key=value).
  returned: always
  type: list
  elements: str
  sample: [hostname=web9]
error:
  description: The error that ended the run for all source servers.
  returned: when one did
  type: dict
  contains:
    code:
      description: AWS's error code, null where AWS sent none.
      type: str
      returned: always
      sample: AccessDeniedException
    message:
      description: The error as a sentence names it.
      type: str
      returned: always
      sample: "these credentials lack drs:DescribeRecoverySnapshots (AccessDeniedException: not authorized)"
source_servers:
  description:
    - The source servers, in the order of the IDs, else ordered by ID. Each with every member that the installed
      botocore knows, keys in snake_case and tags exactly as AWS has them.
  returned: unless O(return_source_servers=false)
  type: list
  elements: dict
  sample:
    - source_server_id: s-1234567890abcdef0
      arn: arn:aws:drs:eu-west-1:123456789012:source-server/s-1234567890abcdef0
      data_replication_info:
        data_replication_state: CONTINUOUS
        lag_duration: P0D
      tags:
        Environment: production
summary:
  description: The source servers counted.
  returned: always
  type: dict
  contains:
    protected:
      description: How many are protected.
      type: int
      returned: always
      sample: 1
    unprotected:
      description: How many are not.
      type: int
      returned: always
      sample: 1
    matched:
      description: How many source servers there are.
      type: int
      returned: always
      sample: 2
    by_state:
      description: How many are in which data replication state. V(UNKNOWN) counts those of which AWS reported none.
      type: dict
      returned: always
      sample: {CONTINUOUS: 1, INITIAL_SYNC: 1}
    total_storage_bytes:
      description: Size of the replicated disks.
      type: int
      returned: always
      sample: 107374182400
    replicated_storage_bytes:
      description: How much of it is replicated.
      type: int
      returned: always
      sample: 53687091200
    backlogged_storage_bytes:
      description: How much was written meanwhile and waits to be replicated.
      type: int
      returned: always
      sample: 0
    replicated_percent:
      description: The replicated share in percent, null where there is no disk to replicate.
      type: float
      returned: always
      sample: 50.0
"""

import gc
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.common.warnings import warn
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.api import Api
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.connection import connect
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.errors import DrsError, InvalidOptions
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.options import parse_rpo
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.protection import (
    Lookup,
    Protection,
    message,
    protection_of,
    values_of,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.results import error_value, snake_case
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.selection import (
    Found,
    Selection,
    find,
    parse_selection,
    state_warnings,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.snapshots import ended_by, look_up
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.text import listed, sentence

SELECTORS = ("source_server_ids", "filters")

ARGUMENT_SPEC: dict[str, Any] = {
    "source_server_ids": {"type": "list", "elements": "str"},
    "filters": {"type": "dict"},
    "exclude_filters": {"type": "list", "elements": "dict"},
    "rpo": {"type": "int"},
    "return_source_servers": {"type": "bool", "default": True},
}

RUN_TIMEOUT = 3600.0
"""Seconds after which a run ends."""


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        rpo = parse_rpo(module.params["rpo"])
        selection = parse_selection(module.params, SELECTORS) or Selection()
        api = connect(module.params, time.monotonic() + RUN_TIMEOUT)
        found = found_by(api, selection)
    except (InvalidOptions, DrsError) as error:
        ended = error_value(error) if isinstance(error, DrsError) else {}
        module.fail_json(msg=sentence(str(error)), **values(module, [], []), **ended)

    ids = [server["sourceServerID"] for server in found.servers]
    lookups: list[Lookup] = [None for _id in ids] if rpo is None else look_up(api, ids)
    now = datetime.now(timezone.utc)
    protections = [
        protection_of(server, rpo, lookup, now) for server, lookup in zip(found.servers, lookups, strict=True)
    ]
    result = values(module, protections, found.unmatched)
    failure = ended_by(lookups)
    if failure:
        module.fail_json(msg=message(protections, api.region, found.unmatched), **result, **error_value(failure))
    if found.unmatched:
        warn(f"No source server in {api.region} has {listed(found.unmatched)}")
    module.exit_json(msg=message(protections, api.region, found.unmatched), **result)


def found_by(api: Api, selection: Selection) -> Found:
    """The source servers that are meant, in the order of the IDs. Raises DrsError."""
    ids = selection.source_server_ids
    if ids is not None:
        by_id = {server["sourceServerID"]: server for server in api.describe(ids)}
        return Found(
            servers=[by_id[each] for each in ids if each in by_id],
            unmatched=[f"source-server-id={each}" for each in ids if each not in by_id],
            is_broadly_matched=bool(by_id),
        )
    for warning in state_warnings(selection):
        warn(warning)
    return find(api, selection)


def values(module: AnsibleAWSModule, protections: Sequence[Protection], unmatched: list[str]) -> dict[str, Any]:
    """The return values that success and failure share."""
    result = {"changed": False, "unmatched": unmatched, **values_of(protections)}
    if module.params["return_source_servers"]:
        result["source_servers"] = [snake_case(each.server) for each in protections]
    return result


if __name__ == "__main__":
    gc.freeze()  # what was imported stays: to walk it again, at the exit above all, takes a tenth of the time
    main()
