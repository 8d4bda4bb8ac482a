# Copyright: Contributors to the Ansible project
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
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

with suppress(ImportError):  # AnsibleAWSModule tells the user
    from botocore import xform_name

from ..resources.operations import CALLS, Batch, BatchOperation, Operation, document_in
from ..resources.servers import SOURCE_SERVER_ID, text_at
from .circuit_breaker import UNANSWERED_IN_A_ROW, CircuitBreaker
from .deadline import call_within
from .errors import CallType, DrsError, ErrorKind, from_exception, unreadable
from .rate_limiter import RateLimiter

if TYPE_CHECKING:
    from mypy_boto3_drs import DrsClient

    from ..resources.servers import (
        RecoverySnapshot,
        SourceServer,
    )

DESCRIBE = "DescribeSourceServers"
DESCRIBE_SNAPSHOTS = "DescribeRecoverySnapshots"

DESCRIBE_JOBS = "DescribeJobs"
DESCRIBE_LOG = "DescribeJobLogItems"
DESCRIBE_INSTANCES = "DescribeRecoveryInstances"
GET_CONFIGURATION = "GetLaunchConfiguration"

LISTS = (DESCRIBE, DESCRIBE_SNAPSHOTS, DESCRIBE_JOBS, DESCRIBE_LOG, DESCRIBE_INSTANCES)
"""The operations whose responses are pages of items."""

LOOKS = (DESCRIBE, DESCRIBE_JOBS, DESCRIBE_LOG, DESCRIBE_INSTANCES)
"""The operations that show what became of a call."""

CALL_TYPES: dict[str, CallType] = {
    **dict.fromkeys((*LISTS, GET_CONFIGURATION), "read"),
    **{facts.api_name: "write" for facts in CALLS.values()},
}
"""Every operation that the collection calls."""

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

    def send(self, operation: Operation, resource_id: str) -> Mapping[str, Any]:
        """Make the call for this resource. Returns its document from the response."""


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
        self._limiters = {operation: RateLimiter(clock, sleep) for operation in CALL_TYPES}
        self._breakers = {operation: CircuitBreaker(clock) for operation in CALL_TYPES}
        self._fatal: DrsError | None = None
        self._has_answered = threading.Event()
        client.meta.events.register("response-received.drs", self._record_answer)
        self._thread = threading.local()
        for operation in LISTS:
            client.meta.events.register(f"response-received.drs.{operation}", _require_a_list)
        for facts in CALLS.values():
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

    def send(self, operation: Operation | BatchOperation, resource: str | Batch) -> Mapping[str, Any]:
        """Make the call for this resource. Returns its document from the response. Raises DrsError.

        Only a throttled call is resent, since a 429 means that it was not applied.
        """
        facts = CALLS[operation]

        def call() -> Mapping[str, Any]:
            document = document_in(operation, resource, self._request(facts.api_name, facts.request(resource)))
            if not isinstance(document, Mapping):
                raise unreadable(facts.api_name, self.region)
            return document

        return self._attempt(facts.api_name, call)

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
        errors: Counter[ErrorKind] = Counter()
        error: DrsError | None = None
        while True:
            admitted_at = self._admit(operation, error)
            try:
                answer = call()
            except DrsError as failed:
                error = failed
                errors[error.kind] += 1
                self._record(operation, admitted_at, error)
                pause = self._pause_after(operation, error, errors[error.kind])
                if not self._may_retry(operation, error, errors) or self._clock() + pause >= self.until:
                    raise
                self._sleep(pause)
            else:
                self._record(operation, admitted_at, None)
                return answer

    def _admit(self, operation: str, error: DrsError | None) -> float:
        """Wait until the call may be sent, and return the time. The only place that decides this.

        Raises the error of the last attempt, if there was one; otherwise not_tried after a fatal error and while the
        circuit breaker is open, and not_sent at the deadline, after which only a last look is sent.
        """
        if self._fatal:
            raise error or replace(self._fatal, kind="not_tried")
        admitted_at = self._limiters[operation].acquire(self.until)
        if admitted_at >= self.until and (error or operation not in LOOKS):
            raise error or self._not_sent(operation, "wait_timeout because of the request rate limit")
        if not self._breakers[operation].lets_through():
            raise error or DrsError("not_tried", None, f"{UNANSWERED_IN_A_ROW} calls in a row were not answered")
        return admitted_at

    def _record(self, operation: str, admitted_at: float, error: DrsError | None) -> None:
        """Tell what decides about the next calls how this one ended."""
        if error and not error.facts.is_sent:
            return
        self._limiters[operation].record(admitted_at, throttled=error is not None and error.facts.is_throttled)
        self._breakers[operation].record(answered=error is None or error.facts.is_answered)
        if error and error.facts.ends_run:
            self._fatal = error

    def _may_retry(self, operation: str, error: DrsError, errors: Counter[ErrorKind]) -> bool:
        """Whether to retry after these errors. error: the last one."""
        if not error.facts.is_resent[CALL_TYPES[operation]]:
            return False
        if self._users_attempts is not None:
            return sum(errors.values()) < self._users_attempts
        if error.facts.is_throttled:
            return not self._limiters[operation].is_exhausted()
        return errors[error.kind] < self.attempts

    def _pause_after(self, operation: str, error: DrsError, times: int) -> float:
        """Seconds before the next attempt, on top of the rate limit.

        While other calls get through, a throttled one ignores retryAfterSeconds: honouring it would make 300 starts at
        a limit of 100 per second take up to 2.6 times as long.
        """
        if error.facts.is_throttled:
            return 0.0 if self._limiters[operation].lets_calls_through() else error.retry_after or 0.0
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
