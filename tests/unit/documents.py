# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Source servers of every lifecycle, and strategies for documents of any shape."""

from __future__ import annotations

from typing import Any

from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.lifecycle import Lifecycle
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.states import PHASES
from hypothesis import settings
from hypothesis import strategies as st

Document = dict[str, Any]

OWN, STAGING = "111122223333", "444455556666"
ID = "s-00000000000000001"
ARN = f"arn:aws:drs:eu-west-1:{OWN}:source-server/{ID}"
REVERSED_ARN = f"arn:aws:drs:us-east-1:{OWN}:source-server/s-00000000000000002"
STAGING_ARN = f"arn:aws:drs:eu-west-1:{STAGING}:source-server/s-00000000000000003"
MACHINE, INSTANCE = "i-0aaaaaaaaaaaaaaaa", "i-0bbbbbbbbbbbbbbbb"
JOB = "drsjob-0123456789abcdef0"


def document(state: str | None = "CONTINUOUS", error: str | None = None, **members: Any) -> Document:
    """A source server that copies an EC2 instance; members that are None are left out."""
    info: Document = {"dataReplicationState": state} if state else {}
    if error:
        info["dataReplicationError"] = {"error": error}
    server = {
        "sourceServerID": ID,
        "arn": ARN,
        "dataReplicationInfo": info,
        "sourceProperties": {"identificationHints": {"hostname": "web1", "awsInstanceID": MACHINE}},
        "replicationDirection": "FAILOVER",
        "stagingArea": {"status": "NOT_EXTENDED", "stagingAccountID": OWN},
        **members,
    }
    return {name: value for name, value in server.items() if value is not None}


def launched(type_: str | None, status: str | None, recovery_instance_id: str | None = INSTANCE) -> Document:
    """The members of a source server after this last launch."""
    initiated = {"type": type_, "jobID": JOB, "apiCallDateTime": "2026-11-20T08:00:00Z"}
    return {
        "lifeCycle": {"lastLaunch": {"initiated": initiated, "status": status}},
        "recoveryInstanceId": recovery_instance_id,
    }


def hints(**members: str) -> Document:
    return {"sourceProperties": {"identificationHints": members}}


MEMBERS: dict[Lifecycle, Document] = {
    "launching": launched("RECOVERY", "IN_PROGRESS", None),
    "failback": {"replicationDirection": "FAILBACK"},
    "reprotected": {**launched("RECOVERY", "LAUNCHED"), **hints(hostname="web1", awsInstanceID=INSTANCE)},
    "failed_over": launched("RECOVERY", "LAUNCHED"),
    "reversed": {**launched("RECOVERY", "TERMINATED"), "reversedDirectionSourceServerArn": REVERSED_ARN},
    "extension_error": {
        "stagingArea": {"status": "EXTENSION_ERROR", "stagingAccountID": STAGING, "errorMessage": "the role is gone"}
    },
    "extended": {"stagingArea": {"status": "EXTENDED", "stagingAccountID": STAGING}},
    "normal": {},
}
"""What makes a document one of each lifecycle."""

LAUNCHES = ("RECOVERY", "DRILL", "PENDING", "IN_PROGRESS", "LAUNCHED", "FAILED", "TERMINATED")
OTHERS = ("", "FAILBACK", "EXTENDED", "EXTENSION_ERROR", "AGENT_NOT_SEEN", "MISSING_VOLUME_ATTRIBUTES", "\x1b[2J")
properties = settings(max_examples=200, derandomize=True, database=None, deadline=None)
"""How tests draw the documents below."""

TEXTS = st.sampled_from([*LAUNCHES, *OTHERS, *PHASES, MACHINE, INSTANCE, ARN, REVERSED_ARN, STAGING_ARN, STAGING])
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS, st.text(max_size=5))
JSON = st.recursive(
    SCALARS, lambda each: st.one_of(st.lists(each, max_size=3), st.dictionaries(TEXTS, each, max_size=3)), max_leaves=5
)


def objects(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[Document]:
    """An object with any of these members."""
    return st.fixed_dictionaries({}, optional=members)


def shaped(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object with any of these members, or any other JSON value."""
    return st.one_of(objects(**members), JSON)


DISKS = st.lists(
    shaped(
        deviceName=TEXTS,
        bytes=SCALARS,
        totalStorageBytes=SCALARS,
        replicatedStorageBytes=SCALARS,
        rescannedStorageBytes=SCALARS,
        volumeStatus=TEXTS,
    ),
    max_size=3,
)

OBJECTS = objects(
    sourceServerID=TEXTS,
    arn=TEXTS,
    recoveryInstanceId=TEXTS,
    reversedDirectionSourceServerArn=TEXTS,
    replicationDirection=TEXTS,
    lifeCycle=shaped(
        lastSeenByServiceDateTime=TEXTS,
        lastLaunch=shaped(status=TEXTS, initiated=shaped(type=TEXTS, jobID=TEXTS, apiCallDateTime=TEXTS)),
    ),
    stagingArea=shaped(status=TEXTS, stagingAccountID=TEXTS, stagingSourceServerArn=TEXTS, errorMessage=TEXTS),
    sourceProperties=shaped(
        identificationHints=shaped(hostname=TEXTS, fqdn=TEXTS, awsInstanceID=TEXTS, vmWareUuid=TEXTS), disks=DISKS
    ),
    dataReplicationInfo=shaped(
        dataReplicationState=TEXTS,
        dataReplicationError=shaped(error=TEXTS, rawError=TEXTS),
        lagDuration=TEXTS,
        replicatedDisks=st.one_of(DISKS, JSON),
    ),
)
"""Source servers with members of any JSON type."""

DOCUMENTS = st.one_of(OBJECTS, JSON)
"""The same, or another JSON value in the place of the whole server."""
