# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Launch configurations, as GetLaunchConfiguration answers them.

The defaults are assumptions; `launchIntoInstanceProperties` is empty until somebody names an instance:
https://docs.aws.amazon.com/drs/latest/userguide/launch-general-settings.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zlib import crc32

from .model import known_part, structure
from .source_servers import Document, member, merged


def launch_configuration(server: Mapping[str, Any], members: Mapping[str, Any]) -> Document:
    """The LaunchConfiguration of that source server; `members` override the realistic ones deeply, None deletes."""
    source_server_id = str(server.get("sourceServerID"))
    document = {
        "sourceServerID": source_server_id,
        "name": str(member(server, "sourceProperties", "identificationHints", "hostname") or source_server_id),
        "ec2LaunchTemplateID": f"lt-{crc32(source_server_id.encode(errors='replace')):017x}",
        "launchDisposition": "STARTED",
        "targetInstanceTypeRightSizingMethod": "BASIC",
        "copyPrivateIp": False,
        "copyTags": True,
        "licensing": {"osByol": False},
        "postLaunchEnabled": False,
        "launchIntoInstanceProperties": {},
    }
    return merged(known_part(structure("LaunchConfiguration"), document), members)


def launched_into(configuration: Mapping[str, Any]) -> str | None:
    """The EC2 instance that a launch uses instead of a new one, or None."""
    named = member(configuration, "launchIntoInstanceProperties", "launchIntoEC2InstanceID")
    return named if isinstance(named, str) and named else None
