# Copyright: Contributors to the Ansible project
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
    "README.md",
    "bindep.txt",
    "changelogs/changelog.yaml",
    "requirements.txt",
    "tests/config.yml",
}
FOLDERS = ("docs/", "meta/", "playbooks/", "plugins/", "roles/")
GENERATED = {"FILES.json", "MANIFEST.json"}


def test_the_tarball_of_a_checkout_holds_what_users_need_and_no_cache_or_environment(tmp_path: Path) -> None:
    pytest.importorskip("ansible_test", reason="the environment of ansible-test units has no ansible-galaxy")
    galaxy = Path(sys.executable).parent / "ansible-galaxy"
    subprocess.run([galaxy, "collection", "build", "--output-path", tmp_path, ROOT], check=True, capture_output=True)
    [tarball] = tmp_path.glob("*.tar.gz")
    with tarfile.open(tarball) as archive:
        held = {member.name for member in archive if member.isfile()}

    listing = ["git", "ls-files", "-co", "--exclude-standard"]
    known = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    in_folders = {name for name in known if name.startswith(FOLDERS) and (ROOT / name).is_file()}
    assert held == GENERATED | FILES | in_folders


def test_a_build_needs_nothing_that_a_plain_ansible_core_lacks() -> None:
    galaxy_yml = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    assert "manifest" not in galaxy_yml, "it requires distlib"


def test_the_version_is_the_same_everywhere() -> None:
    versions = {
        match[1]
        for path in (ROOT / "plugins").rglob("*.py")
        for match in re.finditer(r'^VERSION = "(.+)"$', path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert versions == {yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]}
