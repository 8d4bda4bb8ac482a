# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Emulated fleets, and the commands that are timed against them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.emulator import Emulator

MODULE = "disaster_recovery.aws.drs_source_server_replication"
DRILL_MODULE = "disaster_recovery.aws.drs_drill"
INFO_MODULE = "disaster_recovery.aws.drs_source_server_info"
START = "StartReplication"
LATENCY = 0.05
"""Seconds that each call to AWS takes."""

BIN = Path(sys.executable).parent
ENVIRONMENT = {
    "ANSIBLE_DEPRECATION_WARNINGS": "false",
    "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
    "ANSIBLE_LOCALHOST_WARNING": "false",
    "ANSIBLE_NOCOLOR": "true",
    "ANSIBLE_NOCOWS": "true",
    "PYTHONDONTWRITEBYTECODE": "",
}
"""Environment of every command: quiet, with bytecode caching enabled as it is by default."""

# Replaces the module's Python and records the peak memory in KiB of the process that it runs. It is kept small, because
# Linux counts the parent's memory at the time of the fork as the child's.
MEASURING_PYTHON = """#!{python}
import os, resource, subprocess, sys
status = subprocess.call([{python!r}, *sys.argv[1:]])
with open({noted!r}, "a") as noted:
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=noted)
sys.exit(status)
"""


@dataclass(frozen=True)
class Run:
    """A finished command: its wall time in seconds and its calls to the emulator."""

    seconds: float
    journal: list[dict[str, Any]]
    left: int
    """Source servers that are still STOPPED."""

    @property
    def starts(self) -> list[dict[str, Any]]:
        """The calls of StartReplication, oldest first."""
        return [entry for entry in self.journal if entry["operation"] == START]

    @property
    def starting(self) -> float:
        """Seconds from before the first start to the answer of the last one."""
        return float(self.starts[-1]["time"]) - float(self.starts[0]["time"]) + LATENCY

    @property
    def throttled(self) -> float:
        """The share of the starts that were answered with 429."""
        return len([entry for entry in self.starts if entry["status"] == 429]) / len(self.starts)


class Bench:
    """An emulator, a folder for files, and commands that run in it."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self.folder = folder
        self._emulator = emulator
        path = os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)])
        self._environment = {**os.environ, **ENVIRONMENT, **emulator.environment, "PATH": path}

    def run(
        self,
        command: Sequence[str],
        servers: int,
        *,
        limit: Mapping[str, float] | None = None,
        environment: Mapping[str, str] | None = None,
        standard_input: str = "",
        must_finish: bool = True,
        state: str = "STOPPED",
        step: float | None = None,
    ) -> Run:
        """Time a command on a new fleet, by default of stopped servers.

        limit: the rate limit of StartReplication. step: the seconds of a step of the emulator's clock, by default one
        Describe.
        """
        self._emulator.load(
            {
                "latency": LATENCY,
                "regions": {
                    "eu-west-1": {"servers": [{"sourceServerID": id_, "state": state} for id_ in ids(servers)]}
                },
                "rate_limits": {START: dict(limit)} if limit else {},
                "clock": {"wall": step} if step else "describe",
            }
        )
        began = time.monotonic()
        done = subprocess.run(
            command,
            env={**self._environment, **(environment or {})},
            input=standard_input,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - began
        fleet = self._emulator.servers().values()
        left = sum(one["dataReplicationInfo"]["dataReplicationState"] == "STOPPED" for one in fleet)
        if must_finish and done.returncode:
            raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return Run(seconds, self._emulator.journal(), left)

    def playbook(self, task: Mapping[str, Any], python: str | None = None) -> list[str]:
        """The command that runs a play with this task. python: the interpreter of the module."""
        variables = {"ansible_python_interpreter": python} if python else {}
        play = {"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": [task]}
        path = self.folder / "play.yml"
        path.write_text(json.dumps([play]), encoding="utf-8")
        return ["ansible-playbook", str(path)]

    def measuring_python(self, noted: Path) -> str:
        """A Python interpreter that notes the peak memory of what it runs."""
        path = self.folder / "measuring-python"
        path.write_text(MEASURING_PYTHON.format(python=sys.executable, noted=str(noted)), encoding="utf-8")
        path.chmod(0o755)
        return str(path)


def ids(count: int) -> list[str]:
    """The IDs of a fleet."""
    return [f"s-{number:017d}" for number in range(1, count + 1)]


def aws_cli() -> str | None:
    """The AWS CLI: next to this Python, or on the PATH."""
    return shutil.which("aws", path=str(BIN)) or shutil.which("aws")
