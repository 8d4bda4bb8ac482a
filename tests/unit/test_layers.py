# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which module of module_utils/drs may import which, and what each may import from elsewhere."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DRS_FOLDER = ROOT / "plugins" / "module_utils" / "drs"
OURS = "ansible_collections.disaster_recovery.aws."
DRS = f"{OURS}plugins.module_utils.drs."

LAYERS = {
    **dict.fromkeys(("states", "text", "servers", "iso8601", "circuit_breaker", "rate_limiter", "deadline"), 0),
    **dict.fromkeys(("errors", "outcomes"), 1),
    **dict.fromkeys(("api", "progress", "summaries"), 2),
    **dict.fromkeys(("connection", "protection", "run", "selection"), 3),
    **dict.fromkeys(("options", "places", "results", "snapshots"), 4),
    "reconcile": 5,
}
"""A module imports from lower layers only. A new module gets its layer here."""

PURE = sorted(module for module, layer in LAYERS.items() if layer == 0)
IMPORT_BOTOCORE = ("api", "connection", "errors")
IMPORT_AMAZON_AWS = ("connection",)


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


def drs_imports_of(path: Path) -> set[str]:
    return {name.removeprefix(DRS) for name in imports_of(path) if name.startswith(DRS)}


def test_every_module_has_its_layer() -> None:
    assert {path.stem for path in DRS_FOLDER.glob("*.py")} - {"__init__"} == set(LAYERS)


@pytest.mark.parametrize("module", LAYERS)
def test_a_module_imports_only_from_the_layers_below(module: str) -> None:
    imported = drs_imports_of(DRS_FOLDER / f"{module}.py")
    assert {other for other in imported if LAYERS[other] >= LAYERS[module]} == set()


@pytest.mark.parametrize("module", PURE)
def test_the_lowest_layer_needs_only_the_standard_library(module: str) -> None:
    imported = imports_of(DRS_FOLDER / f"{module}.py")
    assert {name for name in imported if name.split(".")[0] not in sys.stdlib_module_names} == set()


@pytest.mark.parametrize("module", sorted(set(LAYERS) - set(IMPORT_BOTOCORE)))
def test_only_the_calls_and_their_errors_know_botocore(module: str) -> None:
    imported = imports_of(DRS_FOLDER / f"{module}.py")
    assert {name for name in imported if name.split(".")[0] in ("boto3", "botocore", "mypy_boto3_drs")} == set()


@pytest.mark.parametrize("module", sorted(set(LAYERS) - set(IMPORT_AMAZON_AWS)))
def test_only_the_connection_knows_amazon_aws(module: str) -> None:
    assert {name for name in imports_of(DRS_FOLDER / f"{module}.py") if ".amazon." in name} == set()


@pytest.mark.parametrize("path", sorted((ROOT / "plugins").rglob("*.py")), ids=lambda path: path.stem)
def test_no_plugin_imports_the_tests(path: Path) -> None:
    assert {name for name in imports_of(path) if name.startswith((f"{OURS}tests", "tests"))} == set()


def test_the_action_group_lists_our_modules_and_only_ours() -> None:
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    modules = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
    assert sorted(runtime["action_groups"]["aws"]) == modules


def test_the_info_module_imports_nothing_of_the_loop() -> None:
    imported = drs_imports_of(ROOT / "plugins" / "modules" / "drs_source_server_info.py")
    reached: set[str] = set()
    while imported - reached:
        reached |= imported
        imported = {name for module in imported for name in drs_imports_of(DRS_FOLDER / f"{module}.py")}
    assert reached & {"reconcile", "places", "run", "results"} == set()
