# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for the AWS CLI: checks the command against botocore's model, then changes the emulator's server.

The emulator has no calls that tag, disconnect or delete a server.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from typing import Any

from botocore import xform_name
from botocore.session import get_session
from botocore.validate import ParamValidator

EMULATOR = os.environ["DRS_EMULATOR_URL"]


def main(service: str, command: str, *arguments: str) -> None:
    model = get_session().get_service_model(service)
    operation = {xform_name(name, "-"): name for name in model.operation_names}[command]
    shape = model.operation_model(operation).input_shape
    parameters = parsed(arguments, {xform_name(name, "-"): (name, each) for name, each in shape.members.items()})
    errors = ParamValidator().validate(parameters, shape)
    assert not errors.has_errors(), errors.generate_report()
    path = parameters.get("sourceServerID") or parameters["resourceArn"].rpartition("/")[2]
    if operation == "TagResource":
        send("PATCH", path, {"tags": parameters["tags"]})
    elif operation == "UntagResource":
        send("PATCH", path, {"tags": dict.fromkeys(parameters["tagKeys"])})
    elif operation == "DisconnectSourceServer":
        send("PATCH", path, {"state": "DISCONNECTED"})
    elif operation == "DeleteSourceServer":
        send("DELETE", path)


def parsed(arguments: tuple[str, ...], members: dict[str, Any]) -> dict[str, Any]:
    """The parameters, from the options and what follows each of them."""
    values: dict[str, list[str]] = {}
    for argument in arguments:
        if argument.startswith("--"):
            values[argument[2:]] = []
        else:
            values[list(values)[-1]].append(argument)
    parameters = {}
    for option, texts in values.items():
        name, shape = members[option]
        if shape.type_name == "map":
            parameters[name] = dict(text.split("=", 1) for text in texts)
        else:
            parameters[name] = texts if shape.type_name == "list" else texts[0]
    return parameters


def send(method: str, source_server_id: str, body: Any = None) -> None:
    url = f"{EMULATOR}/_emulator/servers/{source_server_id}?region={os.environ['AWS_REGION']}"
    data = None if body is None else json.dumps(body).encode()
    urllib.request.urlopen(urllib.request.Request(url, data, method=method)).close()


if __name__ == "__main__":
    main(*sys.argv[1:])
