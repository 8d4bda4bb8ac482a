#!/usr/bin/python
# Copyright: (c) 2026, the disaster_recovery.aws authors
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
  - A server that cannot be started fails with its reason, and the others go on. The result tells about every server.
author:
  - the disaster_recovery.aws authors (@disaster-recovery)
options:
  source_server_id:
    description:
      - The ID of the one source server to act on.
      - Exactly one of O(source_server_id), O(source_server_ids) and O(filters) must be given. A null value counts as
        absent, so use the filter C(default) with C(omit) for a variable that may be undefined.
    type: str
  state:
    description:
      - With V(started), replication is started for each server that is V(STOPPED).
      - With V(stopped), replication is stopped, which deletes every recovery snapshot of the server.
        O(delete_snapshots) must acknowledge that. A server that is V(STALLED) or V(PAUSED) fails and is not
        stopped, since its snapshots may be the only copy left.
    type: str
    choices: [started, stopped]
    default: started
  delete_snapshots:
    description:
      - Acknowledges that O(state=stopped) deletes every recovery snapshot of the source servers.
        Nothing brings them back.
      - Has no effect with O(state=started).
    type: bool
    default: false
  wait:
    description:
      - Whether to return only when the goal is reached. Servers that were running already are waited for as well.
      - With O(state=started) the goal is O(wait_until), with O(state=stopped) that nothing replicates.
      - Progress is shown while waiting, except with C(become), C(no_log), C(async) and connections other than C(local).
      - Cannot be combined with the filter V(replication-state). Has no effect in check mode.
    type: bool
    default: false
  wait_until:
    description:
      - With V(replicating) the wait ends when data is flowing, with V(continuous) when the server is protected.
      - After a stop everything is copied again, which takes hours to days. Until the server is V(CONTINUOUS) it has no
        recovery point.
      - Ignored with O(state=stopped).
    type: str
    choices: [replicating, continuous]
    default: replicating
  wait_timeout:
    description:
      - Seconds after which the run ends. With O(wait=true) it then B(fails) and names each server that is not there,
        with its state, error and ETA.
      - It bounds the whole run, also without O(wait), and the listing with O(filters). A request that does not end in
        time is abandoned, and nothing is started after it.
    type: int
    default: 3600
  wait_delay:
    description: Seconds between two looks.
    type: int
    default: 15
  max_in_progress:
    description:
      - At most this many of the selected source servers are on their way to the goal at any moment. A server counts
        from its start until it reaches the goal, also where it is V(STALLED) or V(PAUSED), so nothing more is started
        until somebody has looked. A start that is refused gives its place to the next server.
      - Without O(wait) the others are C(deferred), and the same task run again is the next wave.
      - With O(wait=true) the next server is started as one arrives, until all are there or O(wait_timeout) is over.
      - Has no effect with O(state=stopped).
    type: int
  return_source_servers:
    description:
      - Whether RV(source_servers) is returned, about 4 KB for each server. AWX drops results of over 700 KB.
    type: bool
    default: true
extends_documentation_fragment:
  - disaster_recovery.aws.source_servers
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
    details:
      - C(source_server) and C(source_servers) are what AWS says now, RV(outcomes[].state) is the prediction.
  diff_mode:
    support: full
  platform:
    platforms: all
    support: full
notes:
  - O(filters) are more careful than IDs. They must match at least one server, not counting V(replication-state), which
    may leave none. They cannot be used with O(state=stopped). A host name, an EC2 instance ID or a source server ID
    without a wildcard that no server has is listed in RV(unmatched), and the task fails at its end, after the others
    were started.
  - With O(filters) a V(STOPPED) server is C(held), that is left alone with a warning, where somebody stopped it for a
    reason. It is failed over or about to be, it replicates in direction V(FAILBACK), it is extended from another
    account, or it has a server with reversed direction. Name such a server by its ID to start it.
  - A start restarts the billing of the source server. DRS launches replication servers and volumes in the staging area,
    and copies every disk from the beginning. Until the server is V(CONTINUOUS) it has no recovery point.
  - A stop deletes the recovery snapshots of the source server at once.
  - Needs the IAM action C(drs:DescribeSourceServers), and C(drs:StartReplication) or C(drs:StopReplication) for
    O(state=started) or O(state=stopped).
  - A call that ended without an answer is never repeated blindly. The server is looked at again first. C(changed) says
    what is known, that is what DRS accepted or what was seen. The reason of a failed server says what may have taken
    effect.
  - Defaults for all modules of this collection are set by C(module_defaults) with
    C(group/disaster_recovery.aws.aws). C(group/aws) does not include them.
seealso:
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

- name: Show what would be started, change nothing
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

- name: Protect a source server again and wait until data is flowing
  disaster_recovery.aws.drs_source_server_replication:
    region: eu-west-1
    source_server_id: s-1234567890abcdef0
    wait: true

- name: Wait up to a day until every production server is protected
  disaster_recovery.aws.drs_source_server_replication:
    region: eu-west-1
    filters:
      tag:Environment: production
    wait: true
    wait_until: continuous
    wait_timeout: 86400
    wait_delay: 60
    return_source_servers: false

- name: Protect production again, three servers in each run
  disaster_recovery.aws.drs_source_server_replication:
    region: eu-west-1
    filters:
      tag:Environment: production
    max_in_progress: 3

- name: Protect production in waves, without the database servers, and stop at the first that gets stuck
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

- name: Start whatever is stopped in a region, without the full description of every server
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
msg:
  description: One sentence with all counts, the region and the account. On failure with each cause once.
  returned: always
  type: str
  sample: "12 of 263 source servers started, 240 were running already, 8 held (eu-west-1, account 111122223333)"
source_server:
  description:
    - The source server as AWS last showed it, with every member that the installed botocore knows, keys in snake_case
      and tags exactly as AWS has them. Empty where AWS does not know the server.
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
  description: The source servers that AWS knows, each as in RV(source_server), in the order of RV(outcomes).
  returned: with O(return_source_servers=true)
  type: list
  elements: dict
  sample: [*server]
ansible_facts:
  description: Facts to add. A failed result has none, and a fact cache may still hold an older one.
  returned: success, with O(source_server_id)
  type: dict
  contains:
    drs_source_server:
      description: The same as RV(source_server).
      type: dict
      returned: success
      sample: *server
outcomes:
  description: What was done about each source server, in the order of the IDs, with O(filters) ordered by ID.
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
      description: The ARN, null where AWS does not know the server.
      type: str
      returned: always
      sample: arn:aws:drs:eu-west-1:123456789012:source-server/s-1234567890abcdef0
    hostname:
      description: The hostname, null where it is not known.
      type: str
      returned: always
      sample: web1
    previous_state:
      description: The data replication state that the first look saw, null where it is not known.
      type: str
      returned: always
      sample: STOPPED
    state:
      description: The data replication state now, in check mode the predicted one, null where it is not known.
      type: str
      returned: always
      sample: INITIATING
    action:
      description: The call that was made for this server, or in check mode would be, V(start), V(stop) or V(none).
      type: str
      returned: always
      sample: start
    changed:
      description: Whether this run started or stopped the server, or in check mode would.
      type: bool
      returned: always
      sample: true
    failed:
      description: Whether the goal cannot be reached for this server.
      type: bool
      returned: always
      sample: false
    held:
      description: Whether the server was left alone, since somebody stopped it for a reason.
      type: bool
      returned: always
      sample: false
    deferred:
      description: Whether the server found no place within O(max_in_progress).
      type: bool
      returned: always
      sample: false
    reason:
      description: Why, in one sentence.
      type: str
      returned: always
      sample: DRS accepted the start
    error_code:
      description: The error code that AWS answered, null where there was none.
      type: str
      returned: always
      sample: null
    replication_error:
      description: The code of the C(dataReplicationError), such as V(AGENT_NOT_SEEN), null where there is none.
      type: str
      returned: always
      sample: null
    lag_duration:
      description: How long the server was not up to date, an ISO 8601 duration, null where AWS sends none.
      type: str
      returned: always
      sample: PT16H20M38.697305S
    eta:
      description: When AWS expects it to be up to date, an ISO 8601 date and time, null where AWS sends none.
      type: str
      returned: always
      sample: '2026-11-23T14:05:00Z'
unmatched:
  description: The values of O(filters) that name a server and that no server has, as C(key=value).
  returned: with O(filters)
  type: list
  elements: str
  sample: [hostname=web9]
error:
  description: The error that ended the run for all servers.
  returned: where one did
  type: dict
  contains:
    code:
      description: AWS's error code, null where AWS sent none.
      type: str
      returned: always
      sample: ExpiredTokenException
    message:
      description: The error in words.
      type: str
      returned: always
      sample: "AWS refused the credentials in eu-west-1 (ExpiredTokenException: The security token is expired)"
summary:
  description: The outcomes counted.
  returned: always
  type: dict
  contains: &summary
    matched:
      description: How many source servers AWS knows of those that are meant.
      type: int
      returned: always
      sample: 2
    changed:
      description: How many were started or stopped, or in check mode would be.
      type: int
      returned: always
      sample: 1
    failed:
      description: How many failed.
      type: int
      returned: always
      sample: 0
    held:
      description: How many were left alone, since somebody stopped them for a reason.
      type: int
      returned: always
      sample: 0
    deferred:
      description: How many found no place within O(max_in_progress).
      type: int
      returned: always
      sample: 0
    by_state:
      description: How many are in which data replication state. V(UNKNOWN) counts those of which AWS reported none.
      type: dict
      returned: always
      sample: {CONTINUOUS: 1, INITIATING: 1}
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
from typing import Any

from ansible.module_utils.common.warnings import warn
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.api import Api
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.connection import connect
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.errors import DrsError, InvalidOptions
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.options import parse_options
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.outcomes import Outcome
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.progress import Progress, ProgressFile
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.reconcile import reconcile
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.results import (
    error_value,
    failure_message,
    no_match_message,
    servers_of,
    success_message,
    values_of,
    warnings_of,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.run import Run
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.selection import (
    Found,
    Selection,
    find,
    parse_selection,
    state_warnings,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.text import listed, sentence

SELECTORS = ("source_server_id", "source_server_ids", "filters")

ARGUMENT_SPEC: dict[str, Any] = {
    "source_server_id": {"type": "str"},
    "source_server_ids": {"type": "list", "elements": "str"},
    "filters": {"type": "dict"},
    "exclude_filters": {"type": "list", "elements": "dict"},
    "state": {"type": "str", "default": "started", "choices": ["started", "stopped"]},
    "delete_snapshots": {"type": "bool", "default": False},
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
    write_progress = ProgressFile()
    try:
        options = parse_options(module.params, module.check_mode)
        selection = parse_selection(module.params, SELECTORS)
        if selection is None:
            raise InvalidOptions(f"Give one of {listed(SELECTORS)}; null counts as absent")
        api = connect(module.params, began + options.wait_timeout)
        found = found_by(api, selection)
    except (InvalidOptions, DrsError) as error:
        ended_by = error_value(error) if isinstance(error, DrsError) else {}
        module.fail_json(msg=sentence(str(error)), **values(module, [], []), **ended_by)

    unmatched = found.unmatched if found else []
    if found and not found.is_broadly_matched:
        module.fail_json(msg=no_match_message(api.region, selection), **values(module, [], unmatched))
    run = Run(options, api, outcomes_for(selection, found), report=Progress(options.goal, write_progress))
    reconcile(run)
    for warning in warnings_of(run.outcomes):
        warn(warning)
    failure = failure_message(run, unmatched)
    if failure:
        ended_by = error_value(run.error) if run.error else {}
        module.fail_json(msg=failure, **values(module, run.outcomes, unmatched), **ended_by)
    module.exit_json(msg=success_message(run), **values(module, run.outcomes, unmatched), **facts(module, run.outcomes))


def found_by(api: Api, selection: Selection) -> Found | None:
    """What the filters find, None for IDs. Raises DrsError."""
    if selection.source_server_ids is not None:
        return None
    for warning in state_warnings(selection):
        warn(warning)
    return find(api, selection)


def outcomes_for(selection: Selection, found: Found | None) -> list[Outcome]:
    """An outcome to come for each source server; those that filters found were looked at already."""
    if found is None:
        return [Outcome(source_server_id) for source_server_id in selection.source_server_ids or []]
    return [Outcome(server["sourceServerID"], first=server, latest=server) for server in found.servers]


def values(module: AnsibleAWSModule, outcomes: Sequence[Outcome], unmatched: list[str]) -> dict[str, Any]:
    """The return values that success, failure and check mode share."""
    result = values_of(outcomes, module._diff)
    servers = servers_of(outcomes)
    if module.params["filters"] is not None:
        result["unmatched"] = unmatched
    if module.params["source_server_id"] is not None:
        result["source_server"] = servers[0] if servers else {}
    if module.params["return_source_servers"]:
        result["source_servers"] = servers
    return result


def facts(module: AnsibleAWSModule, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The facts of a success, which are about one source server."""
    if module.params["source_server_id"] is None:
        return {}
    return {"ansible_facts": {"drs_source_server": servers_of(outcomes)[0]}}


if __name__ == "__main__":
    gc.freeze()  # what was imported stays: to walk it again, at the exit above all, takes a tenth of the time
    main()
