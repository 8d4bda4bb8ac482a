# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The service over a scripted client, over botocore's own parser, and made from the options of a module."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.faults import Fault
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.service import (
    ATTEMPTS,
    VERSION,
    Service,
    _attempts,
    connect,
)
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import REGION, FakeClock, sid
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ReadTimeoutError,
    SSLError,
)
from botocore.session import Session

SERVER = {"sourceServerID": sid(0)}
PAGE = {"items": [SERVER]}
STARTED = {"sourceServer": SERVER}
URL = f"https://drs.{REGION}.amazonaws.com"


def error(code: str, status: int, message: str = "so says AWS", **headers: str) -> ClientError:
    answer = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {
            "HTTPStatusCode": status,
            "HTTPHeaders": {name.replace("_", "-"): value for name, value in headers.items()},
        },
    }
    return ClientError(answer, "Operation")


THROTTLED = error("ThrottlingException", 429)
ERROR_500 = error("InternalServerException", 500)
DENIED = error("AccessDeniedException", 403, "User: arn:aws:iam::1:user/a is not authorized")


class FakeClient:
    """A client that gives the answers in turn, and the last one for ever, each after a twentieth of a second."""

    def __init__(self, *answers: Any) -> None:
        self.meta = SimpleNamespace(region_name=REGION)
        self.clock = FakeClock()
        self.calls: list[tuple[str, dict[str, Any], float]] = []
        self._answers = list(answers)

    def describe_source_servers(self, **request: Any) -> Any:
        return self._answer("DescribeSourceServers", request)

    def start_replication(self, **request: Any) -> Any:
        return self._answer("StartReplication", request)

    def stop_replication(self, **request: Any) -> Any:
        return self._answer("StopReplication", request)

    def then(self, *answers: Any) -> None:
        self._answers = list(answers)

    def service(self, attempts: int | None = None) -> Service:
        return Service(self, attempts, sleep=self.sleep, clock=self.clock)  # type: ignore[arg-type]

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0, "time.sleep refuses a negative pause"
        if seconds:
            self.clock.sleep(seconds)

    def _answer(self, operation: str, request: dict[str, Any]) -> Any:
        self.calls.append((operation, json.loads(json.dumps(request)), self.clock()))
        assert len(self.calls) < 500, "the call is sent again and again"
        self.clock.pass_(0.05)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer


def describe(service: Service, until: float = math.inf) -> Any:
    return service.describe([sid(0)], until)


def start(service: Service, until: float = math.inf) -> Any:
    return service.start(sid(0), until)


def stop(service: Service, until: float = math.inf) -> Any:
    return service.stop(sid(0), until)


def fault_of(call: Callable[..., Any], *answers: Any) -> Fault:
    with pytest.raises(Fault) as raised:
        call(FakeClient(*answers).service())
    return raised.value


def test_each_call_is_sent_as_drs_wants_it() -> None:
    client = FakeClient(PAGE, STARTED, STARTED, PAGE)
    service = client.service()
    assert (describe(service), start(service), stop(service)) == ([SERVER], SERVER, SERVER)
    assert service.describe_every(math.inf) == [SERVER]
    assert [call[:2] for call in client.calls] == [
        ("DescribeSourceServers", {"filters": {"sourceServerIDs": [sid(0)]}}),
        ("StartReplication", {"sourceServerID": sid(0)}),
        ("StopReplication", {"sourceServerID": sid(0)}),
        ("DescribeSourceServers", {}),
    ]


def test_all_pages_are_read_also_an_empty_one() -> None:
    pages = [
        {"items": [SERVER], "nextToken": "a"},
        {"items": [], "nextToken": "b"},
        {"items": [{**SERVER, "arn": "x"}]},
    ]
    client = FakeClient(*pages)
    assert len(describe(client.service())) == 2
    assert [call[1].get("nextToken") for call in client.calls] == [None, "a", "b"]
    assert all(call[1]["filters"] == {"sourceServerIDs": [sid(0)]} for call in client.calls)


def test_a_page_that_repeats_a_token_ends_with_a_fault_and_not_in_a_loop() -> None:
    fault = fault_of(describe, {"items": [SERVER], "nextToken": "a"})
    assert fault.kind == "fatal"
    assert "repeats a page token" in fault.message


def test_a_page_that_fails_for_good_is_a_fault_and_not_a_shorter_answer() -> None:
    assert fault_of(describe, {"items": [SERVER], "nextToken": "a"}, ERROR_500).code == "InternalServerException"


LOST = [
    ReadTimeoutError(endpoint_url=URL),
    ConnectTimeoutError(endpoint_url=URL),
    EndpointConnectionError(endpoint_url=URL),
    ConnectionClosedError(endpoint_url=URL),
    SSLError(endpoint_url=URL, error="handshake"),
]
GARBAGE: list[Any] = [AttributeError("'list' object has no attribute 'get'"), KeyError("x"), None, [], "text", {}]


@pytest.mark.parametrize("answer", [THROTTLED, ERROR_500, *LOST, *GARBAGE, error("503", 503)], ids=repr)
def test_a_describe_is_sent_again_after_throttling_and_where_there_was_no_answer(answer: Any) -> None:
    client = FakeClient(answer, answer, PAGE)
    assert describe(client.service()) == [SERVER]
    assert len(client.calls) == 3


@pytest.mark.parametrize("answer", [ERROR_500, *LOST, *GARBAGE, error("503", 503)], ids=repr)
def test_a_describe_without_an_answer_is_given_up_after_the_attempts(answer: Any) -> None:
    client = FakeClient(answer)
    with pytest.raises(Fault) as raised:
        describe(client.service())
    assert len(client.calls) == ATTEMPTS
    assert raised.value.kind == "unanswered"
    assert client.clock.slept == sorted(client.clock.slept), "back-off grows"


@pytest.mark.parametrize("call", [start, stop])
def test_a_throttled_write_is_sent_again_as_it_is(call: Callable[..., Any]) -> None:
    client = FakeClient(THROTTLED, THROTTLED, THROTTLED, STARTED)
    assert call(client.service()) == SERVER
    assert len(client.calls) == 4
    assert len({json.dumps(sent[1]) for sent in client.calls}) == 1


@pytest.mark.parametrize("call", [start, stop])
@pytest.mark.parametrize(
    "answer",
    [ERROR_500, *LOST, *GARBAGE, error("503", 503), error("ConflictException", 409), DENIED],
    ids=repr,
)
def test_any_other_write_is_sent_once(call: Callable[..., Any], answer: Any) -> None:
    client = FakeClient(answer)
    with pytest.raises(Fault):
        call(client.service())
    assert len(client.calls) == 1


@pytest.mark.parametrize("call", [describe, start, stop])
def test_throttling_without_end_is_given_up(call: Callable[..., Any]) -> None:
    client = FakeClient(THROTTLED)
    begin = client.clock()
    with pytest.raises(Fault) as raised:
        call(client.service())
    assert raised.value.kind == "throttled"
    assert client.clock() - begin < 60


@pytest.mark.parametrize("attempts", [1, 2, 4])
@pytest.mark.parametrize(("call", "answer"), [(describe, THROTTLED), (describe, ERROR_500), (start, THROTTLED)])
def test_the_attempts_of_the_user_win_over_ours(call: Callable[..., Any], answer: Any, attempts: int) -> None:
    client = FakeClient(answer)
    with pytest.raises(Fault):
        call(client.service(attempts))
    assert len(client.calls) == attempts


def test_a_start_that_is_throttled_once_long_after_the_last_one_is_sent_again() -> None:
    client = FakeClient(THROTTLED, STARTED)
    service = client.service()
    start(service)
    client.clock.pass_(60)
    client.then(THROTTLED, STARTED)
    assert start(service) == SERVER


@pytest.mark.parametrize("answer", [THROTTLED, ERROR_500, error("ThrottlingException", 429, retry_after="7")], ids=str)
def test_no_attempt_of_a_describe_begins_after_the_deadline(answer: Any) -> None:
    client = FakeClient(answer)
    until = client.clock() + 5
    with pytest.raises(Fault):
        describe(client.service(), until)
    assert all(at < until for _operation, _request, at in client.calls)
    assert client.clock() <= until + 0.05


def test_no_start_is_sent_after_the_deadline_where_the_pace_is_slow() -> None:
    client = FakeClient(THROTTLED)
    service = client.service()
    for seconds in (3.33, 0.01):
        until, sent = client.clock() + seconds, len(client.calls)
        with pytest.raises(Fault):
            start(service, until)
        assert [at - until for _operation, _request, at in client.calls[sent:] if at >= until] == []


def test_an_attempt_begins_even_where_the_deadline_has_come() -> None:
    client = FakeClient(PAGE)
    assert describe(client.service(), client.clock()) == [SERVER]


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerException"])
def test_a_describe_waits_as_long_as_the_answer_says(code: str) -> None:
    client = FakeClient(error(code, 429 if code == "ThrottlingException" else 500, retry_after="7"), PAGE)
    describe(client.service())
    first, second = (at for _operation, _request, at in client.calls)
    assert second - first == pytest.approx(7.05)


@pytest.mark.parametrize(("answers", "seconds"), [([], 7.05), ([STARTED], 0.2)], ids=["alone", "others pass"])
def test_a_throttled_start_waits_as_long_as_the_answer_says_unless_others_pass(
    answers: list[Any], seconds: float
) -> None:
    client = FakeClient(*answers, error("ThrottlingException", 429, retry_after="7"), STARTED)
    service = client.service()
    for _server in [*answers, "the throttled one"]:
        start(service)
    *_others, first, second = (at for _operation, _request, at in client.calls)
    assert second - first == pytest.approx(seconds, abs=0.15)


@pytest.mark.parametrize("text", ["-1", "0", "soon", "", "nan", "inf", "1e9", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_strange_retry_after_neither_hangs_nor_breaks_the_call(text: str) -> None:
    client = FakeClient(error("InternalServerException", 500, retry_after=text), PAGE)
    begin = client.clock()
    assert describe(client.service()) == [SERVER]
    assert client.clock() - begin < 30


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (THROTTLED, "throttled"),
        (error("Throttling", 400), "throttled"),
        (error("TooManyRequestsException", 429), "throttled"),
        (error("429", 429), "throttled"),
        (ERROR_500, "unanswered"),
        (error("ServiceUnavailable", 503), "unanswered"),
        (error("502", 502), "unanswered"),
        (error("ConflictException", 409), "conflict"),
        (error("ResourceNotFoundException", 404), "refused"),
        (error("ValidationException", 400), "refused"),
        (error("NotImplemented", 501), "refused"),
        (DENIED, "refused"),
        (error("UninitializedAccountException", 400), "fatal"),
        (error("ExpiredTokenException", 403), "fatal"),
        (error("UnrecognizedClientException", 403), "fatal"),
        (error("InvalidSignatureException", 403), "fatal"),
        (error("MissingAuthenticationTokenException", 403), "fatal"),
        (error("401", 401), "fatal"),
        (NoCredentialsError(), "fatal"),
        (PartialCredentialsError(provider="env", cred_var="secret_key"), "fatal"),
    ],
    ids=str,
)
def test_each_failed_start_has_its_kind(answer: Any, kind: str) -> None:
    assert fault_of(start, answer).kind == kind


@pytest.mark.parametrize(
    "answer",
    [
        DENIED,
        error("ValidationException", 400),
        error("ResourceNotFoundException", 404),
        error("ConflictException", 409),
    ],
    ids=str,
)
def test_a_describe_that_is_refused_ends_the_run(answer: Any) -> None:
    assert fault_of(describe, answer).kind == "fatal"


@pytest.mark.parametrize(
    ("call", "action"),
    [(describe, "DescribeSourceServers"), (start, "StartReplication"), (stop, "StopReplication")],
)
def test_a_denial_names_the_iam_action_and_the_region(call: Callable[..., Any], action: str) -> None:
    fault = fault_of(call, DENIED)
    assert f"drs:{action}" in fault.message
    assert REGION in fault.message
    assert fault.code == "AccessDeniedException"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (error("UninitializedAccountException", 400), ["aws drs initialize-service", REGION]),
        (error("ExpiredTokenException", 403, "The token is expired"), ["credentials", "The token is expired", REGION]),
        (error("ConflictException", 409, "a quota"), ["ConflictException", "a quota", "StartReplication"]),
        (error("503", 503, ""), ["503", "no message"]),
        (ReadTimeoutError(endpoint_url=URL), ["No answer to StartReplication", REGION, URL]),
        (NoCredentialsError(), ["No AWS credentials"]),
        (PartialCredentialsError(provider="env", cred_var="secret_key"), ["secret_key"]),
        ({}, ["is not one of DRS", "StartReplication", REGION]),
    ],
    ids=str,
)
def test_each_message_says_what_helps(answer: Any, told: list[str]) -> None:
    message = fault_of(start, answer).message
    assert [text for text in told if text not in message] == []
    assert "\n" not in message
    assert "Traceback" not in message


def test_a_code_that_is_only_the_status_is_no_code() -> None:
    assert fault_of(start, error("503", 503)).code is None
    assert fault_of(start, ReadTimeoutError(endpoint_url=URL)).code is None


@pytest.mark.parametrize("end", ["\n\n", "\n", "\r\n"])
def test_what_aws_says_after_its_first_line_is_never_told(end: str) -> None:
    text = f"The request signature does not match.{end}The Canonical String was{end}x-amz-security-token:SECRET"
    for call in (describe, start, stop):
        message = fault_of(call, error("InvalidSignatureException", 403, text)).message
        assert "does not match" in message
        assert "SECRET" not in message
        assert "\r" not in message


def test_a_long_text_of_aws_is_cut() -> None:
    assert len(fault_of(start, error("ConflictException", 409, "x" * 5000)).message) < 500


def with_answer(status: int, body: bytes, **headers: str) -> tuple[Service, FakeClock, list[AWSRequest]]:
    """A service over the client that C(connect) makes, to which every request is answered like this."""
    client = connected()._client
    sent, clock = answer_all(client, status, body, **headers), FakeClock()
    return Service(client, 2, sleep=clock.sleep, clock=clock), clock, sent


def answer_all(client: Any, status: int, body: bytes, **headers: str) -> list[AWSRequest]:
    class Raw(io.BytesIO):
        def stream(self, **_options: Any) -> Iterator[bytes]:
            yield self.read()

    sent: list[AWSRequest] = []

    def answer(request: AWSRequest, **_event: Any) -> AWSResponse:
        sent.append(request)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return AWSResponse(request.url, status, named, Raw(body))

    client.meta.events.register("before-send.drs", answer)
    return sent


@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>Sign in</body></html>",
        b"",
        b"null",
        b"[]",
        b"7",
        b'"text"',
        b"{}",
        b'{"items": null}',
        b'{"items": {}}',
        b'{"items": ""}',
        b'{"items": [null]}',
        b'{"items": [{}]}',
        b'{"items": "text"}',
        b'{"items": [{"sourceServerID": 7}]}',
        b'{"items": [], "nextToken": 7}',
        b'{"sourceServer": null}',
        b'{"sourceServer": {}}',
        b'{"sourceServer": []}',
        b'{"items": [{"sourceServerID": ',
    ],
)
@pytest.mark.parametrize("call", [describe, start, stop])
def test_an_answer_that_is_not_one_of_drs_is_a_failed_call_and_never_no_server(
    call: Callable[..., Any], body: bytes
) -> None:
    service, _clock, sent = with_answer(200, body)
    with pytest.raises(Fault) as raised:
        call(service)
    assert raised.value.kind == "unanswered"
    assert "is not one of DRS" in raised.value.message
    assert len(sent) == (2 if call is describe else 1)


def test_botocore_reads_a_server_as_drs_sends_it() -> None:
    body = json.dumps({"items": [{**SERVER, "tags": {"aws:x": "b"}}], "nextToken": ""}).encode()
    service, _clock, sent = with_answer(200, body)
    assert describe(service) == [{**SERVER, "tags": {"aws:x": "b"}}]
    assert json.loads(sent[0].body) == {"filters": {"sourceServerIDs": [sid(0)]}}


@pytest.mark.parametrize(
    ("status", "error_type", "kind"),
    [
        (429, "ThrottlingException", "throttled"),
        (500, "InternalServerException", "unanswered"),
        (409, "ConflictException", "conflict"),
        (404, "ResourceNotFoundException", "refused"),
        (400, "UninitializedAccountException", "fatal"),
        (403, "ExpiredTokenException", "fatal"),
    ],
)
def test_botocore_reads_an_error_as_drs_sends_it(status: int, error_type: str, kind: str) -> None:
    service, clock, _sent = with_answer(
        status, b'{"message": "so says AWS"}', x_amzn_ErrorType=f"{error_type}:http://x/", retry_after="7"
    )
    with pytest.raises(Fault) as raised:
        start(service)
    assert (raised.value.kind, raised.value.code) == (kind, error_type)
    assert raised.value.retry_after == 7
    assert kind != "throttled" or clock.slept[0] == 7


@pytest.mark.parametrize("status", [403, 500, 502, 503])
def test_an_html_error_page_is_told_by_its_status(status: int) -> None:
    service, _clock, _sent = with_answer(status, b"<html>\n<h1>Bad gateway</h1></html>")
    with pytest.raises(Fault) as raised:
        start(service)
    assert str(status) in raised.value.message
    assert "\n" not in raised.value.message


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the machine's own AWS settings is seen; there are two profiles."""
    for name in ("AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    config = tmp_path / "config"
    config.write_text(
        "[profile patient]\nmax_attempts = 9\nregion = eu-north-1\n[profile modern]\nretry_mode = standard\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


RETRY_SETTINGS: list[tuple[dict[str, Any], dict[str, str], str | None, int | None]] = [
    ({}, {}, None, None),
    ({"total_max_attempts": 2}, {}, None, 2),
    ({"max_attempts": 2}, {}, None, 3),
    ({"max_attempts": 0}, {}, None, 1),
    ({"mode": "legacy"}, {}, None, 5),
    ({"mode": "standard"}, {}, None, 3),
    ({"mode": "adaptive"}, {}, None, 3),
    ({"mode": "standard", "total_max_attempts": 8}, {}, None, 8),
    ({}, {"AWS_MAX_ATTEMPTS": "4"}, None, 4),
    ({}, {"AWS_RETRY_MODE": "standard"}, None, 3),
    ({}, {"AWS_RETRY_MODE": "standard", "AWS_MAX_ATTEMPTS": "7"}, None, 7),
    ({}, {}, "patient", 9),
    ({}, {}, "modern", 3),
    ({}, {"AWS_MAX_ATTEMPTS": "4"}, "patient", 4),
    ({"total_max_attempts": 2}, {"AWS_MAX_ATTEMPTS": "4"}, "patient", 2),
    ({"mode": "standard"}, {"AWS_MAX_ATTEMPTS": "4"}, None, 4),
    ({"mode": "legacy"}, {}, "modern", 5),
]


@pytest.mark.parametrize(("retries", "environment", "profile", "attempts"), RETRY_SETTINGS)
def test_the_retry_settings_of_the_user_are_found_as_botocore_finds_them(
    retries: dict[str, Any],
    environment: dict[str, str],
    profile: str | None,
    attempts: int | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert _attempts(retries, Session(profile=profile)) == attempts


OPTIONS: dict[str, Any] = {
    "region": REGION,
    "access_key": "AKIAIOSFODNN7EXAMPLE",
    "secret_key": "example",
    "session_token": None,
    "profile": None,
    "endpoint_url": None,
    "validate_certs": True,
    "aws_ca_bundle": None,
    "aws_config": None,
}


def connected(**options: Any) -> Service:
    return connect(SimpleNamespace(params=OPTIONS | options))  # type: ignore[arg-type]


def config_of(service: Service) -> Any:
    return service._client.meta.config


def test_a_service_is_connected_to_its_region_without_a_call() -> None:
    service = connected()
    assert (service.region, service.attempts) == (REGION, ATTEMPTS)


def test_the_user_agent_names_this_collection_and_its_version() -> None:
    assert f"disaster_recovery.aws/{VERSION}" in config_of(connected()).user_agent.replace(" ", "/")


def test_a_call_may_not_hang_for_longer_than_the_overrun_that_is_promised() -> None:
    config = config_of(connected())
    assert config.connect_timeout + config.read_timeout < 30


def test_the_settings_of_the_user_win_over_ours() -> None:
    config = config_of(connected(aws_config={"read_timeout": 3, "max_pool_connections": 2, "user_agent_extra": "me"}))
    assert (config.read_timeout, config.max_pool_connections) == (3, 2)
    assert config.connect_timeout < 30
    assert "me" in config.user_agent_extra


@pytest.mark.parametrize(
    "retries",
    [None, {"max_attempts": 3}, {"total_max_attempts": 3}, {"mode": "standard"}, {"mode": "legacy"}],
    ids=str,
)
def test_botocore_itself_never_sends_a_start_again(
    retries: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "5")
    service = connected(aws_config={"retries": retries} if retries else None)
    sent = answer_all(service._client, 500, b"{}", x_amzn_ErrorType="InternalServerException")
    with pytest.raises(Fault):
        start(service)
    assert len(sent) == 1


@pytest.mark.parametrize(("retries", "attempts"), [({"max_attempts": 3}, 4), ({"total_max_attempts": 3}, 3)])
def test_the_retry_settings_of_aws_config_reach_the_service(retries: dict[str, int], attempts: int) -> None:
    assert connected(aws_config={"retries": retries}).attempts == attempts


def test_the_profile_gives_region_and_attempts() -> None:
    service = connected(profile="patient", region=None, access_key=None, secret_key=None)
    assert (service.region, service.attempts) == ("eu-north-1", 9)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"region": None}, "No AWS region"),
        ({"profile": "nobody", "access_key": None, "secret_key": None}, "nobody"),
        ({"profile": "nobody", "region": None, "access_key": None, "secret_key": None}, "nobody"),
        ({"aws_config": {"no_such_option": 1}}, "no_such_option"),
        ({"aws_config": {"retries": {"mode": "often"}}}, "often"),
        ({"aws_config": {"retries": {"max_attempts": -1}}}, "-1"),
        ({"aws_config": {"retries": "often"}}, "aws_config"),
        ({"endpoint_url": "no url"}, "no url"),
        ({"region": "not a region"}, "not a region"),
    ],
    ids=str,
)
def test_options_that_no_client_can_be_made_of_are_one_clear_sentence(options: dict[str, Any], told: str) -> None:
    with pytest.raises(Fault) as raised:
        connected(**options)
    assert raised.value.kind == "fatal"
    assert told in raised.value.message
    assert "\n" not in raised.value.message


def test_bad_settings_of_the_environment_are_one_clear_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "many")
    with pytest.raises(Fault, match="many"):
        connected()


def test_without_credentials_the_first_call_says_so() -> None:
    service = connected(access_key=None, secret_key=None)
    with pytest.raises(Fault, match="No AWS credentials"):
        describe(service)
