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
GALAXY_YML = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))


def files() -> list[str]:
    """The files of the checkout without those that git ignores."""
    listing = ["git", "ls-files", "-co", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return [name for name in names if (ROOT / name).is_file()]


def test_the_tarball_of_a_checkout_holds_what_users_need_and_no_cache_or_environment(tmp_path: Path) -> None:
    pytest.importorskip("ansible_test", reason="the environment of ansible-test units has no ansible-galaxy")
    galaxy = Path(sys.executable).parent / "ansible-galaxy"
    subprocess.run([galaxy, "collection", "build", "--output-path", tmp_path, ROOT], check=True, capture_output=True)
    [tarball] = tmp_path.glob("*.tar.gz")
    with tarfile.open(tarball) as archive:
        held = {member.name for member in archive if member.isfile()}

    assert held == GENERATED | FILES | {name for name in files() if name.startswith(FOLDERS)}


def test_a_build_needs_nothing_that_a_plain_ansible_core_lacks() -> None:
    assert "manifest" not in GALAXY_YML, "it requires distlib"


def test_the_address_of_the_repository_is_only_where_contributing_tells_a_publisher_to_set_it() -> None:
    address = GALAXY_YML["repository"].removeprefix("https://")
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    [row] = re.findall(r"^\| the address of the repository \| (.+) \|$", text, re.MULTILINE)
    assert {name for name in files() if address.encode() in (ROOT / name).read_bytes()} == set(
        re.findall(r"`([^`]+)`", row)
    )


def test_the_version_is_the_same_everywhere() -> None:
    versions = {
        match[1]
        for path in (ROOT / "plugins").rglob("*.py")
        for match in re.finditer(r'^VERSION = "(.+)"$', path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert versions == {GALAXY_YML["version"]}
