# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Creates a client that never retries, from the connection options and the user's retry settings."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

try:
    from botocore.config import Config
    from botocore.credentials import Credentials, RefreshableCredentials
    from botocore.exceptions import BotoCoreError, CredentialRetrievalError, NoRegionError
    from botocore.session import Session
except ImportError:
    pass  # AnsibleAWSModule tells the user

from ansible_collections.amazon.aws.plugins.module_utils.botocore import boto3_conn, get_aws_connection_info
from ansible_collections.amazon.aws.plugins.module_utils.common import set_collection_info

from ..resources.text import first_line, listed, printable
from .calls import CALLS_AT_ONCE, OVERRUN, DrsApi
from .deadline import call_within
from .errors import InvalidOptions, from_exception

COLLECTION = "disaster_recovery.aws"
VERSION = "1.0.0"

CREDENTIALS = ("access_key", "secret_key", "session_token")
OPTIONS = (*CREDENTIALS, "profile", "region", "endpoint_url", "validate_certs", "aws_ca_bundle", "aws_config")
"""The connection options."""

REGION = re.compile(r"[A-Za-z0-9-]+")

ATTEMPTS_OF_MODE = {"legacy": 5, "standard": 3, "adaptive": 3}
"""botocore's default attempts, for a user who sets only the retry mode."""

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 20.0
"""Seconds, unless the user sets others."""

CLIENT_TIMEOUT = 30.0
"""Maximum seconds to create a client: a credential process may hang."""


_Api = TypeVar("_Api", bound=DrsApi)


def connect(api: type[_Api], params: Mapping[str, Any], until: float, profile: str | None = None) -> _Api:
    """This API for these connection options, which are those of every amazon.aws module. Does not call DRS.

    until: the deadline, as a time.monotonic() value. profile: whose settings count beside the credentials in params,
    such as those of a role assumed with it. Raises InvalidOptions if no client can be created from the options, and
    DrsError if credentials cannot be retrieved. module.client() is not used: it prints a traceback on ansible-core 2.17
    and 2.18, and crashes on a bad aws_config.
    """
    set_collection_info(COLLECTION, VERSION)
    _check_credentials({name: params[name] for name in CREDENTIALS})
    if params["profile"] and any(params[name] for name in CREDENTIALS):
        raise InvalidOptions(f"profile cannot be combined with {listed(CREDENTIALS)} (task options or environment)")
    try:
        module: Any = SimpleNamespace(params=params)  # only params is read
        region, endpoint, arguments = get_aws_connection_info(module)
        arguments |= {"verify": verify_of(params), "profile_name": profile or params["profile"]}
    except Exception as error:
        raise InvalidOptions(f"aws_config is not a valid botocore configuration{_named(error)}") from error
    if region and not REGION.fullmatch(region):
        raise InvalidOptions(f"region {printable(repr(region))} is not a valid region name")
    _check_endpoint(endpoint)
    users: Any = arguments.pop("aws_config", None) or Config()
    if not isinstance(users.proxies, (dict, type(None))):
        raise InvalidOptions("aws_config is not a valid botocore configuration: proxies must be a dictionary")
    seconds = max(0.0, min(CLIENT_TIMEOUT, until + OVERRUN - time.monotonic()))
    try:
        client, attempts = call_within(seconds, lambda: _client(region, endpoint, users, arguments))
    except NoRegionError as error:
        raise InvalidOptions("No AWS region: set region, AWS_REGION, or a region in the profile") from error
    except TimeoutError as error:
        raise InvalidOptions(f"No AWS credentials within {seconds:.0f} s: check the credential process") from error
    except (CredentialRetrievalError, OSError) as error:
        raise from_exception("DescribeSourceServers", str(region), error) from error
    except InvalidOptions:
        raise
    except Exception as error:
        raise InvalidOptions(client_error(error)) from error
    return api(client, until, attempts)


def verify_of(params: Mapping[str, Any]) -> str | bool | None:
    """Which certificates boto3 trusts: the file in aws_ca_bundle, or any if validate_certs is false.

    None leaves it to boto3: AWS_CA_BUNDLE, ca_bundle in the profile, REQUESTS_CA_BUNDLE, the certificates of botocore.
    The True of amazon.aws would override them all.
    """
    return False if params.get("validate_certs") is False else params.get("aws_ca_bundle") or None


def _client(
    region: str | None, endpoint: str | None, users: Any, arguments: Mapping[str, Any]
) -> tuple[Any, int | None]:
    """The client, and the maximum attempts set by the user."""
    # This session is only used to read settings and needs no handlers.
    settings = Session(profile=arguments.get("profile_name"), include_builtin_handlers=False)
    attempts = _attempts(users.retries or {}, settings)
    ours = Config(connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT, max_pool_connections=CALLS_AT_ONCE)
    once: Any = {**(users.retries or {}), "total_max_attempts": 1}
    config = ours.merge(users).merge(Config(retries=once))
    region = region or settings.get_config_variable("region") or settings.get_scoped_config().get("region")
    if not region:  # boto3 takes an empty one for a name
        raise NoRegionError
    caller: Any = SimpleNamespace(_name="", fail_json=_raise_again)
    client: Any = boto3_conn(
        caller, "client", "drs", region=region, endpoint=endpoint or None, config=config, **arguments
    )
    _check_endpoint(client.meta.endpoint_url)
    credentials = getattr(getattr(client, "_request_signer", None), "_credentials", None)
    # Credentials from a role or a process are fetched with the first call.
    if isinstance(credentials, Credentials) and not isinstance(credentials, RefreshableCredentials):
        found = (credentials.access_key, credentials.secret_key, credentials.token)
        _check_credentials(dict(zip(CREDENTIALS, found, strict=True)))
    return client, attempts


def _raise_again(**_arguments: Any) -> NoReturn:
    """In place of fail_json, which boto3_conn calls while it handles an exception: connect() describes it."""
    error = sys.exc_info()[1]
    raise error or RuntimeError


def _check_endpoint(url: str | None) -> None:
    """Raises InvalidOptions for a URL with credentials, which errors would quote, or with a bad port."""
    try:
        parts = urlsplit(url or "")
        is_valid = parts.port is None or parts.port > 0
    except ValueError:
        is_valid = False
    if not is_valid:
        raise InvalidOptions("endpoint_url is not a valid URL: check its host and port")
    if "@" in (url or ""):
        raise InvalidOptions("endpoint_url must not contain a user name or a password")


def client_error(error: Exception) -> str:
    """A sentence about an error in creating a client, without what a credential process printed, or credentials."""
    return f"Cannot create an AWS client from these options: {_quotable(error)}"


def _quotable(error: Exception) -> str:
    """The text of the error, unless it quotes what a credential process printed or credentials in an endpoint."""
    if type(error).__module__.startswith("dateutil"):
        return "the credential provider returned an invalid expiration time"
    if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError)):
        return "the credential process did not print JSON: run it manually to see what it prints"
    if isinstance(error, (AttributeError, TypeError)):
        return "check what the credential process prints, and the type of each value in aws_config"
    return "Invalid endpoint" if re.match("Invalid endpoint.*@", str(error), re.DOTALL) else first_line(error)


def _check_credentials(credentials: Mapping[str, str | None]) -> None:
    """Raises InvalidOptions that names credentials with whitespace. botocore would print their values in its error."""
    wrong = [name for name, value in credentials.items() if value and re.search(r"\s", value)]
    if wrong:
        raise InvalidOptions(f"{listed(wrong)} must not contain whitespace; check for a trailing line break")


def _named(error: Exception) -> str:
    """botocore's message about a configuration; a TypeError raised inside botocore would not help the user."""
    is_helpful = isinstance(error, BotoCoreError) or "keyword argument" in str(error)
    return f": {first_line(error)}" if is_helpful else ": check the type of each of its values"


def _attempts(retries: Mapping[str, Any], settings: Session) -> int | None:
    """The attempts set in aws_config, the environment or the profile, in this order; None if not set."""
    if "total_max_attempts" in retries:
        return max(1, int(retries["total_max_attempts"]))
    if "max_attempts" in retries:
        return int(retries["max_attempts"]) + 1
    attempts = settings.get_config_variable("max_attempts")
    if attempts:
        return max(1, int(attempts))
    mode = retries.get("mode") or os.environ.get("AWS_RETRY_MODE") or settings.get_scoped_config().get("retry_mode")
    return ATTEMPTS_OF_MODE.get(str(mode))
