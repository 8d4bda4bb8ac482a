# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which room of module_utils/_drs may import what."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from ansible.module_utils.common.yaml import yaml_load

ROOT = Path(__file__).parents[2]
MODULE_UTILS = ROOT / "plugins" / "module_utils"
OURS = "ansible_collections.disaster_recovery.aws."
DRS = f"{OURS}plugins.module_utils._drs."

ROOMS = {
    "resources": frozenset(),
    "api": frozenset({"ansible_collections", "botocore", "mypy_boto3_drs"}),
    "run": frozenset(),
    "results": frozenset({"ansible"}),
}
"""The rooms, and what each imports besides the standard library. A room imports from itself and from rooms above it."""

FILES = sorted((MODULE_UTILS / "_drs").rglob("*.py"))


def imports_of(path: Path) -> set[str]:
    """The modules that a file imports, with absolute names, also within functions and for type checking."""
    package = f"{OURS}{'.'.join(path.relative_to(ROOT).parent.parts)}".split(".")
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parents = package[: len(package) - node.level + 1] if node.level else []
            names.add(".".join([*parents, *([node.module] if node.module else [])]))
    return names


def drs_imports_of(path: Path) -> set[str]:
    """The files of module_utils/_drs that a file imports, such as "run.places"."""
    return {name.removeprefix(DRS) for name in imports_of(path) if name.startswith(DRS)}


def test_there_are_these_rooms_and_no_others() -> None:
    assert {path.parent.name for path in FILES} == set(ROOMS)
    assert not list((MODULE_UTILS / "_drs").rglob("__init__.py"))
    assert {path.name for path in MODULE_UTILS.iterdir() if path.name != "__pycache__"} == {"_drs"}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_from_itself_and_the_rooms_above(room: str) -> None:
    above = list(ROOMS)[: list(ROOMS).index(room) + 1]
    files = [path for path in FILES if path.parent.name == room]
    assert {name.split(".")[0] for path in files for name in drs_imports_of(path)} <= set(above)
    others = {name.split(".")[0] for path in files for name in imports_of(path) if not name.startswith(OURS)}
    assert others - set(sys.stdlib_module_names) == ROOMS[room]


def test_only_the_connection_knows_amazon_aws() -> None:
    assert [path.stem for path in FILES if any(".amazon." in name for name in imports_of(path))] == ["connection"]


def test_no_file_is_longer_than_340_lines() -> None:
    assert {path.name for path in FILES if len(path.read_text(encoding="utf-8").splitlines()) > 340} == set()


def test_no_name_stands_in_two_rooms() -> None:
    rooms: dict[str, set[str]] = {}
    for path in FILES:
        for name in names_defined_in(path):
            rooms.setdefault(name, set()).add(path.parent.name)
    assert {name: found for name, found in rooms.items() if len(found) > 1} == {}


def names_defined_in(path: Path) -> set[str]:
    """The public functions, classes and constants of a file."""
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return {name for name in names if not name.startswith("_")}


def test_no_plugin_imports_the_tests() -> None:
    plugins = (ROOT / "plugins").rglob("*.py")
    assert {
        name for path in plugins for name in imports_of(path) if name.startswith((f"{OURS}tests", "tests"))
    } == set()


def test_the_action_group_lists_our_modules_and_only_ours() -> None:
    runtime = yaml_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    modules = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
    assert runtime["action_groups"]["aws"] == modules


def test_the_info_module_needs_nothing_of_the_loop() -> None:
    imported = drs_imports_of(ROOT / "plugins" / "modules" / "drs_source_server_info.py")
    reached: set[str] = set()
    while imported - reached:
        reached |= imported
        paths = [MODULE_UTILS / "_drs" / f"{name.replace('.', '/')}.py" for name in imported]
        imported = {name for path in paths for name in drs_imports_of(path)}
    assert reached & {"run.reconcile", "run.places", "run.run", "results.replication"} == set()
