#!/usr/bin/python
# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: drs_source_server_info
version_added: 1.0.0
short_description: Gather information about AWS Elastic Disaster Recovery source servers
description:
  - Reports which source servers are protected, how recent their recovery points are, why others are unprotected, and
    what to do next.
  - It is read-only.
  - Without a selector it describes every source server of the region. An ID that DRS does not know is absent from the
    result and listed in RV(unmatched). Filters that match nothing return an empty list.
options:
  source_server_ids:
    description:
      - The IDs of the source servers. Surrounding whitespace is stripped, duplicates are ignored, and results keep this
        order.
      - Mutually exclusive with O(filters) and O(exclude_filters).
    type: list
    elements: str
    aliases: [source_server_id]
  rpo:
    description:
      - The recovery point objective in seconds, from 600 to one year. DRS takes a recovery point every 10 minutes. A
        source server counts as protected if its newest recovery snapshot is at most this old, regardless of its state.
      - The snapshots are looked up with C(DescribeRecoverySnapshots), one call per source server, ten at a time.
      - If not set, no snapshot is looked up. Then a source server counts as protected if its state is V(CONTINUOUS) and
        it has neither a data replication error, nor an extension error, nor an unfinished rescan.
      - In both cases it is unprotected if production may run on its recovery instance (its lifecycle is V(failed_over)
        or V(reversed)), and if DRS lacks volume attributes of a disk, so that it cannot be launched.
    type: int
  max_lag:
    description:
      - The longest replication lag in seconds, at most one year, as a further condition. Where the lag is longer, or
        unknown in a state in which data should flow, a source server counts as unprotected.
      - The lag bounds how much data a recovery to the most recent data loses. Use 1800 or more for a check that stays
        quiet, since DRS replaces its replication servers from time to time, and the lag grows for a while.
    type: int
  max_drill_age:
    description:
      - Looks up which source servers had a successful recovery drill within so many days, from 1 to 3650, and returns
        it as RV(protection[].drill_evidence). It does not decide whether a source server counts as protected.
      - A later recovery does not hide a drill, and a drill that failed is none. The jobs are listed once with
        C(DescribeJobs), and their logs with C(DescribeJobLogItems) where they decide. If a log does not tell of a
        launch, its instance is looked for with C(DescribeRecoveryInstances).
      - If such a log or instance cannot be read, RV(protection[].drill_result) is V(unknown), and a warning says why.
    type: int
  return_source_servers:
    description:
      - Whether to return RV(source_servers), about 4 KB per source server.
    type: bool
    default: true
author:
  - the disaster_recovery.aws authors (@disaster-recovery)
extends_documentation_fragment:
  - disaster_recovery.aws.source_servers
  - amazon.aws.boto3
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - ansible.builtin.action_common_attributes
  - ansible.builtin.action_common_attributes.actiongroups
  - ansible.builtin.action_common_attributes.facts
  - ansible.builtin.action_common_attributes.flow
attributes:
  action:
    support: partial
    details:
      - An action plugin on the controller lets the roles of this collection decide what a failure means. The module
        does everything else.
  action_group:
    support: full
    membership: [disaster_recovery.aws.aws]
  async:
    support: full
  bypass_host_loop:
    support: none
  check_mode:
    support: full
  diff_mode:
    support: none
  facts:
    support: none
  platform:
    platforms: all
    support: full
notes:
  - Requires the IAM action C(drs:DescribeSourceServers), C(drs:DescribeRecoverySnapshots) if O(rpo) is set, and
    C(drs:DescribeJobs) and C(drs:DescribeJobLogItems) if O(max_drill_age) is set.
  - If the recovery snapshots of a source server cannot be looked up, it counts as unprotected and its reason says why.
    If every lookup fails, or the credentials are rejected, the task fails.
  - A warning names source servers that read V(CONTINUOUS) but were last seen more than 10 minutes ago, by the clock of
    the machine that runs the module. A source server whose machine is gone reads so for minutes.
  - If another source server that is V(CONTINUOUS) has the machine or the hostname of one that is V(DISCONNECTED), the
    reason says so. Read it before you delete a record, since that cannot be undone.
  - A run ends after at most one hour. Source servers that were not looked up by then count as unprotected.
seealso:
  - module: disaster_recovery.aws.drs_source_server_replication
  - plugin: disaster_recovery.aws.source_servers
    plugin_type: inventory
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

- name: Report the replication progress of the production servers
  disaster_recovery.aws.drs_source_server_info:
    region: eu-west-1
    filters:
      tag:Environment: production
  register: production

- name: Find out which production servers have a recovery point from the last hour
  disaster_recovery.aws.drs_source_server_info:
    region: eu-west-1
    filters:
      tag:Environment: production
    rpo: 3600
    return_source_servers: false
  register: production

- name: Show why others are unprotected, and what to do next
  ansible.builtin.debug:
    msg: "{{ item.hostname }}: {{ item.reason }}; next: {{ item.next_step }}"
  loop: "{{ production.protection | rejectattr('protected') }}"
  loop_control:
    label: "{{ item.source_server_id }}"

- name: Find out which hosts of the inventory have no source server
  disaster_recovery.aws.drs_source_server_info:
    region: eu-west-1
    filters:
      hostname: "{{ groups.all | default(['web1'], true) }}"
    return_source_servers: false
  register: inventory

- name: Show where the agent is missing
  ansible.builtin.debug:
    msg: "{{ inventory.unmatched }}"

- name: Find out which servers would lose more than half an hour of data
  disaster_recovery.aws.drs_source_server_info:
    region: eu-west-1
    max_lag: 1800
    return_source_servers: false
  register: fleet

- name: List where production may run on a recovery instance, and what to do next
  ansible.builtin.debug:
    msg: "{{ item.hostname }} {{ item.recovery_instance_id }} {{ item.next_step }}"
  loop: "{{ fleet.protection | selectattr('lifecycle', 'in', ['failed_over', 'reversed']) }}"
  loop_control:
    label: "{{ item.source_server_id }}"

- name: Fail if a production server is not protected
  ansible.builtin.assert:
    that: production.summary.unprotected == 0
    fail_msg: "{{ production.msg }}"
"""

RETURN = r"""
msg:
  description: One sentence that says how many source servers are protected and lists the others by cause.
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
      description: The hostname, or the FQDN if there is none. Null if neither is known.
      type: str
      returned: always
      sample: web1
    region:
      description: The region.
      type: str
      returned: always
      sample: eu-west-1
    account:
      description: The account of the ARN, null if AWS reported none.
      type: str
      returned: always
      sample: "123456789012"
    tags:
      description: The tags, unchanged.
      type: dict
      returned: always
      sample: {Environment: production}
    state:
      description: The data replication state, null if AWS reported none.
      type: str
      returned: always
      sample: CONTINUOUS
    lifecycle:
      description:
        - What the whole source server says beyond its state. A drill never changes it.
        - V(launching), a recovery is being launched. V(failback), the reversed copy of a failover. V(reprotected), it
          may copy the recovered machine. V(failed_over) and V(reversed), production may run on the recovery instance.
          V(extension_error) and V(extended), it replicates in a staging account. V(normal), anything else.
      type: str
      choices: [launching, failback, reprotected, failed_over, reversed, extension_error, extended, normal]
      returned: always
      sample: normal
    next_step:
      description: What to do about the source server next, with the IDs, accounts and ARNs. Null if there is nothing.
      type: str
      returned: always
      sample: null
    recovery_instance_id:
      description: The ID of the recovery instance, also of a drill. Null if there is none.
      type: str
      returned: always
      sample: i-1234567890abcdef0
    protected:
      description: Whether the source server is protected.
      type: bool
      returned: always
      sample: true
    reason:
      description: Why the source server is protected or not.
      type: str
      returned: always
      sample: it has a recovery point within 1:00:00; the newest is 0:04:00 old
    replication_error:
      description: The code of the data replication error, null if there is none.
      type: str
      returned: always
      sample: null
    lag_seconds:
      description: The replication lag in seconds, null if AWS reported none.
      type: float
      returned: always
      sample: 0.0
    replicated_percent:
      description: The replicated share of its disks in percent, null if there is nothing to replicate.
      type: float
      returned: always
      sample: 100.0
    rescanned_percent:
      description:
        - The rescanned share of its disks in percent, null if there is nothing to replicate. While a rescan is
          unfinished, the source server is unprotected. A share of 0 means that none was reported.
      type: float
      returned: always
      sample: 100.0
    unreplicated_disks:
      description:
        - The disks of the source server that are not among the replicated ones, empty if no replicated disk is listed.
          RV(msg) tells about them, but they do not make a source server unprotected, since a disk may be left out on
          purpose.
      type: list
      elements: dict
      returned: always
      contains:
        device_name:
          description: The name of the device.
          type: str
          returned: always
          sample: /dev/sdb
        bytes:
          description: Its size, 0 if it is unknown.
          type: int
          returned: always
          sample: 2199023255552
    recovery_point:
      description: When the newest recovery snapshot was taken. Null if O(rpo) is not set or there is no snapshot.
      type: str
      returned: always
      sample: "2026-11-23T14:05:00Z"
    recovery_point_age:
      description: The age of RV(protection[].recovery_point) in seconds. Null if that is null.
      type: int
      returned: always
      sample: 240
    last_launch:
      description: The most recent launch of a drill or recovery instance.
      type: dict
      returned: always
      contains:
        type:
          description: V(DRILL) or V(RECOVERY), null if there was no launch.
          type: str
          choices: [DRILL, RECOVERY]
          returned: always
          sample: DRILL
        status:
          description: The status of the launch, null if there was no launch.
          type: str
          returned: always
          sample: LAUNCHED
        at:
          description: When the launch was requested, null if there was no launch.
          type: str
          returned: always
          sample: "2026-10-01T09:00:00Z"
        job_id:
          description: The job of the launch, null if there was no launch.
          type: str
          returned: always
          sample: drsjob-1234567890abcdef0
    drill_evidence:
      description:
        - The newest successful drill within O(max_drill_age) days. Null if there is none, or O(max_drill_age) is not
          set.
      type: dict
      returned: always
      contains:
        job_id:
          description: Its job.
          type: str
          returned: always
          sample: drsjob-1234567890abcdef0
        at:
          description: When the job was created, or if DRS no longer lists it, when the launch was requested.
          type: str
          returned: always
          sample: "2026-10-01T09:00:00Z"
        launch_actions:
          description:
            - V(passed) if all launch actions that are shown succeeded, V(failed) if an optional one failed, otherwise
              V(unknown), also if there are none.
          type: str
          choices: [passed, failed, unknown]
          returned: always
          sample: passed
    drill_result:
      description:
        - V(done) if there is RV(protection[].drill_evidence). Otherwise what became of the newest drill within
          O(max_drill_age) days, where V(unknown) is also one that could not be read. Null if there was none, or
          O(max_drill_age) is not set.
      type: str
      choices: [done, failed, running, unknown]
      returned: always
      sample: done
    last_seen:
      description: When DRS last saw the agent, null if AWS reported none.
      type: str
      returned: always
      sample: "2026-11-23T14:08:00Z"
unmatched:
  description:
    - The IDs, and the V(hostname), V(fqdn), V(ec2-instance-id) and V(source-server-id) filter values without wildcards,
      that match no source server, as C(key=value).
    - Those of O(exclude_filters) as C(exclude_filters:) with C(key=value).
  returned: always
  type: list
  elements: str
  sample: [hostname=web9]
error:
  description: The error that ended the run for all source servers.
  returned: if an error ended the run
  type: dict
  contains:
    code:
      description: The error code returned by AWS, null if there was none.
      type: str
      returned: always
      sample: ExpiredTokenException
    message:
      description: The error message, with the whole text from AWS.
      type: str
      returned: always
      sample: "AWS refused the credentials in eu-west-1 (ExpiredTokenException: The security token is expired)"
source_servers:
  description:
    - The source servers, in the order of the IDs given, otherwise sorted by ID. Each has every member known to the
      installed botocore. Keys are in snake_case, tags are unchanged.
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
  description: Counts and storage totals over all source servers.
  returned: always
  type: dict
  contains:
    protected:
      description: How many are protected.
      type: int
      returned: always
      sample: 1
    unprotected:
      description: How many are not protected.
      type: int
      returned: always
      sample: 1
    matched:
      description: How many source servers were found.
      type: int
      returned: always
      sample: 2
    by_state:
      description: How many are in each data replication state. V(UNKNOWN) counts those for which AWS reported none.
      type: dict
      returned: always
      sample: {CONTINUOUS: 1, INITIAL_SYNC: 1}
    by_lifecycle:
      description: How many are in each lifecycle.
      type: dict
      returned: always
      sample: {normal: 2}
    total_storage_bytes:
      description: Total size of the replicated disks.
      type: int
      returned: always
      sample: 107374182400
    replicated_storage_bytes:
      description: How much of this is replicated.
      type: int
      returned: always
      sample: 53687091200
    backlogged_storage_bytes:
      description: How much data is waiting to be replicated.
      type: int
      returned: always
      sample: 0
    replicated_percent:
      description: The replicated share in percent, null if there are no disks to replicate.
      type: float
      returned: always
      sample: 50.0
"""

import gc
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

# An older Python can compile this file, but not what it imports.
if sys.version_info < (3, 10):  # noqa: UP036
    PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]} ({sys.executable})"
    NEEDED = f"This module needs Python 3.10 or newer, not {PYTHON}: set ansible_python_interpreter to a newer one."
    sys.stdout.write(json.dumps({"failed": True, "changed": False, "msg": NEEDED}))
    raise SystemExit(1)

from ansible.module_utils.common.warnings import warn
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.calls import Api
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.connection import connect
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.drill_lookups import look_up_drills
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.errors import DrsError, InvalidOptions
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.listing import Found, find
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.recovery import DrsRecoveryApi
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.snapshots import Lookup, ended_by, look_up
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.evidence import DrillLookup
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.namesakes import namesakes
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.selection import (
    Selection,
    Unmatched,
    exclusion_message,
    idle_warning,
    state_warnings,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.text import listed, sentence
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.results.protection import (
    Criteria,
    Protection,
    message,
    protection_of,
    unread_drill_warnings,
    values_of,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.results.summaries import (
    claimed_warnings,
    error_value,
    silence_warnings,
    snake_case,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.options import (
    parse_max_drill_age,
    parse_max_lag,
    parse_rpo,
    parse_selection,
)

SELECTORS = ("source_server_ids", "filters")

ARGUMENT_SPEC: dict[str, Any] = {
    "source_server_ids": {"type": "list", "elements": "str", "aliases": ["source_server_id"]},
    "filters": {"type": "dict"},
    "exclude_filters": {"type": "list", "elements": "dict"},
    "rpo": {"type": "int"},
    "max_lag": {"type": "int"},
    "max_drill_age": {"type": "int"},
    "return_source_servers": {"type": "bool", "default": True},
}

RUN_TIMEOUT = 3600.0
"""Maximum seconds for a run."""


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        rpo, max_lag = parse_rpo(module.params["rpo"]), parse_max_lag(module.params["max_lag"])
        max_drill_age = parse_max_drill_age(module.params["max_drill_age"])
        selection = parse_selection(module.params, SELECTORS) or Selection()
        api = connect(DrsRecoveryApi, module.params, time.monotonic() + RUN_TIMEOUT)
        found = found_by(api, selection)
        now = datetime.now(timezone.utc)
        since = None if max_drill_age is None else now - timedelta(days=max_drill_age)
        drills = {} if since is None else look_up_drills(api, found.servers, since, now)
    except (InvalidOptions, DrsError) as error:
        ended = error_value(error) if isinstance(error, DrsError) else {}
        module.fail_json(msg=sentence(str(error)), **values(module, [], [], ""), **ended)

    ids = [server["sourceServerID"] for server in found.servers]
    lookups: list[Lookup] = [None for _id in ids] if rpo is None else look_up(api, ids)
    criteria = Criteria(now, rpo, max_lag)
    known = namesakes(found.listed)
    protections = [
        replace(
            protection_of(server, criteria, lookup, known.get(server["sourceServerID"])),
            drill=drills.get(server["sourceServerID"], DrillLookup()),
        )
        for server, lookup in zip(found.servers, lookups, strict=True)
    ]
    result = values(module, protections, found.all_unmatched, api.region)
    missing = [each.told for each in found.unmatched]
    warnings = [
        *silence_warnings(api.region, [(server, criteria.now) for server in found.servers]),
        *claimed_warnings(api.region, found.servers),
        *unread_drill_warnings(protections, api.region),
    ]
    for warning in warnings:
        warn(warning)
    failure = ended_by(lookups)
    if failure:
        module.fail_json(msg=message(protections, api.region, missing), **result, **error_value(failure))
    if missing:
        warn(f"No source server in {api.region} has {listed(missing)}")
    if found.unmatched_exclusions:
        warn(exclusion_message(api.region, found.unmatched_exclusions))
    if found.idle_exclusions:
        warn(idle_warning(api.region, found.idle_exclusions))
    module.exit_json(msg=message(protections, api.region, missing), **result)


def found_by(api: Api, selection: Selection) -> Found:
    """The selected source servers, in the order of the IDs given. Raises DrsError."""
    ids = selection.source_server_ids
    if ids is not None:
        by_id = {server["sourceServerID"]: server for server in api.describe(ids)}
        servers = [by_id[each] for each in ids if each in by_id]
        unmatched = [Unmatched("source-server-id", each) for each in ids if each not in by_id]
        return Found(servers, unmatched, listed=servers)
    for warning in state_warnings(selection):
        warn(warning)
    return find(api, selection)


def values(
    module: AnsibleAWSModule, protections: Sequence[Protection], unmatched: list[str], region: str
) -> dict[str, Any]:
    """The return values that success and failure share."""
    result = {"changed": False, "unmatched": unmatched, **values_of(protections, region)}
    if module.params["return_source_servers"]:
        result["source_servers"] = [snake_case(each.server) for each in protections]
    return result


if __name__ == "__main__":
    gc.freeze()  # imports stay alive; traversing them, mainly at exit, took 22 % of the module's time in 25 paired runs
    main()
