# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which room knows which, and what each may import."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.service import COLLECTION, VERSION

ROOT = Path(__file__).parents[2]
ROOMS = ROOT / "plugins" / "module_utils" / "drs"
OURS = "ansible_collections.disaster_recovery.aws."
DRS = f"{OURS}plugins.module_utils.drs."

FLOORS = {
    **dict.fromkeys(("faults", "states", "pace"), 0),
    "servers": 1,
    "outcomes": 2,
    "replication": 3,
    **dict.fromkeys(("selection", "service", "results", "progress"), 4),
    "options": 5,
}
"""A room imports from lower floors only. A new room gets its floor here."""

PURE = ("faults", "states", "servers", "pace")
KNOW_BOTO = ("service",)


def imports_of(path: Path) -> set[str]:
    """The modules that a file imports, also within functions and for type checking."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: sanity wants absolute imports"
            names.add(node.module or "")
    return names


def rooms_of(path: Path) -> set[str]:
    return {name.removeprefix(DRS) for name in imports_of(path) if name.startswith(DRS)}


def test_every_room_has_its_floor() -> None:
    assert {path.stem for path in ROOMS.glob("*.py")} - {"__init__"} == set(FLOORS)


@pytest.mark.parametrize("room", FLOORS)
def test_a_room_knows_only_the_floors_below(room: str) -> None:
    known = rooms_of(ROOMS / f"{room}.py")
    assert {other for other in known if FLOORS[other] >= FLOORS[room]} == set()


@pytest.mark.parametrize("room", PURE)
def test_the_vocabulary_and_the_rule_need_only_the_standard_library(room: str) -> None:
    foreign = {name for name in imports_of(ROOMS / f"{room}.py") if name.split(".")[0] not in sys.stdlib_module_names}
    assert foreign <= {f"{DRS}{pure}" for pure in PURE}


@pytest.mark.parametrize("room", sorted(set(FLOORS) - set(KNOW_BOTO)))
def test_only_the_service_knows_boto(room: str) -> None:
    known = imports_of(ROOMS / f"{room}.py")
    assert not {name for name in known if name.split(".")[0] in ("boto3", "botocore") or ".amazon." in name}


@pytest.mark.parametrize("path", sorted((ROOT / "plugins").rglob("*.py")), ids=lambda path: path.stem)
def test_no_plugin_knows_the_tests(path: Path) -> None:
    assert not {name for name in imports_of(path) if name.startswith((f"{OURS}tests", "tests"))}


def test_the_user_agent_names_this_collection_and_its_version() -> None:
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    assert f"{galaxy['namespace']}.{galaxy['name']}" == COLLECTION
    assert galaxy["version"] == VERSION


def test_the_action_group_lists_our_modules_and_only_ours() -> None:
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    modules = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
    assert sorted(runtime["action_groups"]["aws"]) == modules
