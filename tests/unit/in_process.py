# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module's main() in this process, which takes a twentieth of the time of a task in a playbook."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import botocore.loaders
import botocore.session
import pytest
from ansible.module_utils import basic
from ansible.module_utils.common import warnings
from ansible_collections.disaster_recovery.aws.tests.emulator import Emulator

try:
    from ansible.module_utils import testing
except ImportError:
    testing = None  # type: ignore[assignment]  # ansible-core 2.17 and 2.18


def lead_to(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process reach only the emulator, without the user's own AWS settings."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(botocore.session, "create_loader", lambda *_search_path: _loader())
    settings = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_MAX_ATTEMPTS": "1"}
    for name, value in {**emulator.environment, **settings}.items():
        monkeypatch.setenv(name, value)


@functools.cache
def _loader() -> botocore.loaders.Loader:
    """botocore's files, read once."""
    return botocore.loaders.create_loader()


@dataclass
class Runner:
    """Runs a module."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, main: Callable[[], None], **arguments: Any) -> dict[str, Any]:
        """The result that main() prints. The exit status must agree with it."""
        given_before: Any = warnings._global_warnings  # a module process has none
        given_before.clear()
        with _read_by_modules(arguments, self.monkeypatch), pytest.raises(SystemExit) as exited:
            main()
        printed = self.capsys.readouterr()
        assert printed.err == ""
        result: dict[str, Any] = json.loads(printed.out)
        assert exited.value.code == int(result.get("failed", False))
        return result


def _read_by_modules(arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> AbstractContextManager[None]:
    """A context in which an AnsibleModule of this process reads these arguments."""
    if testing is not None:
        return testing.patch_module_args(arguments)
    monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
    return nullcontext()
