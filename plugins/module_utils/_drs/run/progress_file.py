# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file to which a module appends its lines of progress, and which the action plugin of the same name displays.

Progress is informational: file errors are ignored.
"""

from __future__ import annotations

import contextlib
import os
import stat

FILE_VARIABLE = "DISASTER_RECOVERY_AWS_PROGRESS"
"""The environment variable that names the file."""


class ProgressFile:
    """Appends lines to the file named by the environment variable. Stops silently at the first error.

    The action plugin owns the file: this class never creates it, and writes only to a regular file that is not a
    symbolic link. An initial empty line tells the action plugin that the file is open and can be unlinked.
    """

    def __init__(self, is_wanted: bool = True) -> None:
        self._descriptor = _opened(os.environ.get(FILE_VARIABLE, "")) if is_wanted else None
        self("")

    def __call__(self, line: str) -> None:
        if self._descriptor is None:
            return
        data = f"{line}\n".encode(errors="backslashreplace")
        try:
            is_written = os.write(self._descriptor, data) == len(data)
        except OSError:
            is_written = False
        if not is_written:
            _close(self._descriptor)
            self._descriptor = None


def _opened(path: str) -> int | None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    _close(descriptor)
    return None


def _close(descriptor: int) -> None:
    with contextlib.suppress(OSError):
        os.close(descriptor)
