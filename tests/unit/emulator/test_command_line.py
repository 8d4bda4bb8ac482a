# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m tests.emulator`."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.tests.unit.emulator.clients import WEB, world_of

ROOT = Path(__file__).resolve().parents[3]
COMMAND = (sys.executable, "-m", "tests.emulator")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


def python(code: str) -> tuple[str, ...]:
    return ("--", sys.executable, "-c", code)


def script_file(folder: Path, script: Any) -> str:
    path = folder / "script.json"
    path.write_text(json.dumps(script), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_without_a_command_it_serves_until_a_signal(number: signal.Signals, tmp_path: Path) -> None:
    script = script_file(tmp_path, world_of({"sourceServerID": WEB}))
    with subprocess.Popen([*COMMAND, "--script", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        line = process.stdout.readline()
        assert line.startswith("DRS emulator at http://127.0.0.1:")
        with urllib.request.urlopen(f"{line.split()[-1]}/_emulator/servers", timeout=5) as answer:
            assert set(json.load(answer)) == {WEB}
        process.send_signal(number)
        assert process.wait(5) == 0


def test_a_command_finds_the_emulator_in_its_environment() -> None:
    names = ("AWS_URL", "AWS_ENDPOINT_URL", "DRS_EMULATOR_URL", "AWS_ACCESS_KEY_ID", "AWS_REGION")
    finished = run(*python(f"import os; print(*(os.environ[name] for name in {names}))"))
    url, endpoint, emulator, key, region = finished.stdout.split()
    assert url == endpoint == emulator
    assert (key, region) == ("AKIAEMULATOREXAMPLE1", "eu-west-1")
    assert finished.returncode == 0


@pytest.mark.parametrize(
    ("code", "status"),
    [("raise SystemExit(7)", 7), ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137)],
)
def test_the_command_s_exit_status_is_forwarded(code: str, status: int) -> None:
    assert run(*python(code)).returncode == status


def test_sigterm_reaches_the_command() -> None:
    code = "import signal; print('here', flush=True); signal.pause()"
    with subprocess.Popen([*COMMAND, *python(code)], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "here\n"
        process.terminate()
        assert process.wait(5) == 128 + signal.SIGTERM


def test_a_command_that_does_not_exist() -> None:
    finished = run("--", "no-such-command-anywhere")
    assert finished.returncode == 127
    assert finished.stderr == "emulator: no-such-command-anywhere: No such file or directory\n"


@pytest.mark.parametrize(
    ("script", "expected"), [({"pages": 2}, "unknown key 'pages'"), ([], "the script is not an object")]
)
def test_a_bad_script_is_reported(script: Any, expected: str, tmp_path: Path) -> None:
    finished = run("--script", script_file(tmp_path, script))
    assert finished.returncode == 2
    assert expected in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_script_that_is_not_there() -> None:
    assert "No such file" in run("--script", "nowhere.json").stderr
