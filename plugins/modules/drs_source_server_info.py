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
  - Describes source servers and counts their data replication states and bytes. Never changes anything.
  - Without a selector it describes every source server of the region. An ID that AWS does not know is absent from the
    result, and filters that match nothing give an empty list.
author:
  - the disaster_recovery.aws authors (@disaster-recovery)
extends_documentation_fragment:
  - disaster_recovery.aws.source_servers
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  platform:
    platforms: all
notes:
  - Needs the IAM action C(drs:DescribeSourceServers).
seealso:
  - module: disaster_recovery.aws.drs_source_server_replication
  - name: DescribeSourceServers
    description: The AWS API reference.
    link: https://docs.aws.amazon.com/drs/latest/APIReference/API_DescribeSourceServers.html
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

- name: Fail when a production server is not protected
  ansible.builtin.assert:
    that: production.summary.by_state.keys() | list == ['CONTINUOUS']
    fail_msg: "Not all are protected: {{ production.summary.by_state }}"
"""

RETURN = r"""
source_servers:
  description:
    - The source servers, in the order of the IDs, else ordered by ID. Each with every member that the installed
      botocore knows, keys in snake_case and tags exactly as AWS has them.
  returned: success
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
  returned: success
  type: dict
  contains:
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
from typing import Any

from ansible.module_utils.common.warnings import warn
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.connection import connect
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.errors import DrsError, InvalidOptions
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.results import snake_case, summary_of
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.selection import (
    Selection,
    find,
    parse_selection,
    state_warnings,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.servers import SourceServer, state_of
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.text import sentence

SELECTORS = ("source_server_ids", "filters")

ARGUMENT_SPEC: dict[str, Any] = {
    "source_server_ids": {"type": "list", "elements": "str"},
    "filters": {"type": "dict"},
    "exclude_filters": {"type": "list", "elements": "dict"},
}

RUN_TIMEOUT = 3600.0
"""Seconds after which a run ends."""


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        servers = described(module)
    except (InvalidOptions, DrsError) as unusable:
        module.fail_json(msg=sentence(str(unusable)))
    module.exit_json(
        changed=False,
        source_servers=[snake_case(server) for server in servers],
        summary=summary_of(servers, map(state_of, servers)),
    )


def described(module: AnsibleAWSModule) -> list[SourceServer]:
    """The source servers that the options mean. Raises InvalidOptions and DrsError."""
    selection = parse_selection(module.params, SELECTORS) or Selection()
    api = connect(module, time.monotonic() + RUN_TIMEOUT)
    if selection.source_server_ids is not None:
        by_id = {server["sourceServerID"]: server for server in api.describe(selection.source_server_ids)}
        return [by_id[each] for each in selection.source_server_ids if each in by_id]
    for warning in state_warnings(selection):
        warn(warning)
    return find(api, selection).servers


if __name__ == "__main__":
    gc.freeze()  # what was imported stays: to walk it again, at the exit above all, takes a tenth of the time
    main()
