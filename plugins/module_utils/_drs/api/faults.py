# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults without an answer from AWS: what an exception of botocore means, in words. Pure."""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING, Any, TypeAlias

try:
    from botocore.exceptions import (
        BotoCoreError,
        CredentialRetrievalError,
        HTTPClientError,
        NoCredentialsError,
        PartialCredentialsError,
        ProxyConnectionError,
        SSLError,
    )
    from botocore.exceptions import ConnectionError as NoConnectionError
except ImportError:
    pass  # AnsibleAWSModule tells the user

if TYPE_CHECKING:
    from .errors import ErrorKind

CA_SETTINGS = "aws_ca_bundle, AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE, or ca_bundle in the profile"


# Some exceptions quote a credential or the output of a credential process. "{text}" is used only for those that cannot.
Fault: TypeAlias = "tuple[ErrorKind, str]"
"""The kind, and the message with {operation}, {region} and {text}, the text of the exception."""


def fault_of(error: Exception, has_answered: bool) -> Fault | None:
    """The fault that the exception stands for; None for one that botocore's parser raises on malformed JSON.

    has_answered: whether an earlier call of this client was answered, so that its proxy works.
    """
    return _settings_fault(error) or _connection_fault(error, has_answered) or _other_fault(error)


def wrapped_in(error: Exception) -> Exception | None:
    """The exception that an HTTPClientError wraps."""
    cause = error.kwargs.get("error") if isinstance(error, HTTPClientError) else None
    return cause if isinstance(cause, Exception) else None


def _settings_fault(error: Exception) -> Fault | None:
    """The kind and message of an error for which the user's settings are to blame; None for any other."""
    cause = wrapped_in(error)
    if isinstance(cause, ValueError) and not _is_bad_chunk(cause):
        setting = "a credential or proxy setting has a character not allowed in HTTP"
        return "fatal", f"{{operation}} in {{region}} cannot be sent: {setting}"
    if isinstance(cause, (TypeError, AttributeError, OverflowError)):
        return "fatal", "{operation} in {region} cannot be sent: check the proxies and time-outs in aws_config"
    if isinstance(error, RuntimeError) and "still expired" in str(error):
        # Raised by botocore for a credential process or role that returns expired credentials.
        provider = "check the credential provider and this machine's clock"
        return "fatal", f"The AWS credentials are expired even after a refresh: {provider}"
    if isinstance(error, CredentialRetrievalError):
        provider = "run your configured credential provider manually to see why"
        return "fatal", f"The AWS credentials cannot be retrieved: {provider}"
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return "fatal", "No AWS credentials found: set access_key and secret_key, a profile, or a role"
    return None


def _connection_fault(error: Exception, has_answered: bool) -> Fault | None:
    """The kind and message of a connection that fails; None for any other error."""
    if isinstance(error, TimeoutError):
        return "unanswered", "{operation} in {region} got {text}"
    if isinstance(error, ProxyConnectionError):
        return _proxy_fault(error, has_answered)
    if _is_untrusted(error):
        return "fatal", f"{{operation}} in {{region}} cannot be sent: {{text}}; check {CA_SETTINGS}"
    if _is_unusable_ca_bundle(error):
        return "fatal", f"{{operation}} in {{region}} cannot be sent: cannot read the CA bundle; check {CA_SETTINGS}"
    if _is_bad_chunk(wrapped_in(error)):
        return "unanswered", "{operation} in {region} got a response that is not from DRS"
    if isinstance(error, (NoConnectionError, HTTPClientError)):
        return "unanswered", "No answer to {operation} in {region}: {text}"
    return None


def _proxy_fault(error: ProxyConnectionError, has_answered: bool) -> Fault:
    """The kind and message of a proxy that cannot be reached, or that refuses the tunnel to AWS.

    It works if an answer came through it before, or if it answers with a 5xx itself.
    """
    refusal = _TUNNEL.search(str(error.kwargs.get("error")))
    if has_answered or (refusal and refusal[1].startswith("5")):
        what = f"the proxy answered {refusal[1]}" if refusal else "the connection through the proxy failed"
        return "unanswered", f"No answer to {{operation}} in {{region}}: {what}"
    what = f"the proxy answered {refusal[1]}" if refusal else "cannot reach the proxy"
    return "fatal", f"{{operation}} in {{region}} cannot be sent: {what}, check the proxy settings"


_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")
"""What http.client says of a proxy that answers CONNECT with an error status."""


def _other_fault(error: Exception) -> Fault | None:
    is_fatal = isinstance(error, (BotoCoreError, OSError))
    return ("fatal", "{operation} cannot be called: {text}") if is_fatal else None


def _is_bad_chunk(cause: Exception | None) -> bool:
    """Whether http.client raised this for a response with a chunk of negative length."""
    return "read length" in str(cause)


def _is_untrusted(error: Exception) -> bool:
    """Whether the certificate of the endpoint is not trusted, or is of another host."""
    # ssl.SSLCertVerificationError and the CertificateError of urllib3 are ValueErrors, all other faults of TLS are not.
    return isinstance(_tls_cause_of(error), ValueError)


def _is_unusable_ca_bundle(error: Exception) -> bool:
    """Whether the file of trusted certificates cannot be read, or holds none."""
    cause = _tls_cause_of(error)
    if isinstance(cause, ssl.SSLError):
        return getattr(cause, "library", None) in ("X509", "PEM", "ASN1")
    return isinstance(cause, OSError) and not isinstance(cause, (ConnectionError, TimeoutError))


def _tls_cause_of(error: Exception) -> Any:
    """What urllib3 wrapped in its SSLError, which botocore wrapped in its own."""
    wrapped = error.kwargs.get("error") if isinstance(error, SSLError) else None
    return next(iter(getattr(wrapped, "args", ())), None)
