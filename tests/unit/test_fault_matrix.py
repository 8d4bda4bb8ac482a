# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fault matrix: every kind of fault, at every call, before and after its effect.

Each row runs the real module over HTTP against the emulator, and leaves one of a few fleets behind. The next
run, without a fault, depends on that fleet alone, so it is tested once for each. Read the matrix with
`python -m pytest -v tests/unit/test_fault_matrix.py`: a row is named CALL-WHEN-KIND-HOW OFTEN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api import calls, rate_limiter
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run import reconcile
from ansible_collections.disaster_recovery.aws.plugins.modules import drs_drill
from ansible_collections.disaster_recovery.aws.plugins.modules import drs_source_server_replication as module
from ansible_collections.disaster_recovery.aws.tests.emulator import Emulator
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import sid
from ansible_collections.disaster_recovery.aws.tests.unit.fault_kinds import (
    KINDS,
    READ_TIMEOUT,
    REFUSALS,
    SAY_NOT_APPLIED,
)
from ansible_collections.disaster_recovery.aws.tests.unit.in_process import Runner

Document = dict[str, Any]

FAULTY = sid(3)
"""The server whose start goes wrong; on the second of two pages."""

RUNNING = sid(4)
FLEET = {sid(1): "STOPPED", sid(2): "STOPPED", FAULTY: "STOPPED", RUNNING: "CONTINUOUS"}
TO_START = {source_server_id for source_server_id, state in FLEET.items() if state == "STOPPED"}

CALLS: dict[str, Document] = {
    "describe": {"operation": "DescribeSourceServers"},
    "page": {"operation": "DescribeSourceServers", "page": 2},
    "start": {"operation": "StartReplication", "server": FAULTY},
    "recheck": {"operation": "DescribeSourceServers", "skip": 1},
}
"""The first Describe, a later page, a start, and the Describe after a conflict: somebody else was first to start."""

SELECTIONS: dict[str, Document] = {
    "ids": {"source_server_ids": list(FLEET)},
    "filters": {"filters": {"tag:env": "prod"}},
}
STARTED = {**FLEET, **dict.fromkeys(TO_START, "INITIATING")}
AFTER: dict[str, dict[str, str]] = {
    "all-started": STARTED,
    "all-started-one-by-somebody-else": {**STARTED, FAULTY: "INITIAL_SYNC"},
    "one-left": {**STARTED, FAULTY: "STOPPED"},
    "all-left": FLEET,
}
"""The fleets that the rows leave behind."""


@dataclass(frozen=True)
class Row:
    """A row of the matrix."""

    call: str
    when: str
    kind: str
    always: bool = False

    def __str__(self) -> str:
        return f"{self.call}-{self.when}-{self.kind}-{'always' if self.always else 'once'}"

    @property
    def is_late_lie(self) -> bool:
        return self.when == "after" and self.kind in SAY_NOT_APPLIED

    @property
    def script(self) -> Document:
        fault = {**CALLS[self.call], "when": self.when, "times": None if self.always else 1, **KINDS[self.kind]}
        somebody_else = [{"on": "StartReplication", "server": FAULTY, "do": "start"}] if self.call == "recheck" else []
        page_size = 2 if self.call == "page" else 300
        return {**world(FLEET), "page_size": page_size, "faults": [fault], "others": somebody_else}

    @property
    def options(self) -> Document:
        return SELECTIONS["filters" if self.call == "page" else "ids"]

    @property
    def failing(self) -> set[str]:
        """The servers that fail."""
        for_good = self.always or self.kind in REFUSALS
        if self.call in ("describe", "page"):
            return set(FLEET) if for_good else set()
        if self.call == "recheck":
            return {FAULTY} if for_good else set()
        if self.kind in ("403", "404"):
            return {FAULTY}
        return {FAULTY} if self.always and self.when == "before" else set()

    @property
    def started(self) -> set[str]:
        """The servers that the run's calls start."""
        if self.call in ("describe", "page"):
            return TO_START - self.failing
        if self.call == "recheck":
            return TO_START - {FAULTY}
        return TO_START - (self.failing if self.when == "before" else set())


def rows() -> Iterator[Row]:
    for call in CALLS:
        for kind in KINDS:
            for when in ("before", "after"):
                if kind != "cut" or when == "after":
                    yield Row(call, when, kind)
    for call in CALLS:
        for kind in ("409", "429", "500", "drop", "html"):
            yield Row(call, "before", kind, always=True)
    for kind in ("500", "drop", "empty_object", "cut"):
        yield Row("start", "after", kind, always=True)


def world(states: dict[str, str]) -> Document:
    servers = [{"sourceServerID": each, "state": state, "tags": {"env": "prod"}} for each, state in states.items()]
    return {"regions": {"eu-west-1": {"servers": servers}}}


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture(autouse=True)
def _surroundings(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator in the environment, nothing of the user's own AWS, and pauses a fiftieth as long."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_RETRY_MODE", "AWS_MAX_ATTEMPTS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    for name, value in emulator.environment.items():
        monkeypatch.setenv(name, value)
    for room, constant in [
        (calls, "FIRST_PAUSE"),
        (calls, "LONGEST_PAUSE"),
        (reconcile, "CONFLICT_PAUSE"),
        (reconcile, "SHORTEST_OBSERVE_PAUSE"),
        (reconcile, "LONGEST_OBSERVE_PAUSE"),
        (rate_limiter, "LONGEST_INTERVAL"),
        (rate_limiter, "EXHAUSTED_AFTER"),
    ]:
        monkeypatch.setattr(room, constant, getattr(room, constant) / 50)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Document]:
    return partial(Runner(monkeypatch, capsys), module.main, aws_config={"read_timeout": READ_TIMEOUT})


def truth(emulator: Emulator) -> dict[str, str]:
    return {each: server["dataReplicationInfo"]["dataReplicationState"] for each, server in emulator.servers().items()}


def with_flag(result: Document, flag: str) -> set[str]:
    return {outcome["source_server_id"] for outcome in result["outcomes"] if outcome[flag]}


def took_effect(call: Document) -> bool:
    after = call["fault"] is not None and call["fault"]["when"] == "after"
    return call["operation"] == "StartReplication" and (after or (call["status"] == 200 and call["fault"] is None))


def is_describe_of(call: Document, source_server_id: str) -> bool:
    """Whether the call is a Describe that was answered as it should be, and shows that server."""
    ids = call["input"].get("filters", {}).get("sourceServerIDs", [source_server_id])
    return call["operation"] == "DescribeSourceServers" and call["fault"] is None and source_server_id in ids


def assert_that_starts_follow_a_describe_that_said_stopped(journal: list[Document], row: Row) -> None:
    for source_server_id, state in FLEET.items():
        seen: str | None = None
        is_running = state != "STOPPED"
        accepted = 0
        for call in journal:
            if is_describe_of(call, source_server_id):
                seen = "running" if is_running else "STOPPED"
            elif call["input"].get("sourceServerID") == source_server_id:
                assert seen == "STOPPED"
                accepted += call["status"] == 200 and call["fault"] is None
                by_somebody_else = row.call == "recheck" and source_server_id == FAULTY
                is_running = is_running or took_effect(call) or by_somebody_else
                if call["status"] != 429:
                    seen = None  # only a throttled call may be sent again without another Describe
        assert accepted <= 1


@pytest.mark.parametrize("row", list(rows()), ids=str)
def test_a_fault_fails_its_servers_alone(row: Row, emulator: Emulator, run: Callable[..., Document]) -> None:
    emulator.load(row.script)
    first = run(**row.options)
    journal, after = emulator.journal(), truth(emulator)

    assert any(call["fault"] for call in journal), "the fault did not happen"
    outcomes = [outcome["source_server_id"] for outcome in first["outcomes"]]
    # If listing fails, filters select no server: a partial list is not a result.
    assert outcomes == ([] if row.call == "page" and row.failing else list(FLEET))
    assert first.get("failed", False) == bool(row.failing)
    assert with_flag(first, "failed") == row.failing & set(outcomes)
    assert all(outcome["reason"] for outcome in first["outcomes"])
    assert not row.failing or first["msg"].endswith((".", ")"))

    assert {each for each, state in after.items() if state == "STOPPED"} == TO_START - row.started - (
        {FAULTY} if row.call == "recheck" else set()
    )
    not_reported = {FAULTY} if row.call == "start" and row.is_late_lie else set()
    assert with_flag(first, "changed") == row.started - not_reported
    assert first["changed"] == bool(row.started)
    assert_that_starts_follow_a_describe_that_said_stopped(journal, row)

    assert after in AFTER.values()


@pytest.mark.parametrize("selection", SELECTIONS)
@pytest.mark.parametrize("fleet", AFTER)
def test_the_next_run_starts_what_is_left(
    fleet: str, selection: str, emulator: Emulator, run: Callable[..., Document]
) -> None:
    emulator.load(world(AFTER[fleet]))
    result = run(**SELECTIONS[selection])
    left = {each for each, state in AFTER[fleet].items() if state == "STOPPED"}
    assert not result.get("failed", False)
    assert with_flag(result, "changed") == left
    started = [call["input"]["sourceServerID"] for call in emulator.calls("StartReplication")]
    assert sorted(started) == sorted(left)
    assert "STOPPED" not in truth(emulator).values()


@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
@pytest.mark.parametrize("state", ["drilled", "absent"])
@pytest.mark.parametrize("kind", ["403", "500"])
def test_a_drill_under_filters_of_which_a_later_page_fails_touches_nobody(
    kind: str,
    state: str,
    check: bool,
    emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    script = world(dict.fromkeys(FLEET, "CONTINUOUS"))
    emulator.load({**script, "page_size": 2, "faults": [{**CALLS["page"], "times": None, **KINDS[kind]}]})
    run_drill = Runner(monkeypatch, capsys)
    options = {"filters": {"tag:env": "prod"}, "state": state, "wait": False, "_ansible_check_mode": check}
    result = run_drill(drs_drill.main, **options)
    assert (result["failed"], result["changed"], result["outcomes"], result["jobs"]) == (True, False, [], [])
    assert "DescribeSourceServers" in result["msg"]
    assert {call["operation"] for call in emulator.journal()} == {"DescribeSourceServers"}
