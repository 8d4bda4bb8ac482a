# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines of progress, and the file that carries them from the module to the action plugin."""

from __future__ import annotations

import contextlib
import io
import os
import resource
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest
from ansible import constants
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.utils.display import Display
from ansible_collections.disaster_recovery.aws.plugins.action import drs_drill as drill_action
from ansible_collections.disaster_recovery.aws.plugins.action import drs_source_server_replication as action
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.operations import Goal
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.states import PHASES
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.outcomes import Action, End, Outcome
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.progress import (
    AT_LEAST_EVERY,
    Progress,
    progress_line,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.progress_file import (
    FILE_VARIABLE,
    ProgressFile,
)
from hypothesis import given, settings
from hypothesis import strategies as st

NOW = datetime(2026, 11, 23, 10, tzinfo=timezone.utc)
GIB = 2**30


def outcome(
    number: int,
    state: str | None,
    end: End | None = None,
    *,
    action: Action = "none",
    changed: bool = False,
    host: Any = None,
    code: Any = None,
    eta: Any = None,
    replicated: tuple[float, float] | None = None,
) -> Outcome:
    """An outcome as an observation left it. replicated: GiB that are replicated, and GiB in all."""
    info = {
        "dataReplicationState": state,
        "etaDateTime": eta,
        "dataReplicationError": {"error": code},
        "replicatedDisks": [{"replicatedStorageBytes": replicated[0] * GIB, "totalStorageBytes": replicated[1] * GIB}]
        if replicated
        else [],
    }
    server = {
        "dataReplicationInfo": info,
        "sourceProperties": {"identificationHints": {"hostname": f"web{number}" if host is None else host}},
    }
    return Outcome(f"s-{number}", latest=server, action=action, changed=changed, end=end)


def started(number: int, state: str, end: End | None = None, **more: Any) -> Outcome:
    return outcome(number, state, end, action="start", changed=True, **more)


def line(goal: Goal, *outcomes: Outcome, newly_stuck: list[Outcome] | None = None) -> str:
    return progress_line(goal, outcomes, newly_stuck or [], NOW)


@pytest.mark.parametrize(
    ("goal", "outcomes", "expected"),
    [
        ("replicating", [outcome(1, "INITIATING"), outcome(2, "CONTINUOUS", "done")], "1/2 replicating · 1 initiating"),
        (
            "continuous",
            [started(1, "INITIAL_SYNC", replicated=(1, 4)), started(2, "INITIAL_SYNC", replicated=(2, 4))],
            "0/2 protected · 2 initial sync, 37.5% of 8.0 GiB",
        ),
        (
            "replicating",
            [
                outcome(1, "STOPPED", "held"),
                outcome(2, "STOPPED", "held"),
                outcome(3, "STOPPED", "deferred"),
                outcome(4, "DISCONNECTED", "failed"),
                started(5, "INITIATING"),
            ],
            "0/5 replicating · 1 initiating · 1 failed · 2 held · 1 deferred",
        ),
        # Without a call that was made for it, a stopped server is only pending for want of a place.
        (
            "replicating",
            [started(1, "INITIATING"), outcome(2, "STOPPED"), outcome(3, "STOPPED")],
            "0/3 replicating · 2 waiting for a place · 1 initiating",
        ),
        # A Describe may still show the state before an accepted call.
        ("replicating", [started(1, "STOPPED"), started(2, "BACKLOG")], "0/2 replicating · 2 start accepted"),
        # The call was not answered, or met a conflict.
        (
            "replicating",
            [outcome(1, "STOPPED", action="start"), started(2, "CONTINUOUS", "done")],
            "1/2 replicating · 1 stopped",
        ),
        (
            "stopped",
            [
                outcome(1, "STOPPED", action="stop", changed=True),
                outcome(2, "CONTINUOUS", action="stop", changed=True),
                outcome(3, "DISCONNECTED", "done"),
            ],
            "1/3 stopped · 2 stop accepted",
        ),
        (
            "continuous",
            [outcome(1, None), outcome(2, "A_NEW_STATE")],
            "0/2 protected · 1 no state · 1 a new state",
        ),
        (
            "continuous",
            [
                outcome(1, "BACKLOG", eta="2026-11-23T14:05:59Z"),
                outcome(2, "BACKLOG", eta="2026-11-23T15:00:00.123456+02:00"),
                outcome(3, "CONTINUOUS", "done", eta="2027-01-01T00:00:00Z"),
            ],
            "1/3 protected · 2 backlog · slowest s-1 web1 ETA 14:05 UTC",
        ),
        (
            "continuous",
            [outcome(1, "BACKLOG", eta="2026-11-25T04:00:00Z"), outcome(2, "BACKLOG", eta=[7])],
            "0/2 protected · 2 backlog · slowest s-1 web1 ETA 2026-11-25 04:00 UTC",
        ),
        (
            "continuous",
            [outcome(number, "BACKLOG", eta="2026-11-23T14:05:00Z") for number in (1, 2)],
            "0/2 protected · 2 backlog · slowest s-1 web1 ETA 14:05 UTC",
        ),
        ("continuous", [], "0/0 protected"),
    ],
)
def test_a_line_counts_what_the_servers_do(goal: Goal, outcomes: list[Outcome], expected: str) -> None:
    assert line(goal, *outcomes) == expected


@pytest.mark.parametrize(
    ("goal", "one", "expected"),
    [
        ("stopped", outcome(1, "STOPPED", action="stop", changed=True), "s-1 web1 · stop accepted"),
        ("stopped", outcome(1, "STOPPED", "done", action="stop", changed=True), "s-1 web1 · stopped"),
        ("replicating", started(1, "INITIATING", host=""), "s-1 · initiating"),
        ("continuous", started(1, "CONTINUOUS", "done", replicated=(4, 4)), "s-1 web1 · protected"),
        ("replicating", started(1, "INITIAL_SYNC", "done", replicated=(1, 4)), "s-1 web1 · replicating"),
        ("continuous", outcome(1, "STALLED", code="NOT_CONVERGING"), "s-1 web1 · stalled · NOT_CONVERGING"),
        ("continuous", outcome(1, "PAUSED"), "s-1 web1 · paused"),
        ("replicating", outcome(1, "DISCONNECTED", "failed", code="AGENT_NOT_SEEN"), "s-1 web1 · failed"),
        (
            "continuous",
            started(1, "INITIAL_SYNC", replicated=(1, 2048), eta="2026-11-23T14:05:00Z"),
            "s-1 web1 · initial sync, 0.0% of 2.0 TiB · ETA 14:05 UTC",
        ),
    ],
)
def test_a_single_server_is_named(goal: Goal, one: Outcome, expected: str) -> None:
    assert line(goal, one) == expected


def with_info(one: Outcome, **members: Any) -> Outcome:
    """The server with further members of its dataReplicationInfo."""
    assert one.latest
    info = {**one.latest["dataReplicationInfo"], **members}
    return replace(one, latest={**one.latest, "dataReplicationInfo": info})


def test_the_failed_initiation_step_of_a_single_server_is_named() -> None:
    steps = [{"name": "BOOT_REPLICATION_SERVER", "status": "FAILED"}, {"name": "PAIR", "status": "NOT_STARTED"}]
    one = outcome(1, "INITIATING", code="FAILED_TO_BOOT_REPLICATION_SERVER")
    stuck = with_info(one, dataReplicationInitiation={"steps": steps})
    expected = "s-1 web1 · initiating · FAILED_TO_BOOT_REPLICATION_SERVER BOOT_REPLICATION_SERVER"
    assert line("continuous", stuck) == expected


def test_a_rescan_that_keeps_a_server_from_being_protected_is_told_apart() -> None:
    disk = {"totalStorageBytes": 4 * GIB, "replicatedStorageBytes": 4 * GIB, "rescannedStorageBytes": GIB}
    rescanning = [with_info(outcome(number, "CONTINUOUS"), replicatedDisks=[disk]) for number in (1, 2)]
    assert line("continuous", rescanning[0]) == "s-1 web1 · continuous, rescanning, 25.0% of 4.0 GiB"
    silenced = outcome(3, "CONTINUOUS", code="SNAPSHOTS_FAILURE")
    expected = "0/3 protected · 2 continuous, rescanning, 25.0% of 8.0 GiB · 1 continuous"
    assert line("continuous", *rescanning, silenced) == expected
    done = replace(rescanning[0], end="done")
    assert line("replicating", done) == "s-1 web1 · replicating"
    stopping = replace(rescanning[0], action="stop", changed=True)
    assert line("stopped", stopping) == "s-1 web1 · stop accepted"


@pytest.mark.parametrize(
    ("gib", "expected"),
    [(1, "1.0 GiB"), (1024 - 0.01, "1024.0 GiB"), (1024, "1.0 TiB"), (1024**2, "1.0 PiB"), (1024**3, "1024.0 PiB")],
)
def test_a_size_is_shown_in_the_unit_that_fits(gib: float, expected: str) -> None:
    assert line("continuous", outcome(1, "RESCAN", replicated=(0, gib))) == f"s-1 web1 · rescan, 0.0% of {expected}"


@pytest.mark.parametrize(("number", "more"), [(20, ""), (22, ", and 2 more")])
def test_no_more_than_20_stuck_servers_are_named_in_a_line(number: int, more: str) -> None:
    stuck = [outcome(each, "STALLED", code="UNSTABLE_NETWORK") for each in range(number)]
    shown = line("continuous", *stuck, newly_stuck=stuck)
    assert shown.count("STALLED UNSTABLE_NETWORK") == 20
    assert shown.endswith(f"s-19 web19 STALLED UNSTABLE_NETWORK{more}")


class Shown:
    """Progress on a clock that stands still unless it is moved."""

    def __init__(self, goal: Goal = "continuous") -> None:
        self.now = 1000.0
        self.lines: list[str] = []
        self.show = Progress(goal, self.lines.append, lambda: self.now)

    def after(self, *outcomes: Outcome) -> list[str]:
        """The lines that this observation adds."""
        before = len(self.lines)
        self.show(outcomes)
        return self.lines[before:]


def test_stuck_servers_are_named_when_they_appear() -> None:
    shown = Shown()
    synced = outcome(1, "INITIAL_SYNC")
    assert shown.after(synced, outcome(2, "INITIAL_SYNC")) == ["0/2 protected · 2 initial sync"]
    assert shown.after(synced, outcome(2, "STALLED")) == [
        "0/2 protected · 1 initial sync · 1 stalled · s-2 web2 STALLED"
    ]
    assert shown.after(synced, outcome(2, "STALLED")) == []
    assert shown.after(synced, outcome(2, "STALLED", code="AGENT_NOT_SEEN")) == [
        "0/2 protected · 1 initial sync · 1 stalled · s-2 web2 STALLED AGENT_NOT_SEEN"
    ]
    assert shown.after(outcome(1, "PAUSED"), outcome(2, "STALLED", code="AGENT_NOT_SEEN")) == [
        "0/2 protected · 1 paused · 1 stalled · s-1 web1 PAUSED"
    ]
    assert shown.after(synced, outcome(2, "STALLED", "failed", code="AGENT_NOT_SEEN")) == [
        "0/2 protected · 1 initial sync · 1 failed"
    ]
    assert shown.after(synced, outcome(2, "STALLED", code="AGENT_NOT_SEEN"))[0].endswith("web2 STALLED AGENT_NOT_SEEN")


def test_a_line_comes_with_a_change_or_after_a_minute() -> None:
    shown = Shown()
    assert len(shown.after(outcome(1, "BACKLOG", replicated=(1, 4)))) == 1
    shown.now += AT_LEAST_EVERY - 1
    assert shown.after(outcome(1, "BACKLOG", replicated=(2, 4))) == []
    shown.now += 1
    assert shown.after(outcome(1, "BACKLOG", replicated=(3, 4))) == ["s-1 web1 · backlog, 75.0% of 4.0 GiB"]
    shown.now += AT_LEAST_EVERY - 1
    assert shown.after(outcome(1, "BACKLOG", replicated=(3, 4))) == []
    assert len(shown.after(outcome(1, "CONTINUOUS", "done"))) == 1


def test_the_day_of_an_eta_is_left_out_on_the_same_day_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "ahead-24")  # the local date is always tomorrow
    time.tzset()
    now = datetime.now(timezone.utc)
    [shown] = Shown().after(outcome(1, "BACKLOG", eta=now.isoformat()))
    monkeypatch.undo()
    time.tzset()
    assert shown == f"s-1 web1 · backlog · ETA {now:%H:%M} UTC"


ANY_TEXT = st.text(st.characters(codec=None)) | st.sampled_from(["\x1b]0;title\x07", "web1\nok: [all]", "\ud800", "\r"])
ANY_JSON = st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | st.lists(ANY_TEXT, max_size=2)
ETAS = ANY_JSON | st.sampled_from(["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59Z"])


@given(
    st.sampled_from(get_args(Goal)),
    st.lists(
        st.builds(
            outcome,
            st.integers(0, 9),
            ANY_JSON | st.sampled_from(sorted(PHASES)),
            st.none() | st.sampled_from(get_args(End)),
            action=st.sampled_from(get_args(Action)),
            changed=st.booleans(),
            host=ANY_JSON,
            code=ANY_JSON,
            eta=ETAS,
        ),
        max_size=4,
    ),
)
@settings(derandomize=True, database=None, deadline=None)
def test_whatever_aws_sends_is_one_printable_line(goal: Goal, outcomes: list[Outcome]) -> None:
    shown = Shown(goal)
    shown.show(outcomes)
    assert all(text.isprintable() for text in shown.lines)


@pytest.fixture
def progress_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path that the environment names; nothing is there yet."""
    path = tmp_path / "progress"
    monkeypatch.setenv(FILE_VARIABLE, str(path))
    return path


def test_lines_are_appended(progress_file: Path) -> None:
    progress_file.write_text("before\n")
    write = ProgressFile()
    write("1/2 protected · \ud800")
    write("2/2 protected")
    assert progress_file.read_text() == "before\n\n1/2 protected · \\ud800\n2/2 protected\n"


def test_the_file_is_not_created(progress_file: Path) -> None:
    ProgressFile()("a line")
    assert not progress_file.exists()


def test_without_the_variable_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FILE_VARIABLE, raising=False)
    ProgressFile()("a line")


def test_a_folder_ends_the_progress_only(progress_file: Path) -> None:
    progress_file.mkdir()
    ProgressFile()("a line")


def test_a_link_is_not_followed(progress_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("untouched")
    progress_file.symlink_to(target)
    ProgressFile()("a line")
    assert target.read_text() == "untouched"


@pytest.mark.parametrize("has_reader", [True, False])
def test_a_fifo_neither_hangs_nor_gets_a_line(progress_file: Path, has_reader: bool) -> None:
    os.mkfifo(progress_file)
    reader = os.open(progress_file, os.O_RDONLY | os.O_NONBLOCK) if has_reader else None
    ProgressFile()("a line")
    if reader is not None:
        assert os.read(reader, 100) == b""
        os.close(reader)


@contextlib.contextmanager
def size_limit(size: int) -> Iterator[None]:
    """Makes writes beyond this size fail, as on a full disk. It applies to the process, so keep it short."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_ends_the_progress_only(progress_file: Path) -> None:
    progress_file.touch()
    write = ProgressFile()
    with size_limit(8):
        for text in ("one", "two and more", "three"):
            write(text)
    write("after")
    assert progress_file.read_text() == "\none\ntwo"


def test_after_an_error_nothing_more_is_written(progress_file: Path) -> None:
    progress_file.touch()
    write = ProgressFile()
    with size_limit(1):
        write("refused")
    write("after")
    assert progress_file.read_text() == "\n"


def test_a_descriptor_that_somebody_else_closed_ends_the_progress_only(progress_file: Path) -> None:
    progress_file.touch()
    write = ProgressFile()
    assert write._descriptor is not None
    os.close(write._descriptor)
    write("a line")
    assert progress_file.read_text() == "\n"


def test_a_run_that_does_not_wait_writes_no_progress(progress_file: Path) -> None:
    progress_file.touch()
    ProgressFile(is_wanted=False)("a line")
    assert progress_file.read_text() == ""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ansible's own temporary folder."""
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    return tmp_path


@pytest.fixture
def screen(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file in place of the play's standard error."""
    path = tmp_path_factory.mktemp("screen") / "stderr"
    with path.open("w") as file:
        monkeypatch.setattr(action, "STDERR", file.fileno())
        yield path


def test_lines_are_shown_on_standard_error(folder: Path, screen: Path) -> None:
    with action.shown_as("drs [web1]: ") as variables:
        path = Path(variables[FILE_VARIABLE])
        assert path.parent == folder
        assert path.stat().st_mode & 0o777 == 0o600
        path.write_text("\n0/1 protected · \udc80\n1/1 protected\n", errors="surrogateescape")
    assert screen.read_text() == "drs [web1]: 0/1 protected · \\x80\ndrs [web1]: 1/1 protected\n"
    assert list(folder.iterdir()) == []


def follow(path: Path) -> None:
    """Follow the file to its end, in this thread."""
    ended = threading.Event()
    ended.set()
    action._follow(os.open(path, os.O_RDONLY), str(path), "drs: ", ended)


@pytest.mark.parametrize(("content", "is_there"), [(b"", True), (b"\n", False), (b"\nline\n", False)])
def test_the_name_is_removed_once_the_module_has_opened_the_file(
    tmp_path: Path, content: bytes, is_there: bool
) -> None:
    path = tmp_path / "progress"
    path.write_bytes(content)
    follow(path)
    assert path.exists() == is_there


def test_bytes_that_are_not_utf_8_are_shown_escaped(tmp_path: Path, screen: Path) -> None:
    path = tmp_path / "progress"
    path.write_bytes(b"\xff\xfe\nnext\n\xc3")
    follow(path)
    assert screen.read_text() == "drs: \\xff\\xfe\ndrs: next\ndrs: \\xc3\n"


def closed_pipe() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.parametrize("opened", [closed_pipe, lambda: os.open("/dev/full", os.O_WRONLY), lambda: 9999])
def test_a_standard_error_that_fails_costs_the_progress_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch, opened: Callable[[], int]
) -> None:
    monkeypatch.setattr(action, "STDERR", opened())
    logged: list[str] = []
    monkeypatch.setattr(Display, "display", lambda _self, line, **_options: logged.append(line))
    with action.shown_as("drs: ") as variables:
        Path(variables[FILE_VARIABLE]).write_text("a line\nanother\n")
    assert list(folder.iterdir()) == []
    assert logged == ["drs: a line", "drs: another"]


def test_a_reader_that_never_reads_does_not_keep_the_task(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(action, "LAST_LINES", 0.1)
    _reader, writer = os.pipe()
    monkeypatch.setattr(action, "STDERR", writer)
    with action.shown_as("drs: ") as variables:
        Path(variables[FILE_VARIABLE]).write_text("x" * 1_000_000)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("stream", [None, io.StringIO()], ids=["none", "no file"])
def test_without_a_standard_error_there_is_no_descriptor(stream: io.StringIO | None) -> None:
    assert action._duplicated(stream) is None


def test_the_descriptor_of_standard_error_outlives_it_and_is_not_inherited(tmp_path: Path) -> None:
    with (tmp_path / "stderr").open("w") as file:
        descriptor = action._duplicated(file)
    assert descriptor is not None
    assert os.get_inheritable(descriptor) is False
    os.write(descriptor, b"late")
    os.close(descriptor)
    assert (tmp_path / "stderr").read_text() == "late"


def test_without_a_folder_the_task_runs_without_progress(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(folder / "missing"))
    with action.shown_as("drs: ") as variables:
        assert variables == {FILE_VARIABLE: ""}


@pytest.mark.parametrize("put", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/")])
@pytest.mark.usefixtures("folder")
def test_whatever_is_put_in_place_of_the_file_the_task_ends(put: Callable[[Path], None]) -> None:
    with action.shown_as("drs: ") as variables:
        path = Path(variables[FILE_VARIABLE])
        path.unlink()
        put(path)


def test_an_interrupted_task_leaves_no_file(folder: Path) -> None:
    with pytest.raises(KeyboardInterrupt), action.shown_as("drs: "):
        raise KeyboardInterrupt
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("args", "task", "connection", "is_shown"),
    [
        ({"wait": True}, {}, {}, True),
        ({"wait": "yes"}, {}, {}, True),
        ({}, {}, {}, False),
        ({"wait": None}, {}, {}, False),
        ({"wait": ["no boolean"]}, {}, {}, False),
        ({"wait": True}, {"no_log": True}, {}, False),
        ({"wait": True}, {"async_val": 60}, {}, False),
        ({"wait": True}, {"check_mode": True}, {}, False),
        ({"wait": True}, {}, {"transport": "ssh"}, False),
        ({"wait": True}, {}, {"become": "sudo"}, False),
    ],
)
def test_what_is_shown(args: dict[str, Any], task: dict[str, Any], connection: dict[str, Any], is_shown: bool) -> None:
    parts: list[Any] = [
        SimpleNamespace(**{"args": args, "no_log": False, "async_val": 0, "check_mode": False, **task}),
        SimpleNamespace(**{"transport": "local", "become": None, **connection}),
        *[None] * 4,
    ]
    plugin = action.ActionModule(*parts)
    assert plugin._is_shown() == is_shown


@pytest.mark.parametrize(("args", "is_shown"), [({}, True), ({"wait": True}, True), ({"wait": "no"}, False)])
def test_a_drill_waits_unless_it_is_told_not_to(args: dict[str, Any], is_shown: bool) -> None:
    plugin: Any = object.__new__(drill_action.ActionModule)
    plugin._task = SimpleNamespace(args=args, no_log=False, async_val=0, check_mode=False)
    plugin._connection = SimpleNamespace(transport="local", become=None)
    assert plugin._is_shown() == is_shown


@pytest.mark.parametrize(("waits", "is_shown"), [(True, True), (False, False)])
def test_a_task_that_waits_hands_the_file_to_the_module(
    folder: Path, monkeypatch: pytest.MonkeyPatch, waits: bool, is_shown: bool
) -> None:
    task = SimpleNamespace(args={"wait": waits}, no_log=False, async_val=0, check_mode=False, environment=[{"A": "1"}])
    connection = SimpleNamespace(transport="local", become=None)
    handed: list[list[dict[str, str]]] = []

    def run(self: Any, _tmp: Any, _variables: Any) -> dict[str, Any]:
        handed.append(list(self._task.environment))
        return {"changed": True}

    monkeypatch.setattr(NormalAction, "run", run)
    parts: list[Any] = [task, connection, *[None] * 4]
    assert action.ActionModule(*parts).run(None, {"inventory_hostname": "web1"}) == {"changed": True}
    assert [FILE_VARIABLE in each for each in handed[0]] == [False, *[True] * is_shown]
    assert task.environment == [{"A": "1"}]
    assert list(folder.iterdir()) == []
