# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""preloaded.py COMMAND…: run the command, with localhost's modules forked from a Python that has imported boto3.

A module spends half its time importing it. Everything else is as always: Ansible builds and copies the module, and the
process runs what Ansible copied, with its own arguments, environment and files.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from types import ModuleType

# In place of Python: sends what it was started with, and exits as the module does.
INTERPRETER = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    request = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(server, [len(request).to_bytes(4, "big")], [0, 1, 2])
    server.sendall(request)
    sys.exit(int(server.recv(4) or b"1"))
"""
INVENTORY = "localhost ansible_connection=local ansible_python_interpreter={interpreter}\n"


def main(command: list[str]) -> int:
    """Run the command. Returns its exit status."""
    with tempfile.TemporaryDirectory() as name, socket.socket(socket.AF_UNIX) as listener:
        address, interpreter, inventory = (Path(name, each) for each in ("socket", "python", "inventory"))
        listener.bind(str(address))
        listener.listen()
        interpreter.write_text(INTERPRETER.format(python=sys.executable, address=str(address)))
        interpreter.chmod(0o755)
        inventory.write_text(INVENTORY.format(interpreter=interpreter))
        with subprocess.Popen([sys.executable, __file__], stdin=listener.fileno()) as server:
            try:
                environment = {**os.environ, "ANSIBLE_INVENTORY": str(inventory)}
                return subprocess.run(command, check=False, env=environment).returncode
            finally:
                server.terminate()


def serve(listener: socket.socket) -> None:
    """Run each script in a process of its own. Returns only there, after the script."""
    import boto3  # noqa: F401, PLC0415
    import botocore.config  # noqa: F401, PLC0415

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        connection, _address = listener.accept()
        if not os.fork():
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listener.close()
            with connection:
                connection.sendall(str(answer(connection)).encode())
            return
        connection.close()


def answer(connection: socket.socket) -> int:
    """Run the script as the interpreter was told to. Returns its exit status."""
    size, files, _flags, _sender = socket.recv_fds(connection, 4, 3)
    with connection.makefile("rb") as stream:
        arguments, directory, environment = json.loads(stream.read(int.from_bytes(size, "big")))
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[:] = arguments or ["-"]
    script = Path(arguments[0]).read_text() if arguments else sys.stdin.read()
    main_module = sys.modules["__main__"] = ModuleType("__main__")
    try:
        exec(compile(script, sys.argv[0], "exec"), main_module.__dict__)
    except SystemExit as exited:
        return exited.code if isinstance(exited.code, int) else int(exited.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(main(sys.argv[1:]))
    serve(socket.socket(fileno=os.dup(0)))
