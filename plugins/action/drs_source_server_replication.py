# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module like any other and, while it waits, displays the progress lines that it writes."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

from ansible import constants
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.utils.display import Display
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.text import printable
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.progress import FILE_VARIABLE

Run = Callable[[str | None, dict[str, Any] | None], dict[str, Any]]

EVERY = 0.2
"""Seconds between polls of the file."""

LAST_LINES = 1.0
"""Maximum seconds for displaying the last lines after the module has exited."""


class ActionModule(NormalAction):
    """The normal action plugin plus live progress."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module and return its result unchanged."""
        run = cast(Run, super().run)
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
        waits = boolean(str(self._task.args.get("wait")), strict=False)
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
    """Display each line on stderr, since stdout may be JSON. An error only ends the progress display."""
    with contextlib.suppress(Exception), os.fdopen(descriptor, encoding="utf-8", errors="backslashreplace") as file:
        is_last = False
        while not is_last:
            is_last = ended.wait(EVERY)
            for line in file:
                _remove(path)
                if line.strip():
                    Display().display(prefix + line.rstrip("\n"), stderr=True)


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        Path(path).unlink()
