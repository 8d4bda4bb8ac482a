# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print a source server with every member that the installed botocore knows, and what Ansible is to make of it."""

from __future__ import annotations

import json
import re
import sys

import botocore.session

SCALARS = {"boolean": True, "integer": 7, "long": 7, "float": 0.5, "double": 0.5}
TAGS = {"CostCenter": "a", "aws:x": "b", "camelCase": "C", "with space": ""}
KNOWN = {"dataReplicationState": "STOPPED", "tags": TAGS}


def filled(shape, name):
    """A value of the shape with all its members."""
    if name in KNOWN:
        return KNOWN[name]
    if shape.type_name == "structure":
        return {member: filled(inner, member) for member, inner in shape.members.items()}
    if shape.type_name == "list":
        return [filled(shape.member, name)]
    if shape.type_name == "map":
        return {"camelKey": filled(shape.value, name)}
    return shape.enum[0] if getattr(shape, "enum", None) else SCALARS.get(shape.type_name, f"{name} of AWS")


def snake_case(value):
    """The value with its keys in snake_case, tags as they are."""
    if isinstance(value, list):
        return [snake_case(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower(): (
            inner if name == "tags" else snake_case(inner)
        )
        for name, inner in value.items()
    }


if __name__ == "__main__":
    shape = botocore.session.Session().get_service_model("drs").shape_for("SourceServer")
    server = {**filled(shape, ""), "sourceServerID": sys.argv[1]}
    print(json.dumps({"server": {**server, "conform": False}, "expected": snake_case(server)}))
