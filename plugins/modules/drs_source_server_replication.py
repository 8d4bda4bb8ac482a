#!/usr/bin/python
# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: drs_source_server_replication
version_added: 1.0.0
short_description: Start or stop the data replication of AWS Elastic Disaster Recovery source servers
description:
  - Reads the C(dataReplicationState) of each source server and calls C(StartReplication) only for those that are
    V(STOPPED), so it is safe to run at any time, on one server or on a whole fleet.
  - A server that cannot be started fails with a reason, and the others continue. The result reports every server.
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
      - With V(started), replication is started for each server that is V(STOPPED).
      - With V(stopped), replication is stopped, which deletes every recovery snapshot of the server.
        This requires O(delete_snapshots=true). A server that is V(STALLED) or V(PAUSED) fails and is not stopped,
        because its snapshots may be the only copy left.
      - O(state=stopped) is mutually exclusive with O(filters).
    type: str
    choices: [started, stopped]
    default: started
  delete_snapshots:
    description:
      - Confirms that O(state=stopped) permanently deletes every recovery snapshot of the source servers.
      - Has no effect with O(state=started).
    type: bool
    default: false
  force:
    description:
      - With O(state=stopped), also stops the servers that are otherwise refused, each with a warning. These are servers
        that are V(STALLED), V(PAUSED) or in an unknown state, since their recovery snapshots may be the only copy left,
        and those on which a recovery or a failback depends.
      - It is how a server that was switched off for good is retired and a reversed copy cleaned up. It has no effect
        with O(state=started) and does not replace O(delete_snapshots).
    type: bool
    default: false
  wait:
    description:
      - Whether to wait until the goal is reached. This includes servers whose replication was already running.
      - With O(state=started) the goal is O(wait_until). With O(state=stopped) it is that nothing replicates.
      - Progress is shown while waiting, except with C(become), C(no_log), C(async) or a connection other than C(local).
      - In check mode nothing is waited for.
      - O(wait=true) is mutually exclusive with V(replication-state) in O(filters).
    type: bool
    default: false
  wait_until:
    description:
      - With V(replicating) the wait ends when data is flowing. With V(continuous) it ends when the server is protected.
      - After a stop, all data is copied again, which takes hours to days. Until the server is V(CONTINUOUS) it has no
        recovery point.
      - It also decides, even without O(wait), when a place of O(max_in_progress) is free.
      - Ignored with O(state=stopped).
    type: str
    choices: [replicating, continuous]
    default: replicating
  wait_timeout:
    description:
      - Seconds after which the run ends, from 1 to 31536000 (one year). With O(wait=true) it then B(fails) and names
        each server that has not reached the goal, with its state, error and ETA.
      - It limits the whole run, even without O(wait), including the listing for O(filters). A request that does not
        finish in time is abandoned, and nothing is started after the deadline.
    type: int
    default: 3600
  wait_delay:
    description: Seconds between polls, from 1 to 31536000 (one year).
    type: int
    default: 15
  max_in_progress:
    description:
      - The maximum number of selected source servers that may be in progress at any time, at least 1. A server is in
        progress from its start until it reaches the goal, even while V(STALLED) or V(PAUSED), so a stuck server keeps
        its place until somebody fixes it. A start that is refused frees its place for the next server.
      - O(wait_until) is the goal, even without O(wait). With V(continuous) the next wave starts only when the last one
        is protected.
      - The task fails where a stuck server takes a place that a deferred one needs.
      - Without O(wait) the others are RV(outcomes[].deferred). Run the same task again for the next wave.
      - With O(wait=true) the next server is started when one reaches the goal, until all have or O(wait_timeout)
        expires.
      - Has no effect with O(state=stopped).
    type: int
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
      - RV(source_server) and RV(source_servers) show the current state, RV(outcomes[].state) the predicted one.
      - RV(outcomes[].next_step) follows from the predicted state.
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
  - O(filters) are stricter than IDs. They must match at least one server before V(replication-state) is applied, which
    may then leave none. They cannot be used with O(state=stopped). A hostname, FQDN, EC2 instance ID or source server
    ID without a wildcard that matches no server is listed in RV(unmatched), and the task fails after the other servers
    were started.
  - O(exclude_filters) require O(filters) and are stricter still, since a mistyped one would start a server that is to
    be left alone. Such a value in them that no source server of the region has fails the task before anything is
    started, also in check mode.
  - With O(filters) some servers are RV(outcomes[].held), that is, left alone with a warning, and
    RV(outcomes[].next_step) says what to do. These are V(STOPPED) servers whose RV(outcomes[].lifecycle) is not
    V(normal), and V(DISCONNECTED), V(STALLED) or V(PAUSED) ones that are V(launching), V(failed_over) or V(reversed).
    Named by its ID, a V(STOPPED) one is started with a warning that says what is copied then.
  - A start resumes billing for the source server. DRS launches replication servers and volumes in the staging area and
    copies every disk from the beginning. Until the server is V(CONTINUOUS) it has no recovery point.
  - A stop deletes the recovery snapshots of the source server immediately.
  - Requires the IAM action C(drs:DescribeSourceServers), and C(drs:StartReplication) for O(state=started) or
    C(drs:StopReplication) for O(state=stopped).
  - A start or stop that got no response is never blindly repeated; the server is described again first. RV(changed)
    reports what is known, that is, what DRS accepted or what was observed. If a call may have taken effect, the reason
    of the failed server says so.
  - To set defaults for all modules of this collection, use C(module_defaults) with
    C(group/disaster_recovery.aws.aws). C(group/aws) does not include them.
seealso:
  - module: disaster_recovery.aws.drs_source_server_info
  - plugin: disaster_recovery.aws.source_servers
    plugin_type: inventory
  - name: StartReplication
    description: The AWS API reference.
    link: https://docs.aws.amazon.com/drs/latest/APIReference/API_StartReplication.html
  - name: StopReplication
    description: The AWS API reference.
    link: https://docs.aws.amazon.com/drs/latest/APIReference/API_StopReplication.html
"""

EXAMPLES = r"""
- name: Protect a source server again
  disaster_recovery.aws.drs_source_server_replication:
    region: eu-west-1
    source_server_id: s-1234567890abcdef0

- name: Show what would be started without changing anything
  disaster_recovery.aws.drs_source_server_replication:
    region: eu-west-1
    source_server_ids:
      - s-1234567890abcdef0
      - s-1234567890abcdef1
  check_mode: true
  diff: true

- name: Protect several source servers again
  disaster_recovery.aws.drs_source_server_replication:
    region: eu-west-1
    source_server_ids:
      - s-1234567890abcdef0
      - s-1234567890abcdef1
  register: result

- name: Show what is to be done next about each server
  ansible.builtin.debug:
    msg: "{{ item.hostname }} is {{ item.state }} ({{ item.lifecycle }}): {{ item.next_step }}"
  loop: "{{ result.outcomes | selectattr('next_step') }}"

- name: Protect a source server again and wait until data is flowing
  disaster_recovery.aws.drs_source_server_replication:
    region: eu-west-1
    source_server_id: s-1234567890abcdef0
    wait: true

- name: Use what DRS says of the server now
  ansible.builtin.debug:
    msg: "{{ ansible_facts.drs_source_server.data_replication_info.data_replication_state }}"

- name: Protect the servers of a list again, whether or not DRS knows all of them
  disaster_recovery.aws.drs_source_server_replication:
    region: eu-west-1
    filters:
      hostname: [web1, web2, db1]
  register: result
  ignore_errors: true

- name: Show which of them have no source server
  ansible.builtin.debug:
    msg: "Install the agent: {{ result.unmatched }}"
  when: result.unmatched | length > 0

- name: Wait up to a day for every production server to be protected
  disaster_recovery.aws.drs_source_server_replication:
    region: eu-west-1
    filters:
      tag:Environment: production
    wait: true
    wait_until: continuous
    wait_timeout: 86400
    wait_delay: 60
    return_source_servers: false
  register: result

- name: Show how much is replicated
  ansible.builtin.debug:
    msg: >-
      {{ result.summary.by_state }}: {{ result.summary.replicated_percent }} % of
      {{ result.summary.total_storage_bytes | human_readable }}

- name: Protect production again, three servers in each run, the next three when these are protected
  disaster_recovery.aws.drs_source_server_replication:
    region: eu-west-1
    filters:
      tag:Environment: production
    max_in_progress: 3
    wait_until: continuous

- name: Protect production in waves of five, except for database and test servers
  disaster_recovery.aws.drs_source_server_replication:
    region: eu-west-1
    filters:
      tag:Environment: production
    exclude_filters:
      - tag:Role: database
      - hostname: test-*
    max_in_progress: 5
    wait: true
    wait_until: continuous
    wait_timeout: 86400

- name: Start every stopped server of a region, without returning full descriptions
  disaster_recovery.aws.drs_source_server_replication:
    region: eu-west-1
    filters:
      replication-state: STOPPED
    return_source_servers: false

- name: Stop the replication of a source server and delete its recovery snapshots
  disaster_recovery.aws.drs_source_server_replication:
    region: eu-west-1
    source_server_id: s-1234567890abcdef0
    state: stopped
    delete_snapshots: true
"""

RETURN = r"""
changed:
  description: Whether this run started or stopped any source server, or would in check mode.
  returned: always
  type: bool
  sample: true
msg:
  description:
    - One sentence with all counts, the region and the account.
    - On failure it starts with how many source servers failed, or how many were not at the goal at the deadline, and
      ends with each cause once. At most 20 servers are named, at least one for each cause.
    - Servers count as running already if data flows or is about to, and as stuck if nothing flows until somebody
      intervenes, which is V(STALLED), V(PAUSED), or V(INITIATING) with an error.
  returned: always
  type: str
  sample: >-
    12 of 263 source servers started, 240 were running already, 8 held, 3 deferred (eu-west-1, account 123456789012)
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
      data_replication_state: INITIATING
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
      sample: STOPPED
    state:
      description: The data replication state after the run, in check mode the predicted one. Null if unknown.
      type: str
      returned: always
      sample: INITIATING
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
      description: The ID of the recovery instance that was launched from the server, null if there is none.
      type: str
      returned: always
      sample: null
    action:
      description: The call that was made for this server, or would be in check mode, V(start), V(stop) or V(none).
      type: str
      choices: [start, stop, none]
      returned: always
      sample: start
    changed:
      description: Whether this run started or stopped the server, or would in check mode.
      type: bool
      returned: always
      sample: true
    failed:
      description: Whether the server failed. See RV(outcomes[].reason).
      type: bool
      returned: always
      sample: false
    held:
      description: Whether O(filters) left the server alone, see RV(outcomes[].next_step).
      type: bool
      returned: always
      sample: false
    deferred:
      description: Whether O(max_in_progress) left the server to a later run.
      type: bool
      returned: always
      sample: false
    reason:
      description: One sentence that explains the outcome.
      type: str
      returned: always
      sample: DRS accepted the start
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
    - A line for each server with its state, before and after the run. In check mode RV(diff.after) is predicted.
  returned: in diff mode
  type: dict
  contains:
    before:
      description: The servers with their states before the run.
      type: str
      returned: always
      sample: "s-1234567890abcdef0 web1 STOPPED\n"
    after:
      description: The servers with their states after the run.
      type: str
      returned: always
      sample: "s-1234567890abcdef0 web1 INITIATING\n"
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
      description: How many were started or stopped, or would be in check mode.
      type: int
      returned: always
      sample: 1
    failed:
      description: How many failed.
      type: int
      returned: always
      sample: 0
    held:
      description: How many O(filters) left alone.
      type: int
      returned: always
      sample: 0
    deferred:
      description: How many O(max_in_progress) left to a later run.
      type: int
      returned: always
      sample: 0
    by_state:
      description: How many are in each data replication state. V(UNKNOWN) counts those for which AWS reported none.
      type: dict
      returned: always
      sample: {CONTINUOUS: 1, INITIATING: 1}
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
from datetime import datetime, timezone
from typing import Any

# An older Python can compile this file, but not what it imports.
if sys.version_info < (3, 10):  # noqa: UP036
    PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]} ({sys.executable})"
    NEEDED = f"This module needs Python 3.10 or newer, not {PYTHON}: set ansible_python_interpreter to a newer one."
    sys.stdout.write(json.dumps({"failed": True, "changed": False, "msg": NEEDED}))
    raise SystemExit(1)

from ansible.module_utils.common.warnings import warn
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.calls import DrsApi
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.connection import connect
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.errors import DrsError, InvalidOptions
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.listing import (
    Found,
    find_to_act,
    refusal_of,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.selection import Selection
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.text import listed, sentence
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.results.outcome_values import (
    ansible_facts_of,
    known_servers,
    selected_values,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.results.replication import (
    failure_message,
    success_message,
    values_of,
    warnings_of,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.results.summaries import (
    claimed_warnings,
    error_value,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.options import (
    parse_options,
    parse_selection,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.outcomes import Outcome
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.progress import Progress
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.progress_file import ProgressFile
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.reconcile import reconcile
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.run import Run

SELECTORS = ("source_server_id", "source_server_ids", "filters")

ARGUMENT_SPEC: dict[str, Any] = {
    "source_server_id": {"type": "str"},
    "source_server_ids": {"type": "list", "elements": "str"},
    "filters": {"type": "dict"},
    "exclude_filters": {"type": "list", "elements": "dict"},
    "state": {"type": "str", "default": "started", "choices": ["started", "stopped"]},
    "delete_snapshots": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
    "wait": {"type": "bool", "default": False},
    "wait_until": {"type": "str", "default": "replicating", "choices": ["replicating", "continuous"]},
    "wait_timeout": {"type": "int", "default": 3600},
    "wait_delay": {"type": "int", "default": 15},
    "max_in_progress": {"type": "int"},
    "return_source_servers": {"type": "bool", "default": True},
}


def main() -> None:
    module = AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    began = time.monotonic()
    try:
        options = parse_options(module.params, module.check_mode)
        write_progress = ProgressFile(options.wait)
        selection = parse_selection(module.params, SELECTORS)
        if selection is None:
            raise InvalidOptions(f"One of {listed(SELECTORS)} is required; null counts as not set")
        api = connect(DrsApi, module.params, began + options.wait_timeout)
        found = find_to_act(api, selection, warn)
    except (InvalidOptions, DrsError) as error:
        ended_by = error_value(error) if isinstance(error, DrsError) else {}
        module.fail_json(msg=sentence(str(error)), **values(module, [], []), **ended_by)

    unmatched = found.all_unmatched if found else []
    refusal = refusal_of(found, selection, api.region) if found else None
    if refusal:
        module.fail_json(msg=refusal, **values(module, [], unmatched))
    report, listed_servers = Progress(options.goal, write_progress), found.listed if found else []
    run = Run(options, api, outcomes_for(selection, found), report=report, listed=listed_servers)
    reconcile(run)
    warnings = warnings_of(run, datetime.now(timezone.utc))
    for warning in [*warnings, *claimed_warnings(api.region, known_servers(run.outcomes))]:
        warn(warning)
    failure = failure_message(run, [each.told for each in found.unmatched] if found else [])
    result = values(module, run.outcomes, unmatched)
    if failure:
        ended_by = error_value(run.error) if run.error else {}
        module.fail_json(msg=failure, **result, **ended_by)
    module.exit_json(msg=success_message(run), **result, **ansible_facts_of(module.params, run.outcomes))


def outcomes_for(selection: Selection, found: Found | None) -> list[Outcome]:
    """A pending outcome for each source server. Servers found by filters have already been described."""
    if found is None:
        return [Outcome(source_server_id) for source_server_id in selection.source_server_ids or []]
    return [Outcome(server["sourceServerID"], first=server, latest=server) for server in found.servers]


def values(module: AnsibleAWSModule, outcomes: Sequence[Outcome], unmatched: list[str]) -> dict[str, Any]:
    """The return values that success, failure and check mode share."""
    return {**values_of(outcomes, module._diff), **selected_values(module.params, outcomes, unmatched)}


if __name__ == "__main__":
    gc.freeze()  # imports stay alive; traversing them, mainly at exit, took 22 % of the module's time in 25 paired runs
    main()
