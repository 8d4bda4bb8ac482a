# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Benchmarks the modules against loops, the AWS CLI and scripts. `python -m benchmarks` writes docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.emulator import Emulator

from .bench import DRILL_MODULE, INFO_MODULE, LATENCY, MODULE, Bench, Run, aws_cli, ids

REPORT = Path("docs/benchmarks.md")
SCRIPT = [sys.executable, "benchmarks/ten_threads.py"]
LOOKUP_SCRIPT = [sys.executable, "benchmarks/ten_lookups.py"]
DRILL_SCRIPT = [sys.executable, "benchmarks/ten_drills.py"]
DRILLED = (300, 1000)
SCRIPT_DRILLED = 50
DRILL_STEP = 2.0
LOOKUP_CLI = "aws drs describe-recovery-snapshots --source-server-id $0 --order DESC --max-items 1"
FLEET = 300
LOOPED = 20
CLI_SERVERS = 40
CLI = "aws drs describe-source-servers --filters sourceServerIDs=$0 && aws drs start-replication --source-server-id $0"
BURST = 5.0

Row = tuple[str, ...]


def main() -> None:
    """Run every measurement and write the report."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder, Emulator() as emulator:
        bench = Bench(emulator, Path(folder))
        sections: list[Iterator[str]] = [
            one_server(bench),
            fleet(bench),
            growth(bench),
            protection(bench),
            rate_limit(bench),
            drills(bench),
        ]
        lines = [line for section in sections for line in printed(section)]
    REPORT.write_text("\n".join([*header(load), *lines]) + "\n", encoding="utf-8")


def printed(lines: Iterator[str]) -> Iterator[str]:
    """Print each line as it is produced."""
    for line in lines:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
        yield line


def header(load: float) -> Iterator[str]:
    """Versions and machine used."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    yield from (
        "# Benchmarks",
        "",
        *prose(
            "Written by `make bench` (`python -m benchmarks`). Everything runs against the emulator of `tests/emulator`"
            f" on one machine, each call to AWS takes {LATENCY * 1000:.0f} ms, and compared figures come from the same"
            " run."
        ),
        "",
        f"- Python {platform.python_version()}, ansible-core {version('ansible-core')}",
        f"- boto3 {version('boto3')}, botocore {version('botocore')}, {cli_version()}",
        f"- {os.cpu_count()} cores, {memory:.1f} GiB of memory, load average {load:.1f} before the run",
    )


def cli_version() -> str:
    """The version of the AWS CLI."""
    command = aws_cli()
    if command is None:
        return "no AWS CLI"
    said = subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout
    return f"AWS CLI {said.split()[0].partition('/')[2]}"


def one_server(bench: Bench) -> Iterator[str]:
    """The module ad hoc against ping, in alternating runs."""
    module = ["ansible", "localhost", "-m", MODULE, "-a", f"source_server_id={ids(1)[0]}"]
    ping = ["ansible", "localhost", "-m", "ping"]
    _first, *pairs = [(bench.run(module, 1), bench.run(ping, 1)) for _turn in range(16)]
    own = statistics.median(run.seconds - LATENCY * len(run.journal) for run, _ping in pairs)
    pinged = statistics.median(run.seconds for _module, run in pairs)
    calls = len(pairs[0][0].journal)
    yield from (
        "",
        "## One server",
        "",
        *prose(
            f"Medians of {len(pairs)} alternating runs, after a warm-up run that compiles the imports. The latency of"
            f" the module's {calls} calls is subtracted from its wall time."
        ),
        "",
        "```",
        f"ansible localhost -m {MODULE} -a source_server_id=s-…",
        "ansible localhost -m ping",
        "```",
    )
    yield from table(
        ("", "seconds", "goal", ""),
        ("ping", f"{pinged:.2f}", "", ""),
        ("the module", f"{own:.2f}", "", ""),
        ("ratio", f"{own / pinged:.2f}", *goal_cells("at most 1.4", own / pinged, "", own / pinged <= 1.4)),
    )


def fleet(bench: Bench) -> Iterator[str]:
    """One task for a fleet, against a loop, the AWS CLI and a script."""
    task = bench.playbook({MODULE: {"source_server_ids": ids(FLEET), "return_source_servers": False}})
    tasks, scripts = [], []
    for _turn in range(3):
        tasks.append(finished(bench.run(task, FLEET)).seconds)
        scripts.append(finished(bench.run(SCRIPT, FLEET)).seconds)
    one, script = statistics.median(tasks), statistics.median(scripts)
    looped = {
        count: finished(
            bench.run(bench.playbook({MODULE: {"source_server_id": "{{ item }}"}, "loop": ids(count)}), count)
        ).seconds
        for count in (1, LOOPED)
    }
    loop = looped[1] + (looped[LOOPED] - looped[1]) / (LOOPED - 1) * (FLEET - 1)
    yield from (
        "",
        f"## {FLEET} servers",
        "",
        *prose(
            f"Task and script: medians of {len(tasks)} alternating runs. The loop is **extrapolated** linearly from"
            f" {LOOPED} servers ({looped[LOOPED]:.1f} s) and 1 server ({looped[1]:.1f} s), so that its start-up counts"
            f" once; the AWS CLI is **extrapolated** linearly from {CLI_SERVERS} servers."
        ),
        "",
        "```",
        f"ansible-playbook PLAY  # one task: {MODULE}",
        "                       # with source_server_ids, return_source_servers: false",
        'ansible-playbook PLAY  # the same module with source_server_id: "{{ item }}" and a loop',
        "xargs -P 10 -n 1 sh -c '{}'".format(CLI.replace(" && ", " &&\n  ")),
        "python benchmarks/ten_threads.py",
        "```",
    )
    rows: list[Row] = [
        ("one task", f"{one:.2f}", "", "", ""),
        ("a loop", f"{loop:.1f}", *against(loop / one, 25)),
    ]
    if aws_cli():
        xargs = ["xargs", "-P", "10", "-n", "1", "sh", "-c", CLI.replace("aws", str(aws_cli()))]
        cli = finished(bench.run(xargs, CLI_SERVERS, standard_input="\n".join(ids(CLI_SERVERS)))).seconds
        scaled = cli * FLEET / CLI_SERVERS
        rows.append((f"the AWS CLI ({cli:.1f} s for {CLI_SERVERS})", f"{scaled:.1f}", *against(scaled / one, 10)))
    else:
        rows.append(("the AWS CLI", "not measured: there is none", "", "", ""))
    rows.append(script_row(one, script))
    yield from table(("", "seconds", "the task compared with it", "goal", ""), *rows)


def growth(bench: Bench) -> Iterator[str]:
    """Growing fleets selected by a filter: wall time and peak memory."""
    task = {MODULE: {"filters": {"replication-state": "STOPPED"}, "return_source_servers": False}}
    yield from (
        "",
        "## Growth",
        "",
        *prose(
            "One run each, with pages of 300. The peak is the resident memory (`ru_maxrss`) of the module process,"
            " measured by a wrapper around its Python interpreter."
        ),
        "",
        "```",
        f"ansible-playbook PLAY  # one task: {MODULE}",
        "                       # with filters: {replication-state: STOPPED}, return_source_servers: false",
        "```",
    )
    yield from growing(bench, task, lambda command, count: finished(bench.run(command, count)).seconds)


def protection(bench: Bench) -> Iterator[str]:
    """The info module with rpo against a script and the AWS CLI, and with growing fleets."""
    task = {INFO_MODULE: {"rpo": 3600, "return_source_servers": False}}

    def timed(command: list[str], servers: int, standard_input: str = "") -> float:
        return bench.run(command, servers, standard_input=standard_input, state="CONTINUOUS").seconds

    tasks, scripts = [], []
    for _turn in range(3):
        tasks.append(timed(bench.playbook(task), FLEET))
        scripts.append(timed(LOOKUP_SCRIPT, FLEET))
    one, script = statistics.median(tasks), statistics.median(scripts)
    yield from (
        "",
        "## Who is protected",
        "",
        *prose(
            f"The newest recovery snapshots of {FLEET} servers: medians of {len(tasks)} alternating runs; the CLI is"
            f" **extrapolated** linearly from {CLI_SERVERS} servers. Then growing fleets, one run each."
        ),
        "",
        "```",
        f"ansible-playbook PLAY  # one task: {INFO_MODULE}",
        "                       # with rpo: 3600, return_source_servers: false",
        f"xargs -P 10 -n 1 sh -c '{LOOKUP_CLI}'",
        "python benchmarks/ten_lookups.py",
        "```",
    )
    rows: list[Row] = [("one task", f"{one:.2f}", "", "", "")]
    if aws_cli():
        xargs = ["xargs", "-P", "10", "-n", "1", "sh", "-c", LOOKUP_CLI.replace("aws", str(aws_cli()), 1)]
        scaled = timed(xargs, CLI_SERVERS, "\n".join(ids(CLI_SERVERS))) * FLEET / CLI_SERVERS
        rows.append(("the AWS CLI", f"{scaled:.1f}", f"{scaled / one:.1f} times faster", "", ""))
    rows.append(script_row(one, script))
    yield from table(("", "seconds", "the task compared with it", "goal", ""), *rows)
    yield from growing(bench, task, timed)


def growing(bench: Bench, task: Mapping[str, Any], timed: Callable[[list[str], int], float]) -> Iterator[str]:
    """The table of wall time and peak memory of a task with growing fleets. timed: the seconds of a command."""
    noted = bench.folder / "peaks"
    rows: list[Row] = []
    before = 0.0
    for count in (30, 300, 3000):
        noted.unlink(missing_ok=True)
        seconds = timed(bench.playbook(task, bench.measuring_python(noted)), count)
        peak = max(int(line) for line in noted.read_text(encoding="utf-8").split()) / 1024
        times = seconds / before if before else 0
        grown = goal_cells("at most 10 times", times, " times", times <= 10) if before else ("", "")
        memory = goal_cells("below 200 MiB", peak, " MiB", peak < 200)
        rows.append(
            (str(count), f"{seconds:.2f}", f"{times:.1f} times" if before else "", *grown, f"{peak:.0f}", *memory)
        )
        before = seconds
    yield from table(("servers", "seconds", "growth", "goal", "", "peak MiB", "goal", ""), *rows)


def rate_limit(bench: Bench) -> Iterator[str]:
    """Calls throttled by a token bucket: the module compared with the retries of botocore and amazon.aws."""
    command = bench.playbook({MODULE: {"source_server_ids": ids(FLEET), "return_source_servers": False}})
    script_with = {
        "botocore adaptive": (SCRIPT, {"AWS_RETRY_MODE": "adaptive", "AWS_MAX_ATTEMPTS": "10"}),
        "botocore standard": (SCRIPT, {"AWS_RETRY_MODE": "standard", "AWS_MAX_ATTEMPTS": "10"}),
        "AWSRetry.jittered_backoff": ([*SCRIPT, "awsretry"], {"AWS_RETRY_MODE": "standard", "AWS_MAX_ATTEMPTS": "1"}),
    }
    yield from (
        "",
        "## The rate limit",
        "",
        *prose(
            f"{FLEET} servers, one run each; StartReplication is limited by a token bucket that returns 429. Seconds"
            " are from the first start to the last response, without start-up, compared with N/R (servers divided by"
            " rate). Servers still STOPPED at the end are lost. The goals apply to the module; the script is listed for"
            " comparison. A burst of 1 has no goal: no tokens accumulate, so capacity is lost whenever a call arrives a"
            " millisecond late."
        ),
        "",
        "```",
        f"ansible-playbook PLAY  # one task: {MODULE}",
        "                       # with source_server_ids, return_source_servers: false",
        "AWS_RETRY_MODE=adaptive AWS_MAX_ATTEMPTS=10 python benchmarks/ten_threads.py",
        "AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=10 python benchmarks/ten_threads.py",
        "AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=1 python benchmarks/ten_threads.py awsretry",
        "```",
    )
    rows: list[Row] = []
    for rate in (20.0, 100.0):
        for burst in (rate, 1.0, BURST):
            limit = {"rate": rate, "burst": burst}
            rows.append(limited("**the module**", bench.run(command, FLEET, limit=limit), limit, burst > 1))
        for name, (script, environment) in script_with.items():
            run = bench.run(script, FLEET, limit=limit, environment=environment, must_finish=False)
            rows.append(limited(name, run, limit, False))
    yield from table(
        ("a second", "burst", "who", "seconds", "of N/R", "goal", "", "throttled", "goal", "", "lost", "goal", ""),
        *rows,
    )


def drills(bench: Bench) -> Iterator[str]:
    """Drills in batches against a script that makes one call a server."""
    task = {DRILL_MODULE: {"filters": {"hostname": "*"}, "wait_delay": 1, "return_source_servers": False}}
    yield from (
        "",
        "## Drills",
        "",
        *prose(
            f"One run each. A drill takes {2 * DRILL_STEP:.0f} s in the emulator, which has the quotas of DRS: 20 jobs"
            " at a time, 100 servers in each and 500 in all. The module asks for the launch configuration of each"
            f" server first. The script is **extrapolated** linearly from {SCRIPT_DRILLED} servers."
        ),
        "",
        "```",
        f"ansible-playbook PLAY  # one task: {DRILL_MODULE}",
        '                       # with filters: {hostname: "*"}, wait_delay: 1, return_source_servers: false',
        "python benchmarks/ten_drills.py",
        "```",
    )
    script = bench.run(DRILL_SCRIPT, SCRIPT_DRILLED, state="CONTINUOUS", step=DRILL_STEP)
    rows: list[Row] = []
    for count in DRILLED:
        run = bench.run(bench.playbook(task), count, state="CONTINUOUS", step=DRILL_STEP)
        launches = sum(entry["operation"] == "StartRecovery" for entry in run.journal)
        rows.append((str(count), "one task", f"{run.seconds:.1f}", str(launches), str(len(run.journal))))
        times = count / SCRIPT_DRILLED
        figures = f"{script.seconds * times:.0f}", str(count), f"{len(script.journal) * times:.0f}"
        rows.append((str(count), "a script", *figures))
    yield from table(("servers", "who", "seconds", "launches", "calls"), *rows)


def limited(name: str, run: Run, limit: dict[str, float], with_goals: bool) -> Row:
    """The row of one run at the rate limit."""
    ratio, share = run.starting / (FLEET / limit["rate"]), run.throttled
    figures = f"{run.starting:.1f}", f"{ratio:.2f}", f"{share:.1%}", str(run.left)
    goals = (
        goal_cells("at most 1.15", ratio, "", ratio <= 1.15),
        goal_cells("below 20 %", share * 100, " %", share < 0.2),
        goal_cells("0", run.left, "", run.left == 0),
    )
    time_goal, share_goal, lost_goal = goals if with_goals else (("", ""),) * 3
    seconds, of_limit, throttled, lost = figures
    where = f"{limit['rate']:.0f}", f"{limit['burst']:.0f}", name, seconds
    return (*where, of_limit, *time_goal, throttled, *share_goal, lost, *lost_goal)


def finished(run: Run) -> Run:
    """The run, which must have started every server."""
    if run.left:
        raise RuntimeError(f"{run.left} source servers are still STOPPED")
    return run


def against(times: float, goal: int) -> Row:
    """The speed-up, its goal and whether it is reached."""
    return f"{times:.1f} times faster", *goal_cells(f"at least {goal} times", times, " times", times >= goal)


def script_row(task: float, script: float) -> Row:
    """The row of a script: its seconds, and how many more the task takes."""
    more = task - script
    return "a script", f"{script:.2f}", f"{more:+.2f} s", *goal_cells("within 1.5 s", more, " s", more <= 1.5)


def goal_cells(goal: str, figure: float, unit: str, reached: bool) -> tuple[str, str]:
    """A goal and whether it is reached."""
    return goal, "reached" if reached else f"**not reached: {figure:.3g}{unit}**"


def prose(text: str) -> list[str]:
    """The lines of a paragraph."""
    return textwrap.wrap(text, 120, break_long_words=False, break_on_hyphens=False)


def table(*rows: Row) -> Iterator[str]:
    """A Markdown table; the first row is the header."""
    yield ""
    for number, row in enumerate(rows):
        yield f"| {' | '.join(row)} |"
        if number == 0:
            yield f"|{'---|' * len(row)}"


if __name__ == "__main__":
    main()
