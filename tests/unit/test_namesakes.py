# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Disconnected servers whose machine, or a machine of the same host name, another server protects."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.lifecycle import (
    LIFECYCLES,
    Lifecycle,
    lifecycle_of,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.namesakes import namesakes
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.states import PHASES
from ansible_collections.disaster_recovery.aws.tests.unit.documents import (
    INSTANCE,
    MEMBERS,
    OBJECTS,
    document,
    properties,
)
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import sid
from hypothesis import given
from hypothesis import strategies as st

OLD, NEW = sid(1), sid(2)
STALE = f"{NEW} copies the same machine and is CONTINUOUS: this record is stale, delete it"


def question(machine: str) -> str:
    return (
        f"{NEW} has the same host name and is CONTINUOUS: if {machine} was replaced, delete this record; if it still"
        " runs, reconnect its agent"
    )


def server(source_server_id: str, state: str, *, members: dict[str, Any] | None = None, **hints: str) -> dict[str, Any]:
    properties = {"sourceProperties": {"identificationHints": hints}}
    return document(state, **{**(members or {}), **properties, "sourceServerID": source_server_id})


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ({"awsInstanceID": "i-1"}, {"awsInstanceID": "i-1"}, STALE),
        ({"awsInstanceID": "i-1", "hostname": "a"}, {"awsInstanceID": "i-1", "hostname": "b"}, STALE),
        ({"vmWareUuid": "42AB"}, {"vmWareUuid": "42ab"}, STALE),
        ({"vmWareUuid": "42ab", "awsInstanceID": "i-1"}, {"vmWareUuid": "42ab", "awsInstanceID": "i-2"}, None),
        ({"vmWareUuid": "42ab", "awsInstanceID": "i-1"}, {"vmWareUuid": "42ab"}, None),
        ({"vmWareUuid": "42ab"}, {"vmWareUuid": "42ab", "awsInstanceID": "i-2"}, None),
        ({"awsInstanceID": "i-1", "hostname": "web1"}, {"awsInstanceID": "i-2", "hostname": "WEB1"}, "(i-1)"),
        ({"hostname": "web1"}, {"hostname": "web1"}, ""),
        ({"fqdn": "web1.example.com"}, {"fqdn": "WEB1.example.com"}, ""),
        ({"hostname": "web1"}, {"hostname": "web2"}, None),
        ({"hostname": "web1"}, {}, None),
        ({}, {}, None),
    ],
)
def test_machines_are_compared_before_host_names(
    old: dict[str, Any], new: dict[str, Any], sentence: str | None
) -> None:
    found = namesakes([server(OLD, "DISCONNECTED", **old), server(NEW, "CONTINUOUS", **new)])
    if sentence is None:
        assert found == {}
    elif sentence == STALE:
        assert found == {OLD: STALE}
    else:
        assert found == {OLD: question(f"this machine {sentence}".strip())}


UNPROTECTED: list[dict[str, Any]] = [
    {"dataReplicationError": {"error": "SNAPSHOTS_FAILURE"}},
    {"replicatedDisks": [{"totalStorageBytes": 100, "rescannedStorageBytes": 40}]},
    {"replicatedDisks": [{"totalStorageBytes": 100, "volumeStatus": "MISSING_VOLUME_ATTRIBUTES"}]},
]


@pytest.mark.parametrize("info", UNPROTECTED, ids=str)
def test_a_record_is_kept_while_its_namesake_is_not_protected(info: dict[str, Any]) -> None:
    old = server(OLD, "DISCONNECTED", awsInstanceID="i-1", hostname="web1")
    twin = server(NEW, "CONTINUOUS", awsInstanceID="i-1")
    namesake = server(NEW, "CONTINUOUS", hostname="web1")
    for each in (twin, namesake):
        each["dataReplicationInfo"].update(info)
    keep = f"{NEW} copies the same machine and is CONTINUOUS, but not protected yet: keep this record until it is, then"
    assert namesakes([old, twin]) == {OLD: f"{keep} delete it"}
    unsure = question("this machine (i-1)").replace(
        "delete this record", "delete this record once that one is protected"
    )
    assert namesakes([old, namesake]) == {OLD: unsure}
    healthy = server(sid(3), "CONTINUOUS", awsInstanceID="i-1")
    assert namesakes([old, twin, healthy]) == {OLD: STALE.replace(NEW, sid(3))}


@pytest.mark.parametrize(("old", "new"), list(itertools.product([*PHASES, "SOMETHING_NEW"], repeat=2)))
def test_only_a_disconnected_server_has_a_namesake_and_only_a_continuous_one_is_one(old: str, new: str) -> None:
    found = namesakes([server(OLD, old, hostname="web1"), server(NEW, new, hostname="web1")])
    expected = {("DISCONNECTED", "CONTINUOUS"): {OLD}, ("CONTINUOUS", "DISCONNECTED"): {NEW}}
    assert set(found) == expected.get((old, new), set())


@pytest.mark.parametrize(("old", "new"), list(itertools.product(LIFECYCLES, repeat=2)))
def test_both_are_normal(old: Lifecycle, new: Lifecycle) -> None:
    found = namesakes(
        [
            server(OLD, "DISCONNECTED", members=MEMBERS[old], awsInstanceID=INSTANCE),
            server(NEW, "CONTINUOUS", members=MEMBERS[new], awsInstanceID=INSTANCE),
        ]
    )
    assert set(found) == ({OLD} if old == new == "normal" else set())


def test_several_have_the_same_namesake_and_the_first_by_id_is_named() -> None:
    servers = [server(sid(n), "CONTINUOUS", hostname="web1") for n in (9, 2, 5)]
    servers += [server(sid(n), "DISCONNECTED", hostname="web1") for n in (1, 7)]
    found = namesakes(servers)
    assert set(found) == {sid(1), sid(7)}
    assert all(text.startswith(sid(2)) for text in found.values())


def test_thousands_of_servers_of_one_name_take_no_time() -> None:
    servers = [server(sid(n), ("CONTINUOUS", "DISCONNECTED")[n % 2], hostname="localhost") for n in range(6000)]
    before = time.process_time()
    assert len(namesakes(servers)) == 3000
    assert time.process_time() - before < 3


@properties
@given(st.lists(OBJECTS, max_size=5))
def test_any_documents_give_printable_sentences_about_disconnected_normal_servers(
    servers: list[dict[str, Any]],
) -> None:
    found = namesakes(servers)
    assert all(text.isprintable() for text in found.values())
    known = {
        each.get("sourceServerID") or ""
        for each in servers
        if lifecycle_of(each) == "normal" and isinstance(each.get("sourceServerID") or "", str)
    }
    assert set(found) <= known
