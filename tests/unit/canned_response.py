# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API over botocore's own parser, without a network."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from typing import Any

from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.calls import DrsApi, _require_a_list
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import FakeClock
from botocore.awsrequest import AWSRequest, AWSResponse


class CannedResponse:
    """An API over botocore's own parser, to which every request is answered like this."""

    def __init__(self, client: Any, status: int, body: bytes, **headers: str) -> None:
        class Raw(io.BytesIO):
            def stream(self, **_options: Any) -> Iterator[bytes]:
                yield self.read()

        def answer(request: AWSRequest, **_event: Any) -> AWSResponse:
            self.sent.append(request)
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return AWSResponse(request.url, status, named, Raw(body))  # type: ignore[arg-type]

        self.sent: list[AWSRequest] = []
        self.clock = FakeClock()
        client.meta.events.unregister("response-received.drs.DescribeSourceServers", _require_a_list)  # of earlier ones
        self.api = DrsApi(client, math.inf, 2, self.clock.sleep, self.clock)
        client.meta.events.unregister("before-send.drs", unique_id="answer")
        client.meta.events.register("before-send.drs", answer, unique_id="answer")
