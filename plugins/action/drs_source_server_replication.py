# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module as any other, and while it waits shows the lines of progress that it writes."""

from __future__ import annotations

import contextlib
import gc
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.utils.display import Display
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.progress import FILE_VARIABLE

Run = Callable[[str | None, dict[str, Any] | None], dict[str, Any]]

EVERY = 0.2
"""Seconds between two looks at the file."""


class ActionModule(NormalAction):
    """The action of an ordinary module, with sight."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module where the task says, and give back its result untouched."""
        run = cast(Run, super().run)
        gc.freeze()  # this fork lives for one task: to walk what it inherited while it builds the module takes 50 ms
        if not self._is_shown():
            return run(tmp, task_vars)
        host = (task_vars or {}).get("inventory_hostname", "localhost")
        with _shown_as(f"drs [{host}]: ") as path:
            environment = self._task.environment
            self._task.environment = [*(environment or []), {FILE_VARIABLE: path}]
            try:
                return run(tmp, task_vars)
            finally:
                self._task.environment = environment

    def _is_shown(self) -> bool:
        """Whether there is progress to show. Display knows no C(no_log), and another machine's file is out of sight."""
        waits = boolean(self._task.args.get("wait") or False, strict=False)
        hidden = self._task.no_log or self._task.async_val or self._task.check_mode
        return waits and not hidden and self._connection.transport == "local"


@contextlib.contextmanager
def _shown_as(prefix: str) -> Iterator[str]:
    """A file, each line of which is shown as it comes; on standard error, for standard output may be JSON."""
    with tempfile.NamedTemporaryFile("r", encoding="utf-8", prefix="drs-progress-") as file:
        ended = threading.Event()

        def follow() -> None:
            while not ended.wait(EVERY):
                show()
            show()

        def show() -> None:
            for line in file:
                Display().display(prefix + line.rstrip("\n"), stderr=True)

        follower = threading.Thread(target=follow, daemon=True)
        follower.start()
        try:
            yield file.name
        finally:
            ended.set()
            follower.join()
