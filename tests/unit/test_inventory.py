# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.inventory.source_servers import (
    InventoryModule,
    check_regions,
    host_name,
    names_of,
    parse_hostnames,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils.drs.errors import InvalidOptions

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
    assert warning.startswith("web names more than one source server")


def test_no_server_is_lost_where_even_the_id_is_taken() -> None:
    same = [("eu-west-1", server(1)), ("eu-central-1", server(1))]
    assert len(names_of(same, HOSTNAMES, lambda _warning: None)) == 2
    assert named(server(1, f"s-{2:017d}"), server(2))[0] == [f"s-{2:017d}", f"s-{2:017d}.eu-west-1"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("web1.example.com", "web1.example.com"),
        ("\x1b[2Jweb", "__2Jweb"),
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("a:b,!c", "a_b__c"),
        ("\u202etxt", "_txt"),
        ("localhost", ""),
        ("ALL", ""),
        ("..", ""),
        ("", ""),
    ],
)
def test_a_host_name_means_nothing_else(text: str, name: str) -> None:
    assert host_name(text) == name


def test_an_unknown_key_or_region_is_refused() -> None:
    with pytest.raises(InvalidOptions, match="hostnames has no key hostnam; the keys are tag:<Key>"):
        parse_hostnames(["hostname", "hostnam"])
    with pytest.raises(InvalidOptions, match="eu-mars-1"):
        check_regions(["eu-west-1", "eu-mars-1"])
    check_regions(["eu-west-1", "us-gov-west-1", None])


@pytest.mark.parametrize(("name", "verified"), [("a.drs.yml", True), ("a.drs.yaml", True), ("a.yml", False)])
def test_only_files_with_the_ending_are_verified(tmp_path: Any, name: str, verified: bool) -> None:
    path = tmp_path / name
    path.touch()
    assert InventoryModule().verify_file(str(path)) is verified
