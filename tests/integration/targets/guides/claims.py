# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows by runs what docs/first_hour.md claims of its commands. guides.py follows the guide as a whole.

Each claim quotes the guide, which must say so, and runs commands of the guide on a fleet of its own.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COLLECTION = Path(os.environ["ANSIBLE_COLLECTIONS_PATH"], "ansible_collections/disaster_recovery/aws")
GUIDE = (COLLECTION / "docs" / "first_hour.md").read_text(encoding="utf-8")
PRODUCTION = re.search(r"```yaml\n(# production\.yml\n.*?)```", GUIDE, re.DOTALL)[1]
EMULATOR = os.environ["DRS_EMULATOR_URL"]
SCREEN = 24 * 80
"""Characters."""

NAMED = "s-1234567890abcdef0"
IDS = [f"s-{number:017}" for number in range(12)]
PROTECT = "ansible-playbook disaster_recovery.aws.protect -e @production.yml"
START = (
    "ansible localhost -m disaster_recovery.aws.drs_source_server_replication -a source_server_id=s-1234567890abcdef0"
)
WAIT = (
    "ansible localhost -m disaster_recovery.aws.drs_source_server_replication"
    " -a 'source_server_id=s-1234567890abcdef0 wait=true'"
)
INFO = (
    "ansible localhost -m disaster_recovery.aws.drs_source_server_info -a return_source_servers=false | grep '\"msg\"'"
)
REPORT = "ansible-playbook disaster_recovery.aws.report -e drs_rpo=3600 -e drs_fail=false"
MORNING = "ansible-playbook disaster_recovery.aws.report -e drs_rpo=3600"


@dataclass
class Command:
    """A command of the guide, what is changed in it, and how it must end.

    shows, hides: expressions that its output does and does not match. longest: the most characters of its output.
    starts: the servers that it starts. lookups: how many recovery snapshots it looks up.
    """

    of_the_guide: str
    changes: dict[str, str] = field(default_factory=dict)
    status: int = 0
    shows: list[str] = field(default_factory=list)
    hides: list[str] = field(default_factory=list)
    longest: int | None = None
    starts: list[str] = field(default_factory=list)
    lookups: int = 0


def server(source_server_id: str, state: str = "STOPPED", **members: Any) -> dict[str, Any]:
    return {
        "sourceServerID": source_server_id,
        "state": state,
        "tags": {"Environment": "production"},
        "timeline": [{"state": "INITIATING", "describes": 2}, "INITIAL_SYNC"],
        **members,
    }


STATES = {3: "STALLED", 30: "STOPPED", 31: "STOPPED", 200: "DISCONNECTED", 299: "INITIAL_SYNC"}
FLEET = [server(f"s-{number:017}", STATES.get(number, "CONTINUOUS")) for number in range(300)]
ONE = [server(NAMED)]
STALLED = [server(NAMED, "STALLED", dataReplicationInfo={"dataReplicationError": {"error": "UNSTABLE_NETWORK"}})]
TWELVE = [server(source_server_id) for source_server_id in IDS]
FAILED_OVER = {
    "recoveryInstanceId": "i-0b000000000000001",
    "lifeCycle": {"lastLaunch": {"status": "LAUNCHED", "initiated": {"type": "RECOVERY"}}},
}
MIXED = [
    server(IDS[0]),
    server(IDS[1], **FAILED_OVER),
    server(IDS[2], "DISCONNECTED"),
    *[server(source_server_id, "INITIATING", timeline=["INITIATING"]) for source_server_id in IDS[3:6]],
    server(IDS[6]),
    server(IDS[7]),
]
STUCK_CANARY = [server(IDS[0], "STALLED", timeline=["STALLED"]), *TWELVE[1:]]
ONE_PLACE = {"-e @production.yml": "-e @production.yml -e drs_max_in_progress=1"}

CLAIMS: list[tuple[str, list[dict[str, Any]], list[Command]]] = [
    (
        "The first one says in a sentence how many servers are protected, and why the others are not",
        FLEET,
        [Command(INFO, shows=["295 of 300", "1 STALLED.*s-0{16}3 ", "2 STOPPED", "1 DISCONNECTED"], longest=SCREEN)],
    ),
    (
        "Without `grep` it prints an entry for each server as well.",
        FLEET,
        [Command(INFO, {" | grep '\"msg\"'": " | grep -c '\"source_server_id\"'"}, shows=["^300$"])],
    ),
    (
        "The second command shows a table of those that need attention, and looks up the newest recovery snapshot",
        FLEET,
        [Command(REPORT, shows=["s-0{16}3 .*STALLED", "and 29[0-9] protected"], hides=["s-0{16}4 "], lookups=300)],
    ),
    (
        "`changed: true` means that it would be started. Without `--check`, it is. A second run changes nothing:",
        ONE,
        [
            Command(f"{START} --check --diff", shows=['"changed": true', r"\+s-\S+ \S+ INITIATING"]),
            Command(START, shows=['"changed": true'], starts=[NAMED]),
            Command(START, shows=['"changed": false']),
        ],
    ),
    (
        "With `wait`, the task runs until data is flowing.",
        ONE,
        [Command(WAIT, {"wait=true": "wait=true wait_delay=1"}, shows=['"state": "INITIAL_SYNC"'], starts=[NAMED])],
    ),
    (
        "If the server is stuck until `wait_timeout`, it fails and says why.",
        STALLED,
        [
            Command(
                WAIT, {"wait=true": "wait=true wait_timeout=1"}, status=2, shows=["UNSTABLE_NETWORK, check TCP 1500"]
            )
        ],
    ),
    (
        "Check, then start the first wave. Each further run starts more servers once earlier ones are replicating:",
        TWELVE,
        [
            Command(f"{PROTECT} --check --diff", shows=["5 of 12 source servers would be started, 7 deferred"]),
            Command(PROTECT, shows=["5 of 12 source servers started, 7 deferred"], starts=IDS[:5]),
            Command(PROTECT, shows=["0 of 12 source servers started"]),
            Command(PROTECT, shows=["0 of 12 source servers started"]),
            Command(PROTECT, shows=["5 of 12 source servers started"], starts=IDS[5:10]),
        ],
    ),
    (
        "To run all waves in one task:",
        TWELVE,
        [
            Command(
                f"{PROTECT} -e drs_wait=true",
                {"drs_wait=true": "'drs_wait=true drs_wait_delay=1'"},
                shows=["12 of 12 source servers started"],
                starts=IDS,
            )
        ],
    ),
    (
        "`msg` counts all servers and groups failures by cause. `outcomes` has an entry for each server:",
        MIXED,
        [
            Command(
                PROTECT,
                {"protect": "protect -v"},
                status=2,
                shows=[
                    "1 of 8 source servers failed; 2 were started, 3 running already, 1 held, 1 deferred",
                    '"changed": true, "deferred": false.*' + IDS[0],
                    '"held": true.*"next_step": "production may run on i-0b000000000000001.*' + IDS[1],
                    '"deferred": true.*"5 of 5 places are taken.*' + IDS[7],
                    '"failed": true.*"reason": "see that the host is up.*' + IDS[2],
                ],
                starts=[IDS[0], IDS[6]],
            )
        ],
    ),
    (
        "Hosts named in `filters` that have no source server are listed in `unmatched`, and the task fails in the end.",
        ONE,
        [
            Command(
                PROTECT,
                {"@production.yml": '\'{"drs_filters": {"hostname": ["server-def0", "web9"]}}\''},
                status=2,
                shows=["1 of 1 source server started.*, but no source server has hostname=web9"],
                starts=[NAMED],
            )
        ],
    ),
    (
        "A host named in `exclude_filters` that has none fails the task before anything is started",
        TWELVE,
        [
            Command(
                PROTECT,
                {"@production.yml": "@production.yml -e drs_exclude_filters=hostname=wbe1"},
                status=2,
                shows=["no source server in eu-west-1 has hostname=wbe1; nothing was changed"],
            )
        ],
    ),
    (
        "A start is sent only if needed",
        [server(source_server_id, "CONTINUOUS") for source_server_id in IDS],
        [Command(PROTECT, shows=["0 of 12 source servers started, 12 were running already"])],
    ),
    (
        "The report fails if a server is unprotected.",
        FLEET,
        [Command(MORNING, status=2, shows=["29[0-9] of 300"], lookups=300)],
    ),
    (
        "`protect` fails if a server cannot be started, or if a stuck one takes the place that another one needs;",
        STUCK_CANARY,
        [Command(PROTECT, ONE_PLACE, status=2, shows=["1 of 12 source servers failed, 1 of them stuck.*STALLED"])],
    ),
    (
        "of any other stuck server it warns.",
        [server(IDS[0], "STALLED", timeline=["STALLED"])],
        [Command(PROTECT, shows=["WARNING.*STALLED: AGENT_NOT_SEEN, check that the source server is up", "1 stuck"])],
    ),
]


def main() -> None:
    guide = " ".join(GUIDE.replace("\\\n", "").split())
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "production.yml").write_text(PRODUCTION, encoding="utf-8")
        for sentence, servers, commands in CLAIMS:
            assert sentence in guide, f"docs/first_hour.md does not say: {sentence}"
            call("PUT", "script", {"regions": {"eu-west-1": {"servers": servers}}})
            for command in commands:
                assert command.of_the_guide in guide, f"docs/first_hour.md has no command {command.of_the_guide}"
                try_out(sentence, command, folder)


def try_out(sentence: str, command: Command, folder: str) -> None:
    text = command.of_the_guide
    for old, new in command.changes.items():
        assert old in text, f"{old} is not in {text}"
        text = text.replace(old, new)
    call("DELETE", "journal")
    done = subprocess.run(["bash", "-uc", text], check=False, cwd=folder, text=True, capture_output=True)
    output = f"{done.stdout}{done.stderr}"
    calls = call("GET", "journal")
    starts = [each["input"]["sourceServerID"] for each in calls if each["operation"] == "StartReplication"]
    wrong = [
        *([f"exit status {done.returncode}"] if done.returncode != command.status else []),
        *(f"does not show {pattern}" for pattern in command.shows if not re.search(pattern, output, re.MULTILINE)),
        *(f"shows {pattern}" for pattern in command.hides if re.search(pattern, output, re.MULTILINE)),
        *([f"{len(done.stdout)} characters"] if len(done.stdout) > (command.longest or len(done.stdout)) else []),
        *([f"starts {starts}"] if sorted(starts) != sorted(command.starts) else []),
    ]
    looked_up = sum(each["operation"] == "DescribeRecoverySnapshots" for each in calls)
    if looked_up != command.lookups:
        wrong.append(f"{looked_up} snapshots are looked up")
    if wrong:
        sys.exit(f"{sentence}\n{text}\n{'; '.join(wrong)}\n{output}")


def call(method: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{EMULATOR}/_emulator/{path}", data, method=method)) as answer:
        text = answer.read()
    return json.loads(text) if text else None


if __name__ == "__main__":
    main()
