# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which drills a report finds."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.drill_lookups import look_up_drills
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.errors import DrsError, InvalidOptions
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.evidence import DrillLookup, Evidence
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.options import parse_max_drill_age
from ansible_collections.disaster_recovery.aws.tests.unit.drill_world import DrillWorld, fleet
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import sid


def looked_up(world: DrillWorld, days: int = 90) -> tuple[dict[str, DrillLookup], Counter[str]]:
    """What a report finds, and the calls for it."""
    api = world.api()
    servers = api.describe_all()
    began = len(world.service.journal())
    found = look_up_drills(api, servers, world.now() - timedelta(days=days), world.now())
    return found, Counter(call["operation"] for call in world.service.journal()[began:])


def job_of(lookup: DrillLookup) -> str | None:
    return lookup.evidence.job_id if isinstance(lookup.evidence, Evidence) else None


JOB = "drsjob-0000000000000000a"


def test_a_report_finds_what_the_module_calls_evidence_with_one_listing() -> None:
    world = DrillWorld(fleet({}, {"launch": "silent"}, {"state": "STOPPED"}))
    drilled = world.run(terminate=True)
    found, calls = looked_up(world)
    assert [each.result for each in found.values()] == ["done", "failed", None]
    assert drilled.outcomes[0].evidence is not None
    assert job_of(found[sid(1)]) == drilled.outcomes[0].evidence.job_id
    assert calls == {"DescribeJobs": 1, "DescribeJobLogItems": 1}
    assert [each.result for each in looked_up(world, days=0)[0].values()] == [None, None, None]


def test_a_later_recovery_does_not_hide_a_drill_and_a_failed_one_is_none() -> None:
    old = {"servers": [sid(1), sid(2)], "age": 10 * 86400}
    failed = {
        "servers": [sid(3)],
        "age": 86400,
        "participatingServers": [{"sourceServerID": sid(3), "launchStatus": "FAILED"}],
    }
    recovery = {"servers": [sid(1)], "age": 3600, "initiatedBy": "START_RECOVERY"}
    found, calls = looked_up(DrillWorld(fleet({}, {}, {}, jobs=[old, failed, recovery])))
    assert [each.result for each in found.values()] == ["done", "done", "failed"]
    assert calls == {"DescribeJobs": 1, "DescribeJobLogItems": 1}


def test_a_log_that_cannot_be_read_proves_nothing_and_a_listing_that_is_denied_ends_the_run() -> None:
    denied = {"code": "AccessDeniedException", "status": 403, "times": None}
    job = {"servers": [sid(1)]}
    world = DrillWorld(fleet({}, {}, jobs=[job], faults=[{"operation": "DescribeJobLogItems", **denied}]))
    drilled, never = looked_up(world)[0].values()
    assert (drilled.result, drilled.evidence, never) == ("unknown", None, DrillLookup())
    assert "drs:DescribeJobLogItems" in str(drilled.unread)
    with pytest.raises(DrsError) as raised:
        looked_up(DrillWorld(fleet({}, jobs=[job], faults=[{"operation": "DescribeJobs", **denied}])))
    assert raised.value.facts.ends_run


WITHOUT_END = {"servers": [sid(1)], "jobID": JOB, "log": ["JOB_START", "LAUNCH_START", "JOB_END"]}
INSTANCE = {"sourceServerID": sid(1), "jobID": JOB}
FAILED_ACTION = {"runs": [{"action": {"name": "smoke test", "optional": False}, "status": "FAILED"}]}


def participant(status: str, **members: Any) -> dict[str, Any]:
    return {"participatingServers": [{"sourceServerID": sid(1), "launchStatus": status, **members}]}


def test_a_drill_without_a_word_in_its_log_is_proven_by_its_instance_as_the_module_does() -> None:
    world = DrillWorld(fleet({}, {}, jobs=[WITHOUT_END], recovery_instances=[INSTANCE]))
    found, calls = looked_up(world)
    evidence = world.run().outcomes[0].evidence
    assert (found[sid(1)].evidence, job_of(found[sid(1)])) == (evidence, JOB)
    assert calls == {"DescribeJobs": 1, "DescribeJobLogItems": 1, "DescribeRecoveryInstances": 1}


def test_instances_that_cannot_be_read_leave_it_open_whether_there_was_a_drill() -> None:
    denied = {"operation": "DescribeRecoveryInstances", "code": "AccessDeniedException", "status": 403, "times": None}
    found, _calls = looked_up(DrillWorld(fleet({}, jobs=[WITHOUT_END], recovery_instances=[INSTANCE], faults=[denied])))
    assert found[sid(1)].result == "unknown"
    assert "drs:DescribeRecoveryInstances" in str(found[sid(1)].unread)


@pytest.mark.parametrize(
    ("job", "result"),
    [
        ({}, "done"),
        (participant("LAUNCHED", launchActionsStatus=FAILED_ACTION), "failed"),
        (participant("FAILED"), "failed"),
        (WITHOUT_END, "failed"),
        # The job ends with its last server, and tells nothing final about the others until then.
        ({**participant("LAUNCHED"), "status": "STARTED"}, "running"),
        ({**participant("PENDING"), "status": "PENDING"}, "running"),
        ({**participant("LAUNCHED"), "initiatedBy": "START_RECOVERY"}, None),
    ],
)
def test_a_drill_is_done_only_by_evidence_and_failed_only_when_its_job_has_ended(
    job: dict[str, Any], result: str | None
) -> None:
    found, calls = looked_up(DrillWorld(fleet({}, jobs=[{"servers": [sid(1)], "age": 3600, **job}])))
    assert found[sid(1)].result == result
    assert calls["DescribeRecoveryInstances"] == (job is WITHOUT_END)


@pytest.mark.parametrize(
    ("type_", "status", "age", "result"),
    [
        ("DRILL", "FAILED", 1, "failed"),
        ("DRILL", "PENDING", 1, "running"),
        ("DRILL", "MELTED", 1, "unknown"),
        # Without its job it cannot be looked up.
        ("DRILL", "LAUNCHED", 1, "unknown"),
        ("DRILL", "LAUNCHED", 91, None),
        ("DRILL", "FAILED", 91, None),
        ("RECOVERY", "LAUNCHED", 1, None),
    ],
)
def test_where_the_job_is_not_listed_the_last_launch_tells_but_proves_nothing_without_its_job(
    type_: str, status: str, age: int, result: str | None
) -> None:
    world = DrillWorld(fleet({}))
    at = world.now() - timedelta(days=age)
    launch = {"status": status, "initiated": {"type": type_, "apiCallDateTime": at.isoformat()}}
    found, _calls = looked_up(DrillWorld(fleet({"conform": False, "lifeCycle": {"lastLaunch": launch}})))
    assert (found[sid(1)].result, found[sid(1)].evidence) == (result, None)


@pytest.mark.parametrize("days", [0, -1, 3651])
def test_an_absurd_age_of_a_drill_is_rejected(days: int) -> None:
    with pytest.raises(InvalidOptions, match="max_drill_age must be from 1 to 3650 days"):
        parse_max_drill_age(days)
    assert (parse_max_drill_age(None), parse_max_drill_age(90)) == (None, 90)
