# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs in processes of their own, forked from one that has imported them.

A new Python process would spend a second on imports. In the process of the tests they would meet what other tests
import: Ansible's controller takes the warnings of a module, and the AWS CLI brings a botocore of its own.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

TIMEOUT = 60
"""Seconds after which a program is killed."""


class Finished(NamedTuple):
    """The exit status and the output of a program."""

    returncode: int
    stdout: str
    stderr: str


class ForkServer:
    """A process that runs programs. A context manager."""

    def __init__(self, module: str, folder: Path) -> None:
        """The module calls serve(). The folder is for output."""
        self._module, self._folder = module, folder

    def __enter__(self) -> ForkServer:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        ours = {"AWS_CONFIG_FILE": os.devnull, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._server = subprocess.Popen(
            [sys.executable, "-m", self._module], env={**inherited, **ours}, text=True, **pipes
        )
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.communicate(timeout=TIMEOUT)

    def run(self, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Finished:
        """Run a program with these arguments and nothing else in its environment."""
        assert self._server.stdin
        assert self._server.stdout
        request = [name, arguments, dict(environment), str(self._folder)]
        print(json.dumps(request), file=self._server.stdin, flush=True)
        status = int(self._server.stdout.readline())
        return Finished(status, *((self._folder / each).read_text() for each in ("stdout", "stderr")))


def serve(programs: Mapping[str, Callable[[], int | None]]) -> None:
    """Run a program for each line of standard input, and print its exit status."""
    for line in sys.stdin:
        name, arguments, environment, folder = json.loads(line)
        process = os.fork()
        if not process:
            sys.argv[1:] = arguments
            os.environ.clear()
            os.environ.update(environment)
            _run(programs[name], Path(folder))
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)


def _run(program: Callable[[], int | None], folder: Path) -> NoReturn:
    """Run a program in this process, and end it."""
    signal.alarm(TIMEOUT)
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(folder / name, os.O_CREAT | os.O_TRUNC | os.O_WRONLY), descriptor)
    status: Any = 1
    try:
        status = program() or 0
    except SystemExit as exited:
        status = exited.code
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # at once, since freeing what was imported takes longer than the program
