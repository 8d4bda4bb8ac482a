# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs docs/fleet.md: writes its YAML blocks to the files that they name, then runs its shell blocks in order."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
import urllib.request
from pathlib import Path

OUR_DEPRECATION = re.compile(r"^\[DEPRECATION WARNING\][^[]*disaster_recovery[./]aws", re.MULTILINE)
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
GUIDE = Path(os.environ["ANSIBLE_COLLECTIONS_PATH"], "ansible_collections/disaster_recovery/aws/docs/fleet.md")
# The emulator has no STS, so the profiles have keys in place of roles.
PROFILE = "[profile {name}]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
SERVERS = [
    {"sourceServerID": "s-00000000000000001", "tags": {"Environment": "production"}},
    {"sourceServerID": "s-00000000000000002", "tags": {"Environment": "test"}},
]
SCRIPT = {"regions": {"eu-west-1": {"servers": SERVERS}, "eu-central-1": {"servers": SERVERS}}}
STARTED = {("eu-west-1", "s-00000000000000001"), ("eu-central-1", "s-00000000000000001")}

FURTHER = [
    "ansible-playbook -i fleet.yml report.yml -e 'drs_hosts=fleet drs_fail=false'",
    "ansible-builder introspect $ANSIBLE_COLLECTIONS_PATH | grep 'boto3.*disaster_recovery.aws'",
]
"""What the guide says of its files and of the collection's metadata, tried."""


def main() -> None:
    blocks: dict[str, list[str]] = {"yaml": [], "ini": [], "sh": []}
    for _indent, language, block in BLOCK.findall(GUIDE.read_text(encoding="utf-8")):
        blocks[language].append(textwrap.dedent(block))
    emulator = os.environ["DRS_EMULATOR_URL"]
    request = urllib.request.Request(f"{emulator}/_emulator/script", json.dumps(SCRIPT).encode(), method="PUT")
    urllib.request.urlopen(request).close()

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for block in blocks["yaml"]:
            (folder / block.split()[1]).write_text(block, encoding="utf-8")
        environment = dict(os.environ)
        key, secret = environment.pop("AWS_ACCESS_KEY_ID"), environment.pop("AWS_SECRET_ACCESS_KEY")
        environment["AWS_CONFIG_FILE"] = str(folder / "config")
        profiles = re.findall(r"\[profile (.*)\]", "".join(blocks["ini"]))
        (folder / "config").write_text(
            "".join(PROFILE.format(name=profile, key=key, secret=secret) for profile in profiles)
        )
        for command in [*blocks["sh"], *FURTHER]:
            run(command, folder, environment)
        assert (folder / "production-ireland.csv").stat().st_size
        assert list(folder.glob("context/*file")), "no Containerfile and no Dockerfile"

    with urllib.request.urlopen(f"{emulator}/_emulator/journal") as answer:
        starts = [call for call in json.load(answer) if call["operation"] == "StartReplication"]
    assert {(call["region"], call["input"]["sourceServerID"]) for call in starts} == STARTED, starts


def run(command: str, folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["bash", "-euc", command], check=False, cwd=folder, env=environment, text=True, capture_output=True
    )
    if done.returncode or OUR_DEPRECATION.search(done.stderr):
        sys.exit(f"docs/fleet.md: exit status {done.returncode} of\n{command}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
