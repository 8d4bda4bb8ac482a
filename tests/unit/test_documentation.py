# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the documentation of a plugin promises beside its return values: what excludes what, and what is required."""

from __future__ import annotations

import ast
import importlib
import itertools
import re
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.yaml import yaml_load
from ansible_collections.disaster_recovery.aws.plugins.doc_fragments.source_servers import ModuleDocFragment
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.calls import CALL_TYPES
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.errors import InvalidOptions
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.options import parse_selection

ROOT = Path(__file__).parents[2]
PACKAGE = "ansible_collections.disaster_recovery.aws.plugins"
NAMES = [
    f"{kind}.{path.stem}"
    for kind in ("modules", "inventory")
    for path in sorted((ROOT / "plugins" / kind).glob("*.py"))
]
MODULES = [name for name in NAMES if name.startswith("modules.")]
FACTS = {"drs_source_server"}
HEADER = "# Copyright: Contributors to the Ansible project\n"

SELECTIONS: dict[str, Any] = {
    "source_server_id": "s-1234567890abcdef0",
    "source_server_ids": ["s-1234567890abcdef0"],
    "filters": {"hostname": "web*"},
    "exclude_filters": [{"hostname": "web1"}],
}
FRAGMENT_TEXT = ModuleDocFragment.DOCUMENTATION
FRAGMENT = yaml_load(FRAGMENT_TEXT)


def plugin(name: str) -> Any:
    return importlib.import_module(f"{PACKAGE}.{name}")


def excluded_by(options: dict[str, Any], option: str) -> set[str]:
    """The options that the last sentence of this one's description excludes."""
    text = options[option]["description"]
    last = text if isinstance(text, str) else text[-1]
    match = re.fullmatch(r"(?:.*\. )?Mutually exclusive with (.+)\.", last, re.DOTALL)
    return set(re.findall(r"O\((\w+)\)", match[1])) if match else set()


def is_refused(selectors: tuple[str, ...], pair: tuple[str, str]) -> bool:
    """Whether the two cannot be given together."""
    given = {name: SELECTIONS[name] if name in pair else None for name in SELECTIONS}
    try:
        parse_selection(given, selectors)
    except InvalidOptions:
        return True
    return False


@pytest.mark.parametrize("name", [name for name in NAMES if hasattr(plugin(name), "SELECTORS")])
def test_options_that_are_refused_together_say_so_in_their_last_sentence(name: str) -> None:
    module = plugin(name)
    options = {**FRAGMENT["options"], **yaml_load(module.DOCUMENTATION)["options"]}
    for pair in itertools.combinations([*module.SELECTORS, "exclude_filters"], 2):
        for one, other in (pair, pair[::-1]):
            assert (other in excluded_by(options, one)) == is_refused(module.SELECTORS, pair), (one, other)


@pytest.mark.parametrize("name", NAMES)
def test_the_bounds_of_boto3_are_those_of_amazon_aws(name: str) -> None:
    documentation = yaml_load(plugin(name).DOCUMENTATION)
    assert "amazon.aws.boto3" in documentation["extends_documentation_fragment"]
    own = [*documentation.get("requirements", []), *FRAGMENT["requirements"]]
    assert [each for each in own if "boto" in each] == []


@pytest.mark.parametrize("operation", CALL_TYPES)
def test_the_readme_names_the_iam_action_of_every_call(operation: str) -> None:
    named = re.findall(r"\bdrs:(\w+)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert operation in named, f"add drs:{operation} to README.md, below Minimum IAM policy"


@pytest.mark.parametrize("name", ["modules.drs_drill", "modules.drs_source_server_replication"])
def test_the_counts_in_the_sample_of_a_message_add_up(name: str) -> None:
    returned = yaml_load(plugin(name).RETURN)
    started, total, *others = map(int, re.findall(r"\b(\d+) ", returned["msg"]["sample"].partition("(")[0]))
    assert started + sum(others) == total


def returned_names(values: dict[str, Any]) -> set[str]:
    """The names of these return values and of all that they contain."""
    return {*values, *(name for value in values.values() for name in returned_names(value.get("contains", {})))}


@pytest.mark.parametrize("name", MODULES)
def test_options_and_return_values_are_references_not_code(name: str) -> None:
    module = plugin(name)
    documentation = yaml_load(module.DOCUMENTATION)
    known = {*FRAGMENT["options"], *documentation["options"], *returned_names(yaml_load(module.RETURN))}
    code = re.findall(r"C\((\w+)\)", FRAGMENT_TEXT + module.DOCUMENTATION + module.RETURN)
    assert sorted(known & set(code) - FACTS) == []


def test_the_readme_names_what_sets_facts() -> None:
    """The names of these modules do not end in _facts, as the inclusion checklist wants."""
    functions = [
        node.name
        for path in (ROOT / "plugins").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and '"ansible_facts"' in ast.unparse(node).replace("'", '"')
    ]
    modules = {name.partition(".")[2] for name in MODULES if "ansible_facts" in yaml_load(plugin(name).RETURN)}
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Differences")[2].partition("\n## ")[0]
    assert set(re.findall(r"`(drs_\w+)`", section)) - FACTS == modules
    assert [f"`{name}`" in section for name in functions] == [True]


def test_the_copyright_line_is_the_one_of_the_developer_guide() -> None:
    """https://docs.ansible.com/ansible/latest/dev_guide/developing_modules_documenting.html#copyright-and-license"""
    files = [path for folder in ("plugins", "tests/emulator", "tests/unit") for path in (ROOT / folder).rglob("*.py")]
    assert [str(path) for path in files if HEADER not in path.read_text(encoding="utf-8")[:200]] == []
