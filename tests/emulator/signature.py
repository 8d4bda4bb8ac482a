# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS Signature Version 4: who calls, and for which region."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from .model import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCESS_KEY = "AKIAEMULATOREXAMPLE1"
SECRET_KEY = "emulator-only-secret-key-0123456789abcdef"
SIGNING_NAME = "drs"

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<access_key>[^/]+)/(?P<date>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)"
    r"/aws4_request, *SignedHeaders=(?P<signed_headers>[^,]+), *Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class Request:
    """One HTTP request; the names of its headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


def signed_region(request: Request, credentials: Mapping[str, str]) -> str:
    """The region of the credential scope of a rightly signed request.

    `credentials` maps access keys to secrets. Raises ServiceError: MissingAuthenticationTokenException without a
    signature, UnrecognizedClientException for an unknown access key, InvalidSignatureException for a wrong one.
    """
    match = AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if match is None:
        raise ServiceError("MissingAuthenticationTokenException", "Missing Authentication Token")
    secret = credentials.get(match["access_key"])
    if secret is None:
        raise ServiceError("UnrecognizedClientException", "The security token included in the request is invalid.")
    if match["service"] != SIGNING_NAME:
        raise ServiceError(
            "InvalidSignatureException", f"Credential should be scoped to correct service: '{SIGNING_NAME}'."
        )
    if not hmac.compare_digest(_signature(request, match, secret), match["signature"]):
        raise ServiceError(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method.",
        )
    return match["region"]


def _signature(request: Request, match: re.Match[str], secret: str) -> str:
    names = match["signed_headers"].split(";")
    headers = {name: request.headers.get(name, "") for name in names}
    url = f"http://{request.headers.get('host', '')}{request.path}"
    copy = AWSRequest(method=request.method, url=url, headers=headers, data=request.body)
    copy.context["timestamp"] = request.headers.get("x-amz-date", "")
    signer = SigV4Auth(Credentials(match["access_key"], secret), match["service"], match["region"])
    return str(signer.signature(signer.string_to_sign(copy, signer.canonical_request(copy)), copy))
