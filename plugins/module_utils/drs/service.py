# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The three calls to AWS Elastic Disaster Recovery: the only room that knows boto."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

try:
    from botocore.config import Config
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        HTTPClientError,
        NoCredentialsError,
        NoRegionError,
    )
    from botocore.exceptions import ConnectionError as NoConnectionError
    from botocore.session import Session
except ImportError:
    pass  # AnsibleAWSModule tells the user

from ansible_collections.amazon.aws.plugins.module_utils.botocore import boto3_inventory_conn, get_aws_connection_info
from ansible_collections.amazon.aws.plugins.module_utils.common import set_collection_info
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.faults import DENIALS, Fault, kind_of
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.pace import Pace
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.replication import CALLS_AT_ONCE

if TYPE_CHECKING:
    from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
    from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.servers import SourceServer
    from mypy_boto3_drs import DrsClient

COLLECTION = "disaster_recovery.aws"
VERSION = "1.0.0"

DESCRIBE = "DescribeSourceServers"
START = "StartReplication"
STOP = "StopReplication"

KEYS = ("access_key", "secret_key", "session_token")

ATTEMPTS = 6
"""How often a call without an answer is made; a throttled one, as long as the service lets any through."""

ATTEMPTS_OF_MODE = {"legacy": 5, "standard": 3, "adaptive": 3}
"""botocore's own attempts, for a user who sets only the retry mode."""

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 20.0
"""Seconds. Together they stay below the 30 s by which a hung call may overrun the deadline of a wait."""

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 20.0
"""Seconds between two attempts, doubled each time."""

LONGEST_TEXT = 300

Answer = TypeVar("Answer")


class Service:
    """AWS Elastic Disaster Recovery in one region, through one client that many threads may use.

    botocore's own retries are off: it would send a StartReplication again after a 500 or a lost answer, where only a
    look can tell whether it took effect, and it takes an answer that is not one of DRS for an empty one.
    """

    def __init__(
        self,
        client: DrsClient,
        attempts: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """C(attempts): how often a call is sent at the most, the first time included, where the user set it."""
        self.region = client.meta.region_name
        self.attempts = attempts or ATTEMPTS
        self._users_attempts = attempts
        self._client = client
        self._sleep = sleep
        self._clock = clock
        self._paces = {operation: Pace(clock, sleep) for operation in (DESCRIBE, START, STOP)}

    def describe(self, source_server_ids: Sequence[str], until: float) -> list[SourceServer]:
        """The source servers with these IDs (1 to 200), all pages. An ID that DRS does not know is absent.

        C(until): no attempt begins after this time of the clock. Raises Fault; a refusal is C(fatal).
        """
        return self._pages({"filters": {"sourceServerIDs": list(source_server_ids)}}, until)

    def describe_every(self, until: float) -> list[SourceServer]:
        """Every source server of the region, all pages; in all else as C(describe)."""
        return self._pages({}, until)

    def start(self, source_server_id: str, until: float) -> SourceServer:
        """Start replication and give back the source server as AWS answered it. Raises Fault.

        Only a throttled call is sent again: a 429 was not applied, by its meaning.
        """
        return self._write(START, self._client.start_replication, source_server_id, until)

    def stop(self, source_server_id: str, until: float) -> SourceServer:
        """Stop replication, which deletes the recovery snapshots; in all else as C(start)."""
        return self._write(STOP, self._client.stop_replication, source_server_id, until)

    def _pages(self, request: dict[str, Any], until: float) -> list[SourceServer]:
        servers: list[SourceServer] = []
        tokens: set[str] = set()
        while True:
            page = self._attempt(DESCRIBE, lambda: self._page(request), until)
            servers += page["items"]
            token = page.get("nextToken")
            if not token:
                return servers
            if token in tokens:
                raise Fault("fatal", None, f"{DESCRIBE} in {self.region} repeats a page token without end.")
            tokens.add(token)
            request["nextToken"] = token

    def _page(self, request: Mapping[str, Any]) -> dict[str, Any]:
        page = self._call(DESCRIBE, lambda: self._client.describe_source_servers(**request))
        items, token = page.get("items"), page.get("nextToken")
        if not isinstance(items, list) or not isinstance(token, (str, type(None))):
            raise self._garbage(DESCRIBE)
        if not all(isinstance(item, dict) and isinstance(item.get("sourceServerID"), str) for item in items):
            raise self._garbage(DESCRIBE)
        return page

    def _write(self, operation: str, method: Callable[..., Any], source_server_id: str, until: float) -> SourceServer:
        def send() -> SourceServer:
            server = self._call(operation, lambda: method(sourceServerID=source_server_id)).get("sourceServer")
            if not isinstance(server, dict) or not server:
                raise self._garbage(operation)
            return server

        return self._attempt(operation, send, until)

    def _attempt(self, operation: str, send: Callable[[], Answer], until: float) -> Answer:
        """Send until there is an answer, or a fault after which the operation may not be sent again as it is."""
        pace = self._paces[operation]
        last = None if operation == DESCRIBE else Fault("throttled", None, f"{operation} got no turn in {self.region}")
        attempt = 1
        while True:
            turn = pace.await_turn(until)
            if last and turn >= until:
                raise last
            try:
                answer = send()
            except Fault as fault:
                last = fault
                pace.note(turn, throttled=fault.kind == "throttled")
                pause = _pause_after(fault, attempt, pace.flows())
                if not self._may_send_again(operation, fault, attempt) or self._clock() + pause >= until:
                    raise
                self._sleep(pause)
                attempt += 1
            else:
                pace.note(turn, throttled=False)
                return answer

    def _may_send_again(self, operation: str, fault: Fault, attempt: int) -> bool:
        if fault.kind == "throttled":
            return not self._paces[operation].is_hopeless() if self._users_attempts is None else attempt < self.attempts
        return fault.kind == "unanswered" and operation == DESCRIBE and attempt < self.attempts

    def _call(self, operation: str, call: Callable[[], Any]) -> dict[str, Any]:
        try:
            answer = call()
        except Exception as error:
            raise self._translate(operation, error) from error
        if not isinstance(answer, dict):
            raise self._garbage(operation)
        return answer

    def _translate(self, operation: str, error: Exception) -> Fault:
        if isinstance(error, ClientError):
            return self._translate_answer(operation, error.response)
        if isinstance(error, (NoConnectionError, HTTPClientError)):
            return Fault("unanswered", None, f"No answer to {operation} in {self.region}: {_first_line(str(error))}")
        if isinstance(error, NoCredentialsError):
            return Fault(
                "fatal", None, "No AWS credentials were found: give access_key and secret_key, a profile, or a role."
            )
        if isinstance(error, BotoCoreError):
            return Fault("fatal", None, f"{operation} cannot be called: {_first_line(str(error))}")
        return self._garbage(operation)  # botocore's parser dies in many ways on JSON of the wrong shape

    def _translate_answer(self, operation: str, response: Mapping[str, Any]) -> Fault:
        error, metadata = response.get("Error") or {}, response.get("ResponseMetadata") or {}
        status = int(metadata.get("HTTPStatusCode") or 0)
        code = error.get("Code") if error.get("Code") != str(status) else None
        kind = kind_of(code, status)
        if operation == DESCRIBE and kind in ("conflict", "refused"):
            kind = "fatal"
        text = f"{code or status}: {_first_line(str(error.get('Message') or 'no message'))}"
        if code in DENIALS:
            text = f"These credentials lack the IAM action drs:{operation} in {self.region} ({text})"
        elif code == "UninitializedAccountException":
            text = (
                f"AWS Elastic Disaster Recovery is not initialised in {self.region}: "
                f"run aws drs initialize-service --region {self.region}"
            )
        elif kind_of(code, status) == "fatal":
            text = f"AWS refused the credentials in {self.region} ({text}): renew or correct them"
        else:
            text = f"{operation} in {self.region} failed ({text})"
        return Fault(kind, code, text, _seconds(metadata.get("HTTPHeaders", {}).get("retry-after")))

    def _garbage(self, operation: str) -> Fault:
        return Fault("unanswered", None, f"{operation} in {self.region} got an answer that is not one of DRS")


def connect(module: AnsibleAWSModule) -> Service:
    """The service for the connection options of C(module), as every amazon.aws module has them. No call is made.

    Raises Fault (C(fatal)) for options that no client can be made of. C(module.client()) is not used: it prints a
    traceback on ansible-core 2.17 and 2.18, and it dies with one on a bad aws_config.
    """
    set_collection_info(COLLECTION, VERSION)
    if module.params["profile"] and any(module.params[key] for key in KEYS):
        raise Fault("fatal", None, f"profile does not go with {', '.join(KEYS)}, of the task or the environment")
    try:
        region, endpoint, arguments = get_aws_connection_info(module)
    except Exception as error:
        raise Fault("fatal", None, f"aws_config is not a configuration of botocore{_named(error)}") from error
    users: Any = arguments.pop("aws_config", None) or Config()
    ours = Config(connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT, max_pool_connections=CALLS_AT_ONCE)
    try:
        settings = Session(profile=arguments.get("profile_name"), include_builtin_handlers=False)
        attempts = _attempts(users.retries or {}, settings)
        retries: Any = {**(users.retries or {}), "total_max_attempts": 1}
        config = ours.merge(users).merge(Config(retries=retries))
        client: Any = boto3_inventory_conn(
            "client", "drs", region=region, endpoint=endpoint, config=config, **arguments
        )
    except NoRegionError as error:
        raise Fault("fatal", None, "No AWS region: set region, AWS_REGION, or a region in the profile.") from error
    except Exception as error:
        raise Fault("fatal", None, f"No client can be made of these options: {_first_line(str(error))}") from error
    client.meta.events.register(f"response-received.drs.{DESCRIBE}", _insist_on_a_list)
    return Service(client, attempts)


def _insist_on_a_list(response_dict: Mapping[str, Any] | None, **_event: Any) -> None:
    """Raises ValueError for C(items) that are an empty object or text, which botocore takes for an empty list."""
    if not response_dict or response_dict["status_code"] >= 300:
        return
    if not isinstance(json.loads(response_dict["body"]).get("items"), list):
        raise ValueError("items is no list")


def _named(error: Exception) -> str:
    """What botocore says of a configuration; a slip inside it tells the user nothing."""
    telling = isinstance(error, BotoCoreError) or "keyword argument" in str(error)
    return f": {_first_line(str(error))}" if telling else ": check the type of each of its values"


def _attempts(retries: Mapping[str, Any], settings: Session) -> int | None:
    """The attempts that the user set in aws_config, the environment or the profile (in this order), None for none."""
    if "total_max_attempts" in retries:
        return max(1, int(retries["total_max_attempts"]))
    if "max_attempts" in retries:
        return int(retries["max_attempts"]) + 1
    attempts = settings.get_config_variable("max_attempts")
    if attempts:
        return max(1, int(attempts))
    mode = retries.get("mode") or os.environ.get("AWS_RETRY_MODE") or settings.get_scoped_config().get("retry_mode")
    return ATTEMPTS_OF_MODE.get(str(mode))


def _pause_after(fault: Fault, attempt: int, others_pass: bool) -> float:
    """Seconds before the next attempt, beside the pace.

    While other calls pass, a throttled one does not wait for C(retryAfterSeconds): at the rate limit that would keep
    the threads from the calls that pass, and make 300 starts at 100 a second take up to 2.6 times as long.
    """
    if fault.kind == "throttled":
        return 0.0 if others_pass else fault.retry_after or 0.0
    return fault.retry_after or min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (attempt - 1)) * random.uniform(0.5, 1)


def _first_line(text: str) -> str:
    """AWS's text without what follows its first line: a signature error goes on with the request, tokens included."""
    line = (text.strip().splitlines() or [""])[0].rstrip(".")
    return line if len(line) <= LONGEST_TEXT else f"{line[:LONGEST_TEXT]}…"


def _seconds(header: str | None) -> float | None:
    try:
        seconds = float(header or 0)
    except ValueError:
        return None
    return min(LONGEST_PAUSE, seconds) if seconds > 0 else None
