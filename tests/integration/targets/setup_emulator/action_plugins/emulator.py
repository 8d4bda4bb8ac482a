# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes the emulator of a target from the controller. The module uri would start a Python process for each change."""

from __future__ import annotations

import json
import os
import urllib.request
from typing import Any

from ansible.plugins.action import ActionBase

WITHOUT_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ActionModule(ActionBase):
    """Sends a request to the emulator's own interface; see tests/emulator/README.md.

    Arguments: method; path, below /_emulator/; body, an object or JSON text. Raises urllib.error.HTTPError for a
    script that the emulator refuses.
    """

    _requires_connection = False

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        body = self._task.args.get("body", {})
        request = urllib.request.Request(
            f"{os.environ['DRS_EMULATOR_URL']}/_emulator/{self._task.args['path']}",
            data=(body if isinstance(body, str) else json.dumps(body)).encode(),
            headers={"Content-Type": "application/json"},
            method=self._task.args["method"],
        )
        with WITHOUT_PROXY.open(request):
            return {**result, "changed": True}
