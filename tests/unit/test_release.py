# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is released: the files in the tarball, and one version everywhere."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from pathlib import Path, PurePath

import pytest
from ansible.module_utils.common.yaml import yaml_load

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
SECTIONS = [
    "Description",
    "Requirements",
    "Installation",
    "Use cases",
    "Testing",
    "Contributing",
    "Support",
    "Release notes and roadmap",
    "Related information",
    "License information",
]
LITTER = (
    ".ansible/galaxy_cache/api.json",
    ".cache/work/tree",
    ".venv/bin/python",
    "changelogs/.plugin-cache.yaml",
    "disaster_recovery-aws-0.9.0.tar.gz",
    "importer_result.json",
    "plugins/modules/__pycache__/drs_drill.cpython-313.pyc",
    "tests/output/junit.xml",
)
"""What environments, caches, and the tools of the reviews leave in a checkout."""
GENERATED = {"FILES.json", "MANIFEST.json"}
GALAXY_YML = yaml_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))


def files() -> list[str]:
    """The files of the checkout without those that git ignores."""
    listing = ["git", "ls-files", "-co", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return [name for name in names if (ROOT / name).is_file()]


def test_the_tarball_of_a_checkout_holds_what_users_need_and_nothing_that_tools_left_there(tmp_path: Path) -> None:
    pytest.importorskip("ansible_test", reason="the environment of ansible-test units has no ansible-galaxy")
    checkout = tmp_path / "checkout"
    for name in [*files(), *LITTER]:
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_bytes(b"" if name in LITTER else (ROOT / name).read_bytes())
    galaxy = Path(sys.executable).parent / "ansible-galaxy"
    build: list[str | Path] = [galaxy, "collection", "build", "--output-path", tmp_path, checkout]
    subprocess.run(build, check=True, capture_output=True)
    [tarball] = tmp_path.glob("*.tar.gz")
    with tarfile.open(tarball) as archive:
        held = {member.name for member in archive if member.isfile()}

    assert held == GENERATED | FILES | {name for name in files() if name.startswith(FOLDERS)}


@pytest.mark.parametrize("name", LITTER)
def test_git_ignores_what_tools_leave_in_a_checkout(name: str) -> None:
    subprocess.run(["git", "check-ignore", "--quiet", name], cwd=ROOT, check=True)


def test_a_build_needs_nothing_that_a_plain_ansible_core_lacks() -> None:
    assert "manifest" not in GALAXY_YML, "it requires distlib"


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("the address of the repository", GALAXY_YML["repository"].removeprefix("https://")),
        ("the authors with their GitHub IDs", GALAXY_YML["authors"][0].removeprefix("the ")),
    ],
)
def test_what_a_publisher_must_set_is_only_where_contributing_says(what: str, value: str) -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    [row] = re.findall(rf"^\| {what} \| (.+) \|$", text, re.MULTILINE)
    patterns = re.findall(r"`([^`]+)`", row)
    found = {name for name in files() if value.encode() in (ROOT / name).read_bytes()}
    assert sorted(name for name in found if not any(map(PurePath(name).match, patterns))) == []
    assert [pattern for pattern in patterns if not any(PurePath(name).match(pattern) for name in found)] == []


def test_the_addresses_of_files_in_the_repository_lead_to_files() -> None:
    address = re.compile(re.escape(f"{GALAXY_YML['repository']}/blob/main/") + r"([\w./-]+)")
    named = {path for name in files() for path in address.findall((ROOT / name).read_text("utf-8", "replace"))}
    assert sorted(path for path in named if not (ROOT / path).is_file()) == []
    assert {f"docs/{path.name}" for path in ROOT.glob("docs/*.md")} <= named


def test_the_readme_has_the_sections_of_a_certified_collection_in_their_order() -> None:
    """https://docs.ansible.com/projects/partner-certification-requirements/readme-template/"""
    headings = re.findall(r"^## (.+)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert [heading for heading in headings if heading in SECTIONS] == SECTIONS


def test_the_links_of_the_readme_are_whole_addresses_since_it_is_read_outside_the_repository() -> None:
    """https://docs.ansible.com/projects/partner-certification-requirements/readmes/#links"""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)]+)\)|^\[[^\]]+\]:\s+(\S+)", text, re.MULTILINE)
    assert [target for pair in targets for target in pair if target and not target.startswith("https://")] == []


def test_the_changelog_of_a_release_names_what_is_new_in_it() -> None:
    releases = yaml_load((ROOT / "changelogs" / "changelog.yaml").read_text(encoding="utf-8"))["releases"]
    named = {
        (version, entry["name"])
        for version, release in releases.items()
        for group in (release, release.get("plugins", {}), release.get("objects", {}))
        for entries in group.values()
        if isinstance(entries, list)
        for entry in entries
        if isinstance(entry, dict)
    }
    documented = [(path.stem, path) for path in ROOT.glob("plugins/*/*.py")]
    documented += [(path.parts[-3], path) for path in ROOT.glob("roles/*/meta/argument_specs.yml")]
    added = {
        (version, name)
        for name, path in documented
        for version in re.findall(r"^(?:    )?version_added: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        if version in releases
    }
    assert added
    assert sorted(added - named) == []


def test_the_dependencies_are_the_same_everywhere() -> None:
    listed = yaml_load((ROOT / "requirements.yml").read_text(encoding="utf-8"))["collections"]
    assert {each["name"]: each["version"] for each in listed} == GALAXY_YML["dependencies"]


def test_the_version_is_the_same_everywhere() -> None:
    versions = {
        match[1]
        for path in (ROOT / "plugins").rglob("*.py")
        for match in re.finditer(r'^VERSION = "(.+)"$', path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert versions == {GALAXY_YML["version"]}
