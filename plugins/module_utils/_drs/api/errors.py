# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors: invalid options, and failed calls classified by what the caller may do next. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

with suppress(ImportError):  # AnsibleAWSModule tells the user
    from botocore.exceptions import ClientError

from ..resources.operations import CALLS
from ..resources.text import first_line, printable
from .answers import sentence_for, whole_text
from .faults import fault_of, wrapped_in

CallType = Literal["read", "write"]
ErrorKind = Literal["throttled", "unanswered", "conflict", "quota", "refused", "fatal", "not_sent", "not_tried"]


@dataclass(frozen=True)
class ErrorKindFacts:
    """What follows from a failed call.

    is_sent: whether the request left. is_answered: whether the service responded. is_throttled: whether it asks for
    fewer calls. may_have_taken_effect: whether only a Describe can tell. is_resent: whether to send it again, by type.
    may_pass: whether the obstacle may end by itself, so that a wait sends it again. ends_run: whether every other call
    would fail in the same way. ends_listing: whether it does so if source servers cannot be listed. most_calls: how
    many calls for one resource may end like this; None for the attempts that the API makes. hint: what to check, after
    AWS's message.
    """

    is_sent: bool
    is_answered: bool
    is_throttled: bool
    may_have_taken_effect: bool
    is_resent: dict[CallType, bool]
    may_pass: bool
    ends_run: bool
    ends_listing: bool
    most_calls: float | None
    hint: str = ""


ERROR_KINDS: dict[ErrorKind, ErrorKindFacts] = {
    # Not applied.
    "throttled": ErrorKindFacts(
        is_sent=True,
        is_answered=True,
        is_throttled=True,
        may_have_taken_effect=False,
        is_resent={"read": True, "write": True},
        may_pass=False,
        ends_run=False,
        ends_listing=False,
        most_calls=1,
    ),
    # May have been applied.
    "unanswered": ErrorKindFacts(
        is_sent=True,
        is_answered=False,
        is_throttled=False,
        may_have_taken_effect=True,
        is_resent={"read": True, "write": False},
        may_pass=False,
        ends_run=False,
        ends_listing=False,
        most_calls=None,
    ),
    # The server was not in the state that the operation requires.
    "conflict": ErrorKindFacts(
        is_sent=True,
        is_answered=True,
        is_throttled=False,
        may_have_taken_effect=False,
        is_resent={"read": False, "write": False},
        may_pass=True,
        ends_run=False,
        ends_listing=True,
        most_calls=2,
        hint="a job may hold the server",
    ),
    # Not applied, because too much is running.
    "quota": ErrorKindFacts(
        is_sent=True,
        is_answered=True,
        is_throttled=False,
        may_have_taken_effect=False,
        is_resent={"read": False, "write": False},
        may_pass=False,
        ends_run=False,
        ends_listing=True,
        most_calls=1,
    ),
    # Not applied, and another attempt would not help.
    "refused": ErrorKindFacts(
        is_sent=True,
        is_answered=True,
        is_throttled=False,
        may_have_taken_effect=False,
        is_resent={"read": False, "write": False},
        may_pass=False,
        ends_run=False,
        ends_listing=True,
        most_calls=1,
    ),
    # The credentials, the account, the settings of the connection.
    "fatal": ErrorKindFacts(
        is_sent=True,
        is_answered=True,
        is_throttled=False,
        may_have_taken_effect=False,
        is_resent={"read": False, "write": False},
        may_pass=False,
        ends_run=True,
        ends_listing=True,
        most_calls=1,
    ),
    # The deadline came first.
    "not_sent": ErrorKindFacts(
        is_sent=False,
        is_answered=False,
        is_throttled=False,
        may_have_taken_effect=False,
        is_resent={"read": False, "write": False},
        may_pass=False,
        ends_run=False,
        ends_listing=False,
        most_calls=math.inf,
    ),
    # The circuit breaker is open, or an earlier error ended the run.
    "not_tried": ErrorKindFacts(
        is_sent=False,
        is_answered=False,
        is_throttled=False,
        may_have_taken_effect=False,
        is_resent={"read": False, "write": False},
        may_pass=False,
        ends_run=False,
        ends_listing=False,
        most_calls=math.inf,
    ),
}


class InvalidOptions(Exception):
    """Options that are rejected before any AWS call. The message is one sentence for the user."""


@dataclass(eq=False)
class DrsError(Exception):
    """A failed call.

    code: AWS's error code, if any. message: a sentence, which quotes AWS's text if that helps. retry_after: seconds, if
    AWS sent it. error_message: AWS's whole text, if any.
    """

    kind: ErrorKind
    code: str | None
    message: str
    retry_after: float | None = None
    error_message: str | None = None

    @property
    def whole_message(self) -> str:
        """The message, with AWS's whole text at its end unless it quotes all of it."""
        whole = self.error_message
        return (
            self.message if whole is None or whole.rstrip(".") in self.message else f"{self.message}; in full: {whole}"
        )

    @property
    def facts(self) -> ErrorKindFacts:
        return ERROR_KINDS[self.kind]

    def __str__(self) -> str:
        return self.message if self.facts.is_sent else f"not tried: {self.message}"


LONGEST_CODE = 80
LONGEST_RETRY_AFTER = 20.0
"""Seconds; a longer Retry-After is capped."""

# The errors in the DRS service model, and the authentication errors common to all AWS services:
# https://docs.aws.amazon.com/drs/latest/APIReference/CommonErrors.html
KINDS: dict[str, ErrorKind] = {
    "ThrottlingException": "throttled",
    "Throttling": "throttled",
    "TooManyRequestsException": "throttled",
    "RequestLimitExceeded": "throttled",
    "InternalServerException": "unanswered",
    "ConflictException": "conflict",
    "ServiceQuotaExceededException": "quota",
    "UninitializedAccountException": "fatal",
    "ExpiredToken": "fatal",
    "ExpiredTokenException": "fatal",
    "IncompleteSignature": "fatal",
    "IncompleteSignatureException": "fatal",
    "InvalidAccessKeyId": "fatal",
    "InvalidClientTokenId": "fatal",
    "InvalidSignatureException": "fatal",
    "InvalidToken": "fatal",
    "MissingAuthenticationToken": "fatal",
    "MissingAuthenticationTokenException": "fatal",
    "OptInRequired": "fatal",
    "RequestExpired": "fatal",
    "SignatureDoesNotMatch": "fatal",
    "UnrecognizedClientException": "fatal",
}

IDENTITY_CODES = frozenset(code for code, kind in KINDS.items() if kind == "fatal") - {"UninitializedAccountException"}
"""Error codes for wrong or expired credentials."""

WRITES = frozenset(facts.api_name for facts in CALLS.values())

LISTINGS = frozenset({"DescribeSourceServers", "DescribeJobs", "DescribeRecoveryInstances"})
"""If these cannot be listed, no server can be handled."""


def kind_of(code: str | None, status: int) -> ErrorKind:
    """The kind of an error response: by AWS's error code if known, otherwise by the HTTP status."""
    if code in KINDS:
        return KINDS[code]
    if status == 429:
        return "throttled"
    if status in (402, 409):
        return "quota" if status == 402 else "conflict"
    if status >= 500 and status != 501:
        return "unanswered"
    return "fatal" if status == 401 else "refused"


def from_exception(operation: str, region: str, error: Exception, has_answered: bool = False) -> DrsError:
    """Convert an exception that botocore raised while calling the operation, such as "StartReplication".

    has_answered: whether an earlier call of this client was answered, so that its proxy works.
    """
    if isinstance(error, ClientError):
        if error.operation_name != operation:
            return _credentials_error(error.operation_name, region, error.response)
        return _from_answer(operation, region, error.response)
    found = fault_of(error, has_answered)
    if not found:
        return unreadable(operation, region)  # botocore's parser raises various exceptions on malformed JSON
    kind, message = found
    # A Describe succeeded before each write, so the settings were right; the write may have taken effect.
    is_open = operation in WRITES and wrapped_in(error) is not None
    text = message.format(operation=operation, region=region, text=first_line(error))
    return DrsError("unanswered" if is_open else kind, None, text)


def unreadable(operation: str, region: str) -> DrsError:
    """The error for a response that is not from DRS, such as a proxy's error page."""
    return DrsError("unanswered", None, f"{operation} in {region} got a response that is not from DRS")


def _from_answer(operation: str, region: str, response: Mapping[str, Any]) -> DrsError:
    code, text, status = _parts(response)
    kind = kind_of(code, status)
    is_fatal = kind == "fatal"
    message = sentence_for(operation, region, code or str(status), text, is_fatal)
    whole = whole_text(text, is_first_line=is_fatal or code is None)
    if ERROR_KINDS[kind].ends_listing and operation in LISTINGS:
        kind = "fatal"
    headers = (response.get("ResponseMetadata") or {}).get("HTTPHeaders") or {}
    return DrsError(kind, code, message, _seconds(headers.get("retry-after")), whole)


def _credentials_error(operation: str, region: str, response: Mapping[str, Any]) -> DrsError:
    """An error from a call that botocore made to get credentials, such as AssumeRoleWithWebIdentity."""
    code, text, status = _parts(response)
    quoted = f"{code or status}: {first_line(text or 'no message')}"
    message = f"No AWS credentials in {region}: {printable(operation)} failed ({quoted})"
    return DrsError("fatal", code, message, error_message=whole_text(text, is_first_line=True))


def _parts(response: Mapping[str, Any]) -> tuple[str | None, str, int]:
    """Code, text and HTTP status of an error response. botocore uses the status as the code if AWS sent none."""
    error, metadata = response.get("Error") or {}, response.get("ResponseMetadata") or {}
    status = metadata.get("HTTPStatusCode")
    status = status if isinstance(status, int) else 0
    code = printable(error.get("Code") or "", LONGEST_CODE)
    return code if code and code != str(status) else None, str(error.get("Message") or ""), status


def _seconds(header: Any) -> float | None:
    try:
        seconds = float(header or 0)
    except (TypeError, ValueError):
        return None
    return min(LONGEST_RETRY_AFTER, seconds) if seconds > 0 else None
