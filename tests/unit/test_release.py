# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is released: the files in the tarball, and one version everywhere."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent

FILES = {
    "CHANGELOG.rst",
    "COPYING",
    "FILES.json",
    "MANIFEST.json",
    "README.md",
    "bindep.txt",
    "changelogs/changelog.yaml",
    "meta/execution-environment.yml",
    "meta/runtime.yml",
    "requirements.txt",
}
FOLDERS = {
    "docs": {".md", ".rst", ".yml"},
    "playbooks": {".yml", ".j2"},
    "plugins/action": {".py"},
    "plugins/doc_fragments": {".py"},
    "plugins/inventory": {".py"},
    "plugins/module_utils": {".py"},
    "plugins/modules": {".py"},
}


def test_the_tarball_holds_what_users_need_and_nothing_else(tmp_path: Path) -> None:
    pytest.importorskip("ansible_test", reason="the environment of ansible-test units has no ansible-galaxy")
    command = [sys.executable, ".ci/collection_test.py", str(tmp_path), "build", "--output-path", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [tarball] = tmp_path.glob("*.tar.gz")
    with tarfile.open(tarball) as archive:
        held = {member.name for member in archive if member.isfile()}

    tracked = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True
    )
    existing = {name for name in tracked.stdout.decode().splitlines() if (ROOT / name).is_file()}
    in_folders = {
        name
        for name in existing
        for folder, suffixes in FOLDERS.items()
        if name.startswith(f"{folder}/") and Path(name).suffix in suffixes
    }
    assert held == FILES | in_folders


def test_the_version_is_the_same_everywhere() -> None:
    versions = {
        match[1]
        for path in (ROOT / "plugins").rglob("*.py")
        for match in re.finditer(r'^VERSION = "(.+)"$', path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert versions == {yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]}
