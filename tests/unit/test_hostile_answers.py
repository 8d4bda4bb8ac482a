# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever JSON type stands in the place of any member of a source server: no traceback, and results that are safe."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.calls import DrsApi
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.errors import DrsError
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.listing import find
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources import servers as readers
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.lifecycle import (
    LIFECYCLES,
    lifecycle_of,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.operations import Goal, Operation
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.selection import (
    FILTER_KEYS,
    Matcher,
    Selection,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.servers import SourceServer
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.states import PHASES
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.results.replication import (
    failure_message,
    success_message,
    values_of,
    warnings_of,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.results.summaries import snake_case, summary_of
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.options import RunOptions
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.outcomes import Outcome
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.progress import progress_line
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.reconcile import reconcile
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.run import Run
from ansible_collections.disaster_recovery.aws.tests.unit.decision_table import GOALS
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import (
    NO_ANSWER,
    REGION,
    End,
    FakeClock,
    FakeDrs,
    FakeServer,
    sid,
)
from ansible_collections.disaster_recovery.aws.tests.unit.hostile import (
    ESCAPES,
    HOSTILE,
    TYPES,
    ParsingClient,
    Path,
    assert_encodable,
    json_values,
    nested_json,
    paths_of,
    put,
    sample,
)
from botocore.model import ServiceModel, StructureShape
from botocore.session import Session
from hypothesis import given, settings
from hypothesis import strategies as st

NOW = datetime(2026, 11, 23, tzinfo=timezone.utc)
WAIT = 10
"""Seconds that a run may wait."""


def server_with(replaced: Sequence[tuple[Path, Any]], state: str = "STOPPED") -> dict[str, Any]:
    """A source server with every member, and these in the place of some of them."""
    server: dict[str, Any] = json.loads(SAMPLE_JSON)
    server["dataReplicationInfo"]["dataReplicationState"] = state
    for path, value in replaced:
        put(server, path, copy.deepcopy(value))
    return server


SHAPE = Session().get_service_model("drs").shape_for("SourceServer")
SAMPLE: dict[str, Any] = {**sample(SHAPE), "sourceServerID": sid(0)}
SAMPLE_JSON = json.dumps(SAMPLE)
"""Decoding it takes a third of the time of a deep copy."""

PATHS = [path for path in paths_of(SAMPLE) if path != ("sourceServerID",)]
STOPPED = server_with([])


class HostileApi:
    """Shows and answers this server, whatever is asked."""

    region = REGION
    attempts = 2

    def __init__(self, shown: SourceServer, answered: SourceServer) -> None:
        self.clock = FakeClock()
        self.until = self.clock() + WAIT
        self._shown, self._answered = shown, answered

    def describe(self, _source_server_ids: Sequence[str]) -> list[SourceServer]:
        return [self._shown]

    def describe_all(self) -> list[SourceServer]:
        return [self._shown]

    def send(self, _operation: Operation, _source_server_id: str) -> SourceServer:
        return self._answered


def assert_readable(server: SourceServer) -> None:
    """Every reader handles this server, and it can be returned."""
    for reader in (
        readers.state_of,
        readers.hostname_of,
        readers.error_of,
        readers.raw_error_of,
        readers.last_seen_of,
        readers.failed_step_of,
    ):
        assert reader(server) is None or isinstance(reader(server), str)
    assert isinstance(readers.progress_of(server), str)
    storage = readers.storage_of([server, SAMPLE])
    assert min(storage.total, storage.replicated, storage.backlogged) >= 0
    assert storage.percent is None or 0 <= storage.percent <= 100
    assert all(isinstance(text, str) for pair in readers.tags_of(server).items() for text in pair)
    for key in (*FILTER_KEYS, "tag:Env"):
        assert Matcher({key: ["*"]}).matches(server) in (True, False)
    assert lifecycle_of(server) in LIFECYCLES
    assert find(HostileApi(server, SAMPLE), Selection(filters={"hostname": ["*"]})).servers in ([], [server])
    assert_encodable([snake_case(server), summary_of([server], [readers.state_of(server)])])


def assert_safe(shown: SourceServer, answered: SourceServer, goal: Goal = "replicating", wait: bool = True) -> None:
    """A run over these servers comes to its end, and no output contains terminal control characters.

    A wait looks three times: at first, after the call, and at the deadline.
    """
    api = HostileApi(shown, answered)
    options = RunOptions(goal, wait=wait, wait_timeout=WAIT, wait_delay=WAIT // 2)
    lines: list[str] = []

    def report(outcomes: Sequence[Outcome]) -> None:
        lines.append(progress_line(goal, outcomes, outcomes, NOW))
        lines.append(progress_line(goal, [*outcomes, *outcomes], outcomes, NOW))

    run = Run(options, api, [Outcome(sid(0))], api.clock, api.clock.sleep, report)
    reconcile(run)
    (outcome,) = run.outcomes
    values = values_of(run.outcomes, diff=True)
    report(run.outcomes)
    sentences = [success_message(run), failure_message(run) or "", *warnings_of(run, NOW), *lines]
    sentences += [outcome.reason, outcome.cause, *values["diff"]["before"].splitlines()]
    assert [text for text in sentences if not text.isprintable()] == []
    assert [len(text) for text in sentences if len(text) > 3000] == []
    assert values["diff"]["after"].count("\n") == 1
    assert all(text.isprintable() for text in values["summary"]["by_state"])
    row = values["outcomes"][0]
    assert all(text.isprintable() for text in row.values() if isinstance(text, str))
    assert_encodable(values)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: ".".join(map(str, path)))
def test_any_json_type_may_stand_in_the_place_of_any_member(path: Path) -> None:
    for value in HOSTILE:
        hostile = server_with([(path, value)])
        assert_readable(hostile)
        assert_safe(hostile, SAMPLE)
        assert_safe(STOPPED, hostile)


@pytest.mark.parametrize("state", PHASES)
@pytest.mark.parametrize("goal", GOALS)
def test_hostile_texts_in_every_member_are_shown_escaped_in_every_state(goal: Goal, state: str) -> None:
    texts: list[tuple[Path, Any]] = [(path, ESCAPES) for path in PATHS if isinstance(value_at(path), str)]
    texts = [(path, text) for path, text in texts if path[-1] != "dataReplicationState"]
    server = server_with(texts, state)
    assert_readable(server)
    for wait in (True, False):
        assert_safe(server, server, goal, wait)


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize(("goal", "first"), [("replicating", "STOPPED"), ("stopped", "CONTINUOUS")])
def test_a_hostile_state_after_a_call_without_a_response_is_shown_escaped(goal: Goal, first: str, wait: bool) -> None:
    silent = [End(NO_ANSWER)] * 9
    drs = FakeDrs({sid(0): FakeServer([first, ESCAPES * 50], starts=silent, stops=silent)})
    run = drs.run(goal=goal, wait=wait, wait_timeout=600)
    texts = [run.only.reason, run.only.cause, success_message(run.run), failure_message(run.run) or ""]
    assert [text for text in texts if not text.isprintable()] == []
    assert [len(text) for text in texts if len(text) > 1000] == []


def value_at(path: Path) -> Any:
    value: Any = SAMPLE
    for name in path:
        value = value[name]
    return value


replacements = st.lists(st.tuples(st.sampled_from(PATHS), json_values | st.sampled_from(HOSTILE)), max_size=6)


@settings(max_examples=200, derandomize=True, database=None, deadline=None)
@given(
    shown=replacements,
    answered=replacements,
    state=st.sampled_from(list(PHASES)),
    goal=st.sampled_from(GOALS),
    wait=st.booleans(),
)
def test_any_json_type_may_stand_in_the_place_of_many_members(
    shown: list[tuple[Path, Any]], answered: list[tuple[Path, Any]], state: str, goal: Goal, wait: bool
) -> None:
    first, second = server_with(shown, state), server_with(answered, state)
    assert_readable(first)
    assert_readable(second)
    assert_safe(first, second, goal, wait)


def parsed_by_botocore(model: ServiceModel, call: str, server: str) -> SourceServer | None:
    """The server as the API returns it, None for an answer that counts as none."""
    answers = {"describe": f'{{"items": [{server}]}}', "start": f'{{"sourceServer": {server}}}'}
    clock = FakeClock()
    client: Any = ParsingClient(model, answers[call].encode())
    api = DrsApi(client, math.inf, 2, clock.sleep, clock)
    try:
        return api.describe_all()[0] if call == "describe" else api.send("start", sid(0))
    except DrsError as error:
        return None if (error.kind, error.code) == ("unanswered", None) else {}


@pytest.mark.parametrize("call", ["describe", "start"])
@pytest.mark.parametrize("path", PATHS, ids=lambda path: ".".join(map(str, path)))
def test_what_botocore_makes_of_any_json_type_is_a_server_or_no_answer(
    path: Path, call: str, drs_model: ServiceModel
) -> None:
    for value in TYPES:
        server = parsed_by_botocore(drs_model, call, json.dumps(server_with([(path, value)])))
        assert server is None or server["sourceServerID"] == sid(0)


def test_the_generator_knows_every_member_of_botocore(drs_model: ServiceModel) -> None:
    shape = drs_model.shape_for("SourceServer")
    assert isinstance(shape, StructureShape)
    assert set(SAMPLE) == set(shape.members)
    assert len(PATHS) > 50


@pytest.mark.parametrize("depth", [50, 400, 5000])
@pytest.mark.parametrize("member", ["tags", "arn", "supportedInstanceType"])
@pytest.mark.parametrize("brackets", ["[]", "{}"])
def test_a_member_of_any_depth_breaks_nothing(brackets: str, member: str, depth: int, drs_model: ServiceModel) -> None:
    nested = f'{{"sourceServerID": "{sid(0)}", "{member}": {nested_json(brackets, depth)}}}'
    server = parsed_by_botocore(drs_model, "describe", nested)
    if server is not None:
        assert_readable(server)
        assert_safe(server, server)
