# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""GitHub's workflow runs what .ci/run runs."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

from ansible.module_utils.common.yaml import yaml_load

ROOT = Path(__file__).resolve().parent.parent.parent
TEXT = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
JOBS = yaml_load(TEXT)["jobs"]
ROWS = json.loads((ROOT / ".ci" / "matrix.json").read_text(encoding="utf-8"))


def test_everything_that_a_row_says_counts() -> None:
    keys = {key for row in ROWS for key in row}
    assert sorted(key for key in keys if f"matrix.row.{key}" not in TEXT) == []


def test_the_gates_are_the_same() -> None:
    spec = importlib.util.spec_from_file_location("matrix", ROOT / ".ci" / "matrix.py")
    assert spec
    assert spec.loader
    matrix = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(matrix)
    assert set(JOBS["gates"]["strategy"]["matrix"]["targets"]) == set(matrix.GATES.values())
