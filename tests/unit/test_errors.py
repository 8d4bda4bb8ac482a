# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ssl
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.answers import DENIALS
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.calls import CALL_TYPES
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.errors import (
    IDENTITY_CODES,
    KINDS,
    DrsError,
    ErrorKind,
    from_exception,
    kind_of,
    unreadable,
)
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import REGION
from ansible_collections.disaster_recovery.aws.tests.unit.ids import short_id
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.model import OperationModel, ServiceModel
from hypothesis import given, settings
from hypothesis import strategies as st
from urllib3.exceptions import ProxyError
from urllib3.exceptions import SSLError as URLLib3SSLError

try:
    from urllib3.util.ssl_match_hostname import CertificateError
except ImportError:  # urllib3 1.26
    from urllib3.packages.ssl_match_hostname import CertificateError  # type: ignore[import-not-found,no-redef]

DESCRIBE, START, STOP = "DescribeSourceServers", "StartReplication", "StopReplication"
OPERATIONS = (DESCRIBE, START, STOP)
URL = f"https://drs.{REGION}.amazonaws.com"
SECRET = "hunter2Hunter2HUNTER2"


def answer(code: str, status: int, message: str = "so says AWS", operation: str = START, **headers: Any) -> ClientError:
    response = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers},
    }
    return ClientError(response, operation)  # type: ignore[arg-type]


def error_of(exception: Exception, operation: str = START) -> DrsError:
    return from_exception(operation, REGION, exception)


def modelled(operation: OperationModel) -> list[tuple[str, int]]:
    """The codes and the HTTP status of the errors that the model declares for the operation."""
    return [(shape.name, shape.metadata["error"]["httpStatusCode"]) for shape in operation.error_shapes]


def test_every_error_that_drs_declares_has_its_kind(drs_model: ServiceModel) -> None:
    kinds: dict[str, ErrorKind] = {
        "AccessDeniedException": "refused",
        "ConflictException": "conflict",
        "InternalServerException": "unanswered",
        "ResourceNotFoundException": "refused",
        "ServiceQuotaExceededException": "quota",
        "ThrottlingException": "throttled",
        "UninitializedAccountException": "fatal",
        "ValidationException": "refused",
    }
    declared = {pair for name in CALL_TYPES for pair in modelled(drs_model.operation_model(name))}
    found = {code: kind_of(code, status) for code, status in declared}.items()
    assert found <= kinds.items(), "each error that a call declares stands here with the kind that is meant"
    assert {"ThrottlingException", "InternalServerException", "ConflictException"} <= {
        code for code, _status in declared
    }


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("ThrottlingException", 400, "throttled"),
        ("Throttling", 400, "throttled"),
        ("TooManyRequestsException", 400, "throttled"),
        ("RequestLimitExceeded", 503, "throttled"),
        (None, 429, "throttled"),
        ("InternalServerException", 400, "unanswered"),
        ("ServiceUnavailable", 503, "unanswered"),
        (None, 500, "unanswered"),
        (None, 502, "unanswered"),
        (None, 599, "unanswered"),
        (None, 499, "refused"),
        (None, 501, "refused"),
        ("ConflictException", 400, "conflict"),
        (None, 409, "conflict"),
        ("ServiceQuotaExceededException", 402, "quota"),
        ("ValidationException", 400, "refused"),
        ("AccessDeniedException", 403, "refused"),
        (None, 401, "fatal"),
        (None, 400, "refused"),
        (None, 302, "refused"),
        (None, 0, "refused"),
        ("UninitializedAccountException", 400, "fatal"),
        *[(code, 403, "fatal") for code in sorted(IDENTITY_CODES)],
    ],
)
def test_the_code_tells_the_kind_and_else_the_status(code: str | None, status: int, kind: ErrorKind) -> None:
    assert kind_of(code, status) == kind


def test_the_codes_about_the_identity_of_the_caller_are_those_that_every_service_sends() -> None:
    assert {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "OptInRequired",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    } == IDENTITY_CODES


@pytest.mark.parametrize("code", [code for code, kind in KINDS.items() if kind == "fatal"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_error_that_every_call_would_get_is_fatal_for_each_operation(operation: str, code: str) -> None:
    assert error_of(answer(code, 403, operation=operation), operation).kind == "fatal"


@pytest.mark.parametrize(
    ("code", "status"),
    [("AccessDeniedException", 403), ("ValidationException", 400), ("ConflictException", 409), ("404", 404)],
)
@pytest.mark.parametrize(("operation", "is_fatal"), [(DESCRIBE, True), (START, False), (STOP, False)])
def test_only_a_refusal_to_list_the_servers_is_fatal(code: str, status: int, operation: str, is_fatal: bool) -> None:
    assert (error_of(answer(code, status, operation=operation), operation).kind == "fatal") == is_fatal


SSO = f"arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_{'DisasterRecovery' * 4}_0123456789abcdef/ops@example.com"


def denied_to_a_long_role(why: str) -> str:
    """A denial of AWS to a role of IAM Identity Center:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    server = "arn:aws:drs:eu-west-1:111122223333:source-server/s-1234567890abcdef0"
    return f"User: {SSO} is not authorized to perform: drs:StartReplication on resource: {server} {why}"


BY_SCP = denied_to_a_long_role("with an explicit deny in a service control policy")
BY_BOUNDARY = denied_to_a_long_role("because no permissions boundary allows the drs:StartReplication action")
BY_NO_POLICY = denied_to_a_long_role("because no identity-based policy allows the drs:StartReplication action")
SHORT = "User: … is not authorized to perform: drs:StartReplication on resource: …"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            BY_SCP,
            (
                f"a policy denies drs:StartReplication to these credentials in {REGION} (AccessDeniedException: {SHORT}"
                " with an explicit deny in a service control policy)"
            ),
        ),
        (
            BY_BOUNDARY,
            (
                f"these credentials lack drs:StartReplication in {REGION} (AccessDeniedException: {SHORT}"
                " because no permissions boundary allows the drs:StartReplication action)"
            ),
        ),
        (
            BY_NO_POLICY,
            (
                f"these credentials lack drs:StartReplication in {REGION} (AccessDeniedException: {SHORT}"
                " because no identity-based policy allows the drs:StartReplication action)"
            ),
        ),
    ],
    ids=["service control policy", "permissions boundary", "missing identity policy"],
)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_denial_to_a_long_role_keeps_the_clause_that_says_why(operation: str, text: str, message: str) -> None:
    assert len(text) >= 302
    error = error_of(answer("AccessDeniedException", 403, text, operation), operation)
    assert error.message == message
    assert error.error_message == text
    assert error.whole_message == f"{message}; in full: {text}"


@pytest.mark.parametrize("code", sorted(DENIALS))
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("User: a is not authorized to perform: drs:StopReplication", "these credentials lack drs:StopReplication"),
        ("a may not perform: ec2:CreateTags on *", "these credentials lack ec2:CreateTags"),
        ("no: because no session policy allows the drs:X action", "these credentials lack drs:X"),
        ("no: because no service control policy allows the drs:X action", "these credentials lack drs:X"),
        ("to perform: drs:X with an explicit deny in a session policy", "a policy denies drs:X to these credentials"),
        ("to perform: drs:X With An Explicit Deny", "a policy denies drs:X to these credentials"),
        ("with an explicit deny in a policy", "a policy denies drs:{operation} to these credentials"),
        ("Error in Authorization", "these credentials probably lack drs:{operation}"),
        ("User: arn:aws:iam::1:user/a is not authorized", "these credentials probably lack drs:{operation}"),
        ("no message", "these credentials probably lack drs:{operation}"),
    ],
)
def test_a_denial_names_the_action_that_its_text_names_or_else_the_probable_one(
    operation: str, code: str, text: str, said: str
) -> None:
    error = error_of(answer(code, 403, text, operation), operation)
    assert (error.code, error.error_message, error.whole_message) == (code, text, error.message)
    assert error.message == f"{said.format(operation=operation)} in {REGION} ({code}: {text})"


@pytest.mark.parametrize("code", ["UnrecognizedClientException", "OptInRequired"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_region_that_may_not_be_enabled_is_named_beside_the_credentials(operation: str, code: str) -> None:
    assert error_of(answer(code, 403, "The security token is invalid.", operation), operation).message == (
        f"AWS refused the credentials in {REGION}: they are invalid, or {REGION} is not enabled in their account"
        f" ({code}: The security token is invalid)"
    )


@pytest.mark.parametrize(
    ("exception", "whole"),
    [
        (answer("ConflictException", 409, "a quota.\nAnd more."), "a quota.\\nAnd more."),
        (answer("ConflictException", 409, "x" * 4000), "x" * 4000),
        (answer("ConflictException", 409, "x" * 5000), "x" * 4095 + "…"),
        (answer("UninitializedAccountException", 400, "Account is not initialized."), "Account is not initialized."),
        (answer("ConflictException", 409, ""), None),
        (answer("409", 409, "a\nb"), "a"),
        (answer("ExpiredTokenException", 403, "The token.\nIts text"), "The token."),
        (answer("AccessDenied", 403, "No.\nX-Amz-Security-Token: secret"), "No."),
        (answer("ValidationException", 400, "a\nb", operation="AssumeRole"), "a"),
        (answer("A\x1b", 400, "a\x1b"), "a\\x1b"),
        (TimeoutError("no answer"), None),
        (NoCredentialsError(), None),
    ],
    ids=short_id,
)
def test_the_whole_text_of_aws_is_kept_but_only_the_first_line_about_credentials(
    exception: Exception, whole: str | None
) -> None:
    error = error_of(exception)
    assert error.error_message == whole
    assert error.whole_message.startswith(error.message)
    assert (whole or "").rstrip(".") in error.whole_message


def test_the_denials_are_those_that_aws_services_send() -> None:
    assert {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized"} == DENIALS


@pytest.mark.parametrize(
    ("exception", "message"),
    [
        (
            answer("UninitializedAccountException", 400),
            f"initialize-service --region {REGION}",
        ),
        (
            answer("ExpiredTokenException", 403, "The token is expired."),
            "refused the credentials",
        ),
        (answer("401", 401, ""), "refused the credentials"),
        (
            answer("ConflictException", 409, "a quota"),
            f"StartReplication in {REGION} failed (ConflictException: a quota)",
        ),
        (answer("503", 503, ""), f"StartReplication in {REGION} failed (503: no message)"),
        (
            answer("ExpiredTokenException", 400, "no such token", operation="AssumeRoleWithWebIdentity"),
            "AssumeRoleWithWebIdentity failed (ExpiredTokenException: no such token)",
        ),
        (TimeoutError("no answer within 60 s"), "no answer within 60 s"),
        (
            NoCredentialsError(),
            "set access_key and secret_key",
        ),
        (
            PartialCredentialsError(provider="env", cred_var="secret_key"),
            "set access_key and secret_key",
        ),
        (
            CredentialRetrievalError(provider="custom-process", error_msg=SECRET),
            "run your configured credential provider manually",
        ),
        (
            ProxyConnectionError(proxy_url=f"http://me:{SECRET}@proxy.example", error=OSError("refused")),
            "check the proxy settings",
        ),
        (
            HTTPClientError(error=ValueError(f"Invalid header value b'{SECRET}\\n'")),
            "a character not allowed in HTTP",
        ),
        (
            ReadTimeoutError(endpoint_url=URL),
            f'No answer to StartReplication in {REGION}: Read timeout on endpoint URL: "{URL}"',
        ),
        (
            FileNotFoundError(2, "No such file or directory", "/var/token"),
            "No such file or directory: '/var/token'",
        ),
        (BotoCoreError(), "StartReplication cannot be called"),
        (AttributeError("'list' object"), "not from DRS"),
    ],
    ids=short_id,
)
def test_each_message_says_what_failed_or_what_helps(exception: Exception, message: str) -> None:
    error = error_of(exception)
    assert message in error.message
    assert str(error) == error.message


@pytest.mark.parametrize(
    ("exception", "kind"),
    [
        (TimeoutError("no answer within 60 s"), "unanswered"),
        (ReadTimeoutError(endpoint_url=URL), "unanswered"),
        (ConnectTimeoutError(endpoint_url=URL), "unanswered"),
        (EndpointConnectionError(endpoint_url=URL), "unanswered"),
        (ConnectionClosedError(endpoint_url=URL), "unanswered"),
        (SSLError(endpoint_url=URL, error=OSError("handshake")), "unanswered"),
        (HTTPClientError(error=OSError("reset")), "unanswered"),
        (ProxyConnectionError(proxy_url="http://proxy.example"), "fatal"),
        (CredentialRetrievalError(provider="process", error_msg="no"), "fatal"),
        (NoCredentialsError(), "fatal"),
        (PartialCredentialsError(provider="env", cred_var="secret_key"), "fatal"),
        (ParamValidationError(report="too long"), "fatal"),
        (OSError("no file"), "fatal"),
        (answer("ExpiredToken", 403, operation="AssumeRole"), "fatal"),
        (answer("ThrottlingException", 429, operation="AssumeRole"), "fatal"),
        (AttributeError("'list' object"), "unanswered"),
        (KeyError("x"), "unanswered"),
        (ValueError("items is not a list"), "unanswered"),
        (RecursionError("too deep"), "unanswered"),
        (RuntimeError("something else"), "unanswered"),
        (RuntimeError("Credentials were refreshed, but the refreshed credentials are still expired."), "fatal"),
    ],
    ids=short_id,
)
def test_each_exception_has_its_kind_and_none_but_an_answer_has_a_code(exception: Exception, kind: ErrorKind) -> None:
    error = error_of(exception)
    assert error.kind == kind
    assert (error.code is not None) == isinstance(exception, ClientError)
    assert error.retry_after is None


@pytest.mark.parametrize(
    ("cause", "message"),
    [
        (ValueError("header"), "a credential or proxy setting has a character not allowed in HTTP"),
        (
            UnicodeEncodeError("latin-1", "é", 0, 1, "no"),
            "a credential or proxy setting has a character not allowed in HTTP",
        ),
        (TypeError("str"), "check the proxies and time-outs in aws_config"),
        (AttributeError("'str' object has no attribute 'get'"), "check the proxies and time-outs in aws_config"),
        (OverflowError("timestamp too large"), "check the proxies and time-outs in aws_config"),
    ],
    ids=short_id,
)
def test_a_bad_connection_setting_is_fatal_for_a_read_and_leaves_open_whether_a_write_was_applied(
    cause: Exception, message: str
) -> None:
    read = error_of(HTTPClientError(error=cause), "DescribeSourceServers")
    assert (read.kind, read.message) == ("fatal", f"DescribeSourceServers in {REGION} cannot be sent: {message}")
    assert error_of(HTTPClientError(error=cause), "StartReplication").kind == "unanswered"
    assert error_of(HTTPClientError(error=cause), "StopReplication").kind == "unanswered"


def proxy_fault(cause: Exception) -> ProxyConnectionError:
    """As botocore wraps what urllib3 wraps."""
    return ProxyConnectionError(
        proxy_url=f"http://me:{SECRET}@proxy.example", error=ProxyError("Unable to connect to proxy", cause)
    )


FAILED = "the connection through the proxy failed"


@pytest.mark.parametrize(
    ("cause", "first", "later"),
    [
        (ConnectionRefusedError(SECRET), "cannot reach the proxy", FAILED),
        (OSError(-2, "Name or service not known"), "cannot reach the proxy", FAILED),
        (OSError(f"Tunnel connection failed: 407 {SECRET}"), "the proxy answered 407", "the proxy answered 407"),
        (OSError("Tunnel connection failed: 403 Forbidden"), "the proxy answered 403", "the proxy answered 403"),
        (OSError("Tunnel connection failed: 404 "), "the proxy answered 404", "the proxy answered 404"),
    ],
    ids=short_id,
)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_only_a_proxy_that_never_worked_is_a_wrong_setting(
    operation: str, cause: Exception, first: str, later: str
) -> None:
    error = error_of(proxy_fault(cause), operation)
    assert (error.kind, error.message) == (
        "fatal",
        f"{operation} in {REGION} cannot be sent: {first}, check the proxy settings",
    )
    error = from_exception(operation, REGION, proxy_fault(cause), has_answered=True)
    assert (error.kind, error.message) == ("unanswered", f"No answer to {operation} in {REGION}: {later}")


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("has_answered", [False, True])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_proxy_that_answers_that_it_fails_works_even_at_first(
    operation: str, has_answered: bool, status: int
) -> None:
    error = from_exception(
        operation, REGION, proxy_fault(OSError(f"Tunnel connection failed: {status} Busy")), has_answered
    )
    assert (error.kind, error.message) == (
        "unanswered",
        f"No answer to {operation} in {REGION}: the proxy answered {status}",
    )


def tls_fault(cause: Exception) -> SSLError:
    """As botocore wraps what urllib3 wraps."""
    return SSLError(endpoint_url=URL, error=URLLib3SSLError(cause))


@pytest.mark.parametrize(
    ("cause", "kind", "text"),
    [
        (ssl.SSLCertVerificationError(1, "certificate verify failed"), "fatal", "certificate verify failed"),
        (CertificateError("hostname 'a' doesn't match 'b'"), "fatal", "hostname 'a' doesn't match 'b'"),
        (FileNotFoundError(2, "No such file or directory"), "fatal", "cannot read the CA bundle"),
        (IsADirectoryError(21, "Is a directory"), "fatal", "cannot read the CA bundle"),
        (PermissionError(13, "Permission denied"), "fatal", "cannot read the CA bundle"),
        (ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), "unanswered", "EOF occurred"),
        (ssl.SSLError(1, "wrong version number"), "unanswered", "wrong version number"),
        (ConnectionResetError(104, "reset by peer"), "unanswered", "reset by peer"),
        (TimeoutError("handshake timed out"), "unanswered", "handshake timed out"),
    ],
    ids=short_id,
)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_certificate_that_is_not_trusted_is_a_wrong_setting_and_a_broken_handshake_is_not(
    operation: str, cause: Exception, kind: ErrorKind, text: str
) -> None:
    error = from_exception(operation, REGION, tls_fault(cause), has_answered=True)
    assert error.kind == kind
    assert text in error.message
    assert ("check aws_ca_bundle, AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE" in error.message) == (kind == "fatal")


@pytest.mark.parametrize("operation", ["DescribeSourceServers", "StartReplication"])
def test_a_chunk_of_negative_length_is_no_fault_of_the_settings(operation: str) -> None:
    error = error_of(HTTPClientError(error=ValueError("read length must be non-negative or -1")), operation)
    assert error.kind == "unanswered"
    assert "not from DRS" in error.message


def test_an_answer_of_something_else_is_unreadable() -> None:
    error = unreadable(STOP, REGION)
    assert (error.kind, error.code) == ("unanswered", None)
    assert f"StopReplication in {REGION}" in error.message


@pytest.mark.parametrize(
    "exception",
    [
        HTTPClientError(error=ValueError(f"Invalid header value b'{SECRET}\\n'")),
        ProxyConnectionError(proxy_url=f"http://me:{SECRET}@proxy.example", error=OSError(SECRET)),
        CredentialRetrievalError(provider="custom-process", error_msg=f"no session: {SECRET}"),
        PartialCredentialsError(provider="env", cred_var=SECRET),
        *[
            answer(
                "SignatureDoesNotMatch",
                403,
                f"The signature does not match.{end}The Canonical String was{end}x-amz-security-token:{SECRET}",
            )
            for end in ("\n", "\n\n", "\r\n", "\r", "\u2028")
        ],
    ],
    ids=short_id,
)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_secret_is_never_in_a_message_and_ends_the_run_at_once(operation: str, exception: Exception) -> None:
    if isinstance(exception, ClientError):
        exception = ClientError(exception.response, operation)
    error = error_of(exception, operation)
    is_open = isinstance(exception, HTTPClientError) and not operation.startswith("Describe")
    assert error.kind == ("unanswered" if is_open else "fatal")
    assert SECRET not in f"{error.message} {error!r} {error.code} {error.error_message} {error.whole_message}"


def test_a_code_that_is_only_the_status_is_no_code() -> None:
    assert error_of(answer("503", 503)).code is None
    assert error_of(answer("", 503)).code is None
    assert error_of(answer("503", 500)).code == "503"


def test_long_codes_and_texts_are_cut() -> None:
    error = error_of(answer("C" * 20_000, 400, "x" * 20_000))
    assert error.code == "C" * 79 + "…"
    assert len(error.message) < 400
    assert error_of(answer("ConflictException", 409, "y" * 240)).message.count("y") == 240


def test_control_characters_are_shown_and_not_sent_to_the_terminal() -> None:
    error = error_of(answer("A\x1b[2J", 400, "a\x1b]0;owned\x07 b"))
    assert error.code == "A\\x1b[2J"
    assert "(A\\x1b[2J: a\\x1b]0;owned\\x07 b)" in error.message
    assert error_of(answer("x", 400, operation="As\x1bsume")).message.startswith(
        f"No AWS credentials in {REGION}: As\\x1bsume failed"
    )


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("20", 20.0),
        ("21", 20.0),
        ("1e9", 20.0),
        ("inf", 20.0),
        ("0", None),
        ("-1", None),
        ("nan", None),
        ("soon", None),
        ("", None),
        (None, None),
        ([], None),
        ([7], None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_retry_after_is_read_in_seconds_and_cut_at_20(header: Any, seconds: float | None) -> None:
    assert error_of(answer("ThrottlingException", 429, **{"retry-after": header})).retry_after == seconds


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=5,
)


@settings(max_examples=200, derandomize=True, database=None, deadline=None)
@given(code=JSON, message=JSON, status=st.sampled_from([0, 200, 400, 403, 429, 500]), header=JSON)
def test_malformed_error_responses_are_handled(code: Any, message: Any, status: int, header: Any) -> None:
    response = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {"retry-after": header}},
    }
    error = error_of(ClientError(response, START))  # type: ignore[arg-type]
    assert error.message.isprintable()
    assert (error.code or "").isprintable()


@pytest.mark.parametrize("response", [{}, {"Error": {}}, {"Error": {"Code": None}, "ResponseMetadata": {}}], ids=repr)
def test_an_error_without_any_part_is_refused(response: Any) -> None:
    error = error_of(ClientError(response, START))
    assert (error.kind, error.code) == ("refused", None)
    assert "no message" in error.message
