# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls to DRS, over a scripted client and over botocore's own parser."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api import calls as api_module
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.calls import DrsApi, batches
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.errors import DrsError
from ansible_collections.disaster_recovery.aws.tests.unit.canned_response import CannedResponse
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import REGION, FakeClock, sid
from ansible_collections.disaster_recovery.aws.tests.unit.ids import short_id
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.model import ServiceModel, StructureShape

Result = TypeVar("Result")

SERVER = {"sourceServerID": sid(0)}
PAGE = {"items": [SERVER]}
STARTED = {"sourceServer": SERVER}
URL = f"https://drs.{REGION}.amazonaws.com"
ATTEMPTS = 6
"""Calls without an answer, where the user set nothing."""


class Failing:
    """An error answer, whichever operation gets it."""

    def __init__(self, code: str, status: int, message: str = "so says AWS", **headers: str) -> None:
        self.code, self.status, self.message = code, status, message
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def __repr__(self) -> str:
        return f"{self.status} {self.code}"

    def for_operation(self, operation: str) -> ClientError:
        answer = {
            "Error": {"Code": self.code, "Message": self.message},
            "ResponseMetadata": {"HTTPStatusCode": self.status, "HTTPHeaders": self.headers},
        }
        return ClientError(answer, operation)  # type: ignore[arg-type]


THROTTLED = Failing("ThrottlingException", 429)
ERROR_500 = Failing("InternalServerException", 500)
CONFLICT = Failing("ConflictException", 409)
DENIED = Failing("AccessDeniedException", 403, "User: arn:aws:iam::1:user/a is not authorized")


class FakeClient:
    """A client that gives the answers in turn, and the last one for ever, each after a twentieth of a second."""

    def __init__(self, *answers: Any) -> None:
        self.handlers: dict[str, Callable[..., None]] = {}
        self.meta = SimpleNamespace(region_name=REGION, events=SimpleNamespace(register=self.handlers.__setitem__))
        self.clock = FakeClock()
        self.calls: list[tuple[str, dict[str, Any], float]] = []
        self._answers = list(answers)

    def describe_source_servers(self, **request: Any) -> Any:
        return self._answer("DescribeSourceServers", request)

    def describe_recovery_snapshots(self, **request: Any) -> Any:
        return self._answer("DescribeRecoverySnapshots", request)

    def start_replication(self, **request: Any) -> Any:
        return self._answer("StartReplication", request)

    def stop_replication(self, **request: Any) -> Any:
        return self._answer("StopReplication", request)

    def then(self, *answers: Any) -> None:
        self._answers = list(answers)

    def api(self, attempts: int | None = None, seconds: float = math.inf) -> DrsApi:
        """seconds: until the deadline."""
        until = self.clock() + seconds
        return DrsApi(self, until, attempts, self.sleep, self.clock)  # type: ignore[arg-type]

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0, "time.sleep refuses a negative pause"
        if seconds:
            self.clock.sleep(seconds)

    @property
    def times(self) -> list[float]:
        """When the calls were sent, in seconds from the first."""
        return [at - self.calls[0][2] for _operation, _request, at in self.calls]

    def _answer(self, operation: str, request: dict[str, Any]) -> Any:
        self.calls.append((operation, json.loads(json.dumps(request)), self.clock()))
        assert len(self.calls) < 3000, "the call is sent again and again"
        self.clock.pass_(0.05)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Failing):
            raise answer.for_operation(operation)
        if isinstance(answer, BaseException):
            raise answer
        return answer


def describe(api: DrsApi) -> Any:
    return api.describe([sid(0)])


def describe_all(api: DrsApi) -> Any:
    return api.describe_all()


def snapshots(api: DrsApi) -> Any:
    return list(api.recovery_snapshots(sid(0)))


def start(api: DrsApi) -> Any:
    return api.send("start", sid(0))


def stop(api: DrsApi) -> Any:
    return api.send("stop", sid(0))


LISTS = [describe, describe_all]
READS = [*LISTS, snapshots]
WRITES = [start, stop]
OPERATION_OF: dict[Call, str] = {
    **dict.fromkeys(LISTS, "DescribeSourceServers"),
    snapshots: "DescribeRecoverySnapshots",
    start: "StartReplication",
    stop: "StopReplication",
}
Call = Callable[[DrsApi], Any]


def error_of(call: Call, api: DrsApi) -> DrsError:
    with pytest.raises(DrsError) as raised:
        call(api)
    return raised.value


def test_each_call_is_sent_as_drs_wants_it() -> None:
    client = FakeClient(PAGE, STARTED, STARTED, PAGE)
    api = client.api()
    assert (describe(api), start(api), stop(api), describe_all(api)) == ([SERVER], SERVER, SERVER, [SERVER])
    assert [call[:2] for call in client.calls] == [
        ("DescribeSourceServers", {"filters": {"sourceServerIDs": [sid(0)]}}),
        ("StartReplication", {"sourceServerID": sid(0)}),
        ("StopReplication", {"sourceServerID": sid(0)}),
        ("DescribeSourceServers", {}),
    ]


def test_snapshots_are_asked_for_the_newest_first_and_only_as_they_are_used() -> None:
    client = FakeClient({"items": [SERVER, SERVER], "nextToken": "a"}, PAGE)
    found = client.api().recovery_snapshots(sid(0))
    assert client.calls == []
    assert (next(found), next(found)) == (SERVER, SERVER)
    assert len(client.calls) == 1
    assert list(found) == [SERVER]
    first = {"sourceServerID": sid(0), "order": "DESC", "maxResults": 10}
    assert [call[:2] for call in client.calls] == [
        ("DescribeRecoverySnapshots", first),
        ("DescribeRecoverySnapshots", {**first, "nextToken": "a"}),
    ]


def test_snapshots_of_another_server_are_no_answer() -> None:
    error = error_of(snapshots, FakeClient({"items": [SERVER, {"sourceServerID": sid(1)}]}).api())
    assert (error.kind, error.code) == ("unanswered", None)


def test_the_region_is_that_of_the_client_and_there_is_no_deadline_by_itself() -> None:
    api = DrsApi(FakeClient(PAGE))  # type: ignore[arg-type]
    assert (api.region, api.until, api.attempts) == (REGION, math.inf, ATTEMPTS)


@pytest.mark.parametrize(
    ("number", "sizes"), [(0, []), (1, [1]), (200, [200]), (201, [200, 1]), (500, [200, 200, 100])]
)
def test_as_many_ids_are_asked_for_at_a_time_as_the_model_allows(
    number: int, sizes: list[int], drs_model: ServiceModel
) -> None:
    client = FakeClient({"items": []})
    ids = [sid(each) for each in range(number)]
    assert client.api().describe(ids) == []
    asked = [request["filters"]["sourceServerIDs"] for _operation, request, _at in client.calls]
    assert [len(part) for part in asked] == sizes
    assert [each for part in asked for each in part] == ids
    assert [list(batch) for batch in batches(ids)] == asked
    filters = drs_model.shape_for("DescribeSourceServersRequestFilters")
    assert isinstance(filters, StructureShape)
    assert max([*sizes, 200]) == filters.members["sourceServerIDs"].metadata["max"]


@pytest.mark.parametrize("call", LISTS)
def test_all_pages_are_read_an_empty_one_in_between_too(call: Call) -> None:
    pages = [
        {"items": [SERVER], "nextToken": "a"},
        {"items": [], "nextToken": "b"},
        {"items": [{"sourceServerID": sid(1)}], "nextToken": ""},
    ]
    client = FakeClient(*pages)
    assert [server["sourceServerID"] for server in call(client.api())] == [sid(0), sid(1)]
    assert [request.get("nextToken") for _operation, request, _at in client.calls] == [None, "a", "b"]
    assert len({json.dumps(request.get("filters")) for _operation, request, _at in client.calls}) == 1


@pytest.mark.parametrize("tokens", [["a"], ["a", "b", "a"]])
def test_a_repeated_page_token_ends_the_run_and_not_in_a_loop(tokens: list[str]) -> None:
    client = FakeClient(*[{"items": [SERVER], "nextToken": token} for token in tokens])
    error = error_of(describe, client.api())
    assert (error.kind, error.code) == ("fatal", None)
    assert "endless" in error.message
    assert len(client.calls) == max(2, len(tokens))


def test_pages_with_ever_new_tokens_end_after_a_thousand() -> None:
    client = FakeClient(*[{"items": [], "nextToken": str(number)} for number in range(1001)])
    assert "endless" in error_of(describe_all, client.api()).message
    assert len(client.calls) == 1000


def test_a_thousand_pages_are_read() -> None:
    client = FakeClient(*[{"items": [SERVER], "nextToken": str(number)} for number in range(999)], PAGE)
    assert len(describe_all(client.api())) == 1000


def test_endless_pages_end_10_seconds_after_the_deadline() -> None:
    client = FakeClient(*[{"items": [], "nextToken": str(number)} for number in range(1001)])
    assert error_of(describe_all, client.api(seconds=3)).kind == "not_sent"
    assert client.times[-1] < 13


def test_a_page_that_fails_for_good_is_an_error_and_not_a_shorter_answer() -> None:
    client = FakeClient({"items": [SERVER], "nextToken": "a"}, ERROR_500)
    assert error_of(describe, client.api()).code == "InternalServerException"


LOST = [
    ReadTimeoutError(endpoint_url=URL),
    ConnectTimeoutError(endpoint_url=URL),
    EndpointConnectionError(endpoint_url=URL),
    ConnectionClosedError(endpoint_url=URL),
    SSLError(endpoint_url=URL, error=OSError("handshake")),
]
GARBAGE: list[Any] = [
    AttributeError("'list' object has no attribute 'get'"),
    KeyError("x"),
    RecursionError("maximum recursion depth exceeded"),
    None,
    [],
    "text",
    {},
]
UNANSWERED = [ERROR_500, Failing("503", 503), *LOST, *GARBAGE]


@pytest.mark.parametrize("call", READS)
def test_a_read_is_sent_again_after_throttling_and_where_there_was_no_answer(call: Call) -> None:
    for answer in [THROTTLED, *UNANSWERED]:
        client = FakeClient(answer, answer, PAGE)
        assert (call(client.api()), len(client.calls)) == ([SERVER], 3), answer


def test_a_read_without_an_answer_is_given_up_after_six_attempts() -> None:
    for answer in UNANSWERED:
        client = FakeClient(answer)
        assert (error_of(describe, client.api()).kind, len(client.calls)) == ("unanswered", ATTEMPTS), answer


@pytest.mark.parametrize("answer", [DENIED, CONFLICT, Failing("ValidationException", 400), Failing("401", 401)])
@pytest.mark.parametrize("call", LISTS)
def test_a_list_that_is_refused_is_fatal_and_sent_once(call: Call, answer: Failing) -> None:
    client = FakeClient(answer)
    assert error_of(call, client.api()).kind == "fatal"
    assert len(client.calls) == 1


@pytest.mark.parametrize("answers", [[THROTTLED] * 3 + [ERROR_500] * 5, [ERROR_500] * 5 + [THROTTLED] * 20])
def test_each_kind_of_error_has_its_own_count(answers: list[Failing]) -> None:
    client = FakeClient(*answers, PAGE)
    assert describe(client.api()) == [SERVER]
    assert len(client.calls) == len(answers) + 1


def test_the_counts_start_over_with_each_page() -> None:
    page = {"items": [SERVER], "nextToken": "a"}
    client = FakeClient(*[ERROR_500] * 5, page, *[ERROR_500] * 5, PAGE)
    assert describe(client.api()) == [SERVER, SERVER]


@pytest.mark.parametrize("call", WRITES)
def test_a_throttled_write_is_sent_again_as_it_is(call: Call) -> None:
    client = FakeClient(*[THROTTLED] * 12, STARTED)
    assert call(client.api()) == SERVER
    assert len(client.calls) == 13
    assert len({json.dumps(sent[:2]) for sent in client.calls}) == 1


@pytest.mark.parametrize("call", WRITES)
def test_any_other_write_is_sent_once(call: Call) -> None:
    for answer in [*UNANSWERED, CONFLICT, DENIED]:
        client = FakeClient(answer)
        error_of(call, client.api())
        assert len(client.calls) == 1, answer


OTHERS: list[Any] = [None, {}, [], "text", 7, {"sourceServerID": sid(1)}, {"arn": "x"}]
NO_IDS: list[Any] = [7, "", "s-1", "s-\ud800", f"{sid(1)}\n", "s-\x1b]0;evil\x07\r\nok: [x]", "\u202eabc", "s" * 20_000]
NO_ITEMS: list[Any] = [None, {}, "", "text", 7, [None], [[]], ["text"], [{}], [7]]
NO_ITEMS += [[SERVER, {"sourceServerID": no_id}] for no_id in NO_IDS]
NO_TOKENS: list[Any] = [7, True, [], {}, 0, False]
NO_PAGES: list[Any] = [None, [], "text", *({"items": items} for items in NO_ITEMS)]
NO_PAGES += [{**PAGE, "nextToken": token} for token in NO_TOKENS]


def assert_not_from_drs(call: Call, api: DrsApi, answer: object) -> None:
    error = error_of(call, api)
    assert (error.kind, error.code) == ("unanswered", None), short_id(answer)
    assert f"{OPERATION_OF[call]} in {REGION}" in error.message, short_id(answer)
    assert "not from DRS" in error.message, short_id(answer)


@pytest.mark.parametrize("call", WRITES)
def test_a_write_that_is_answered_with_another_server_counts_as_unanswered(call: Call) -> None:
    for server in OTHERS:
        assert_not_from_drs(call, FakeClient({"sourceServer": server}).api(), server)


@pytest.mark.parametrize("call", READS)
def test_a_page_of_a_wrong_shape_counts_as_unanswered_and_never_as_no_server(call: Call) -> None:
    for page in NO_PAGES:
        assert_not_from_drs(call, FakeClient(page).api(), page)


@pytest.mark.parametrize("call", [describe, start, stop])
def test_throttling_without_end_is_given_up(call: Call) -> None:
    client = FakeClient(THROTTLED)
    assert error_of(call, client.api()).kind == "throttled"
    assert 20 < client.times[-1] < 60


@pytest.mark.parametrize("attempts", [1, 2, 4, 9])
@pytest.mark.parametrize(("call", "answer"), [(describe, THROTTLED), (describe, ERROR_500), (start, THROTTLED)])
def test_the_attempts_of_the_user_win_over_ours(call: Call, answer: Failing, attempts: int) -> None:
    client = FakeClient(answer)
    api = client.api(attempts)
    error_of(call, api)
    assert (api.attempts, len(client.calls)) == (attempts, attempts)


def test_the_attempts_of_the_user_count_errors_of_all_kinds_together() -> None:
    client = FakeClient(THROTTLED, ERROR_500, THROTTLED, PAGE)
    assert error_of(describe, client.api(3)).kind == "throttled"
    assert len(client.calls) == 3


def test_attempts_of_the_user_do_not_make_a_write_be_sent_again() -> None:
    client = FakeClient(ERROR_500)
    error_of(start, client.api(9))
    assert len(client.calls) == 1


def test_a_start_that_is_throttled_once_long_after_the_last_one_is_sent_again() -> None:
    client = FakeClient(THROTTLED, STARTED)
    api = client.api()
    start(api)
    client.clock.pass_(60)
    client.then(THROTTLED, STARTED)
    assert start(api) == SERVER


def test_each_operation_has_a_rate_of_its_own() -> None:
    client = FakeClient(*[THROTTLED] * 20, STARTED)
    api = client.api()
    start(api)
    client.then(PAGE)
    before = client.clock()
    describe(api)
    assert client.clock() - before == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("drawn", "pauses"),
    [
        ("high", [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0]),
        ("low", [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]),
    ],
)
def test_the_pause_after_no_answer_doubles_up_to_20_seconds_and_is_drawn_from_its_upper_half(
    drawn: str, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: {"low": low, "high": high}[drawn])
    client = FakeClient(ERROR_500)
    error_of(describe, client.api(9))
    assert client.clock.slept == pytest.approx(pauses)


@pytest.mark.parametrize("answer", [Failing(f"{status}", status, retry_after="7") for status in (429, 500)], ids=repr)
def test_a_read_waits_as_long_as_the_answer_says(answer: Failing) -> None:
    client = FakeClient(answer, PAGE)
    describe(client.api())
    assert client.times[1] == pytest.approx(7.05, abs=0.2)


def test_a_throttled_read_waits_for_the_rate_limit_alone_where_the_answer_says_nothing() -> None:
    client = FakeClient(THROTTLED, PAGE)
    describe(client.api())
    assert client.times[1] == pytest.approx(0.05, abs=0.2)


@pytest.mark.parametrize(("answers", "seconds"), [([], 7.05), ([STARTED], 0.1)], ids=["alone", "others pass"])
def test_a_throttled_start_waits_as_long_as_the_answer_says_unless_others_pass(
    answers: list[Any], seconds: float
) -> None:
    client = FakeClient(*answers, Failing("ThrottlingException", 429, retry_after="7"), STARTED)
    api = client.api()
    for _server in [*answers, "the throttled one"]:
        start(api)
    *_others, first, second = client.times
    assert second - first == pytest.approx(seconds, abs=0.2)


@pytest.mark.parametrize("answer", [THROTTLED, ERROR_500, Failing("429", 429, retry_after="7")], ids=repr)
def test_no_further_attempt_of_a_read_begins_after_the_deadline(answer: Failing) -> None:
    client = FakeClient(answer)
    error = error_of(describe, client.api(seconds=5))
    assert error.kind in ("throttled", "unanswered")
    assert client.times[-1] < 5
    assert sum(client.clock.slept) < 5


@pytest.mark.parametrize("call", WRITES)
@pytest.mark.parametrize(("until", "takes", "sent"), [(50, 49, 1), (50, 50, 0), (1000, 59, 1), (1000, 60, 0)], ids=repr)
def test_a_write_whose_credentials_take_until_the_deadline_or_its_timeout_is_not_sent(
    call: Call, until: int, takes: int, sent: int, drs_client: Any
) -> None:
    answering = CannedResponse(drs_client, 200, json.dumps(STARTED).encode())
    answering.api.until = answering.clock() + until

    def refresh(**_event: Any) -> None:
        answering.clock.pass_(takes)

    drs_client.meta.events.register("before-sign.drs", refresh, unique_id="refresh")
    try:
        if sent:
            assert call(answering.api) == SERVER
        else:
            error = error_of(call, answering.api)
            assert error.kind == "not_sent"
            assert "not sent before the deadline" in error.message
    finally:
        drs_client.meta.events.unregister("before-sign.drs", unique_id="refresh")
    assert len(answering.sent) == sent


def test_a_pause_that_would_reach_the_deadline_is_not_slept() -> None:
    client = FakeClient(Failing("500", 500, retry_after="7"))
    assert error_of(describe, client.api(seconds=7.05)).kind == "unanswered"
    assert (len(client.calls), client.clock.slept) == (1, [])


def test_a_pause_that_ends_before_the_deadline_is_slept() -> None:
    client = FakeClient(Failing("500", 500, retry_after="7"), PAGE)
    assert describe(client.api(seconds=7.06)) == [SERVER]


@pytest.mark.parametrize("call", WRITES)
@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_no_write_is_sent_at_the_deadline(call: Call, seconds: float) -> None:
    client = FakeClient(STARTED)
    error = error_of(call, client.api(seconds=seconds))
    assert (error.kind, error.code, client.calls) == ("not_sent", None, [])
    assert "rate limit" in error.message


def test_a_write_is_sent_before_the_deadline() -> None:
    assert start(FakeClient(STARTED).api(seconds=0.01)) == SERVER


def test_no_write_is_sent_after_the_deadline_where_the_rate_is_low() -> None:
    client = FakeClient(THROTTLED)
    api = client.api(seconds=3.33)
    assert error_of(start, api).kind == "throttled"
    sent = len(client.calls)
    assert error_of(start, api).kind == "not_sent" or client.calls[-1][2] < api.until
    client.clock.at = api.until
    assert error_of(start, api).kind == "not_sent"
    assert [at for _operation, _request, at in client.calls if at >= api.until] == []
    assert sent > 1


def test_a_describe_may_begin_at_the_deadline() -> None:
    client = FakeClient(PAGE)
    assert describe(client.api(seconds=0)) == [SERVER]


@pytest.fixture
def granted(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that each request was granted."""
    seconds: list[float] = []

    def call_within(granted: float, call: Callable[[], Result]) -> Result:
        seconds.append(granted)
        return call()

    monkeypatch.setattr(api_module, "call_within", call_within)
    return seconds


@pytest.mark.parametrize(("left", "seconds"), [(math.inf, 60), (51, 60), (49, 59), (3, 13), (0, 10), (-7, 3)])
def test_a_request_is_granted_a_minute_or_until_10_seconds_after_the_deadline(
    left: float, seconds: float, granted: list[float]
) -> None:
    describe(FakeClient(PAGE).api(seconds=left))
    assert granted == pytest.approx([seconds])


@pytest.mark.parametrize("seconds", [-10, -11])
def test_nothing_at_all_is_sent_10_seconds_after_the_deadline(seconds: float, granted: list[float]) -> None:
    client = FakeClient(PAGE)
    error = error_of(describe, client.api(seconds=seconds))
    assert (error.kind, client.calls, granted) == ("not_sent", [], [])
    assert "deadline" in error.message


def test_a_request_that_hangs_is_an_unanswered_call() -> None:
    release = threading.Event()

    class HangingClient(FakeClient):
        def describe_source_servers(self, **_request: Any) -> Any:
            release.wait(10)
            return PAGE

    error = error_of(describe, HangingClient().api(seconds=-9.95))
    release.set()
    assert (error.kind, error.code) == ("unanswered", None)
    assert "no answer within 0 s" in error.message


NO_JSON = [b"<html><body>Sign in</body></html>", b"", b"\xff\xfe", b'{"items": [{"sourceServerID": ', b"[" * 5000]
NO_ITEM_LISTS = [b"null", b"{}", b'""', b"[null]", b"[{}]", b'"text"', b'[{"sourceServerID": 7}]', b"[" * 5000]
NO_SERVERS = [b"null", b"{}", b"[]", b'{"sourceServerID": "s-00000000000000001"}']
BODIES = [
    *NO_JSON,
    *[b"null", b"[]", b"7", b'"text"', b"{}"],
    *[b'{"items": %b}' % items for items in NO_ITEM_LISTS],
    b'{"items": [], "nextToken": 7}',
    *[b'{"sourceServer": %b}' % server for server in NO_SERVERS],
]
"""Bodies that are no answer of DRS, whichever operation gets them."""


@pytest.mark.parametrize("call", [*READS, *WRITES])
def test_a_response_that_is_not_from_drs_is_never_an_empty_list(call: Call, drs_client: Any) -> None:
    for body in BODIES:
        answering = CannedResponse(drs_client, 200, body)
        assert_not_from_drs(call, answering.api, body)
        assert len(answering.sent) == (2 if call in READS else 1), body


def test_botocore_reads_a_server_as_drs_sends_it(drs_client: Any) -> None:
    body = json.dumps({"items": [{**SERVER, "tags": {"aws:x": "b"}}], "nextToken": ""}).encode()
    answering = CannedResponse(drs_client, 200, body)
    assert describe(answering.api) == [{**SERVER, "tags": {"aws:x": "b"}}]
    assert json.loads(answering.sent[0].body) == {"filters": {"sourceServerIDs": [sid(0)]}}


def test_botocore_reads_no_server_at_all(drs_client: Any) -> None:
    assert describe_all(CannedResponse(drs_client, 200, b'{"items": []}').api) == []


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
def test_botocore_reads_an_error_as_drs_sends_it(status: int, error_type: str, kind: str, drs_client: Any) -> None:
    body = b'{"message": "so says AWS"}'
    answering = CannedResponse(drs_client, status, body, x_amzn_ErrorType=f"{error_type}:http://x/", retry_after="7")
    error = error_of(start, answering.api)
    assert (error.kind, error.code, error.retry_after) == (kind, error_type, 7)
    assert kind != "throttled" or 7 in answering.clock.slept


@pytest.mark.parametrize("status", [300, 403, 500, 502, 503])
@pytest.mark.parametrize("call", [describe, start])
def test_an_html_error_page_is_reported_by_its_status(call: Call, status: int, drs_client: Any) -> None:
    error = error_of(call, CannedResponse(drs_client, status, b"<html>\n<h1>Bad gateway</h1></html>").api)
    assert str(status) in error.message
    assert "\n" not in error.message
    assert error.code is None


def test_after_20_unanswered_calls_in_a_row_an_operation_is_called_once_a_minute() -> None:
    client = FakeClient(ERROR_500)
    api = client.api()
    errors = [error_of(start, api) for _call in range(30)]
    assert [error.kind for error in errors] == ["unanswered"] * 20 + ["not_tried"] * 10
    assert str(errors[-1]) == "not tried: 20 calls in a row were not answered"
    client.clock.pass_(60)
    assert [error_of(start, api).kind for _call in range(3)] == ["unanswered", "not_tried", "not_tried"]
    assert len(client.calls) == 21
    client.clock.pass_(60)
    client.then(STARTED)
    assert [start(api), start(api)] == [SERVER, SERVER]


def test_every_attempt_of_a_read_counts_and_an_open_breaker_ends_its_attempts() -> None:
    client = FakeClient(ERROR_500)
    api = client.api()
    kinds = [error_of(describe, api).kind for _call in range(5)]
    assert (kinds, len(client.calls)) == (["unanswered"] * 4 + ["not_tried"], 20)


def test_an_operation_that_is_answered_says_nothing_of_another() -> None:
    client = FakeClient(ERROR_500)
    api = client.api()
    for _call in range(20):
        error_of(start, api)
    client.then(PAGE)
    describe(api)
    assert error_of(start, api).kind == "not_tried"


@pytest.mark.parametrize("answer", [DENIED, CONFLICT, Failing("ResourceNotFoundException", 404)], ids=repr)
def test_refusals_never_open_the_breaker(answer: Failing) -> None:
    client = FakeClient(answer)
    api = client.api()
    for _call in range(100):
        error_of(start, api)
    assert len(client.calls) == 100


@pytest.mark.parametrize("call", [describe, snapshots, start, stop])
def test_nothing_is_called_after_a_fatal_error(call: Call) -> None:
    client = FakeClient(Failing("ExpiredTokenException", 403))
    api = client.api()
    fatal = error_of(describe, api)
    later = error_of(call, api)
    assert (fatal.kind, later.kind, later.code, later.message) == ("fatal", "not_tried", fatal.code, fatal.message)
    assert len(client.calls) == 1


@pytest.mark.parametrize("late", [0.0, 1.0])
def test_no_snapshot_is_looked_up_after_the_deadline(late: float) -> None:
    client = FakeClient(PAGE)
    api = client.api(seconds=5)
    client.clock.pass_(5 + late)
    assert error_of(snapshots, api).kind == "not_sent"
    assert not client.calls
