"""Test the collection in DIR/ansible_collections/disaster_recovery/aws, as ansible-test requires, with its own HOME.

DIR is recreated from the checkout or from a built tarball. Prints one line per integration target and one for sanity,
or the output of ansible-test on failure. It is also a failure if nothing ran or a test was skipped.
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
from pathlib import Path
from types import SimpleNamespace

from ansible_test._internal.python_requirements import get_venv_packages

PYTHON = sysconfig.get_python_version()
BIN = Path(sys.executable).parent
STARTED = re.compile(r'Running (?:(\S+) integration test (?:script|role)|sanity test "(\S+)")')
# ansible-test exits with 0 after each of these. A target run as a role lacks its runme.sh.
NOT_GREEN = re.compile(
    r"^(ERROR: |.*(All targets skipped|: Skipping|: Excluding|Required program|integration test role))", re.MULTILINE
)
# ansible-core before 2.19 wraps a deprecation. It ends where the next message, task or result begins.
DEPRECATION = re.compile(r"^\[DEPRECATION WARNING\].*(?:\n(?!\[|TASK |PLAY |[\w.-]+: \[).+)*", re.MULTILINE)
THIS_COLLECTION = re.compile(r"disaster_recovery[./]aws")
# The script that installs pip in ansible-test's environments, which it would otherwise download.
GET_PIP = """
import runpy, subprocess, sys
subprocess.check_call([sys.executable, "-m", "ensurepip"], stdout=subprocess.DEVNULL)
sys.argv[1:] = ["install", *(a for a in sys.argv[1:] if a not in ("--no-setuptools", "--no-wheel"))]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""


def lay_out(root: Path, tarball: str | None) -> Path:
    """Copy the collection and link amazon.aws under root. Tests come from the checkout; a tarball has none."""
    collections = root.resolve() / "ansible_collections"
    collection = collections / "disaster_recovery" / "aws"
    shutil.rmtree(collections, ignore_errors=True)
    if tarball:
        galaxy("install", tarball, "--collections-path", root.resolve(), "--offline", "--force", "--no-deps")
    listing = ["git", "ls-files", "-coz", "--exclude-standard", *["tests"] * bool(tarball)]
    names = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(os.path.exists, names):
        (collection / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(name, collection / name)
    (collections / "amazon").symlink_to(Path(sysconfig.get_path("purelib"), "ansible_collections", "amazon"))
    # ansible-test tests only files listed by git.
    subprocess.run(["git", "init", "--quiet"], cwd=collection, check=True)
    return collection


def galaxy(*arguments: str | Path) -> None:
    """Run ansible-galaxy. Its output is shown only on failure."""
    argv = [BIN / "ansible-galaxy", "collection", *arguments]
    done = subprocess.run(argv, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        sys.exit(f"ansible-galaxy collection {arguments[0]} FAILED\n{done.stdout}")


def make_home(home: Path) -> Path:
    """Create a HOME for ansible-test with its get-pip script and the user's pip configuration."""
    pip_version = get_venv_packages(SimpleNamespace(version=PYTHON))["pip"]
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    (cache / f"get_pip_{pip_version.replace('.', '_')}.py").write_text(GET_PIP)

    pip = configparser.RawConfigParser()
    pip.read([Path.home() / ".pip/pip.conf", Path.home() / ".config/pip/pip.conf", os.getenv("PIP_CONFIG_FILE", "")])
    variables = {name[4:].lower().replace("_", "-"): value for name, value in os.environ.items() if name[:4] == "PIP_"}
    variables.pop("config-file", None)
    pip.read_dict({"global": {**variables, "quiet": "1"}})
    (home / ".config" / "pip").mkdir(parents=True, exist_ok=True)
    with (home / ".config" / "pip" / "pip.conf").open("w") as file:
        pip.write(file)
    return home.resolve()


def run(collection: Path, home: Path, command: str, arguments: list[str]) -> int:
    """Run ansible-test and report what it ran. Returns its exit status, or 1 if a 0 would be misleading."""
    by_target = command == "integration"
    argv = [BIN / "ansible-test", command, "--color", "no", "--python", PYTHON, *arguments]
    argv += ["--local", "--continue-on-error"] * by_target
    environment = {**os.environ, "HOME": str(home), "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = subprocess.Popen(argv, cwd=collection, env=environment, text=True, errors="replace", **pipes)
    began = since = time.monotonic()
    parts: list[list[str]] = [[]]  # the output before the first test, and of each test
    for line in process.stdout or ():
        if match := STARTED.match(line):
            if by_target:
                close(parts, since)
                print(f"integration {match[1]} … ", end="", flush=True)
                since = time.monotonic()
            parts.append([])
        parts[-1].append(line)
    status = process.wait()
    if by_target:
        close(parts, since)

    ran = len(parts) - 1
    bad = [part for part in parts if is_bad(part)]
    if ran and not status and not bad:
        if not by_target:
            print(f"ansible-test {command} … {ran} tests, {time.monotonic() - began:.0f} s")
        return 0
    shown = [line for part in bad or parts for line in part if by_target or not bad or NOT_GREEN.match(line)]
    print("".join(shown), f"ansible-test {command} FAILED (exit status {status}, {ran} tests)", sep="\n")
    return status or 1


def close(parts: list[list[str]], since: float) -> None:
    """Finish the line of the last target."""
    if len(parts) > 1:
        print("FAILED" if is_bad(parts[-1]) else f"{time.monotonic() - since:.0f} s", flush=True)


def is_bad(part: list[str]) -> bool:
    """Whether ansible-test skipped something, or a deprecation warning names this collection."""
    text = "".join(part)
    return bool(NOT_GREEN.search(text) or any(map(THIS_COLLECTION.search, DEPRECATION.findall(text))))


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, metavar="DIR", help="where to put the collection")
    parser.add_argument("--of", metavar="TARBALL", help="use this tarball instead of the checkout")
    parser.add_argument("command", choices=["sanity", "integration", "build"], help="build creates a tarball")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="passed to ansible-test or ansible-galaxy build")
    options = parser.parse_args(argv)

    collection = lay_out(options.directory, options.of)
    if options.command == "build":
        galaxy("build", collection, *options.arguments)
        return 0
    return run(collection, make_home(options.directory / "home"), options.command, options.arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
