# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the emulator by itself, or around a command."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .readers import ScriptError
from .server import Emulator

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType


def main(arguments: Sequence[str]) -> int:
    """Serves until SIGINT or SIGTERM, or while the command behind `--` runs; returns the exit status."""
    own, command = _split(list(arguments))
    parser = argparse.ArgumentParser(
        prog="emulator",
        usage="%(prog)s [--port N] [--script FILE.json] [-- COMMAND ...]",
        description="AWS Elastic Disaster Recovery over HTTP. The command finds it in its environment.",
    )
    parser.add_argument("--port", type=int, default=0, help="a free one by default")
    parser.add_argument("--script", help="a JSON file; see README.md")
    options = parser.parse_args(own)
    try:
        emulator = Emulator(_script(options.script), options.port)
    except (OSError, OverflowError, ValueError) as error:
        parser.error(str(error))
    with emulator:
        return _run(emulator, command) if command else _serve(emulator)


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    if "--" not in arguments:
        return arguments, []
    at = arguments.index("--")
    return arguments[:at], arguments[at + 1 :]


def _script(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    script = json.loads(Path(path).read_text(encoding="utf-8"))
    if not isinstance(script, dict):
        raise ScriptError("the script is not an object.")
    return script


def _serve(emulator: Emulator) -> int:
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    sys.stdout.write(f"DRS emulator at {emulator.url}\n")
    sys.stdout.flush()
    ended.wait()
    return 0


def _run(emulator: Emulator, command: list[str]) -> int:
    environment = {**os.environ, **emulator.environment, "DRS_EMULATOR_URL": emulator.url}
    try:
        process = subprocess.Popen(command, env=environment)
    except OSError as error:
        sys.stderr.write(f"emulator: {command[0]}: {error.strerror}\n")
        return 127

    def forward(number: int, _frame: FrameType | None) -> None:
        process.send_signal(number)

    # The terminal sends SIGINT to the command as well; the emulator waits until the command has handled it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, forward)
    status = process.wait()
    return 128 - status if status < 0 else status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
