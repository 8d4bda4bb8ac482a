# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the guides: writes their YAML blocks to the files that they name, then runs their shell blocks in order.

An aws command runs a stand-in. Also runs the playbook and the commands of the README, and the tasks of docs/states.md.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import textwrap
import urllib.request
from pathlib import Path
from typing import NamedTuple

import yaml
from receivers import MailServer, Webhook, receiver

OUR_DEPRECATION = re.compile(r"^\[DEPRECATION WARNING\][^[]*disaster_recovery[./]aws", re.MULTILINE)
BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
COLLECTION = Path(os.environ["ANSIBLE_COLLECTIONS_PATH"], "ansible_collections/disaster_recovery/aws")
DOCS = COLLECTION / "docs"
# The emulator has no STS, so the profiles have keys in place of roles.
PROFILE = "[profile {name}]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
EMULATOR = os.environ["DRS_EMULATOR_URL"]
NAMED, PRODUCTION, TEST = "s-1234567890abcdef0", "s-00000000000000001", "s-00000000000000002"


class Guide(NamedTuple):
    regions: list[str]
    servers: dict[str, str]
    """The tag Environment of each server, the same in every region."""
    starts: set[tuple[str, str]]
    """The region and server of the starts that the guide sends."""
    further: list[str]
    """What the guide says of its files and of the collection's metadata, tried."""
    last: str | None = None
    """The server that is started last, since a tag held it before."""
    received: tuple[str, ...] = ()
    """What stands in each text that its webhook and its mail server receive."""


# The collection that mails is there where the PyPI package ansible is installed, outside the path that tests have.
SITE = Path(sysconfig.get_path("purelib"))
SEND = f"ANSIBLE_COLLECTIONS_PATH=$ANSIBLE_COLLECTIONS_PATH:{SITE} ansible-playbook mail.yml"
HAS_MAIL = (SITE / "ansible_collections/community/general").exists()
MAIL = [f"{SEND} -e drs_profile=production -e smtp_port=$SMTP_PORT"] if HAS_MAIL else []
AWS = f'aws() {{ "{sys.executable}" "{Path(__file__).with_name("aws.py")}" "$@"; }}; '

GUIDES = {
    "first_hour.md": Guide(
        regions=["eu-west-1"],
        servers={NAMED: "office", PRODUCTION: "production", TEST: "test"},
        starts={("eu-west-1", PRODUCTION), ("eu-west-1", NAMED)},
        further=[],
    ),
    "fleet.md": Guide(
        regions=["eu-west-1", "eu-central-1"],
        servers={PRODUCTION: "production", TEST: "test"},
        starts={("eu-central-1", PRODUCTION), ("eu-west-1", PRODUCTION)},
        further=[
            "ansible-playbook -i fleet.yml report.yml -e 'drs_hosts=fleet drs_fail=false'",
            "ansible-builder introspect $ANSIBLE_COLLECTIONS_PATH | grep 'boto3.*disaster_recovery.aws'",
            "grep -q eu-central-1 production.html",
            "ls context/*file",
            *MAIL,
        ],
        received=("From: drs@example.com",) if MAIL else (),
    ),
    "year.md": Guide(
        regions=["eu-west-1"],
        servers={NAMED: "production", PRODUCTION: "production", TEST: "production"},
        starts={("eu-west-1", PRODUCTION), ("eu-west-1", TEST), ("eu-west-1", NAMED)},
        last=NAMED,
        further=[
            "grep -q 'not protected' failover.html",
            "test $(ls drs-*.html drs-*.csv drs-*.json | wc -l) = 3",
            f"aws drs disconnect-source-server --source-server-id {TEST}",
            "! ansible-playbook tell.yml -e @production.yml",
        ],
        received=("1 of 2 source servers failed",),
    ),
}


def main() -> None:
    for name, guide in GUIDES.items():
        load(guide.servers, guide.regions, state="STOPPED")
        with (
            tempfile.TemporaryDirectory() as folder,
            receiver(Webhook) as (webhook, posts),
            receiver(MailServer) as (smtp, mails),
        ):
            os.environ.update(WEBHOOK_URL=f"http://127.0.0.1:{webhook}/", SMTP_PORT=str(smtp))
            follow(name, guide, Path(folder))
        received = [*posts, *mails]
        assert len(received) == len(guide.received), received
        assert all(said in text for said, text in zip(guide.received, received, strict=True)), received
        with urllib.request.urlopen(f"{EMULATOR}/_emulator/journal") as answer:
            calls = [call for call in json.load(answer) if call["operation"] == "StartReplication"]
        # Two hosts of fleet.yml share a region of the emulator, and may both start its server.
        starts = {(call["region"], call["input"]["sourceServerID"]) for call in calls}
        assert starts == guide.starts, f"docs/{name}: {starts}"
        assert guide.last in (None, calls[-1]["input"]["sourceServerID"]), f"docs/{name}: {calls[-1]}"

    if not MAIL:
        print("NOT TESTED: docs/fleet.md, mail.yml: community.general is not installed")
    run_readme()
    run_tasks("states.md")


def run_readme() -> None:
    """Run the playbook of the README, then each ansible command."""
    load({PRODUCTION: "production", NAMED: "office"}, ["eu-west-1"], state="CONTINUOUS")
    blocks = [block for _indent, _language, block in BLOCK.findall((COLLECTION / "README.md").read_text("utf-8"))]
    lines = [line for block in blocks for line in block.replace("\\\n", "").splitlines()]
    commands = [line for line in lines if re.match("ansible(-playbook)? ", line)]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "play.yml").write_text(next(block for block in blocks if "hosts:" in block), "utf-8")
        for command in ["ansible-playbook play.yml", *commands]:
            run("README.md", command, Path(folder), dict(os.environ))


def run_tasks(name: str) -> None:
    """Run the tasks of a page as one play. Its servers are CONTINUOUS, so a wait ends soon."""
    load({PRODUCTION: "production", NAMED: "production"}, ["eu-west-1"], state="CONTINUOUS")
    blocks = BLOCK.findall((DOCS / name).read_text("utf-8"))
    tasks = "".join(block for _indent, language, block in blocks if language == "yaml")
    tasks = re.sub(r"delay: 60\b", "delay: 1", tasks)
    variables = {"ansible_async_dir": "{{ lookup('ansible.builtin.env', 'HOME') }}/.ansible_async"}
    play = {"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": yaml.safe_load(tasks)}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "play.yml").write_text(yaml.safe_dump([play]), "utf-8")
        run(name, "ansible-playbook play.yml", Path(folder), dict(os.environ))


def load(servers: dict[str, str], regions: list[str], state: str) -> None:
    """Have the emulator serve these servers, with the tag Environment, in every region."""
    seed = [{"sourceServerID": id_, "state": state, "tags": {"Environment": tag}} for id_, tag in servers.items()]
    script = {"regions": {region: {"servers": seed} for region in regions}}
    request = urllib.request.Request(f"{EMULATOR}/_emulator/script", json.dumps(script).encode(), method="PUT")
    urllib.request.urlopen(request).close()


def follow(name: str, guide: Guide, folder: Path) -> None:
    blocks: dict[str, list[str]] = {"yaml": [], "ini": [], "sh": []}
    for _indent, language, block in BLOCK.findall((DOCS / name).read_text(encoding="utf-8")):
        blocks.setdefault(language, []).append(textwrap.dedent(block))
    for block in blocks["yaml"]:
        (folder / block.split()[1]).write_text(block, encoding="utf-8")
    environment = dict(os.environ)
    if profiles := re.findall(r"\[profile (.*)\]", "".join(blocks["ini"])):
        key, secret = environment.pop("AWS_ACCESS_KEY_ID"), environment.pop("AWS_SECRET_ACCESS_KEY")
        environment["AWS_CONFIG_FILE"] = str(folder / "config")
        (folder / "config").write_text(
            "".join(PROFILE.format(name=profile, key=key, secret=secret) for profile in profiles)
        )
    for command in [*blocks["sh"], *guide.further]:
        run(name, command, folder, environment)


def run(name: str, command: str, folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["bash", "-euc", AWS + command], check=False, cwd=folder, env=environment, text=True, capture_output=True
    )
    if done.returncode or OUR_DEPRECATION.search(done.stderr):
        sys.exit(f"docs/{name}: exit status {done.returncode} of\n{command}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
