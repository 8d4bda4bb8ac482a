# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible import constants
from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.vars.reserved import is_reserved_name
from ansible_collections.amazon.aws.plugins.plugin_utils.base import AWSPluginBase
from ansible_collections.disaster_recovery.aws.plugins.inventory.source_servers import (
    EXAMPLES,
    InventoryModule,
    check_regions,
    host_name,
    names_of,
    parse_hostnames,
    variable_name,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.errors import InvalidOptions
from ansible_collections.disaster_recovery.aws.tests.emulator import Emulator
from ansible_collections.disaster_recovery.aws.tests.unit.ids import short_id
from botocore.exceptions import NoRegionError

HOSTNAMES = ["hostname", "source-server-id"]


def server(number: int, hostname: Any = None, **tags: str) -> dict[str, Any]:
    hints = {"identificationHints": {"hostname": hostname}}
    return {"sourceServerID": f"s-{number:017d}", "sourceProperties": hints, "tags": tags}


def named(*servers: dict[str, Any], hostnames: list[str] | None = None) -> tuple[list[str], list[str]]:
    warnings: list[str] = []
    names = names_of([("eu-west-1", each) for each in servers], hostnames or HOSTNAMES, warnings.append)
    assert len(names) == len(servers)
    return sorted(names), warnings


def test_servers_are_named_by_the_first_preference_that_they_have() -> None:
    assert named(server(1, "web1"), server(2)) == ([f"s-{2:017d}", "web1"], [])
    assert named(server(1, "web1", Name="shop 1"), hostnames=["tag:Name"]) == (["shop_1"], [])
    assert named(server(1, "web1"), hostnames=["tag:Name"]) == ([f"s-{1:017d}"], [])


def test_servers_that_share_a_name_are_both_named_otherwise() -> None:
    names, (warning,) = named(server(1, "web"), server(2, "web"), server(3, "db"))
    assert names == ["db", f"s-{1:017d}", f"s-{2:017d}"]
    assert warning.startswith("web matches more than one source server")


def test_no_server_is_lost_where_even_the_id_is_taken() -> None:
    same = [("eu-west-1", server(1)), ("eu-central-1", server(1))]
    assert len(names_of(same, HOSTNAMES, lambda _warning: None)) == 2
    assert named(server(1, f"s-{2:017d}"), server(2))[0] == [f"s-{2:017d}", f"s-{2:017d}.eu-west-1"]


def test_a_name_that_another_source_made_is_warned_of_unless_it_is_this_server() -> None:
    servers = [("eu-west-1", server(number, f"web{number}")) for number in (1, 2, 3)]
    warnings: list[str] = []
    hosts = {"web1": ["eu-west-1", f"s-{1:017d}"], "web2": ["192.0.2.1"], f"s-{3:017d}": []}
    names = names_of(servers, HOSTNAMES, warnings.append, hosts)
    assert sorted(names) == [f"s-{2:017d}", "web1", "web3"]
    assert warnings == [f"web2 is a host already; using other names for: s-{2:017d}"]


def test_several_servers_that_share_the_name_of_a_host_all_keep_their_place() -> None:
    servers = [("eu-west-1", server(number, "web")) for number in (1, 2)]
    names = names_of(servers, HOSTNAMES, lambda _warning: None, {"web": [f"s-{1:017d}"], f"s-{1:017d}": []})
    assert sorted(names) == [f"s-{1:017d}.eu-west-1", f"s-{2:017d}"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("web1.example.com", "web1.example.com"),
        ("\x1b[2Jweb", "__2Jweb"),
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("a:b,!c", "a_b__c"),
        ("\u202etxt", "_txt"),
        ("-Eaudit.log", "_Eaudit.log"),
        ("--become", "_become"),
        ("-", ""),
        ("web-1-", "web-1-"),
        ("localhost", ""),
        ("ALL", ""),
        ("..", ""),
        ("", ""),
        ("__ansible_type", ""),
        (" _ansible_x", ""),
        ("_ansible", "_ansible"),
    ],
)
def test_a_host_name_means_nothing_else(text: str, name: str) -> None:
    assert host_name(text) == name


def test_an_unknown_key_or_region_is_rejected() -> None:
    with pytest.raises(InvalidOptions, match="hostnames: unknown key hostnam; use tag:<Key>"):
        parse_hostnames(["hostname", "hostnam"])
    with pytest.raises(InvalidOptions, match="eu-mars-1"):
        check_regions(["eu-west-1", "eu-mars-1"])
    check_regions(["eu-west-1", "us-gov-west-1", None])


@pytest.mark.parametrize(("name", "verified"), [("a.drs.yml", True), ("a.drs.yaml", True), ("a.yml", False)])
def test_only_files_with_the_ending_are_verified(tmp_path: Any, name: str, verified: bool) -> None:
    path = tmp_path / name
    path.touch()
    assert InventoryModule().verify_file(str(path)) is verified


EVIL = "{{ lookup('pipe', 'id') }}"
IRELAND = [
    {"sourceServerID": "s-00000000000000001", "hostname": "web1", "state": "CONTINUOUS", "tags": {"env": "prod"}},
    {"sourceServerID": "s-00000000000000002", "hostname": "web2", "state": "DISCONNECTED", "tags": {"note": EVIL}},
]
FAILED_OVER = {
    "recoveryInstanceId": "i-1234567890abcdef0",
    "lifeCycle": {"lastLaunch": {"initiated": {"type": "RECOVERY"}, "status": "LAUNCHED"}},
}
FRANKFURT = [{"sourceServerID": "s-00000000000000003", "hostname": "db1", "state": "DISCONNECTED", **FAILED_OVER}]
REGIONS = {
    "eu-west-1": {"servers": IRELAND},
    "eu-central-1": {"servers": FRANKFURT},
    "eu-west-2": {"initialized": False},
}
BOTH = ["eu-west-1", "eu-central-1"]
DENIAL = {"operation": "DescribeSourceServers", "region": "eu-central-1", "status": 403, "times": None}

Parse = Callable[..., tuple[InventoryData, list[str]]]


@pytest.fixture(scope="module")
def options() -> None:
    """Make the documented options known, as Ansible's loader does."""
    argv = [sys.executable, "-m", "ansible.cli.doc", "--json", "--type", "inventory", InventoryModule.NAME]
    document = json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)
    definitions = document[InventoryModule.NAME]["doc"]["options"]
    constants.config.initialize_plugin_configuration_definitions("inventory", InventoryModule.NAME, definitions)


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    with Emulator({"regions": REGIONS}) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def parse(options: None, emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Parse:  # noqa: ARG001
    """Parse a configuration: the inventory, and the warnings."""

    def parse_configuration(**configuration: Any) -> tuple[InventoryData, list[str]]:
        path = tmp_path / "fleet.drs.yml"
        path.write_text(json.dumps({"plugin": InventoryModule.NAME, **configuration}))
        inventory, warnings = InventoryData(), list[str]()
        plugin = InventoryModule()
        plugin._load_name = plugin._original_path = InventoryModule.NAME
        plugin._redirected_names = []
        monkeypatch.setattr(plugin, "warn", warnings.append)
        plugin.parse(inventory, DataLoader(), str(path), cache=False)
        inventory.reconcile_inventory()
        return inventory, warnings

    return parse_configuration


@pytest.mark.parametrize("example", list(yaml.safe_load_all(EXAMPLES)), ids=short_id)
def test_an_example_is_an_inventory(parse: Parse, emulator: Emulator, example: dict[str, Any]) -> None:
    name = {**IRELAND[0], "tags": {"Environment": "production", "Name": "web1"}}
    left_out = {"sourceServerID": "s-00000000000000009", "hostname": "test-1"}
    emulator.load({"regions": {**REGIONS, "eu-west-1": {"servers": [name, left_out]}}})
    # The emulator has no STS, and the cache would be in the home directory.
    not_here = ("assume_role_arn", "cache_plugin", "cache_connection")
    configuration = {key: value for key, value in example.items() if key not in not_here}
    inventory, warnings = parse(**configuration)
    assert "web1" in inventory.hosts
    assert warnings == []


def test_the_source_servers_of_two_regions_are_hosts_in_groups_by_state(parse: Parse) -> None:
    key = "data_replication_info.data_replication_state | lower"
    inventory, warnings = parse(
        regions=BOTH,
        keyed_groups=[{"key": key, "prefix": "state"}],
        groups={"web": "source_properties.identification_hints.hostname is match('web')"},
        compose={"shard": "region ~ '-1'"},
    )
    groups = inventory.get_groups_dict()
    assert groups["state_disconnected"] == ["web2", "db1"]
    assert groups["web"] == ["web1", "web2"]
    assert [inventory.hosts[name].vars["region"] for name in ("web1", "db1")] == BOTH
    assert [inventory.hosts[name].vars["lifecycle"] for name in ("web1", "db1")] == ["normal", "failed_over"]
    assert inventory.hosts["db1"].vars["shard"] == "eu-central-1-1"
    assert warnings == []


def test_a_region_that_is_not_initialised_is_passed_over(parse: Parse) -> None:
    inventory, (warning,) = parse(regions=["eu-west-1", "eu-west-2"])
    assert sorted(inventory.hosts) == ["web1", "web2"]
    assert warning.startswith("Skipping eu-west-2: ")


def test_a_region_without_permission_fails_or_is_passed_over(parse: Parse, emulator: Emulator) -> None:
    emulator.load({"regions": REGIONS, "faults": [{**DENIAL, "code": "AccessDeniedException"}]})
    with pytest.raises(AnsibleParserError, match="Cannot list the source servers in eu-central-1"):
        parse(regions=BOTH)
    inventory, (warning,) = parse(regions=BOTH, strict_permissions=False)
    assert sorted(inventory.hosts) == ["web1", "web2"]
    assert warning.startswith("Skipping eu-central-1: ")


def test_credentials_that_are_refused_in_one_of_two_regions_fail(parse: Parse, emulator: Emulator) -> None:
    emulator.load({"regions": REGIONS, "faults": [{**DENIAL, "code": "UnrecognizedClientException"}]})
    with pytest.raises(AnsibleParserError, match="eu-central-1"):
        parse(regions=BOTH)


def test_a_service_that_does_not_work_fails_whatever_the_permissions(parse: Parse, emulator: Emulator) -> None:
    emulator.load({"regions": REGIONS, "faults": [{**DENIAL, "status": 400, "code": "ValidationException"}]})
    with pytest.raises(AnsibleParserError, match="eu-central-1"):
        parse(regions=BOTH, strict_permissions=False)


def test_named_servers_that_no_region_has_are_warned_of(parse: Parse) -> None:
    inventory, (warning,) = parse(regions=BOTH, filters={"hostname": ["web1", "db1", "web9"]})
    assert sorted(inventory.hosts) == ["db1", "web1"]
    assert warning == "No source server in eu-west-1, eu-central-1 has hostname=web9."


def test_exclusions_that_no_region_has_are_warned_of(parse: Parse) -> None:
    excluded = [{"hostname": ["db1", "wbe1", "web2.example.net"]}, {"tag:env": "prod"}, {"tag:env": "test"}]
    inventory, warnings = parse(regions=BOTH, exclude_filters=excluded)
    assert sorted(inventory.hosts) == ["web2"]
    places = "exclude_filters: no source server in eu-west-1, eu-central-1"
    assert warnings == [
        f"{places} has hostname=wbe1, hostname=web2.example.net (hostname=web2 would match).",
        f"{places} matches tag:env=test.",
    ]


def test_filters_that_match_nothing_are_warned_of(parse: Parse) -> None:
    inventory, (warning,) = parse(regions=BOTH, filters={"tag:env": "test"})
    assert not inventory.hosts
    assert "tag:env" in warning


def test_a_mistyped_state_is_warned_of(parse: Parse) -> None:
    _inventory, warnings = parse(regions=BOTH, filters={"replication-state": ["STOPED", "DISCONNECTED"]})
    assert "STOPED" in warnings[0]


def test_a_tag_is_never_a_template(parse: Parse) -> None:
    inventory, _warnings = parse(regions=["eu-west-1"], compose={"copy": "tags.note"})
    assert inventory.hosts["web2"].vars["drs_tags"] == {"note": EVIL}
    assert inventory.hosts["web2"].vars["copy"] == EVIL


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"regions": ["eu-mars-1"]}, "Unknown regions: eu-mars-1"),
        ({"hostnames": ["hostnam"]}, "hostnames: unknown key hostnam"),
        ({"filters": {"hostnam": "web1"}}, "filters: unknown key hostnam"),
        ({"exclude_filters": [{}]}, "exclude_filters"),
        ({"filter": {"hostname": "web1"}}, "Unknown options: filter; known are"),
        ({"include_filters": [{"hostname": "web1"}]}, "Unknown options: include_filters; known are .*, filters,"),
        ({"Filters": {}, "hostname": ["fqdn"]}, "Unknown options: Filters, hostname; known are"),
        ({"filters": {"staging-account-id": 0o12345670123}}, "staging-account-id takes account IDs of 12 digits"),
        ({"exclude_filters": [{"origin-account-id": 7}]}, "origin-account-id takes account IDs of 12 digits"),
    ],
)
def test_a_wrong_configuration_is_rejected_before_any_call(
    parse: Parse, emulator: Emulator, configuration: dict[str, Any], message: str
) -> None:
    with pytest.raises(AnsibleParserError, match=message):
        parse(**configuration)
    assert emulator.journal() == []


def test_a_role_cannot_be_assumed_without_a_region(parse: Parse, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(AnsibleParserError, match="No region to assume the role in: set region"):
        parse(regions=["eu-west-1"], assume_role_arn="arn:aws:iam::123456789012:role/recovery")


def test_the_tags_are_tags_in_expressions_and_no_host_variable_has_a_reserved_name(parse: Parse) -> None:
    inventory, _warnings = parse(
        regions=["eu-west-1"],
        hostnames=["tag:env", "hostname"],
        compose={"env": "tags.env | default('none')"},
        groups={"production": "tags.env is defined"},
        keyed_groups=[{"key": "tags", "prefix": "tag"}],
    )
    assert inventory.hosts["prod"].vars["drs_tags"] == {"env": "prod"}
    assert inventory.hosts["prod"].vars["env"] == "prod"
    groups = inventory.get_groups_dict()
    assert (groups["production"], groups["tag_env_prod"]) == (["prod"], ["prod"])
    assert not any(is_reserved_name(name) for host in inventory.hosts.values() for name in host.vars)


@pytest.mark.parametrize(
    ("affixes", "tags", "region"),
    [
        ({"hostvars_prefix": "aws_"}, "aws_tags", "aws_region"),
        ({"hostvars_suffix": "_drs"}, "tags_drs", "region_drs"),
        ({"hostvars_prefix": "a_", "hostvars_suffix": "_z"}, "a_tags_z", "a_region_z"),
        ({"hostvars_prefix": ""}, "drs_tags", "region"),
    ],
)
def test_a_prefix_and_a_suffix_are_those_of_every_host_variable(
    parse: Parse, affixes: dict[str, str], tags: str, region: str
) -> None:
    compose = {"both": f"[region, {region}, tags == {tags}] | join(' ')"}
    inventory, _warnings = parse(regions=["eu-west-1"], compose=compose, **affixes)
    variables = inventory.hosts["web1"].vars
    assert (variables[tags], variables[region]) == ({"env": "prod"}, "eu-west-1")
    assert variables["both"] == "eu-west-1 eu-west-1 True"
    assert all(
        name.startswith(affixes.get("hostvars_prefix", ""))
        for name in variables
        if name != "both" and "inventory_" not in name
    )


def test_a_reserved_name_stays_reserved_whatever_the_prefix_makes_of_it() -> None:
    assert variable_name("tags") == "drs_tags"
    assert variable_name("environment") == "drs_environment"
    assert variable_name("hostname") == "hostname"


def test_the_key_of_the_cache_depends_on_what_decides_the_listing(
    parse: Parse, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: list[str] = []

    def get_cached_result(plugin: InventoryModule, path: str, _cache: bool) -> tuple[bool, list[Any]]:
        keys.append(plugin.get_cache_key(path))
        return True, []

    monkeypatch.setattr(InventoryModule, "get_cached_result", get_cached_result)
    parse(regions=["eu-west-1"])
    parse(regions=["eu-west-1"], strict_permissions=False, hostnames=["fqdn"])
    assert len(set(keys)) == 1
    parse(regions=BOTH)
    parse(region="eu-central-1")
    parse(filters={"hostname": "web1"})
    parse(exclude_filters=[{"hostname": "web1"}])
    parse(access_key="AKIAANOTHEREXAMPLE12", secret_key="example")
    parse(profile="fleet")
    parse(endpoint_url="http://127.0.0.1:1")
    monkeypatch.setenv("AWS_REGION", "eu-south-1")
    parse()
    assert len(set(keys)) == 9
    assert not any("AKIA" in key for key in keys)


def test_a_role_is_assumed_at_sts_whatever_the_endpoint_of_drs(monkeypatch: pytest.MonkeyPatch, parse: Parse) -> None:
    asked: list[dict[str, Any]] = []

    def client(_plugin: Any, *_arguments: Any, **options: Any) -> Any:
        asked.append(options)
        raise NoRegionError

    monkeypatch.setattr(AWSPluginBase, "client", client)
    monkeypatch.setenv("AWS_URL", "http://127.0.0.1:1")
    role = "arn:aws:iam::123456789012:role/recovery"
    for options in ({}, {"endpoint_url": "http://127.0.0.1:2"}):
        with pytest.raises(AnsibleParserError):
            parse(region="eu-west-1", assume_role_arn=role, **options)
    assert [each["endpoint"] for each in asked] == [None] * 2


ROLE = "arn:aws:iam::123456789012:role/recovery"
ASSUMED = """<AssumeRoleResponse><AssumeRoleResult><Credentials>
<AccessKeyId>{AWS_ACCESS_KEY_ID}</AccessKeyId><SecretAccessKey>{AWS_SECRET_ACCESS_KEY}</SecretAccessKey>
<SessionToken>token</SessionToken><Expiration>2036-01-01T00:00:00Z</Expiration>
</Credentials></AssumeRoleResult></AssumeRoleResponse>"""


@pytest.fixture
def sts(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """An STS that hands out the credentials of the emulator. The access keys that it was asked with."""
    asked: list[str] = []

    class AssumeRole(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(re.findall(r"Credential=(\w+)/", self.headers["Authorization"])[0])
            body = ASSUMED.format(**emulator.environment).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), AssumeRole) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{server.server_port}")
        yield asked
        server.shutdown()
        thread.join()


def of_a_profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: str) -> None:
    """Only the profile fleet has credentials, and these settings."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    keys = "aws_access_key_id = AKIAOFTHEPROFILE0000\naws_secret_access_key = example"
    (tmp_path / "config").write_text(f"[profile fleet]\n{keys}\n{settings}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))


def test_a_role_is_assumed_with_a_profile_whose_region_counts(
    parse: Parse, sts: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    of_a_profile(monkeypatch, tmp_path, "region = eu-central-1")
    inventory, warnings = parse(profile="fleet", assume_role_arn=ROLE)
    assert (sorted(inventory.hosts), warnings, sts) == (["db1"], [], ["AKIAOFTHEPROFILE0000"])


SECRET = "hunter2Hunter2HUNTER2"
EXPIRING = {"Version": 1, "AccessKeyId": "a", "SecretAccessKey": SECRET, "SessionToken": "b"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (f"credential_process = sh -c 'echo {SECRET} >&2; exit 1'", "The AWS credentials cannot be retrieved: run"),
        (f"credential_process = echo {SECRET}", "the credential process did not print JSON: run it manually"),
        ("credential_process = true", "the credential process did not print JSON: run it manually"),
        ("credential_process = echo [1]", "check what the credential process prints"),
        ("credential_process = /nowhere/at/all", "AssumeRole cannot be called: .* No such file or directory"),
        (
            f"credential_process = echo '{json.dumps(EXPIRING | {'Expiration': SECRET})}'",
            "the credential provider returned an invalid expiration time",
        ),
        (
            f"credential_process = echo '{json.dumps(EXPIRING | {'Expiration': '2001-01-01T00:00:00Z'})}'",
            "credentials cannot be retrieved|credentials are expired even after a refresh",
        ),
        ("role_arn = arn:aws:iam::1:role/x\nweb_identity_token_file = /nowhere/token", "AssumeRole cannot be called"),
    ],
    ids=short_id,
)
def test_credentials_that_cannot_be_had_to_assume_a_role_are_one_clear_sentence_without_them(
    parse: Parse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: str, message: str
) -> None:
    (tmp_path / "config").write_text(f"[profile broken]\n{settings}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(AnsibleParserError, match=message) as caught:
        parse(profile="broken", region="eu-west-1", assume_role_arn=ROLE)
    assert SECRET not in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("arn", ["x", 12])
def test_what_is_no_role_cannot_be_assumed(parse: Parse, arn: Any) -> None:
    with pytest.raises(AnsibleParserError, match=r"^assume_role_arn is not the ARN of a role"):
        parse(region="eu-west-1", assume_role_arn=arn)


def test_the_certificates_of_the_profile_with_which_a_role_is_assumed_count(
    parse: Parse, sts: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    of_a_profile(monkeypatch, tmp_path, "ca_bundle = /nowhere")
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = f"https://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(AnsibleParserError, match="cannot read the CA bundle"):
            parse(profile="fleet", region="eu-west-1", assume_role_arn=ROLE, endpoint_url=endpoint)
    assert len(sts) == 1


def test_bad_certificates_of_sts_are_reported_at_once(parse: Parse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere")
    message = r"^AssumeRole in eu-west-1 cannot be sent: cannot read the CA bundle"
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"https://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(AnsibleParserError, match=message):
            parse(region="eu-west-1", assume_role_arn=ROLE)
        server.settimeout(0)
        server.accept()[0].close()
        with pytest.raises(BlockingIOError):
            server.accept()


def test_an_answer_that_is_not_from_sts_is_reported(
    parse: Parse, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", emulator.url)
    with pytest.raises(AnsibleParserError, match=r"^AssumeRole got a response that is not from AWS STS"):
        parse(region="eu-west-1", assume_role_arn=ROLE)


def test_a_lost_connection_to_sts_is_tried_again(parse: Parse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{server.getsockname()[1]}")

        def close_two() -> None:
            for _attempt in range(2):
                server.accept()[0].close()

        asked = threading.Thread(target=close_two, daemon=True)
        asked.start()
        with pytest.raises(AnsibleParserError, match=r"^No answer to AssumeRole in eu-west-1"):
            parse(region="eu-west-1", assume_role_arn=ROLE)
        asked.join(5)
        assert not asked.is_alive()


def test_a_host_name_is_cut() -> None:
    assert len(host_name("w" * 20_000)) == 253


def test_the_credentials_of_an_assumed_role_are_used() -> None:
    plugin = InventoryModule()
    plugin._frozen_credentials = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "profile_name": None}
    assert plugin._role() == {"access_key": "key", "secret_key": "secret", "profile": None}
