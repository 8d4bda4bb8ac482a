# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which drills a report finds."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.drill_lookups import look_up_drills
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.errors import DrsError, InvalidOptions
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.evidence import Evidence
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.options import parse_max_drill_age
from ansible_collections.disaster_recovery.aws.tests.unit.drill_world import DrillWorld, fleet
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import sid


def looked_up(world: DrillWorld, days: int = 90) -> tuple[dict[str, Evidence], Counter[str]]:
    """What a report finds, and the calls for it."""
    api = world.api()
    servers = api.describe_all()
    began = len(world.service.journal())
    found = look_up_drills(api, servers, world.now() - timedelta(days=days), world.now())
    return found, Counter(call["operation"] for call in world.service.journal()[began:])


def test_a_report_finds_what_the_module_calls_evidence_with_one_listing() -> None:
    world = DrillWorld(fleet({}, {"launch": "silent"}, {"state": "STOPPED"}))
    drilled = world.run(terminate=True)
    found, calls = looked_up(world)
    assert found == {sid(1): found[sid(1)]}
    assert drilled.outcomes[0].evidence is not None
    assert found[sid(1)].job_id == drilled.outcomes[0].evidence.job_id
    assert calls == {"DescribeJobs": 1, "DescribeJobLogItems": 1}
    assert looked_up(world, days=0)[0] == {}


def test_a_later_recovery_does_not_hide_a_drill_and_a_failed_one_is_none() -> None:
    old = {"servers": [sid(1), sid(2)], "age": 10 * 86400}
    failed = {
        "servers": [sid(3)],
        "age": 86400,
        "participatingServers": [{"sourceServerID": sid(3), "launchStatus": "FAILED"}],
    }
    recovery = {"servers": [sid(1)], "age": 3600, "initiatedBy": "START_RECOVERY"}
    found, calls = looked_up(DrillWorld(fleet({}, {}, {}, jobs=[old, failed, recovery])))
    assert sorted(found) == [sid(1), sid(2)]
    assert calls == {"DescribeJobs": 1, "DescribeJobLogItems": 1}


def test_a_log_that_cannot_be_read_proves_nothing_and_a_listing_that_is_denied_ends_the_run() -> None:
    denied = {"code": "AccessDeniedException", "status": 403, "times": None}
    job = {"servers": [sid(1)]}
    world = DrillWorld(fleet({}, jobs=[job], faults=[{"operation": "DescribeJobLogItems", **denied}]))
    assert looked_up(world)[0] == {}
    with pytest.raises(DrsError) as raised:
        looked_up(DrillWorld(fleet({}, jobs=[job], faults=[{"operation": "DescribeJobs", **denied}])))
    assert raised.value.facts.ends_run


@pytest.mark.parametrize("days", [0, -1, 3651])
def test_an_absurd_age_of_a_drill_is_rejected(days: int) -> None:
    with pytest.raises(InvalidOptions, match="max_drill_age must be from 1 to 3650 days"):
        parse_max_drill_age(days)
    assert (parse_max_drill_age(None), parse_max_drill_age(90)) == (None, 90)
