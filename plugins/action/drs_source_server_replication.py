# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module like any other and, while it waits, displays the progress lines that it writes."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO, cast

from ansible import constants
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.utils.display import Display
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.text import printable
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.progress_file import FILE_VARIABLE
from ansible_collections.disaster_recovery.aws.plugins.plugin_utils._roles.judgement import judged_by_role

Run = Callable[[str | None, dict[str, Any] | None], dict[str, Any]]

EVERY = 0.2
"""Seconds between polls of the file."""

LAST_LINES = 1.0
"""Maximum seconds for displaying the last lines after the module has exited."""


def _duplicated(stream: TextIO | None) -> int | None:
    """A descriptor of its own for the file of the stream. None if the stream has no file."""
    try:
        return os.dup(stream.fileno()) if stream else None
    except (OSError, ValueError):
        return None


# Strategies load this plugin before they fork the worker that runs the task, and workers of ansible-core 2.19 and newer
# have no standard error. Modules do not inherit the descriptor.
STDERR = _duplicated(sys.stderr)
"""Standard error of the play."""


class ActionModule(NormalAction):
    """The normal action plugin plus live progress."""

    waits_by_default = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module. Its result is unchanged, unless a role judges it."""
        return judged_by_role(self._task, self._run_shown(cast(Run, super().run), tmp, task_vars))

    def _run_shown(self, run: Run, tmp: str | None, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        if not self._is_shown():
            return run(tmp, task_vars)
        host = printable((task_vars or {}).get("inventory_hostname", "localhost"))
        with shown_as(f"drs [{host}]: ") as variables:
            environment = self._task.environment
            self._task.environment = [*(environment or []), variables]
            try:
                return run(tmp, task_vars)
            finally:
                self._task.environment = environment

    def _is_shown(self) -> bool:
        """Whether to show progress. Display ignores no_log, and only a local file can be followed."""
        waits = boolean(str(self._task.args.get("wait", self.waits_by_default)), strict=False)
        hidden = self._task.no_log or self._task.async_val or self._task.check_mode
        return waits and not hidden and self._connection.transport == "local" and not self._connection.become


@contextlib.contextmanager
def shown_as(prefix: str) -> Iterator[dict[str, str]]:
    """Display lines as they are appended to a temporary file. Yields the environment variable that holds its path.

    If the file cannot be created, the variable is empty and no progress is shown. The file is unlinked as soon as the
    module has opened it, so that nothing is left behind if a signal kills this process.
    """
    path, ended = "", threading.Event()
    follower: threading.Thread | None = None
    with contextlib.suppress(OSError, RuntimeError):
        folder = constants.DEFAULT_LOCAL_TMP  # type: ignore[attr-defined]
        descriptor, path = tempfile.mkstemp(prefix="drs-progress-", dir=folder)
        follower = threading.Thread(target=_follow, args=(descriptor, path, prefix, ended), daemon=True)
        follower.start()
    try:
        yield {FILE_VARIABLE: path}
    finally:
        ended.set()
        if follower and follower.is_alive():
            follower.join(LAST_LINES)
        _remove(path)


def _follow(descriptor: int, path: str, prefix: str, ended: threading.Event) -> None:
    """Show each line. An error only ends the progress."""
    with contextlib.suppress(Exception), os.fdopen(descriptor, encoding="utf-8", errors="backslashreplace") as file:
        is_last = False
        while not is_last:
            is_last = ended.wait(EVERY)
            for line in file:
                _remove(path)
                if line.strip():
                    _show(prefix + line.rstrip("\n"))


def _show(line: str) -> None:
    """Write the line to standard error, since standard output may be JSON, and to Ansible's log.

    Display would let the main process write it. If that fails there, because standard error is a closed pipe or a full
    disk, the thread that receives results ends, and the play waits for this task for ever. Its log never fails so.
    """
    Display().display(line, log_only=True)
    if STDERR is not None:
        with contextlib.suppress(OSError):
            os.write(STDERR, f"{line}\n".encode(errors="backslashreplace"))


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        Path(path).unlink()


def main() -> None:
    """Validate the options of a task as the module does, for ansible-lint.

    Where a module has an action plugin, ansible-lint looks for main() here only, and checks no option if there is none:
    https://github.com/ansible/ansible-lint/issues/4311
    """
    # Only ansible-lint calls this, and it replaces the base class of AnsibleAWSModule just before.
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule  # noqa: PLC0415
    from ansible_collections.disaster_recovery.aws.plugins.modules.drs_source_server_replication import (  # noqa: PLC0415
        ARGUMENT_SPEC,
    )

    AnsibleAWSModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
