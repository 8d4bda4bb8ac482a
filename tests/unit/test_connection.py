# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options of a task, and the user's own settings, into a client."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import math
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.yaml import yaml_load
from ansible_collections.amazon.aws.plugins.module_utils.common import set_collection_info
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api import connection
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.calls import DrsApi
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.connection import (
    COLLECTION,
    VERSION,
    connect,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.errors import DrsError, InvalidOptions
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.faults import CA_SETTINGS
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import REGION, sid
from ansible_collections.disaster_recovery.aws.tests.unit.ids import short_id
from botocore.awsrequest import AWSRequest, AWSResponse
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

ROOT = Path(__file__).parents[2]
SECRET = "hunter2Hunter2HUNTER2"


def until(expiration: str) -> str:
    """Credentials as a credential process prints them."""
    keys = {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "a", "SessionToken": "b"}
    return json.dumps({"Version": 1, **keys, "Expiration": expiration})


CONFIG = f"""
[default]
[profile patient]
max_attempts = 9
region = eu-north-1
[profile modern]
retry_mode = standard
[profile failing]
region = eu-north-1
credential_process = sh -c 'echo "no session: hunter2Hunter2HUNTER2" >&2; exit 1'
[profile talking]
region = eu-north-1
credential_process = echo hunter2Hunter2HUNTER2
[profile mute]
region = eu-north-1
credential_process = true
[profile binary]
region = eu-north-1
credential_process = printf '\\377\\376'
[profile listing]
region = eu-north-1
credential_process = echo [1]
[profile absent]
region = eu-north-1
credential_process = /nowhere/at/all
[profile undated]
region = eu-north-1
credential_process = echo '{until(SECRET)}'
[profile expired]
region = eu-north-1
credential_process = echo '{until("2001-01-01T00:00:00Z")}'
[profile hanging]
region = eu-north-1
credential_process = sleep 20
[profile tokenless]
region = eu-north-1
role_arn = arn:aws:iam::123456789012:role/drs
web_identity_token_file = /nowhere/token
"""


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the machine's own AWS settings is seen."""
    for name in ("MAX_ATTEMPTS", "RETRY_MODE", "PROFILE", "DEFAULT_PROFILE", "REGION", "DEFAULT_REGION"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    for name in ("ENDPOINT_URL", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "CA_BUNDLE"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "config").write_text(CONFIG, encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


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
NO_KEYS: dict[str, Any] = {"access_key": None, "secret_key": None}


def connected(until: float = math.inf, **options: Any) -> DrsApi:
    return connect(DrsApi, OPTIONS | options, until)


def config_of(api: DrsApi) -> Any:
    return api._client.meta.config


def answer_all(api: DrsApi, status: int) -> list[AWSRequest]:
    """Answers every request with this status; the requests that were sent."""
    sent: list[AWSRequest] = []

    class Raw:
        def stream(self, **_options: Any) -> list[bytes]:
            return [b"{}"]

    def answer(request: AWSRequest, **_event: Any) -> Any:
        sent.append(request)
        return AWSResponse(request.url, status, {}, Raw())  # type: ignore[arg-type]

    api._client.meta.events.register("before-send.drs", answer)
    return sent


def invalid_options_message(**options: Any) -> str:
    with pytest.raises(InvalidOptions) as raised:
        connected(**options)
    return str(raised.value)


def test_an_api_is_made_for_its_region_and_deadline() -> None:
    until = time.monotonic() + 60
    api = connected(until)
    assert (api.region, api.until, api.attempts) == (REGION, until, 6)


def test_the_user_agent_names_this_collection_and_its_version() -> None:
    galaxy = yaml_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    assert f"{galaxy['namespace']}.{galaxy['name']}" == COLLECTION
    assert galaxy["version"] == VERSION
    set_collection_info("earlier.call", "0.0.0")
    assert f"{COLLECTION}/{VERSION}" in config_of(connected()).user_agent.replace(" ", "/")


def test_our_settings_bound_a_call_and_allow_ten_at_once() -> None:
    config = config_of(connected())
    assert (config.connect_timeout, config.read_timeout, config.max_pool_connections) == (5, 20, 10)


def test_the_settings_of_the_user_win_over_ours() -> None:
    config = config_of(connected(aws_config={"read_timeout": 3, "max_pool_connections": 2, "user_agent_extra": "me"}))
    assert (config.read_timeout, config.max_pool_connections, config.connect_timeout) == (3, 2, 5)
    assert "me" in config.user_agent_extra


RETRY_SETTINGS: list[tuple[dict[str, Any], dict[str, str], str | None, int]] = [
    ({}, {}, None, 6),
    ({"total_max_attempts": 2}, {}, None, 2),
    ({"total_max_attempts": 1}, {}, None, 1),
    ({"max_attempts": 2}, {}, None, 3),
    ({"max_attempts": 0}, {}, None, 1),
    ({"mode": "legacy"}, {}, None, 5),
    ({"mode": "standard"}, {}, None, 3),
    ({"mode": "adaptive"}, {}, None, 3),
    ({"mode": "standard", "total_max_attempts": 8}, {}, None, 8),
    ({"mode": "standard", "max_attempts": 8}, {}, None, 9),
    ({}, {"AWS_MAX_ATTEMPTS": "4"}, None, 4),
    ({}, {"AWS_MAX_ATTEMPTS": "1"}, None, 1),
    ({}, {"AWS_RETRY_MODE": "standard"}, None, 3),
    ({}, {"AWS_RETRY_MODE": "legacy"}, None, 5),
    ({}, {"AWS_RETRY_MODE": "standard", "AWS_MAX_ATTEMPTS": "7"}, None, 7),
    ({}, {}, "patient", 9),
    ({}, {}, "modern", 3),
    ({}, {"AWS_MAX_ATTEMPTS": "4"}, "patient", 4),
    ({"total_max_attempts": 2}, {"AWS_MAX_ATTEMPTS": "4"}, "patient", 2),
    ({"max_attempts": 2}, {"AWS_MAX_ATTEMPTS": "4"}, "patient", 3),
    ({"mode": "standard"}, {"AWS_MAX_ATTEMPTS": "4"}, None, 4),
    ({"mode": "legacy"}, {}, "modern", 5),
    ({}, {"AWS_RETRY_MODE": "legacy"}, "modern", 5),
]


@pytest.mark.parametrize(("retries", "environment", "profile", "attempts"), RETRY_SETTINGS)
def test_the_retry_settings_of_the_user_are_found_as_botocore_finds_them_and_botocore_never_retries(
    retries: dict[str, Any],
    environment: dict[str, str],
    profile: str | None,
    attempts: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    keys = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "example"} if profile else {}
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    options = {"profile": profile, **NO_KEYS} if profile else {}
    api = connected(aws_config={"retries": retries} if retries else None, **options)
    assert api.attempts == attempts
    assert config_of(api).retries["total_max_attempts"] == 1


@pytest.mark.parametrize(
    "retries", [None, {"max_attempts": 3}, {"total_max_attempts": 3}, {"mode": "standard"}, {"mode": "legacy"}], ids=str
)
def test_botocore_itself_never_sends_a_start_again(
    retries: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "5")
    api = connected(aws_config={"retries": retries} if retries else None)
    sent = answer_all(api, 500)
    with pytest.raises(DrsError):
        api.send("start", sid(0))
    assert len(sent) == 1


def test_the_region_of_the_profile_counts() -> None:
    assert connected(profile="patient", region=None, **NO_KEYS).region == "eu-north-1"


def test_the_endpoint_is_that_of_the_options() -> None:
    api = connected(endpoint_url="http://127.0.0.1:5000")
    assert api._client.meta.endpoint_url == "http://127.0.0.1:5000"


class EmptyListing(BaseHTTPRequestHandler):
    """Answers every request on a connection of its own with an empty listing. As a proxy, it refuses tunnels."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"items": []}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_CONNECT(self) -> None:
        """Refuse a tunnel with the status that the name of the host begins with."""
        self.send_error(int(self.path.partition(".")[0]))

    def log_message(self, *_arguments: Any) -> None:
        pass


@contextlib.contextmanager
def serving(tls: ssl.SSLContext | None = None, handler: type[BaseHTTPRequestHandler] = EmptyListing) -> Iterator[int]:
    """An HTTP server on its port, until the end of the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 and its key in one file, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "drs.test")])
    now = datetime.now(timezone.utc)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = (
        builder.not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    path.write_bytes(private + builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    return path


@pytest.fixture(scope="module")
def secure_port(certificate: Path) -> Iterator[int]:
    """The port of a server with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(context) as port:
        yield port


@pytest.mark.parametrize("setting", ["aws_ca_bundle", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "ca_bundle"])
def test_each_setting_of_trusted_certificates_counts(
    setting: str, certificate: Path, secure_port: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"endpoint_url": f"https://127.0.0.1:{secure_port}"}
    if setting.isupper():
        monkeypatch.setenv(setting, str(certificate))
    elif setting == "ca_bundle":
        keys = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = example"
        (tmp_path / "config").write_text(f"[profile private]\nca_bundle = {certificate}\n{keys}\n")
        options |= {"profile": "private", **NO_KEYS}
    else:
        options |= {setting: str(certificate)}
    assert connected(**options).describe_all() == []


def test_no_certificate_is_checked_where_the_user_says_so(secure_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere")
    api = connected(endpoint_url=f"https://127.0.0.1:{secure_port}", validate_certs=False, aws_ca_bundle="/nowhere")
    with pytest.warns(match="Unverified HTTPS request"):
        assert api.describe_all() == []


@pytest.mark.parametrize(
    ("host", "bundle", "message"),
    [
        ("127.0.0.1", None, "CERTIFICATE_VERIFY_FAILED"),
        ("localhost", "certificate", "hostname 'localhost' doesn't match|Hostname mismatch"),
        ("127.0.0.1", "/nowhere/ca.pem", "cannot read the CA bundle"),
        ("127.0.0.1", "/", "cannot read the CA bundle"),
        ("127.0.0.1", "/dev/null", "cannot read the CA bundle"),
        ("127.0.0.1", __file__, "cannot read the CA bundle"),
    ],
)
def test_a_certificate_that_is_not_trusted_fails_at_once_and_names_the_settings(
    host: str, bundle: str | None, message: str, certificate: Path, secure_port: int
) -> None:
    path = str(certificate) if bundle == "certificate" else bundle
    begin = time.monotonic()
    with pytest.raises(DrsError, match=message) as raised:
        connected(endpoint_url=f"https://{host}:{secure_port}", aws_ca_bundle=path).describe_all()
    assert raised.value.kind == "fatal"
    assert raised.value.message.endswith(f"; check {CA_SETTINGS}")
    assert time.monotonic() - begin < 3


def test_a_proxy_that_fails_after_an_answer_came_through_it_is_a_lost_connection() -> None:
    with serving() as port:
        proxies = {"http": f"http://127.0.0.1:{port}"}
        settings = {"proxies": proxies, "retries": {"total_max_attempts": 1}}
        api = connected(endpoint_url="http://drs.invalid", aws_config=settings)
        assert api.describe_all() == []
    with pytest.raises(DrsError, match="the connection through the proxy failed") as raised:
        api.describe_all()
    assert raised.value.kind == "unanswered"


def tunnelling(statuses: list[int]) -> type[BaseHTTPRequestHandler]:
    """A proxy that answers each CONNECT with the next status, and opens the tunnel if it is 200."""

    class Proxy(EmptyListing):
        def do_CONNECT(self) -> None:
            status = statuses.pop(0)
            if status == 200:
                self.open_tunnel()
            else:
                self.send_error(status)

        def open_tunnel(self) -> None:
            host, port = self.path.split(":")
            with socket.create_connection((host, int(port))) as other:
                self.send_response(200)
                self.end_headers()
                ends = {self.connection: other, other: self.connection}
                while all(_passed_on(end, ends[end]) for end in select.select([*ends], [], [])[0]):
                    pass

    return Proxy


def _passed_on(source: socket.socket, sink: socket.socket) -> bool:
    """Pass on what there is to read. False at the end."""
    data = source.recv(65536)
    sink.sendall(data)
    return bool(data)


@pytest.mark.parametrize("status", [407, 502, 503])
def test_a_proxy_that_refuses_its_third_tunnel_fails_that_call_only(
    status: int, certificate: Path, secure_port: int
) -> None:
    with serving(handler=tunnelling([200, 200, status, 200])) as port:
        proxies = {"https": f"http://me:{SECRET}@127.0.0.1:{port}"}
        settings = {"proxies": proxies, "retries": {"total_max_attempts": 1}}
        endpoint = f"https://127.0.0.1:{secure_port}"
        api = connected(endpoint_url=endpoint, aws_ca_bundle=str(certificate), aws_config=settings)
        assert [api.describe_all() for _call in range(2)] == [[], []]
        with pytest.raises(DrsError, match=f"the proxy answered {status}") as raised:
            api.describe_all()
        assert raised.value.kind == "unanswered"
        assert SECRET not in raised.value.message
        assert api.describe_all() == []


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [
        (503, "unanswered", f"No answer to DescribeSourceServers in {REGION}: the proxy answered 503"),
        (407, "fatal", f"DescribeSourceServers in {REGION} cannot be sent: the proxy answered 407, check the proxy"),
    ],
)
def test_a_proxy_that_refuses_its_first_tunnel_is_told_with_its_answer(status: int, kind: str, message: str) -> None:
    with serving() as port:
        settings = {"proxies": {"https": f"http://me:{SECRET}@127.0.0.1:{port}"}, "retries": {"total_max_attempts": 1}}
        api = connected(endpoint_url=f"https://{status}.invalid", aws_config=settings)
        with pytest.raises(DrsError) as raised:
            api.describe_all()
    assert raised.value.kind == kind
    assert raised.value.message.startswith(message)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"region": None}, "No AWS region: set region, AWS_REGION, or a region in the profile"),
        (
            {"profile": "nobody", **NO_KEYS},
            "Cannot create an AWS client from these options: The config profile (nobody) could not be found",
        ),
        (
            {"profile": "nobody", "region": None, **NO_KEYS},
            "Cannot create an AWS client from these options: The config profile (nobody) could not be found",
        ),
        (
            {"aws_config": {"no_such_option": 1}},
            "aws_config is not a valid botocore configuration: Got unexpected keyword",
        ),
        (
            {"aws_config": {"retries": {"mode": "often"}}},
            "aws_config is not a valid botocore configuration: Invalid value provided to",
        ),
        (
            {"aws_config": {"retries": {"max_attempts": -1}}},
            "aws_config is not a valid botocore configuration: Value provided to",
        ),
        (
            {"aws_config": {"retries": "often"}},
            "aws_config is not a valid botocore configuration: check the type of each",
        ),
        (
            {"aws_config": {"proxies": "http://proxy.example"}},
            "aws_config is not a valid botocore configuration: proxies must be a dictionary",
        ),
        ({"endpoint_url": "http://127.0.0.1:port"}, "endpoint_url is not a valid URL: check its host and port"),
        ({"endpoint_url": "http://127.0.0.1:0"}, "endpoint_url is not a valid URL: check its host and port"),
        ({"endpoint_url": "http://127.0.0.1:99999"}, "endpoint_url is not a valid URL: check its host and port"),
        ({"endpoint_url": "http://[::1"}, "endpoint_url is not a valid URL: check its host and port"),
        ({"endpoint_url": "no url"}, "Cannot create an AWS client from these options: Invalid endpoint: no url"),
        ({"region": "not a region"}, "region 'not a region' is not a valid region name"),
        ({"region": "eu-west-1\n"}, r"region 'eu-west-1\n' is not a valid region name"),
        ({"region": "eu-west-1\x1b[2J"}, r"region 'eu-west-1\x1b[2J' is not a valid region name"),
        ({"profile": "patient"}, "profile cannot be combined with access_key, secret_key, session_token"),
        ({"profile": "patient", **NO_KEYS, "session_token": "t"}, "profile cannot be combined with access_key"),
        ({"profile": "patient", "access_key": None}, "profile cannot be combined with access_key"),
    ],
    ids=short_id,
)
def test_options_that_no_client_can_be_made_of_are_one_clear_sentence(options: dict[str, Any], expected: str) -> None:
    message = invalid_options_message(**options)
    assert message.startswith(expected)
    assert message.isprintable()
    assert "'str' object" not in message


@pytest.mark.parametrize("names", [("AWS_REGION",), ("AWS_DEFAULT_REGION",), ("AWS_REGION", "AWS_DEFAULT_REGION")])
@pytest.mark.parametrize("option", ["", None])
def test_an_empty_region_is_none(names: tuple[str, ...], option: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in names:
        monkeypatch.setenv(name, "")
    assert invalid_options_message(region=option).startswith("No AWS region: set region")
    assert connected(profile="patient", region=option, **NO_KEYS).region == "eu-north-1"


@pytest.mark.parametrize("profile", ["talking", "mute", "binary"])
def test_a_credential_process_that_does_not_print_json_is_named_without_its_output(profile: str) -> None:
    message = invalid_options_message(profile=profile, region=None, **NO_KEYS)
    assert message.endswith("the credential process did not print JSON: run it manually to see what it prints")


def test_a_credential_process_that_prints_json_of_another_shape_is_named() -> None:
    message = invalid_options_message(profile="listing", region=None, **NO_KEYS)
    assert "check what the credential process prints" in message


def test_a_profile_with_keys_says_where_they_may_come_from() -> None:
    assert invalid_options_message(profile="patient").endswith(" (task options or environment)")


def test_the_connection_options_are_those_that_are_read() -> None:
    assert set(connection.OPTIONS) == set(OPTIONS)
    assert len(connection.OPTIONS) == len(OPTIONS)


def test_bad_settings_of_the_environment_are_one_clear_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "many")
    assert "many" in invalid_options_message()


@pytest.mark.parametrize("space", ["\n", "\r\n", " ", "\t"])
@pytest.mark.parametrize("name", ["access_key", "secret_key", "session_token"])
def test_white_space_in_a_credential_is_rejected_without_its_value(name: str, space: str) -> None:
    for value in (SECRET + space, space + SECRET, f"{SECRET}{space}{SECRET}"):
        message = invalid_options_message(**{name: value})
        assert message == f"{name} must not contain whitespace; check for a trailing line break"


def test_all_credentials_with_white_space_are_named() -> None:
    assert "access_key, session_token must not" in invalid_options_message(access_key="a ", session_token="b\n")


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])
def test_white_space_in_a_credential_of_the_environment_is_rejected_without_its_value(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
    monkeypatch.setenv(name, f"{SECRET}\nmore")
    message = invalid_options_message(**NO_KEYS)
    assert "must not contain whitespace" in message
    assert SECRET not in message


@pytest.mark.parametrize(
    "url",
    [f"http://me:{SECRET}@127.0.0.1", f"me:{SECRET}@127.0.0.1", f"me:{SECRET}\n@127.0.0.1", f"http://{SECRET}@[::1]:1"],
)
@pytest.mark.parametrize("is_option", [True, False])
def test_credentials_in_an_endpoint_are_rejected_without_their_value(
    url: str, is_option: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_option:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DRS", url)
    message = invalid_options_message(endpoint_url=url if is_option else None)
    if is_option or "//" in url:
        assert message == "endpoint_url must not contain a user name or a password"
    else:
        assert message == "Cannot create an AWS client from these options: Invalid endpoint"


@pytest.mark.parametrize("profile", ["failing", "talking", "absent", "tokenless", "undated", "expired"])
def test_output_of_a_credential_process_is_never_shown_and_the_error_is_fatal(profile: str) -> None:
    with pytest.raises((InvalidOptions, DrsError)) as raised:
        connected(profile=profile, region=None, **NO_KEYS).describe_all()
    error: Any = raised.value
    assert SECRET not in f"{error} {error!r}"
    assert isinstance(error, InvalidOptions) or error.kind == "fatal"
    assert str(error).isprintable()


def test_an_invalid_expiration_of_credentials_is_not_quoted() -> None:
    message = invalid_options_message(profile="undated", region=None, **NO_KEYS)
    assert message.endswith(" from these options: the credential provider returned an invalid expiration time")


def test_a_credential_process_that_hangs_is_given_up_10_seconds_after_the_deadline() -> None:
    begin = time.monotonic()
    message = invalid_options_message(until=begin - 9.7, profile="hanging", region=None, **NO_KEYS)
    assert message == "No AWS credentials within 0 s: check the credential process"
    assert 0.2 < time.monotonic() - begin < 5


def test_a_credential_process_that_does_not_exist_is_named() -> None:
    with pytest.raises(DrsError) as raised:
        connected(profile="absent", region=None, **NO_KEYS)
    assert str(raised.value).startswith("DescribeSourceServers cannot be called: [Errno 2] No such file or directory")


def test_a_client_is_made_within_the_30_seconds_that_a_run_may_overrun() -> None:
    assert connection.CLIENT_TIMEOUT == 30


def test_without_credentials_the_first_call_says_so() -> None:
    api = connected(**NO_KEYS)
    with pytest.raises(DrsError, match="No AWS credentials found") as raised:
        api.describe([sid(0)])
    assert raised.value.kind == "fatal"


def test_a_proxy_with_a_password_that_cannot_be_reached_is_reported_without_it_and_at_once() -> None:
    proxy = f"http://me:{SECRET}@127.0.0.1:1"
    api = connected(aws_config={"proxies": {"https": proxy, "http": proxy}})
    with pytest.raises(DrsError) as raised:
        api.describe([sid(0)])
    assert raised.value.kind == "fatal"
    assert "check the proxy settings" in raised.value.message
    assert SECRET not in raised.value.message


@pytest.mark.parametrize("proxy", [f"nothing://me:{SECRET}@127.0.0.1:1", f"http://me:{SECRET}@[127.0.0.1:1"])
def test_an_invalid_proxy_is_reported_without_its_password(proxy: str) -> None:
    with pytest.raises((InvalidOptions, DrsError)) as raised:
        connected(aws_config={"proxies": {"https": proxy, "http": proxy}}).describe([sid(0)])
    error: Any = raised.value
    assert SECRET not in f"{error} {error!r}"
    assert isinstance(error, InvalidOptions) or error.kind == "fatal"
