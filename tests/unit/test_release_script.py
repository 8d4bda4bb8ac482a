# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make release` tags only a commit that passed lint and the tests, and changes nothing if it did not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent.parent / ".ci" / "release"

# Records each target with the commit that it ran on. The target in $BROKEN fails.
MAKE = """\
#!/bin/bash
echo "$2 $(git rev-parse HEAD)" >>"$RECORD"
mkdir -p .cache/dist
touch .cache/dist/disaster_recovery-aws-1.2.3.tar.gz
[[ $2 != "$BROKEN" ]]
"""
CHANGELOG = """\
#!/bin/bash
[[ $1 == lint ]] || echo 1.2.3 >>CHANGELOG.rst
"""
FILES = {
    ".gitignore": "/.cache/\n",
    "CHANGELOG.rst": "",
    "changelogs/changelog.yaml": "releases: {}\n",
    "changelogs/fragments/fix.yml": "bugfixes: [a fix]\n",
    "galaxy.yml": "version: 1.2.2\n",
    "plugins/connection.py": 'VERSION = "1.2.2"\n',
}


class Checkout:
    """A repository with one commit on main and a change that is to be released as 1.2.3."""

    def __init__(self, directory: Path) -> None:
        self.root, self.bin, self.record = directory / "checkout", directory / "bin", directory / "record"
        self.bin.mkdir()
        for name, text in (("make", MAKE), ("antsibull-changelog", CHANGELOG)):
            (self.bin / name).write_text(text)
            (self.bin / name).chmod(0o755)
        (self.bin / "python").symlink_to(sys.executable)
        for name, text in FILES.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text)
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "A maintainer")
        self.git("config", "user.email", "maintainer@example.org")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "First")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def state(self) -> list[str]:
        """Everything that a release may change: branches and tags, the work trees, and what is in this one."""
        commands = ("for-each-ref", "worktree list", "branch --show-current", "status --porcelain --ignored")
        return [self.git(*command.split()) for command in commands]

    def release(self, broken: str = "") -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "VERSION": "1.2.3",
            "RECORD": str(self.record),
            "BROKEN": broken,
        }
        return subprocess.run([SCRIPT], cwd=self.root, check=False, capture_output=True, text=True, env=environment)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.mark.parametrize("target", ["lint", "test", "dist"])
def test_a_check_that_fails_is_named_and_branch_work_tree_and_tags_are_as_before(
    checkout: Checkout, target: str
) -> None:
    before = checkout.state()
    done = checkout.release(broken=target)
    assert done.returncode == 1
    assert f"make {target} failed" in done.stderr
    assert checkout.state() == before


def test_the_tag_is_on_the_commit_that_was_checked(checkout: Checkout) -> None:
    first = checkout.git("rev-parse", "HEAD")
    done = checkout.release()
    assert done.returncode == 0, done.stderr
    tagged = checkout.git("rev-parse", "1.2.3^{commit}")
    assert tagged == checkout.git("rev-parse", "main")
    assert checkout.record.read_text().splitlines() == [f"{target} {tagged}" for target in ("lint", "test", "dist")]
    assert checkout.git("rev-parse", f"{tagged}~") == first
    assert (checkout.root / "galaxy.yml").read_text() == "version: 1.2.3\n"
    assert (checkout.root / "plugins/connection.py").read_text() == 'VERSION = "1.2.3"\n'
    assert [path.name for path in (checkout.root / ".cache/dist").iterdir()] == ["disaster_recovery-aws-1.2.3.tar.gz"]
    assert checkout.git("status", "--porcelain") == ""
    assert len(checkout.git("worktree", "list").splitlines()) == 1


def test_uncommitted_changes_are_refused_before_anything_runs(checkout: Checkout) -> None:
    (checkout.root / "galaxy.yml").write_text("version: 1.2.9\n")
    before = checkout.state()
    done = checkout.release()
    assert done.stderr == "release: the checkout has uncommitted changes.\n"
    assert checkout.state() == before
    assert not checkout.record.exists()
