# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Conformance to botocore's service model."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.tests.emulator import source_server
from ansible_collections.disaster_recovery.aws.tests.emulator.model import (
    ServiceError,
    error_parts,
    error_status,
    known_part,
    operation_at,
    service_model,
    structure,
    violations,
)
from ansible_collections.disaster_recovery.aws.tests.emulator.source_servers import TRAITS

ID = "s-00000000000000001"


@pytest.mark.parametrize(
    ("shape", "value", "expected"),
    [
        ("StartReplicationRequest", {}, "sourceServerID: is required"),
        ("StartReplicationRequest", {"sourceServerID": 7}, "sourceServerID: is a int, not a string"),
        ("StartReplicationRequest", {"sourceServerID": ID, "x": 1}, "x: is not a member of StartReplicationRequest"),
        ("StartReplicationRequest", {"sourceServerID": "s-1"}, "sourceServerID: length 3 is less than 19"),
        ("StartReplicationRequest", {"sourceServerID": ID + "0"}, "sourceServerID: length 20 is more than 19"),
        ("StartReplicationRequest", {"sourceServerID": "x" * 19}, f"sourceServerID: '{'x' * 19}' does not match"),
        ("DescribeSourceServersRequest", {"maxResults": 0}, "maxResults: value 0 is less than 1"),
        ("DescribeSourceServersRequest", {"maxResults": True}, "maxResults: is a bool, not a integer"),
        ("DescribeSourceServersRequest", {"maxResults": "2"}, "maxResults: is a str, not a integer"),
        ("DescribeSourceServersRequest", {"nextToken": "x" * 2049}, "nextToken: length 2049 is more than 2048"),
        (
            "DescribeSourceServersRequest",
            {"filters": {"sourceServerIDs": [ID] * 201}},
            "filters.sourceServerIDs: length 201 is more than 200",
        ),
        (
            "DescribeSourceServersRequest",
            {"filters": {"sourceServerIDs": [ID, "s-!"]}},
            "filters.sourceServerIDs[1]: length 3",
        ),
        ("DescribeSourceServersRequest", {"filters": []}, "filters: is a list, not a structure"),
        ("DescribeSourceServersRequest", {"filters": {"sourceServerIDs": ID}}, "is a str, not a list"),
        ("SourceServer", {"tags": {"env": 1}}, "tags.env: is a int, not a string"),
        ("SourceServer", {"tags": {"k" * 257: ""}}, "length 257 is more than 256"),
        ("SourceServer", {"sourceProperties": {"ramBytes": -1}}, "sourceProperties.ramBytes: value -1 is less than 0"),
        ("SourceServer", {"lastLaunchResult": "MAYBE"}, "lastLaunchResult: 'MAYBE' is not one of NOT_STARTED"),
    ],
)
def test_each_departure_is_named(shape: str, value: dict[str, Any], expected: str) -> None:
    assert expected in "; ".join(str(violation) for violation in violations(structure(shape), value))


@pytest.mark.parametrize(
    ("moment", "fits_model", "fits_answer"),
    [
        ("2026-01-12T08:30:15Z", True, True),
        ("2026-01-12T08:30:15.481516Z", True, True),
        ("2026-01-12T08:30:15.481516+00:00", False, True),
        ("2026-01-12T08:30:15+02:00", False, False),
        ("yesterday, in the evening", False, False),
    ],
)
def test_an_answered_datetime_may_have_the_service_s_other_form(
    moment: str, fits_model: bool, fits_answer: bool
) -> None:
    server = {"lifeCycle": {"addedToServiceDateTime": moment}}
    assert (not violations(structure("SourceServer"), server)) is fits_model
    assert (not violations(structure("SourceServer"), server, answer=True)) is fits_answer


@pytest.mark.parametrize("state", structure("DataReplicationInfo").members["dataReplicationState"].metadata["enum"])
def test_a_built_server_conforms_in_every_state_of_the_model(state: str) -> None:
    server = source_server(ID, state=state)
    assert violations(structure("SourceServer"), server, answer=True) == []
    assert server["dataReplicationInfo"]["dataReplicationState"] == state
    assert state in TRAITS


def test_members_that_the_installed_botocore_does_not_know_are_left_out() -> None:
    server = {"sourceServerID": ID, "future": 1, "sourceProperties": {"disks": [{"bytes": 1, "future": 1}]}}
    expected = {"sourceServerID": ID, "sourceProperties": {"disks": [{"bytes": 1}]}}
    assert known_part(structure("SourceServer"), server) == expected


def test_every_operation_of_the_model_has_a_route() -> None:
    for name in service_model().operation_names:
        http = service_model().operation_model(name).http
        found = operation_at(http["method"], http["requestUri"].replace("{resourceArn}", "arn:aws:drs:x"))
        assert found is not None
        assert found.name == name


def test_an_error_puts_its_members_where_the_model_locates_them() -> None:
    error = ServiceError("ThrottlingException", "slow down", retryAfterSeconds=3, quotaCode="L-1")
    headers, body = error_parts(error)
    assert headers == {"x-amzn-ErrorType": "ThrottlingException", "Retry-After": "3"}
    assert body == {"message": "slow down", "quotaCode": "L-1"}


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("ConflictException", 409),
        ("ResourceNotFoundException", 404),
        ("ThrottlingException", 429),
        ("UninitializedAccountException", 400),
        ("InternalServerException", 500),
        ("AccessDeniedException", 403),
        ("ExpiredTokenException", 403),
        ("NoSuchException", None),
    ],
)
def test_the_status_of_an_error_is_the_model_s_or_the_front_door_s(code: str, status: int | None) -> None:
    assert error_status(code) == status
