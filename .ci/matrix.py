"""Run all checks. Requires Python >= 3.11, git, make and access to a package registry.

Runs the gates, and the tests with each ansible-core in matrix.json for which a suitable Python is installed, two jobs
at a time. The gates run `make test`, with coverage, and every integration target on the tarball; a row runs those that
touch the edges towards ansible-core. Reports versions that did not run. Fails if a job fails or fewer than three
versions of ansible-core ran; a row with may_fail, for a pre-release, neither fails the run nor counts.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

FEWEST_CORES = 3
# The longest first.
GATES = {
    "tarball": "tarball galaxy docs",
    "test": "gates test PYTEST_ADDOPTS='--cov --cov-report=term'",
    "lint": "lint",
}


class Job(NamedTuple):
    label: str
    make: list[str]
    may_fail: bool = False


def find_python(versions: list[str]) -> str | None:
    """The first of these Pythons that is installed and has ensurepip."""
    pyenv = Path(os.getenv("PYENV_ROOT") or Path.home() / ".pyenv", "versions")
    for version in versions:
        for python in (shutil.which(f"python{version}"), *sorted(pyenv.glob(f"{version}.*/bin/python"))):
            if python and (executable := executable_of(str(python), version)):
                return executable
    return None


def executable_of(python: str, version: str) -> str | None:
    """The path of this Python, behind a shim; None if it does not run, has another version, or lacks ensurepip."""
    program = "import ensurepip, sys; print('%d.%d' % sys.version_info[:2], sys.executable)"
    done = subprocess.run([python, "-c", program], check=False, capture_output=True, text=True)
    found, _space, executable = done.stdout.strip().partition(" ")
    return executable if found == version else None


def set_up() -> str:
    """Set up the environment for the gates, and return its ansible-core version."""
    subprocess.run(["make", "gates"], check=True)
    command = [".venv/bin/python", "-c", "import ansible.release; print(ansible.release.__version__)"]
    version = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return ".".join(version.split(".")[:2])


def run(job: Job) -> bool:
    """Run the job and print its output at the end, so that the output of two jobs does not interleave."""
    print(f"{job.label}: make {' '.join(job.make)}", flush=True)
    began = time.monotonic()
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    # Each job has one lane, because two jobs run at a time.
    done = subprocess.run(["make", "LANES=1", *job.make], check=False, text=True, errors="replace", **pipes)
    verdict = "passed" if not done.returncode else "FAILED, as it may," if job.may_fail else "FAILED"
    print(f"\n{job.label} {verdict} in {time.monotonic() - began:.0f} s\n{done.stdout}", flush=True)
    return job.may_fail or not done.returncode


def main() -> int:
    os.chdir(Path(__file__).resolve().parent.parent)
    began = time.monotonic()
    rows = json.loads(Path(".ci/matrix.json").read_text())
    core_of_the_gates = set_up()

    jobs = [Job(f"{gate}, on ansible-core {core_of_the_gates}", shlex.split(make)) for gate, make in GATES.items()]
    cores, missing = [core_of_the_gates], []
    for row in rows:
        if row["core"] == core_of_the_gates:
            continue
        if python := find_python(row["python"]):
            settings = [f"VENV=.cache/core-{row['core']}", f"PYTHON={python}", f"ANSIBLE={row['ansible']}"]
            settings.append(f"TARGETS={row['targets']}")
            may_fail = row.get("may_fail", False)
            jobs.append(Job(f"ansible-core {row['core']}", [*row["make"].split(), *settings], may_fail))
            if not may_fail:
                cores.append(row["core"])
        else:
            missing.append(f"ansible-core {row['core']} NOT TESTED: no Python {' or '.join(row['python'])} found.")

    with ThreadPoolExecutor(max_workers=2) as pool:
        failed = [job.label for job, passed in zip(jobs, pool.map(run, jobs), strict=True) if not passed]
    minutes = (time.monotonic() - began) / 60
    print(f"ansible-core {', '.join(sorted(cores))} ran, in {minutes:.0f} min.", *missing, sep="\n")
    if len(cores) < FEWEST_CORES:
        failed.append(f"fewer than {FEWEST_CORES} versions of ansible-core ran")
    print(f"FAILED: {'; '.join(failed)}." if failed else "All passed.")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
