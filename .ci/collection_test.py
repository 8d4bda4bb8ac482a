"""Test the collection where ansible-test requires it, in DIR/LANE/ansible_collections/disaster_recovery/aws.

Unit tests, integration targets and sanity tests are jobs that run in lanes: one at a time in each, in a tree of its
own with its own HOME. A tree is recreated from the checkout or from a built tarball. Prints one line per job as it
ends, and at last the output of those that failed. It is also a failure if nothing ran or ansible-test skipped a test.
"""

import argparse
import configparser
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace
from typing import NamedTuple

from ansible_test._internal.constants import SUPPORTED_PYTHON_VERSIONS
from ansible_test._internal.python_requirements import get_venv_packages
from matrix import find_python

PYTHON = sysconfig.get_python_version()
BIN = Path(sys.executable).parent
UNIT_TESTS = "unit tests"
# Beside the unit tests: targets that mostly wait. Then the longest first. Others come last, by name.
ORDER = (
    *("deadline", "guides", "wait", "drill", "waves", "closed_stderr"),
    *("year", "playbooks", "hourly", "faults", "fleet", "inventory_plugin", "invalid_options", "examples"),
)
# Takes minutes, and tests the documentation alone.
GUIDES = "guides"
STARTED = re.compile(r'^Running (?:\S+ integration test (?:script|role)|sanity test "\S+")', re.MULTILINE)
# ansible-test exits with 0 after each of these. A target run as a role lacks its runme.sh.
NOT_GREEN = re.compile(
    r"^(ERROR: |.*(All targets skipped|: Skipping|: Excluding|Required program|integration test role))", re.MULTILINE
)
# ansible-core before 2.19 wraps a deprecation. It ends where the next message, task or result begins.
DEPRECATION = re.compile(r"^\[DEPRECATION WARNING\].*(?:\n(?!\[|TASK |PLAY |[\w.-]+: \[).+)*", re.MULTILINE)
THIS_COLLECTION = re.compile(r"disaster_recovery[./]aws")
# In place of the script that installs pip in each of ansible-test's environments, which it would otherwise download.
# They share one installation of pip for each Python.
GET_PIP = """
import pathlib, sysconfig, venv
shared = pathlib.Path.home() / f"pip-{sysconfig.get_python_version()}"
if not shared.exists():
    venv.create(shared, with_pip=True)
site = sysconfig.get_path("purelib", vars={"base": str(shared)})
pathlib.Path(sysconfig.get_path("purelib"), "pip.pth").write_text(site)
"""


def lay_out(root: Path, tarball: str | None, with_tests: bool) -> Path:
    """Copy the collection and link amazon.aws under root. A tarball has no tests; with_tests takes the checkout's."""
    collections = root.resolve() / "ansible_collections"
    collection = collections / "disaster_recovery" / "aws"
    shutil.rmtree(collections, ignore_errors=True)
    if tarball:
        install(tarball, root.resolve())
    listing = ["git", "ls-files", "-coz", "--exclude-standard", *["tests"] * bool(tarball)]
    names = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(os.path.exists, names if with_tests or not tarball else []):
        (collection / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(name, collection / name)
    (collections / "amazon").symlink_to(Path(sysconfig.get_path("purelib"), "ansible_collections", "amazon"))
    # ansible-test tests only files listed by git.
    subprocess.run(["git", "init", "--quiet"], cwd=collection, check=True)
    return collection


def install(tarball: str, root: Path) -> None:
    """Install the tarball under root. ansible-galaxy's output is shown only on failure."""
    argv = [BIN / "ansible-galaxy", "collection", "install", tarball, "--collections-path", root]
    argv += ["--offline", "--force", "--no-deps"]
    done = subprocess.run(argv, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        sys.exit(f"ansible-galaxy collection install FAILED\n{done.stdout}")


def make_home(home: Path) -> Path:
    """Create a HOME for ansible-test with its get-pip script and the user's pip configuration."""
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in {get_venv_packages(SimpleNamespace(version=each))["pip"] for each in SUPPORTED_PYTHON_VERSIONS}:
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(GET_PIP)

    pip = configparser.RawConfigParser()
    pip.read([Path.home() / ".pip/pip.conf", Path.home() / ".config/pip/pip.conf", os.getenv("PIP_CONFIG_FILE", "")])
    variables = {name[4:].lower().replace("_", "-"): value for name, value in os.environ.items() if name[:4] == "PIP_"}
    variables.pop("config-file", None)
    pip.read_dict({"global": {**variables, "quiet": "1"}, "install": {"no-compile": "no"}})
    (home / ".config" / "pip").mkdir(parents=True, exist_ok=True)
    with (home / ".config" / "pip" / "pip.conf").open("w") as file:
        pip.write(file)
    return home.resolve()


class Lane(NamedTuple):
    """Where one job at a time runs."""

    collection: Path
    home: Path


class Result(NamedTuple):
    """The end of a job: what its line says, and its whole output if it failed."""

    verdict: str
    output: str = ""


Job = Callable[[Lane], Result]


def run_integration(lane: Lane, target: str) -> Result:
    """Run an integration target."""
    began = time.monotonic()
    status, output = ansible_test(lane, "integration", "--local", target)
    if status or len(STARTED.findall(output)) != 1 or is_bad(output):
        return Result(f"FAILED (exit status {status})", output)
    return Result(f"{time.monotonic() - began:.0f} s")


def run_sanity(lane: Lane, arguments: Sequence[str], python: str = sys.executable) -> Result:
    """Run the sanity tests. With another Python, ansible-test looks for it in the PATH, too."""
    began = time.monotonic()
    status, output = ansible_test(lane, "sanity", *arguments, path=[Path(python).parent])
    ran = len(STARTED.findall(output))
    if status or not ran or is_bad(output):
        return Result(f"FAILED (exit status {status}, {ran} tests)", output)
    return Result(f"{ran} tests, {time.monotonic() - began:.0f} s")


def sanity_jobs(arguments: Sequence[str]) -> dict[str, Job]:
    """The sanity tests that these arguments of ansible-test select.

    Without any: all of them, and those that depend on the Python also with each other installed one that this
    ansible-core supports. Modules are tested with the versions in tests/config.yml.
    """
    jobs: dict[str, Job] = {f"sanity, Python {PYTHON}": partial(run_sanity, arguments=arguments)}
    for version in () if arguments else SUPPORTED_PYTHON_VERSIONS:
        python = find_python([version]) if version != PYTHON else None
        if python:
            other = ["--test", "compile", "--test", "import", "--python", version, "--python-interpreter", python]
            jobs[f"sanity, Python {version}"] = partial(run_sanity, arguments=other, python=python)
    return jobs


def run_unit_tests(_lane: Lane, cache: Path, processes: int) -> Result:
    """Run the unit tests in the checkout. The line is pytest's closing line."""
    argv = [sys.executable, "-m", "pytest", "--quiet", "--numprocesses", str(processes)]
    argv += ["--override-ini", f"cache_dir={cache / 'pytest'}"]
    status, output = output_of(argv, Path.cwd(), HYPOTHESIS_STORAGE_DIRECTORY=str(cache / "hypothesis"))
    return Result(f"FAILED (exit status {status})", output) if status else Result(output.splitlines()[-1])


def ansible_test(lane: Lane, command: str, *arguments: str, path: Sequence[Path] = ()) -> tuple[int, str]:
    """Run ansible-test. Returns its exit status, which may be 0 although nothing ran, and its output."""
    argv = [str(BIN / "ansible-test"), command, "--color", "no", "--python", PYTHON, *arguments]
    searched = os.pathsep.join([str(BIN), *map(str, path), os.environ["PATH"]])
    return output_of(argv, lane.collection, HOME=str(lane.home), PATH=searched)


def output_of(argv: list[str], directory: Path, **variables: str) -> tuple[int, str]:
    """Run a command with these environment variables. Returns its exit status and all its output."""
    environment = {**os.environ, **variables}
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done = subprocess.run(argv, cwd=directory, env=environment, check=False, text=True, errors="replace", **pipes)
    return done.returncode, done.stdout


def is_bad(output: str) -> bool:
    """Whether ansible-test skipped something, or a deprecation warning names this collection."""
    return bool(NOT_GREEN.search(output) or any(map(THIS_COLLECTION.search, DEPRECATION.findall(output))))


def all_targets() -> list[str]:
    """The integration targets in their order, without those that ansible-test hides because they only serve others."""
    names = [path.name for path in Path("tests/integration/targets").iterdir() if path.is_dir()]
    names = sorted(name for name in names if not name.startswith(("setup_", "prepare_")))
    return sorted(names, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))


def run(jobs: dict[str, Job], lanes: Sequence[Lane]) -> int:
    """Run the jobs in their order, each in the next free lane. Returns the exit status."""
    free: SimpleQueue[Lane] = SimpleQueue()
    for lane in lanes:
        free.put(lane)

    def run_in_free_lane(job: Job) -> Result:
        lane = free.get()
        try:
            return job(lane)
        finally:
            free.put(lane)

    failures: list[str] = []
    pool = ThreadPoolExecutor(len(lanes))
    try:
        names = {pool.submit(run_in_free_lane, job): name for name, job in jobs.items()}
        for future in as_completed(names):
            name, result = names[future], future.result()
            print(f"{name} … {result.verdict}", flush=True)
            failures += [f"\n{result.output}\n{name} {result.verdict}"] * bool(result.output)
    finally:
        pool.shutdown(cancel_futures=True)
    for failure in failures:
        print(failure)
    return bool(failures)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, metavar="DIR", help="where to put the collection")
    parser.add_argument("--of", metavar="TARBALL", help="use this tarball instead of the checkout")
    parser.add_argument(
        "--lanes", type=int, default=1, help="how many jobs run at a time; unit tests have one process less"
    )
    parser.add_argument(
        "command",
        choices=["test", "unit", "integration", "sanity"],
        help="test runs unit and integration, without the target guides",
    )
    parser.add_argument(
        "arguments",
        nargs=argparse.REMAINDER,
        help="integration: targets, by default all; sanity: passed to ansible-test",
    )
    options = parser.parse_args(argv)
    root, command, arguments = options.directory.resolve(), options.command, options.arguments

    jobs: dict[str, Job] = {}
    if command in ("test", "unit"):
        jobs[UNIT_TESTS] = partial(run_unit_tests, cache=root, processes=max(1, options.lanes - 1))
    if command in ("test", "integration"):
        names = arguments or [name for name in all_targets() if command == "integration" or name != GUIDES]
        jobs |= {f"integration {name}": partial(run_integration, target=name) for name in names}
    if command == "sanity":
        jobs = sanity_jobs(arguments)
    roots = [root / str(number) for number in range(min(options.lanes, len(jobs)))]
    with_tests = command != "sanity"
    return run(jobs, [Lane(lay_out(lane, options.of, with_tests), make_home(lane / "home")) for lane in roots])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
