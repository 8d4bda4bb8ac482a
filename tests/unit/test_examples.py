# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every task of ours in the documentation and the roles has options that the module knows, with valid values."""

from __future__ import annotations

import importlib
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.yaml import yaml_load
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec
from ansible_collections.disaster_recovery.aws.plugins.modules import (
    drs_drill,
    drs_source_server_info,
    drs_source_server_replication,
)
from ansible_collections.disaster_recovery.aws.tests.unit.in_process import Runner

ROOT = Path(__file__).parents[2]
PREFIX = "disaster_recovery.aws."
MODULES = {
    f"{PREFIX}drs_drill": drs_drill,
    f"{PREFIX}drs_source_server_info": drs_source_server_info,
    f"{PREFIX}drs_source_server_replication": drs_source_server_replication,
}
BLOCK = re.compile(r"^( *)```yaml\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)

Arguments = dict[str, Any]


def documents() -> Iterator[tuple[str, str]]:
    """Where a YAML text stands, and the text."""
    for name, module in MODULES.items():
        yield f"EXAMPLES of {name}", module.EXAMPLES
    for path in [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]:
        for _indent, block in BLOCK.findall(path.read_text(encoding="utf-8")):
            yield path.name, textwrap.dedent(block)
    for path in sorted(ROOT.glob("roles/*/tasks/*.yml")):
        yield f"role {path.parts[-3]}", path.read_text(encoding="utf-8")


def tasks(value: Any) -> Iterator[tuple[str, Arguments]]:
    """Each of our modules' names in the YAML value, with the arguments of its task."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key in MODULES:
                yield key, item
            else:
                yield from tasks(item)
    elif isinstance(value, list):
        for item in value:
            yield from tasks(item)


def errors(name: str, arguments: Arguments) -> list[str]:
    """What the argument spec has against the arguments; a value that is a template may become anything."""
    spec = {**aws_argument_spec(), **MODULES[name].ARGUMENT_SPEC}
    literal = {key: value for key, value in arguments.items() if "{{" not in str(value)}
    unknown = [f"unknown option {key}" for key in sorted(set(arguments) - set(spec))]
    return [*unknown, *ArgumentSpecValidator(spec).validate(literal).error_messages]


FOUND = [(where, *task) for where, text in documents() for task in tasks(yaml_load(text))]


@pytest.mark.parametrize(("where", "name", "arguments"), FOUND)
def test_the_module_takes_the_arguments(where: str, name: str, arguments: Arguments) -> None:
    assert errors(name, arguments) == [], where


def test_every_place_is_searched() -> None:
    places = {where for where, _name, _arguments in FOUND}
    assert places >= {
        *(f"EXAMPLES of {name}" for name in MODULES),
        "README.md",
        "fleet.md",
        "role drill",
        "role protect",
        "role report",
    }


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"max_starts": 3}, "unknown option max_starts"),
        ({"source_server_ids": "{{ ids }}", "state": "running"}, "value of state must be one of"),
        ({"wait": "perhaps"}, "wait"),
    ],
)
def test_a_wrong_argument_is_found(arguments: Arguments, error: str) -> None:
    assert error in str(errors(f"{PREFIX}drs_source_server_replication", arguments))


@pytest.mark.parametrize("name", sorted(path.stem for path in ROOT.glob("plugins/action/*.py")))
def test_ansible_lint_finds_the_options_of_a_module_in_its_action_plugin(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """ansible-lint calls main() of the action plugin where there is one, of the module otherwise."""
    action = importlib.import_module(f"ansible_collections.{PREFIX}plugins.action.{name}")
    result = Runner(monkeypatch, capsys)(action.main, misspelt=3)
    assert "Unsupported parameters" in result["msg"]
    assert all(option in result["msg"] for option in MODULES[f"{PREFIX}{name}"].ARGUMENT_SPEC)
