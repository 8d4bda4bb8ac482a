# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module's main() in this process, which takes a twentieth of the time of a task in a playbook."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import pytest
from ansible.module_utils import basic

try:
    from ansible.module_utils import testing
except ImportError:
    testing = None  # type: ignore[assignment]  # ansible-core 2.17 and 2.18


@dataclass
class Runner:
    """Runs a module."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, main: Callable[[], None], **arguments: Any) -> dict[str, Any]:
        """The result that main() prints. The exit status must agree with it."""
        with _read_by_modules(arguments, self.monkeypatch), pytest.raises(SystemExit) as exited:
            main()
        result: dict[str, Any] = json.loads(self.capsys.readouterr().out)
        assert exited.value.code == int(result.get("failed", False))
        return result


def _read_by_modules(arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> AbstractContextManager[None]:
    """A context in which an AnsibleModule of this process reads these arguments."""
    if testing is not None:
        return testing.patch_module_args(arguments)
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
    return nullcontext()
