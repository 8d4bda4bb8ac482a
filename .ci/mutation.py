"""Run mutation tests on the plugins with mutmut, and list the surviving mutants.

Each survivor needs a reason in survivors.yml. Fails if one has none, or if fewer than 90 % of the mutants of a file are
killed.

mutmut imports mutated code by its full name, so it runs in DIR, which contains ansible_collections/. For each mutated
function it runs only the tests that call it. It does not mutate decorated functions and module-level code, such as the
tables.

The modules are tested in separate processes, which mutmut cannot trace. Their mutants that mutmut did not kill are
therefore tested here by running test_modules.py with the environment variable that activates a mutant.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml
from collection_test import lay_out

MUTMUT = Path(sys.executable).parent.absolute() / "mutmut"
RESULT = re.compile(r"\s+(\S+\.(\w+)\.xǁ?_?\S*): (.+)")
NOTICED = {"killed", "timeout", "segfault", "suspicious"}
LEAST_NOTICED = 0.9
REASONS = Path(__file__).with_name("survivors.yml")


def mutmut(root: Path, *arguments: str) -> str:
    """The output of mutmut. Exits with it if mutmut fails."""
    done = subprocess.run(
        [MUTMUT, *arguments], cwd=root, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode:
        sys.exit(f"mutmut {arguments[0]} FAILED\n{done.stdout[-8000:]}")
    return done.stdout


def ends_of_modules(root: Path, mutants: Sequence[str]) -> list[str]:
    """The result of the module tests for each of these mutants. Exits if the tests cannot run."""
    folder = root / "mutants"
    tests = "ansible_collections/disaster_recovery/aws/tests/unit/test_modules.py"
    paths = "--override-ini=pythonpath=. ansible_collections/disaster_recovery/aws"
    command = [sys.executable, "-m", "pytest", "--quiet", "--exitfirst", paths, tests]

    def end_of(mutant: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(folder), "MUTANT_UNDER_TEST": mutant}
        done = subprocess.run(command, cwd=folder, env=environment, check=False, text=True, capture_output=True)
        if done.returncode not in (0, 1) or (mutant == "none" and done.returncode):
            sys.exit(f"{tests} FAILED with {mutant}\n{done.stdout[-8000:]}{done.stderr}")
        return "killed" if done.returncode else "survived"

    if mutants:
        end_of("none")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(end_of, mutants))


def change_of(root: Path, mutant: str) -> str:
    """The lines that the mutant changes, as in a diff, without their indentation."""
    diff = mutmut(root, "show", mutant).splitlines()
    return "\n".join(f"{line[0]} {line[1:].strip()}" for line in diff if re.match(r"[-+](?![-+]{2} )", line))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a file of the plugins, without .py; all by default")
    options = parser.parse_args()

    shutil.rmtree(options.directory, ignore_errors=True)
    collection = lay_out(options.directory, None)
    root = options.directory.resolve()
    (root / "pyproject.toml").write_text((collection / "pyproject.toml").read_text())
    amazon = root / "mutants" / "ansible_collections" / "amazon"
    amazon.parent.mkdir(parents=True)
    amazon.symlink_to(collection.parent.parent / "amazon")
    mutmut(root, "run", "--max-children", str(os.cpu_count()), *(f"*.{name}.x*" for name in options.names))

    ends: dict[str, dict[str, str]] = defaultdict(dict)
    for line in mutmut(root, "results", "--all", "true").splitlines():
        if (match := RESULT.fullmatch(line)) and match[3] != "not checked":
            ends[match[2]][match[1]] = match[3]
    for name, mutants in ends.items():
        untested = [mutant for mutant, end in mutants.items() if f".modules.{name}." in mutant and end not in NOTICED]
        mutants |= dict(zip(untested, ends_of_modules(root, untested), strict=True))
    if not ends:
        sys.exit("mutmut created no mutants.")
    reasons = yaml.safe_load(REASONS.read_text())
    unexplained = 0
    for name, mutants in ends.items():
        given = {row["change"].strip(): row["reason"] for row in reasons.get(name, [])}
        for mutant, end in mutants.items():
            if end not in NOTICED:
                change = change_of(root, mutant)
                unexplained += change not in given
                print(f"{mutant.rpartition('.')[2]}: {end}\n{change}\n{given.get(change, 'NO REASON')}\n")
    too_few = []
    for name, mutants in ends.items():
        noticed = sum(end in NOTICED for end in mutants.values()) / len(mutants)
        too_few += [name] * (noticed < LEAST_NOTICED)
        print(f"{name}: {noticed:.1%} of {len(mutants)} killed")
    print(f"{unexplained} survivors have no reason in {REASONS.name}; below {LEAST_NOTICED:.0%}: {too_few or 'none'}")
    return bool(unexplained or too_few)


if __name__ == "__main__":
    sys.exit(main())
