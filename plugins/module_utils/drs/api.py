# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls to AWS Elastic Disaster Recovery: paging, retries, the rate limit, the deadline."""

from __future__ import annotations

import json
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

with suppress(ImportError):  # AnsibleAWSModule tells the user
    from botocore import xform_name

from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.deadline import call_within
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.errors import (
    DrsError,
    ErrorKind,
    from_exception,
    unreadable,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.rate_limiter import RateLimiter
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.states import OPERATIONS, Operation

if TYPE_CHECKING:
    from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.servers import (
        RecoverySnapshot,
        SourceServer,
    )
    from mypy_boto3_drs import DrsClient

DESCRIBE = "DescribeSourceServers"
DESCRIBE_SNAPSHOTS = "DescribeRecoverySnapshots"
READS = frozenset({DESCRIBE, DESCRIBE_SNAPSHOTS})

CALLS_AT_ONCE = 10

IDS_PER_REQUEST = 200
"""DescribeSourceServersRequestFiltersIDs in the service model: max 200."""

SNAPSHOTS_PER_PAGE = 10
"""The newest few are enough: a page of all, several hundred with their EBS snapshots, would only take longer."""

MOST_PAGES = 1000
"""Pages of one request. An account has far fewer source servers than these hold."""

ATTEMPTS = 6
"""How often an unanswered call is made. A throttled one is made for as long as the service lets any through."""

REQUEST_TIMEOUT = 60.0
"""Seconds for one whole answer, however it trickles in."""

OVERRUN = 10.0
"""Seconds after the deadline at which a request that was sent before it is abandoned."""

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 20.0
"""Seconds between two attempts, doubled each time."""

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Api(Protocol):
    """What the collection needs of DRS in one region. Each call raises DrsError.

    until: the deadline of the run, a time of its clock. No start or stop is sent after it, and no request outlasts it
    by more than 10 seconds. attempts: how often a call that is not answered is made.
    """

    region: str
    until: float
    attempts: int

    def describe(self, source_server_ids: Sequence[str]) -> list[SourceServer]:
        """The source servers with these IDs, in any order; unknown ones are absent."""

    def describe_all(self) -> list[SourceServer]:
        """Every source server of the region."""

    def send(self, operation: Operation, source_server_id: str) -> SourceServer:
        """Start or stop replication; the source server as DRS answers it."""


class SnapshotApi(Api, Protocol):
    """DRS for whoever looks up recovery snapshots."""

    def recovery_snapshots(self, source_server_id: str) -> Iterator[RecoverySnapshot]:
        """The recovery snapshots of this source server, the newest first."""


class DrsApi:
    """AWS Elastic Disaster Recovery in one region, through one client that many threads may use.

    The client must not retry by itself: botocore would send a StartReplication again after a 500 or a lost answer,
    where only a look can tell whether it took effect.
    """

    def __init__(
        self,
        client: DrsClient,
        until: float = math.inf,
        attempts: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """attempts: how often a call is sent at the most, the first time included, where the user set it."""
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

    def describe(self, source_server_ids: Sequence[str]) -> list[SourceServer]:
        """The source servers with these IDs, all pages; unknown ones are absent.

        Raises DrsError; one that DRS refuses is fatal.
        """
        return [
            server
            for batch in batches(source_server_ids)
            for server in self._pages(DESCRIBE, {"filters": {"sourceServerIDs": list(batch)}}, _has_an_id)
        ]

    def describe_all(self) -> list[SourceServer]:
        """Every source server of the region, all pages. Raises DrsError; one that DRS refuses is fatal."""
        return list(self._pages(DESCRIBE, {}, _has_an_id))

    def recovery_snapshots(self, source_server_id: str) -> Iterator[RecoverySnapshot]:
        """The recovery snapshots of this source server, the newest first. Raises DrsError.

        A page is asked for when the one before it is used up.
        """
        request = {"sourceServerID": source_server_id, "order": "DESC", "maxResults": SNAPSHOTS_PER_PAGE}
        return self._pages(DESCRIBE_SNAPSHOTS, request, lambda item: item.get("sourceServerID") == source_server_id)

    def send(self, operation: Operation, source_server_id: str) -> SourceServer:
        """Start or stop replication; the source server as DRS answers it. Raises DrsError.

        Only a throttled call is sent again: a 429 was not applied, by its meaning.
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
        """The items of all pages, for each of which `is_item` is true."""
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
        raise DrsError("fatal", None, f"{operation} in {self.region} sends pages without end")

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
        """Call until there is an answer, or an error after which the operation may not be sent again as it is."""
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
        """Whether the call may be sent again after these errors, the last of which is of this kind."""
        if self._users_attempts is not None and sum(errors.values()) >= self._users_attempts:
            return False
        if kind == "throttled":
            return self._users_attempts is not None or not self._limiters[operation].is_exhausted()
        return kind == "unanswered" and operation in READS and errors[kind] < self.attempts

    def _pause_after(self, error: DrsError, times: int, limiter: RateLimiter) -> float:
        """Seconds before the next attempt, beside the rate limit.

        While other calls come through, a throttled one does not wait for retryAfterSeconds: at the rate limit that
        would make 300 starts at 100 a second take up to 2.6 times as long.
        """
        if error.kind == "throttled":
            return 0.0 if limiter.lets_calls_through() else error.retry_after or 0.0
        return error.retry_after or min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (times - 1)) * random.uniform(0.5, 1)

    def _request(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """One request. Raises DrsError, for an answer that is no object too."""
        seconds = min(REQUEST_TIMEOUT, self.until + OVERRUN - self._clock())
        if seconds <= 0:
            raise self._not_sent(operation, "the deadline")
        method = getattr(self._client, xform_name(operation))
        try:
            answer = call_within(seconds, lambda: method(**request))
        except Exception as error:
            raise from_exception(operation, self.region, error) from error
        if not isinstance(answer, dict):
            raise unreadable(operation, self.region)
        return answer

    def _not_sent(self, operation: str, before: str) -> DrsError:
        return DrsError("not_sent", None, f"{operation} in {self.region} was not sent before {before}")


def batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """The items, as many at a time as one DescribeSourceServers may name."""
    return (items[begin : begin + IDS_PER_REQUEST] for begin in range(0, len(items), IDS_PER_REQUEST))


def _has_an_id(server: Mapping[str, Any]) -> bool:
    return isinstance(server.get("sourceServerID"), str)


def _require_a_list(response_dict: Mapping[str, Any] | None, **_event: Any) -> None:
    """Raises ValueError for items that are an empty object or text, which botocore takes for an empty list."""
    if not response_dict or response_dict["status_code"] >= 300:
        return
    if not isinstance(json.loads(response_dict["body"]).get("items"), list):
        raise ValueError("items is not a list")
