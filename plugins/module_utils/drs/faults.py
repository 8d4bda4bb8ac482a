# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a call to AWS can go wrong, in the five ways that matter to whoever made it. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FaultKind = Literal["throttled", "unanswered", "conflict", "refused", "fatal"]
"""
C(throttled): not applied, and sent again as it is. C(unanswered): nobody knows whether it was applied; only a look
tells. C(conflict): the server was not in the state that the call wants. C(refused): not applied, and would not be the
next time. C(fatal): every other call would fail alike.
"""


@dataclass(eq=False)
class Fault(Exception):
    """A failed call. C(code): AWS's error code, None where AWS sent none. C(retry_after): seconds, if AWS said so."""

    kind: FaultKind
    code: str | None
    message: str
    retry_after: float | None = None

    def __str__(self) -> str:
        return self.message


# The errors that the DRS service model declares, and the ones that every AWS service sends for its callers' identity
# (AWS General Reference, "Common errors").
_KINDS: dict[str, FaultKind] = {
    "ThrottlingException": "throttled",
    "Throttling": "throttled",
    "TooManyRequestsException": "throttled",
    "RequestLimitExceeded": "throttled",
    "InternalServerException": "unanswered",
    "ConflictException": "conflict",
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

DENIALS = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized"})


def kind_of(code: str | None, status: int) -> FaultKind:
    """The kind of an error answer, by AWS's error code where it is known and else by the HTTP status."""
    if code in _KINDS:
        return _KINDS[code]
    if status == 429:
        return "throttled"
    if status == 409:
        return "conflict"
    if status >= 500 and status != 501:
        return "unanswered"
    return "fatal" if status == 401 else "refused"
