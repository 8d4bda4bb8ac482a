# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recovery instances: what a script says of them, and how DRS describes them.

A recovery instance has the ID of its EC2 instance: the model's RecoveryInstanceID has the pattern of EC2 instances, and
the user guide terminates `i-…`. A record lives on as TERMINATED for a time: scripts of
aws-samples/sample-resilience-patterns, drs-ec2, leave such records out. Assumed: DescribeRecoveryInstances lists them
by ID, and replication from an instance that nobody reversed is NOT_STARTED.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .model import known_part, structure
from .readers import BOOLEAN, NUMBER, ScriptError, check_conforms
from .source_servers import ACCOUNT_ID, Document, member, merged

DEAD = ("TERMINATED", "NOT_FOUND")
SEED_KEYS = ("age", "conform")

# The state in EC2 that goes with the launchDisposition of a launch configuration.
DISPOSED = {"STARTED": "RUNNING", "STOPPED": "STOPPED"}


@dataclass(frozen=True)
class InstanceSeed:
    """A recovery instance as a script gives it: its age in seconds, and its members."""

    age: float
    members: Document


@dataclass
class RecoveryInstance:
    """A recovery instance; `document` is replaced, never changed in place.

    `began` is when the clock began to count its Describes: since its launch, or since its end.
    """

    document: Document
    began: float
    unlisted: int = 0
    describes: int = 0
    state_before: Any = None

    @property
    def server_id(self) -> str:
        """The source server that it recovers."""
        return str(self.document.get("sourceServerID"))

    @property
    def ec2_state(self) -> Any:
        """The state of the EC2 instance."""
        return self.document.get("ec2InstanceState")

    @property
    def living(self) -> bool:
        """Whether the EC2 instance still exists."""
        return self.ec2_state not in DEAD

    def become(self, ec2_state: Any) -> None:
        """Brings the EC2 instance into another state."""
        self.state_before, self.document = self.ec2_state, merged(self.document, {"ec2InstanceState": ec2_state})


@dataclass(frozen=True)
class Origin:
    """Where a recovery instance comes from: a job, of this region, from the data of a moment."""

    job_id: str
    region: str
    launched: datetime
    data: datetime
    is_drill: bool = True
    tags: Mapping[str, str] = field(default_factory=dict)


def recovery_instance(
    recovery_instance_id: str, server: Mapping[str, Any], origin: Origin, members: Mapping[str, Any]
) -> Document:
    """A full RecoveryInstance of that source server; `members` override the realistic ones deeply, None deletes."""
    hostname = member(server, "sourceProperties", "identificationHints", "hostname")
    disks = member(server, "sourceProperties", "disks")
    document = {
        "recoveryInstanceID": recovery_instance_id,
        "ec2InstanceID": recovery_instance_id,
        "ec2InstanceState": "RUNNING",
        "arn": f"arn:aws:drs:{origin.region}:{ACCOUNT_ID}:recovery-instance/{recovery_instance_id}",
        "sourceServerID": server.get("sourceServerID"),
        "jobID": origin.job_id,
        "isDrill": origin.is_drill,
        "pointInTimeSnapshotDateTime": origin.data.isoformat(),
        "tags": dict(origin.tags),
        "failback": {"state": "FAILBACK_NOT_STARTED", "failbackToOriginalServer": False},
        "dataReplicationInfo": {"dataReplicationState": "NOT_STARTED"},
        "recoveryInstanceProperties": {
            "lastUpdatedDateTime": origin.launched.isoformat(),
            "identificationHints": {
                **({"hostname": hostname} if isinstance(hostname, str) else {}),
                "awsInstanceID": recovery_instance_id,
            },
            "disks": [
                {"internalDeviceName": str(member(disk, "deviceName")), "bytes": member(disk, "bytes") or 0}
                for disk in (disks if isinstance(disks, list) else [])
            ],
        },
        "originEnvironment": "AWS",
    }
    return merged(known_part(structure("RecoveryInstance"), document), members)


def read_instance(value: Any, where: str) -> InstanceSeed:
    """Reads a recovery instance of the beginning; raises ScriptError."""
    if not isinstance(value, Mapping) or not isinstance(value.get("sourceServerID"), str):
        raise ScriptError(f"{where} is not an object with a sourceServerID.")
    members = {name: item for name, item in value.items() if name not in SEED_KEYS}
    if BOOLEAN(value.get("conform", True), f"{where}.conform"):
        check_conforms("RecoveryInstance", {name: item for name, item in members.items() if item is not None}, where)
    return InstanceSeed(float(NUMBER(value.get("age", 0), f"{where}.age")), members)
