# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls to AWS Elastic Disaster Recovery: paging, retries, the rate limit, the deadline."""

from __future__ import annotations

import json
import math
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

with suppress(ImportError):  # AnsibleAWSModule tells the user
    from botocore import xform_name

from ..resources.servers import SOURCE_SERVER_ID, text_at
from ..resources.states import OPERATIONS, Operation
from .deadline import call_within
from .errors import (
    DrsError,
    ErrorKind,
    from_exception,
    unreadable,
)
from .rate_limiter import RateLimiter

if TYPE_CHECKING:
    from mypy_boto3_drs import DrsClient

    from ..resources.servers import (
        RecoverySnapshot,
        SourceServer,
    )

DESCRIBE = "DescribeSourceServers"
DESCRIBE_SNAPSHOTS = "DescribeRecoverySnapshots"
READS = frozenset({DESCRIBE, DESCRIBE_SNAPSHOTS})

CALLS_AT_ONCE = 10

IDS_PER_REQUEST = 200
"""DescribeSourceServersRequestFiltersIDs in the service model: max 200."""

SNAPSHOTS_PER_PAGE = 10
"""Only the newest few are needed; a larger page only takes longer."""

MOST_PAGES = 1000
"""Maximum pages of one listing, far more than the source servers of an account can fill."""

ATTEMPTS = 6
"""Attempts for a call without a response. A throttled call is retried as long as any calls get through."""

REQUEST_TIMEOUT = 60.0
"""Maximum seconds for one complete response, however slowly it arrives."""

OVERRUN = 10.0
"""Seconds past the deadline after which a request that is still in flight is abandoned."""

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 20.0
"""Seconds between attempts, doubled each time."""

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Api(Protocol):
    """The DRS operations that the collection uses, in one region. Each method raises DrsError.

    until: the deadline of the run on its clock. No start or stop is sent after it, and no request outlasts it by more
    than 10 seconds. attempts: how often a call without a response is made.
    """

    region: str
    until: float
    attempts: int

    def describe(self, source_server_ids: Sequence[str]) -> list[SourceServer]:
        """The source servers with these IDs, in any order; unknown ones are absent."""

    def describe_all(self) -> list[SourceServer]:
        """Every source server of the region."""

    def send(self, operation: Operation, source_server_id: str) -> SourceServer:
        """Start or stop replication. Returns the source server from the response."""


class SnapshotApi(Api, Protocol):
    """The API with recovery snapshot lookups."""

    def recovery_snapshots(self, source_server_id: str) -> Iterator[RecoverySnapshot]:
        """The recovery snapshots of this source server, newest first."""


class DrsApi:
    """AWS Elastic Disaster Recovery in one region, through one client shared by threads.

    The client must not retry by itself: botocore would resend StartReplication after a 500 or a lost response, when
    only DescribeSourceServers can show whether it took effect.
    """

    def __init__(
        self,
        client: DrsClient,
        until: float = math.inf,
        attempts: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """attempts: the maximum attempts set by the user, including the first; None if not set."""
        self.region = client.meta.region_name
        self.until = until
        self.attempts = attempts or ATTEMPTS
        self._users_attempts = attempts
        self._client = client
        self._sleep = sleep
        self._clock = clock
        operations = (*READS, *(operation.api_name for operation in OPERATIONS.values()))
        self._limiters = {operation: RateLimiter(clock, sleep) for operation in operations}
        for operation in READS:
            client.meta.events.register(f"response-received.drs.{operation}", _require_a_list)
        self._has_answered = threading.Event()
        client.meta.events.register("response-received.drs", self._record_answer)
        self._thread = threading.local()
        for facts in OPERATIONS.values():
            client.meta.events.register(f"before-send.drs.{facts.api_name}", self._refuse_late)

    def describe(self, source_server_ids: Sequence[str]) -> list[SourceServer]:
        """The source servers with these IDs, from all pages; unknown ones are absent.

        Raises DrsError, which is fatal if DRS refuses the request.
        """
        return [
            server
            for batch in batches(source_server_ids)
            for server in self._pages(DESCRIBE, {"filters": {"sourceServerIDs": list(batch)}}, _has_an_id)
        ]

    def describe_all(self) -> list[SourceServer]:
        """Every source server of the region. Raises DrsError, which is fatal if DRS refuses the request."""
        return list(self._pages(DESCRIBE, {}, _has_an_id))

    def recovery_snapshots(self, source_server_id: str) -> Iterator[RecoverySnapshot]:
        """The recovery snapshots of this source server, newest first. Raises DrsError.

        Pages are fetched lazily.
        """
        request = {"sourceServerID": source_server_id, "order": "DESC", "maxResults": SNAPSHOTS_PER_PAGE}
        return self._pages(DESCRIBE_SNAPSHOTS, request, lambda item: item.get("sourceServerID") == source_server_id)

    def send(self, operation: Operation, source_server_id: str) -> SourceServer:
        """Start or stop replication. Returns the source server from the response. Raises DrsError.

        Only a throttled call is resent, since a 429 means that it was not applied.
        """
        name = OPERATIONS[operation].api_name

        def call() -> SourceServer:
            server = self._request(name, {"sourceServerID": source_server_id}).get("sourceServer")
            if not isinstance(server, dict) or server.get("sourceServerID") != source_server_id:
                raise unreadable(name, self.region)
            return server

        return self._attempt(name, call)

    def _pages(
        self, operation: str, request: Mapping[str, Any], is_item: Callable[[Mapping[str, Any]], bool]
    ) -> Iterator[Mapping[str, Any]]:
        """The items of all pages. An item for which `is_item` is false makes its page unreadable."""
        tokens: set[str] = set()
        for _page in range(MOST_PAGES):
            page = self._attempt(operation, partial(self._page, operation, request, is_item))
            yield from page["items"]
            token = page.get("nextToken")
            if not token:
                return
            if token in tokens:
                break
            tokens.add(token)
            request = {**request, "nextToken": token}
        raise DrsError("fatal", None, f"{operation} in {self.region} returns endless pages")

    def _page(
        self, operation: str, request: Mapping[str, Any], is_item: Callable[[Mapping[str, Any]], bool]
    ) -> dict[str, Any]:
        page = self._request(operation, request)
        items, token = page.get("items"), page.get("nextToken")
        if not isinstance(items, list) or not isinstance(token, (str, type(None))):
            raise unreadable(operation, self.region)
        if not all(isinstance(item, dict) and is_item(item) for item in items):
            raise unreadable(operation, self.region)
        return page

    def _attempt(self, operation: str, call: Callable[[], Answer]) -> Answer:
        """Call until there is a response, or an error after which the operation must not be retried."""
        limiter = self._limiters[operation]
        errors: Counter[ErrorKind] = Counter()
        error: DrsError | None = None
        while True:
            acquired_at = limiter.acquire(self.until)
            if acquired_at >= self.until and (error or operation not in READS):
                raise error or self._not_sent(operation, "wait_timeout because of the request rate limit")
            try:
                answer = call()
            except DrsError as failed:
                error = failed
                errors[error.kind] += 1
                limiter.record(acquired_at, throttled=error.kind == "throttled")
                pause = self._pause_after(error, errors[error.kind], limiter)
                if not self._may_retry(operation, error.kind, errors) or self._clock() + pause >= self.until:
                    raise
                self._sleep(pause)
            else:
                limiter.record(acquired_at, throttled=False)
                return answer

    def _may_retry(self, operation: str, kind: ErrorKind, errors: Counter[ErrorKind]) -> bool:
        """Whether to retry after these errors. kind: of the last one."""
        if self._users_attempts is not None and sum(errors.values()) >= self._users_attempts:
            return False
        if kind == "throttled":
            return self._users_attempts is not None or not self._limiters[operation].is_exhausted()
        return kind == "unanswered" and operation in READS and errors[kind] < self.attempts

    def _pause_after(self, error: DrsError, times: int, limiter: RateLimiter) -> float:
        """Seconds before the next attempt, on top of the rate limit.

        While other calls get through, a throttled one ignores retryAfterSeconds: honouring it would make 300 starts at
        a limit of 100 per second take up to 2.6 times as long.
        """
        if error.kind == "throttled":
            return 0.0 if limiter.lets_calls_through() else error.retry_after or 0.0
        return error.retry_after or min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (times - 1)) * random.uniform(0.5, 1)

    def _request(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """One request. Raises DrsError, also for a response that is not an object."""
        seconds = min(REQUEST_TIMEOUT, self.until + OVERRUN - self._clock())
        if seconds <= 0:
            raise self._not_sent(operation, "the deadline")
        method = getattr(self._client, xform_name(operation))
        send_until = min(self.until, self._clock() + seconds)

        def call() -> Any:
            self._thread.send_until = send_until
            return method(**request)

        try:
            answer = call_within(seconds, call)
        except DrsError:
            raise
        except Exception as error:
            raise from_exception(operation, self.region, error, self._has_answered.is_set()) from error
        if not isinstance(answer, dict):
            raise unreadable(operation, self.region)
        return answer

    def _record_answer(self, response_dict: Mapping[str, Any] | None, **_event: Any) -> None:
        """Remember that there was an answer, so that the proxy works."""
        if response_dict:
            self._has_answered.set()

    def _refuse_late(self, event_name: str, **_event: Any) -> None:
        """Raises DrsError for a start or stop that comes too late, such as after credentials that took long to refresh.

        Its caller may have abandoned the call, so nothing may be sent any more.
        """
        if self._clock() >= getattr(self._thread, "send_until", math.inf):
            raise self._not_sent(event_name.rpartition(".")[2], "the deadline")

    def _not_sent(self, operation: str, before: str) -> DrsError:
        return DrsError("not_sent", None, f"{operation} in {self.region} was not sent before {before}")


def batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """The items in batches that fit one DescribeSourceServers request."""
    return (items[begin : begin + IDS_PER_REQUEST] for begin in range(0, len(items), IDS_PER_REQUEST))


def _has_an_id(server: Mapping[str, Any]) -> bool:
    return SOURCE_SERVER_ID.fullmatch(text_at(server, "sourceServerID") or "") is not None


def _require_a_list(response_dict: Mapping[str, Any] | None, **_event: Any) -> None:
    """Raises ValueError if items is an empty object or string, which botocore would parse as an empty list."""
    if not response_dict or response_dict["status_code"] >= 300:
        return
    if not isinstance(json.loads(response_dict["body"]).get("items"), list):
        raise ValueError("items is not a list")
