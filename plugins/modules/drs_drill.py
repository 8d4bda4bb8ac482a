#!/usr/bin/python
# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: drs_drill
version_added: 1.0.0
short_description: Keep recovery drills of AWS Elastic Disaster Recovery source servers fresh, and clean up after them
description:
  - With O(state=drilled), makes sure that each source server has had a successful recovery drill within O(max_age)
    days. A server that has one is left alone, so the task is safe to run at any time, such as daily.
  - With O(state=absent), terminates the drill instances that are left.
  - It never starts a real recovery, never launches over an instance on which production may run, never terminates an
    instance that is not marked as a drill, and never one that was there before.
author:
  - the disaster_recovery.aws authors (@disaster-recovery)
options:
  source_server_id:
    description:
      - The ID of a single source server.
      - Exactly one of O(source_server_id), O(source_server_ids) and O(filters) is required. Null counts as not set, so
        V(default(omit\)) works for a variable that may be undefined.
      - Mutually exclusive with O(source_server_ids), O(filters) and O(exclude_filters).
    type: str
  state:
    description:
      - With V(drilled), each source server without a fresh successful drill is drilled.
      - With V(absent), each living recovery instance that is marked as a drill is terminated.
      - The options of the other state are ignored.
    type: str
    choices: [drilled, absent]
    default: drilled
  max_age:
    description:
      - How many days a successful drill stays fresh, from 0 to 3650, counted from the creation of its job. V(0) drills
        now.
      - Has no effect with O(state=absent).
    type: int
    default: 90
  min_age:
    description:
      - With O(state=absent), leaves instances that were launched less than so many hours ago, from 0 to 87600, and
        those of unknown age. V(0) terminates all.
      - Has no effect with O(state=drilled).
    type: int
    default: 0
  terminate:
    description:
      - Whether to terminate the instances that this run launched, after their drill succeeded. The instance of a failed
        drill is left to be looked at.
      - Has no effect with O(state=absent).
      - Mutually exclusive with O(wait=false).
    type: bool
    default: false
  point_in_time:
    description:
      - Drills from the newest recovery snapshot at or before this time, in ISO 8601 format with a time zone, instead of
        the latest data. A source server without such a snapshot fails.
      - A fresh drill counts, whatever its point in time was. Has no effect with O(state=absent).
    type: str
  max_in_progress:
    description:
      - The maximum number of selected source servers that may be in drill at any time, at least 1, whoever drills them.
      - A server whose drill failed, or may have been launched, keeps its place, so that a canary that fails stops the
        others. With O(terminate=true) a place is free when the instance is gone.
      - Without O(wait) the others are RV(outcomes[].deferred). With O(wait=true) the next one is drilled when a drill
        succeeded.
      - Has no effect with O(state=absent).
    type: int
  wait:
    description:
      - Whether to wait until each drill has ended, since only then it is known whether it succeeded, or until the
        instances no longer exist. This includes drills that somebody else started.
      - Progress is shown while waiting, except with C(become), C(no_log), C(async) or a connection other than C(local).
      - In check mode nothing is waited for.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds after which the run ends, from 1 to 31536000 (one year). With O(wait=true) it then B(fails) and names
        each server that is not at the goal. The jobs go on, and what they launch costs until it is terminated.
    type: int
    default: 7200
  wait_delay:
    description: Seconds between looks, from 1 to 31536000 (one year).
    type: int
    default: 30
  job_tags:
    description:
      - Tags of the recovery jobs. Requires the IAM action C(drs:TagResource).
      - Has no effect with O(state=absent).
    type: dict
  return_source_servers:
    description:
      - Whether to return RV(source_servers), about 4 KB per server. AWX drops results larger than 700 KB.
      - Has no effect with O(source_server_id), which returns RV(source_server).
    type: bool
    default: true
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
      - An action plugin on the controller shows the progress of a wait. The module does everything else.
  action_group:
    support: full
    membership: [disaster_recovery.aws.aws]
  async:
    support: full
    details:
      - Progress is not shown.
  bypass_host_loop:
    support: none
  check_mode:
    support: full
    details:
      - Shows what would be sent now. Nothing is sent or waited for.
  diff_mode:
    support: full
  facts:
    support: partial
    details:
      - Only with O(source_server_id), as C(drs_source_server).
  platform:
    platforms: all
    support: full
notes:
  - A drill launches an EC2 instance from each source server, which costs until it is terminated. It does not touch the
    source server or its replication, but the instance runs your software. Isolate it with the launch settings first.
  - A launch terminates the earlier recovery instances of the source server. If one of them is not marked as a drill, or
    its lifecycle is not V(normal) or V(extended), or the instance is the machine that the source server copies, the
    server is RV(outcomes[].held) with O(filters) and fails by ID. Nothing overrides this.
  - A drill succeeded if its job is V(COMPLETED) and the server was launched, which means started, not booted. A
    mandatory launch action that failed makes it a failed drill.
  - DRS launches with the permissions of the caller and needs many IAM actions, which the README of this collection
    lists. No dry run proves them.
  - One call drills up to 100 source servers. DRS accepts or refuses all of them and names no culprit, so a refused
    batch is looked at again and then halved until the culprits stand alone. The others are drilled.
  - A call that got no response is never repeated. Its job is looked for instead.
  - Nothing is drilled while a recovery runs in the same account and Region, since it needs the quotas.
seealso:
  - module: disaster_recovery.aws.drs_source_server_info
  - module: disaster_recovery.aws.drs_source_server_replication
  - name: StartRecovery
    description: The AWS API reference.
    link: https://docs.aws.amazon.com/drs/latest/APIReference/API_StartRecovery.html
  - name: TerminateRecoveryInstances
    description: The AWS API reference.
    link: https://docs.aws.amazon.com/drs/latest/APIReference/API_TerminateRecoveryInstances.html
  - name: Preparing for failover
    description: The user guide.
    link: https://docs.aws.amazon.com/drs/latest/userguide/failback-preparing-failover.html
"""

EXAMPLES = r"""
- name: Drill one source server unless it was drilled in the last 90 days, and clean up
  disaster_recovery.aws.drs_drill:
    region: eu-west-1
    source_server_id: s-1234567890abcdef0
    terminate: true

- name: Show what would be drilled
  disaster_recovery.aws.drs_drill:
    region: eu-west-1
    filters:
      tag:Environment: production
  check_mode: true
  diff: true

- name: Keep the drills of production fresh, ten servers at a time
  disaster_recovery.aws.drs_drill:
    region: eu-west-1
    filters:
      tag:Environment: production
    exclude_filters:
      - tag:Role: domain-controller
    max_in_progress: 10
    terminate: true
    wait_timeout: 86400
    return_source_servers: false
  register: drill

- name: Show what proves the drills
  ansible.builtin.debug:
    msg: "{{ item.hostname }} {{ item.evidence.job_id }} {{ item.evidence.at }}"
  loop: "{{ drill.outcomes | selectattr('evidence') }}"
  loop_control:
    label: "{{ item.source_server_id }}"

- name: Drill from the data of a certain night
  disaster_recovery.aws.drs_drill:
    region: eu-west-1
    source_server_id: s-1234567890abcdef0
    max_age: 0
    point_in_time: "2026-11-23T02:00:00Z"
    job_tags:
      CostCenter: recovery

- name: Terminate drill instances that have run for a day
  disaster_recovery.aws.drs_drill:
    region: eu-west-1
    filters:
      hostname: "*"
    state: absent
    min_age: 24
"""

RETURN = r"""
changed:
  description: Whether this run started a drill or terminated a drill instance, or would in check mode.
  returned: always
  type: bool
  sample: true
msg:
  description:
    - One sentence with all counts, the region and the account. Successes count as drilled, without O(wait) as started.
    - On failure it starts with how many source servers failed, or how many were not at the goal at the deadline, and
      ends with each cause once. At most 20 servers are named, at least one for each cause.
  returned: always
  type: str
  sample: >-
    12 of 263 source servers drilled, 240 drilled already, 8 held, 3 deferred (eu-west-1, account 111122223333)
source_server:
  description:
    - The source server as AWS last returned it, with every member known to the installed botocore. Keys are in
      snake_case, tags are unchanged. Empty if DRS does not know the server.
  returned: with O(source_server_id)
  type: dict
  sample: &server
    source_server_id: s-1234567890abcdef0
    arn: arn:aws:drs:eu-west-1:123456789012:source-server/s-1234567890abcdef0
    data_replication_info:
      data_replication_state: CONTINUOUS
    source_properties:
      identification_hints:
        hostname: web1
    tags:
      CostCenter: a
source_servers:
  description: The source servers known to DRS, each as in RV(source_server), in the order of RV(outcomes).
  returned: with O(source_server_ids) or O(filters), unless O(return_source_servers=false)
  type: list
  elements: dict
  sample: [*server]
ansible_facts:
  description: Facts to add. A failed result has none, so a fact cache may still hold older facts.
  returned: success, with O(source_server_id)
  type: dict
  contains:
    drs_source_server:
      description: The same as RV(source_server).
      type: dict
      returned: success
      sample: *server
outcomes:
  description: What was done for each source server, in the order of the IDs given, or sorted by ID with O(filters).
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
      description: The ARN, null if DRS does not know the server.
      type: str
      returned: always
      sample: arn:aws:drs:eu-west-1:123456789012:source-server/s-1234567890abcdef0
    hostname:
      description: The hostname, or the FQDN if there is none. Null if neither is known.
      type: str
      returned: always
      sample: web1
    tags:
      description: The tags, exactly as in AWS.
      type: dict
      returned: always
      sample: {CostCenter: a}
    previous_state:
      description: The data replication state before the run, null if unknown.
      type: str
      returned: always
      sample: CONTINUOUS
    state:
      description: The data replication state when it was last seen, null if unknown. A drill does not change it.
      type: str
      returned: always
      sample: CONTINUOUS
    lifecycle:
      description:
        - What the whole document says of the server, such as V(failed_over), or V(normal) if its state alone decides.
          C(docs/states.md) explains each one.
        - Null if DRS does not know the server.
      type: str
      choices: [launching, failback, reprotected, failed_over, reversed, extension_error, extended, normal]
      returned: always
      sample: normal
    next_step:
      description:
        - What to do next about the server, with the IDs, accounts and ARNs that this takes.
        - Null if there is nothing to do, or if DRS does not know the server.
      type: str
      returned: always
      sample: null
    recovery_instance_id:
      description:
        - The ID of the recovery instance of the drill, otherwise that of the server. Null if there is none. It may be
          terminated already.
      type: str
      returned: always
      sample: i-1234567890abcdef0
    action:
      description: What was called for this server, or would be in check mode, V(drill), V(terminate) or V(none).
      type: str
      choices: [drill, terminate, none]
      returned: always
      sample: drill
    changed:
      description: Whether this run drilled the server or terminated its drill instance, or would in check mode.
      type: bool
      returned: always
      sample: true
    failed:
      description: Whether the server failed. See RV(outcomes[].reason).
      type: bool
      returned: always
      sample: false
    held:
      description:
        - Whether the server was left alone, since production may run on a recovery instance of it, or with
          O(state=absent) since an instance is not marked as a drill or was there before.
      type: bool
      returned: always
      sample: false
    deferred:
      description: Whether O(max_in_progress), a quota or another job left the server to a later run.
      type: bool
      returned: always
      sample: false
    reason:
      description: One sentence that explains the outcome.
      type: str
      returned: always
      sample: drilled (drsjob-1234567890abcdef0, i-1234567890abcdef0)
    error_code:
      description: The error code returned by AWS, null if there was none.
      type: str
      returned: always
      sample: null
    error_message:
      description:
        - The whole error message returned by AWS, null if there was none. RV(outcomes[].reason) quotes a long one
          without its ARNs and its middle.
      type: str
      returned: always
      sample: null
    replication_error:
      description: The code of the C(dataReplicationError), such as V(AGENT_NOT_SEEN), null if there is none.
      type: str
      returned: always
      sample: null
    lag_duration:
      description: The replication lag as an ISO 8601 duration, null if AWS reports none.
      type: str
      returned: always
      sample: PT16H20M38.697305S
    eta:
      description: When AWS expects the server to be up to date, in ISO 8601 format, null if AWS reports no ETA.
      type: str
      returned: always
      sample: '2026-11-23T14:05:00Z'
    job_id:
      description: The job of the drill that this run made, waited for, or that is evidence. Null if there is none.
      type: str
      returned: always
      sample: drsjob-1234567890abcdef0
    launched_at:
      description: When that job was created, as AWS reports it.
      type: str
      returned: always
      sample: '2026-11-23T14:05:00+00:00'
    duration_seconds:
      description: Seconds from the creation of the job to the end of the launch. Null if the log was not read.
      type: float
      returned: always
      sample: 540.0
    launch_actions:
      description: The launch actions that the job shows for this server.
      type: list
      elements: dict
      returned: always
      sample: []
      contains:
        name:
          description: The name of the action.
          type: str
          returned: always
          sample: Volume integrity validation
        status:
          description: The status of its run.
          type: str
          returned: always
          sample: SUCCEEDED
        optional:
          description: Whether the drill succeeds also where this action fails.
          type: bool
          returned: always
          sample: true
        failure_reason:
          description: Why it failed, null if it did not.
          type: str
          returned: always
          sample: null
    evidence:
      description: The newest fresh drill that succeeded, null if there is none or O(state=absent).
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
          sample: '2026-11-23T14:05:00+00:00'
        launch_actions:
          description:
            - V(passed) if all launch actions that are shown succeeded, V(failed) if an optional one failed, otherwise
              V(unknown), also if there are none.
          type: str
          choices: [passed, failed, unknown]
          returned: always
          sample: passed
jobs:
  description: The jobs of this run, as last seen.
  returned: always
  type: list
  elements: dict
  contains:
    job_id:
      description: The ID.
      type: str
      returned: always
      sample: drsjob-1234567890abcdef0
    initiated_by:
      description: V(START_DRILL) or V(TERMINATE_RECOVERY_INSTANCES).
      type: str
      returned: always
      sample: START_DRILL
    status:
      description: V(PENDING), V(STARTED) or V(COMPLETED).
      type: str
      returned: always
      sample: COMPLETED
    created:
      description: When it was created, in UTC.
      type: str
      returned: always
      sample: '2026-11-23T14:05:00+00:00'
    source_server_ids:
      description: The source servers that it names. A termination that ended names none.
      type: list
      elements: str
      returned: always
      sample: [s-1234567890abcdef0]
unmatched:
  description:
    - The V(hostname), V(fqdn), V(ec2-instance-id) and V(source-server-id) values without wildcards that no source
      server has, as C(key=value). Those of O(exclude_filters) as C(exclude_filters:) with C(key=value).
  returned: with O(filters)
  type: list
  elements: str
  sample: [hostname=web9]
error:
  description: The error that ended the run for all servers.
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
diff:
  description:
    - A line for each server, before and after the run, with its last successful drill, or with O(state=absent) its
      drill instances. In check mode RV(diff.after) is predicted.
  returned: in diff mode
  type: dict
  contains:
    before:
      description: What there was before the run.
      type: str
      returned: always
      sample: "s-1234567890abcdef0 web1 no fresh drill\n"
    after:
      description: What there is after the run.
      type: str
      returned: always
      sample: "s-1234567890abcdef0 web1 drilled 2026-11-23T14:05:00+00:00\n"
summary:
  description: Counts and storage totals over all outcomes.
  returned: always
  type: dict
  contains:
    matched:
      description: How many of the selected source servers are known to DRS.
      type: int
      returned: always
      sample: 2
    changed:
      description: How many were drilled, or wholly or partly freed of drill instances, or would be in check mode.
      type: int
      returned: always
      sample: 1
    failed:
      description: How many failed.
      type: int
      returned: always
      sample: 0
    held:
      description: How many were left alone.
      type: int
      returned: always
      sample: 0
    deferred:
      description: How many were left to a later run.
      type: int
      returned: always
      sample: 0
    by_state:
      description: How many are in each data replication state. V(UNKNOWN) counts those for which AWS reported none.
      type: dict
      returned: always
      sample: {CONTINUOUS: 2}
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
from typing import Any

# An older Python can compile this file, but not what it imports.
if sys.version_info < (3, 10):  # noqa: UP036
    PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]} ({sys.executable})"
    NEEDED = f"This module needs Python 3.10 or newer, not {PYTHON}: set ansible_python_interpreter to a newer one."
    sys.stdout.write(json.dumps({"failed": True, "changed": False, "msg": NEEDED}))
    raise SystemExit(1)

from ansible.module_utils.common.warnings import warn
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.connection import connect
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.errors import DrsError, InvalidOptions
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.listing import (
    Found,
    find_to_act,
    refusal_of,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.recovery import DrsRecoveryApi
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.jobs import Job
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.selection import Selection
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.text import listed, sentence
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.results.drill import (
    failure_message,
    success_message,
    values_of,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.results.outcome_values import (
    ansible_facts_of,
    known_servers,
    selected_values,
    warnings_by_cause,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.results.summaries import (
    claimed_warnings,
    error_value,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.drill import drill
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.drill_options import parse_drill_options
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.drill_progress import DrillProgress
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.drill_run import DrillOutcome, DrillRun
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.options import parse_selection
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.progress_file import ProgressFile

SELECTORS = ("source_server_id", "source_server_ids", "filters")

ARGUMENT_SPEC: dict[str, Any] = {
    "source_server_id": {"type": "str"},
    "source_server_ids": {"type": "list", "elements": "str"},
    "filters": {"type": "dict"},
    "exclude_filters": {"type": "list", "elements": "dict"},
    "state": {"type": "str", "default": "drilled", "choices": ["drilled", "absent"]},
    "max_age": {"type": "int", "default": 90},
    "min_age": {"type": "int", "default": 0},
    "terminate": {"type": "bool", "default": False},
    "point_in_time": {"type": "str"},
    "max_in_progress": {"type": "int"},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 7200},
    "wait_delay": {"type": "int", "default": 30},
    "job_tags": {"type": "dict"},
    "return_source_servers": {"type": "bool", "default": True},
}


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    began = time.monotonic()
    try:
        options = parse_drill_options(module.params, module.check_mode)
        write_progress = ProgressFile(options.wait)
        selection = parse_selection(module.params, SELECTORS)
        if selection is None:
            raise InvalidOptions(f"One of {listed(SELECTORS)} is required; null counts as not set")
        api = connect(DrsRecoveryApi, module.params, began + options.wait_timeout)
        found = find_to_act(api, selection, warn)
    except (InvalidOptions, DrsError) as error:
        ended_by = error_value(error) if isinstance(error, DrsError) else {}
        module.fail_json(msg=sentence(str(error)), **values(module, [], []), **ended_by)

    unmatched = found.all_unmatched if found else []
    refusal = refusal_of(found, selection, api.region) if found else None
    if refusal:
        module.fail_json(msg=refusal, **values(module, [], unmatched))
    run = DrillRun(options, api, outcomes_for(selection, found), report=DrillProgress(options.goal, write_progress))
    drill(run)
    for warning in [
        *warnings_by_cause(api.region, run.outcomes),
        *claimed_warnings(api.region, known_servers(run.outcomes)),
    ]:
        warn(warning)
    failure = failure_message(run, [each.told for each in found.unmatched] if found else [])
    result = values(module, run.outcomes, unmatched, run.jobs)
    if failure:
        ended_by = error_value(run.error) if run.error else {}
        module.fail_json(msg=failure, **result, **ended_by)
    module.exit_json(msg=success_message(run), **result, **ansible_facts_of(module.params, run.outcomes))


def outcomes_for(selection: Selection, found: Found | None) -> list[DrillOutcome]:
    """A pending outcome for each source server. Servers found by filters have already been described."""
    if found is None:
        return [DrillOutcome(source_server_id) for source_server_id in selection.source_server_ids or []]
    return [DrillOutcome(server["sourceServerID"], first=server, latest=server) for server in found.servers]


def values(
    module: AnsibleAWSModule, outcomes: Sequence[DrillOutcome], unmatched: list[str], jobs: Sequence[Job] = ()
) -> dict[str, Any]:
    """The return values that success, failure and check mode share."""
    common = values_of(outcomes, jobs, module._diff)
    return {**common, **selected_values(module.params, outcomes, unmatched)}


if __name__ == "__main__":
    gc.freeze()  # imports stay alive; traversing them at exit costs time
    main()
