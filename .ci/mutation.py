"""Change the plugins one operator at a time with mutmut, and list the changes that no unit test notices.

Each of these survivors needs a reason in survivors.yml. Fails where one has none, and where fewer than 90 % of the
changes to a file are noticed.

mutmut imports what it changes by its full name, so it runs in DIR, which holds ansible_collections/. For each changed
function it runs only the tests that call it. It does not change functions that have a decorator.

The modules are tested as processes of their own, which mutmut does not see. So each of their mutants is given to
test_modules.py here, in the environment variable by which mutmut switches a mutant on.
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
    """What mutmut says. Ends the program with that where mutmut fails."""
    done = subprocess.run(
        [MUTMUT, *arguments], cwd=root, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode:
        sys.exit(f"mutmut {arguments[0]} FAILED\n{done.stdout[-8000:]}")
    return done.stdout


def ends_of_modules(root: Path, mutants: Sequence[str]) -> list[str]:
    """How the tests of the modules end with each of these mutants. Ends the program where they cannot run."""
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
        untested = [mutant for mutant in mutants if f".modules.{name}." in mutant]
        mutants |= dict(zip(untested, ends_of_modules(root, untested), strict=True))
    if not ends:
        sys.exit("mutmut changed nothing.")
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
