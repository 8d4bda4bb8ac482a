# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accessors for recovery instances and launch configurations. Pure, and as tolerant as those of a source server.

https://docs.aws.amazon.com/drs/latest/APIReference/API_RecoveryInstance.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .servers import SourceServer, ec2_instance_id_of, member, text_at

RecoveryInstance = Mapping[str, Any]
"""A recovery instance as botocore parses it: camelCase keys."""

LaunchConfiguration = Mapping[str, Any]
"""The answer of GetLaunchConfiguration as botocore parses it."""

DEAD = frozenset({"TERMINATED", "NOT_FOUND"})
"""The states of EC2 instances that no longer exist. Their records were seen to stay listed for a time."""

NOT_REVERSED = frozenset({None, "NOT_STARTED", "STOPPED", "DISCONNECTED"})
"""The data replication states in which no reversed replication runs from an instance:
https://docs.aws.amazon.com/drs/latest/userguide/failback-failover-region-region.html; which these are, is assumed."""


def instance_id_of(instance: RecoveryInstance) -> str | None:
    """The ID of the recovery instance, which is that of its EC2 instance."""
    return text_at(instance, "recoveryInstanceID")


def ec2_state_of(instance: RecoveryInstance) -> str | None:
    """The state of the EC2 instance, such as RUNNING."""
    return text_at(instance, "ec2InstanceState")


def launched_by(instance: RecoveryInstance) -> str | None:
    """The ID of the job that launched it."""
    return text_at(instance, "jobID")


def is_living(instance: RecoveryInstance) -> bool:
    """Whether the EC2 instance still exists, as far as known. A stopped one lives."""
    return ec2_state_of(instance) not in DEAD


def is_ending(instance: RecoveryInstance) -> bool:
    """Whether the EC2 instance is being terminated."""
    return ec2_state_of(instance) == "SHUTTING-DOWN"


def is_drill_instance(instance: RecoveryInstance) -> bool:
    """Whether it is marked as a drill. Anything but true is no mark."""
    return instance.get("isDrill") is True


def is_own_machine(instance: RecoveryInstance, server: SourceServer | None) -> bool:
    """Whether the instance is the machine that the source server copies."""
    machine = ec2_instance_id_of(server)
    return machine is not None and machine in _ids_of(instance)


def machine_to_launch_into(configuration: LaunchConfiguration) -> str | None:
    """The EC2 instance that a launch uses in place of a new one:
    https://docs.aws.amazon.com/drs/latest/userguide/launch-general-settings.html"""
    return text_at(configuration, "launchIntoInstanceProperties", "launchIntoEC2InstanceID")


def is_launched_into(instance: RecoveryInstance, configuration: LaunchConfiguration) -> bool:
    """Whether the launch configuration names the instance, so that DRS did not make it."""
    return machine_to_launch_into(configuration) in _ids_of(instance)


def reverses_replication(instance: RecoveryInstance) -> bool:
    """Whether a reversed replication runs from the instance, which keeps it from being terminated."""
    return text_at(instance, "dataReplicationInfo", "dataReplicationState") not in NOT_REVERSED


def _ids_of(instance: RecoveryInstance) -> set[str]:
    return {name for key in ("recoveryInstanceID", "ec2InstanceID") if (name := text_at(instance, key))}


def names_machine_clearly(configuration: LaunchConfiguration) -> bool:
    """Whether the configuration says clearly which machine a launch uses, or that it makes a new one."""
    properties = configuration.get("launchIntoInstanceProperties")
    machine = member(properties, "launchIntoEC2InstanceID")
    return isinstance(properties, (Mapping, type(None))) and isinstance(machine, (str, type(None)))
