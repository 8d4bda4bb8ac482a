# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report over all hosts: its rows and totals, the printed lines, JSON, CSV and the page."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import datetime, timezone
from html.parser import HTMLParser
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.filter.drs_report import FilterModule as Report
from ansible_collections.disaster_recovery.aws.plugins.filter.drs_verdict import drs_verdict
from ansible_collections.disaster_recovery.aws.plugins.plugin_utils._roles.page import page
from ansible_collections.disaster_recovery.aws.plugins.plugin_utils._roles.report import (
    drill_of,
    report_of,
    rows_of,
    verdict_of,
)
from ansible_collections.disaster_recovery.aws.plugins.plugin_utils._roles.texts import (
    SCREEN,
    age,
    csv_text,
    json_text,
    outcome_lines,
    report_lines,
)
from hypothesis import given
from hypothesis import strategies as st

from .documents import properties

NOW = datetime(2026, 11, 26, 12, tzinfo=timezone.utc)
HOSTILE = "<script src=//example.net/x.js></script>\"'&{{ 1 + 1 }}<img src=x onerror=alert(1)>"


def server(number: int = 1, **members: Any) -> dict[str, Any]:
    return {
        "source_server_id": f"s-{number:017}",
        "arn": f"arn:aws:drs:eu-west-1:111122223333:source-server/s-{number:017}",
        "region": "eu-west-1",
        "account": "111122223333",
        "hostname": f"web{number}",
        "tags": {},
        "state": "CONTINUOUS",
        "lifecycle": "normal",
        "next_step": None,
        "protected": True,
        "reason": "CONTINUOUS",
        "replication_error": None,
        "lag_seconds": 0.0,
        "replicated_percent": 100.0,
        "recovery_point": None,
        "recovery_point_age": None,
        "last_launch": launch(None, None, None),
        "drill_evidence": None,
        "drill_result": None,
        "last_seen": None,
        **members,
    }


def launch(type_: str | None, status: str | None, at: str | None) -> dict[str, Any]:
    return {"type": type_, "status": status, "at": at, "job_id": None}


def result(*servers: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"msg": "all is told.", "summary": {}, "unmatched": [], "protection": list(servers), **members}


STALLED = server(2, state="STALLED", protected=False, reason="STALLED: UNSTABLE_NETWORK")
DENIED = result(msg="these credentials lack drs:DescribeSourceServers", has_failed=True, error={"code": "AccessDenied"})
UNINITIALISED = result(msg="DRS is not initialised", has_failed=True, error={"code": "UninitializedAccountException"})
UNREACHABLE = {"unreachable": True, "msg": "Failed to connect to the host"}


@pytest.mark.parametrize(
    ("last_launch", "told", "due"),
    [
        (launch("DRILL", "TERMINATED", "2026-08-20T13:00:00Z"), ("done", 97), True),
        (launch("DRILL", "TERMINATED", "2026-01-01T00:00:00Z"), ("done", 329), True),
        (launch("DRILL", "FAILED", "2026-11-20T12:00:00Z"), ("failed", None), True),
        (launch("DRILL", "PENDING", "2026-11-26T11:00:00Z"), ("running", None), True),
        (launch("DRILL", "MELTED", "2026-11-20T12:00:00Z"), ("unknown", None), True),
        (launch("DRILL", "LAUNCHED", "yesterday"), ("done", None), True),
        (launch("RECOVERY", "LAUNCHED", "2026-11-20T12:00:00Z"), ("none", None), True),
        (launch(None, None, None), ("none", None), True),
    ],
)
def test_only_a_drill_that_is_done_has_an_age(last_launch: dict[str, Any], told: tuple[Any, Any], due: bool) -> None:
    drill = drill_of({"last_launch": last_launch}, 90, NOW)
    assert (drill["result"], drill["age_days"]) == told
    assert drill["due"] == due
    assert not drill_of({"last_launch": last_launch}, None, NOW)["due"]


@pytest.mark.parametrize("type_", ["DRILL", "RECOVERY", None])
def test_evidence_of_a_drill_counts_whatever_the_last_launch_is(type_: str | None) -> None:
    evidence = {"job_id": "drsjob-1", "at": "2026-11-20T12:00:00Z", "launch_actions": "unknown"}
    drill = drill_of({"last_launch": launch(type_, "FAILED", None), "drill_evidence": evidence}, 90, NOW)
    assert (drill["result"], drill["age_days"], drill["due"]) == ("done", 6, False)


@pytest.mark.parametrize("told", ["failed", "running", "unknown"])
def test_a_fresh_launch_that_proves_nothing_never_looks_like_a_drill_done(told: str) -> None:
    row = {"last_launch": launch("DRILL", "LAUNCHED", "2026-11-20T12:00:00Z"), "drill_result": told}
    drill = drill_of({**row, "drill_evidence": None}, 90, NOW)
    assert (drill["result"], drill["age_days"], drill["due"]) == (told, None, True)


def test_the_worst_come_first() -> None:
    states = ["CONTINUOUS", "BACKLOG", "STALLED", "STOPPED", "DISCONNECTED", "TELEPORTING"]
    servers = [server(n, state=state, protected=state == "CONTINUOUS") for n, state in enumerate(states)]
    elsewhere = server(9, lifecycle="failed_over", protected=False)
    rows = rows_of(result(*servers, elsewhere), {}, NOW)
    assert [row["state"] for row in rows] == ["CONTINUOUS", *reversed(states)]
    assert rows[0]["lifecycle"] == "failed_over"


@pytest.mark.parametrize(
    ("found", "options", "is_good", "said"),
    [
        (result(server()), {}, True, "all is told."),
        (result(), {}, True, "all is told."),
        (result(server(), STALLED), {}, False, "all is told."),
        (result(), {"filters": {"hostname": "x"}}, False, "No source server matches"),
        (result(server(), unmatched=["hostname=web9"]), {"filters": {}}, False, "all is told."),
        (
            result(server()),
            {"max_drill_age": 90},
            False,
            "1 had no successful drill in the last 90 days: s-00000000000000001 web1.",
        ),
        (
            result(server(drill_result="unknown"), server(2)),
            {"max_drill_age": 90},
            False,
            "00000002 web2. Whether 1 had one in the last 90 days could not be read: s-00000000000000001 web1.",
        ),
        (DENIED, {"filters": {"hostname": "x"}}, False, "these credentials lack drs:DescribeSourceServers"),
        (UNREACHABLE, {}, False, "Failed to connect to the host"),
    ],
)
def test_a_host_is_good_only_if_all_was_read_and_is_well(
    found: dict[str, Any], options: dict[str, Any], is_good: bool, said: str
) -> None:
    verdict, msg = verdict_of(found, options, NOW)
    assert verdict == is_good
    assert msg.endswith(said) or said in msg


HOSTS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("ireland", {"rpo": 3600, "region": "eu-west-1"}, result(server(), STALLED, unmatched=["hostname=web9"])),
    ("ireland-again", {"rpo": 3600, "max_lag": 1800}, result({**server(), "protected": False})),
    ("denied", {"region": "eu-west-2"}, DENIED),
    ("new", {"region": "eu-west-3"}, UNINITIALISED),
    ("gone", {}, UNREACHABLE),
    ("silent", {}, {}),
]


def test_a_server_that_two_hosts_read_counts_once_by_its_worst_verdict() -> None:
    report = report_of(HOSTS, NOW)
    assert report["summary"] == {
        "hosts": 6,
        "unread": 4,
        "servers": 2,
        "protected": 0,
        "unprotected": 2,
        "due": 0,
        "by_state": {"CONTINUOUS": 1, "STALLED": 1},
    }
    assert [group["unprotected"] for group in report["groups"]] == [2]
    assert report["msg"] == (
        "0 of 2 source servers are protected; 1 name without a source server; 4 of 6 hosts could not be read."
    )


def test_the_report_tells_when_it_was_written_by_which_criteria_and_what_was_not_read() -> None:
    report = report_of(HOSTS, NOW)
    assert report["written_at"] == "2026-11-26T12:00:00Z"
    assert [(each["rpo"], each["max_lag"]) for each in report["hosts"][:3]] == [
        (3600, None),
        (3600, 1800),
        (None, None),
    ]
    assert [(each["host"], each["region"], each["initialised"]) for each in report["unread"]] == [
        ("denied", "eu-west-2", True),
        ("new", "eu-west-3", False),
        ("gone", None, True),
        ("silent", None, True),
    ]
    assert all(each["reason"] for each in report["unread"])
    assert json.loads(json_text(report)) == report


def test_where_nothing_could_be_read_the_report_says_so() -> None:
    report = report_of([("denied", {}, DENIED)], NOW)
    assert report["msg"] == "0 of 0 source servers are protected; 1 of 1 host could not be read."
    assert "1 of 1 host could not be read" in page(report)
    assert [row["protected"] for row in csv.DictReader(io.StringIO(csv_text(report)))] == ["unread"]


def test_the_csv_has_a_line_for_each_server_and_for_each_host_that_was_not_read() -> None:
    hosts = [("ireland", {"rpo": 3600}, result({**STALLED, "tags": {"a": "b", "c": "d"}})), HOSTS[2]]
    rows = list(csv.DictReader(io.StringIO(csv_text(report_of(hosts, NOW)))))
    assert [row["protected"] for row in rows] == ["unread", "false"]
    assert (rows[1]["tags"], rows[1]["rpo"], rows[1]["region"]) == ("a=b; c=d", "3600", "eu-west-1")
    assert {row["written_at"] for row in rows} == {"2026-11-26T12:00:00Z"}


@pytest.mark.parametrize(
    "text", ["=cmd()", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201"]
)
def test_a_spreadsheet_sees_no_formula(text: str) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(report_of([("a", {}, result(server(hostname=text)))], NOW)))))
    assert rows[0]["hostname"] == f"'{text}"


class Reader(HTMLParser):
    """The elements, their attributes and the texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _value in attrs}
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


LAYOUT = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "header",
    "footer",
    "section",
    "h1",
    "h2",
    "p",
    "div",
    "span",
}
LAYOUT |= {"b", "small", "code", "i", "br", "table", "thead", "tbody", "tr", "th", "td"}
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "class", "style"}


def hostile(text: str) -> dict[str, Any]:
    """A report in which every text is this one."""
    bad = server(
        hostname=text, tags={text: text}, reason=text, next_step=text, account=text, region=text, state=text, arn=text
    )
    hosts = [
        (text, {"region": text}, result({**bad, "protected": False}, unmatched=[text])),
        (text, {}, {**DENIED, "msg": text}),
        (text, {}, result(server(5, hostname=text, tags={text: text}))),
    ]
    return report_of(hosts, NOW)


def test_the_page_escapes_every_text_and_loads_nothing() -> None:
    text = page(hostile(HOSTILE))
    reader = Reader(text)
    assert reader.open == []
    assert reader.tags <= LAYOUT
    assert reader.attributes <= ATTRIBUTES
    assert sum(HOSTILE in each for each in reader.texts) >= 10
    assert not re.search(r"url\(|@import|https?:", text)
    assert "default-src 'none'" in text


@given(st.text(max_size=20))
@properties
def test_no_text_becomes_an_element(text: str) -> None:
    reader = Reader(page(hostile(text)))
    assert reader.open == []
    assert reader.tags <= LAYOUT


def test_the_page_shows_a_failed_drill_as_failed_and_each_sign_with_a_word() -> None:
    failed = server(last_launch=launch("DRILL", "FAILED", "2026-11-20T12:00:00Z"))
    text = page(report_of([("a", {"max_drill_age": 90}, result(failed, STALLED))], NOW))
    assert "▲ failed" in text
    assert "2026-11-20" not in text
    assert "✕ STALLED" in text
    assert "✓ CONTINUOUS" in text
    assert "at most 90 days old" in text


@pytest.mark.parametrize(
    ("criteria", "said"),
    [
        ({"rpo": 3600}, "newest recovery point is at most 1h00 old"),
        ({}, "its state is CONTINUOUS"),
        ({"max_lag": 1800}, "its replication lag at most 0h30"),
    ],
)
def test_the_page_says_what_counts_as_protected(criteria: dict[str, int], said: str) -> None:
    assert said in page(report_of([("a", criteria, result(server()))], NOW))
    differing = page(report_of([("a", criteria, result()), ("b", {"rpo": 600}, result()), ("c", {}, {})], NOW))
    assert '<p class="dim">b: A source server' in differing
    assert '<p class="dim">c: ' not in differing


def test_the_page_of_a_fleet_that_is_well_is_good() -> None:
    text = page(report_of([("a", {}, result(server()))], NOW))
    assert "✓ 1 of 1 source server is protected." in text
    assert "Need attention" not in text


def test_the_printed_table_is_straight_and_no_longer_than_a_screen() -> None:
    servers = [
        server(n, state="STALLED", protected=False, hostname='{{ 1 }} "\x1b[2J日本', lag_seconds=4000 * 86400.0)
        for n in range(40)
    ]
    rows = rows_of(result(*servers, server(99)), {}, NOW)
    lines = report_lines(rows, "the verdict", lists_all=False)
    assert lines[-3:] == [
        "and 10 more that need attention; drs_all=true lists all",
        "and 1 protected; drs_all=true lists all",
        "the verdict",
    ]
    assert len(lines) == 1 + SCREEN + 3
    assert {len(line) for line in lines[:-3]} == {len(lines[0])}
    assert " 4000d " in lines[1]
    assert len(report_lines(rows, "the verdict", lists_all=True)) == 1 + 41 + 1
    assert report_lines([], "the verdict", lists_all=False) == ["the verdict"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "-"), (0.0, "0h00"), (3660.0, "1h01"), (359940.0, "99h59"), (864000.0, "10d")]
)
def test_an_age_is_short(seconds: float | None, text: str) -> None:
    assert age(seconds) == text


def outcome(number: int, **members: Any) -> dict[str, Any]:
    row = {"source_server_id": f"s-{number}", "hostname": None, "state": "CONTINUOUS", "failed": False, "held": False}
    return {**row, "reason": "r", "replication_error": None, **members}


def test_a_failed_run_prints_its_sentence_then_the_failed_and_stuck_servers() -> None:
    outcomes = [outcome(1), outcome(2, failed=True, state=None), outcome(3, state="STALLED", hostname="web3")]
    failed = {"msg": "1 of 3 failed.", "outcomes": outcomes, "summary": {}, "has_failed": True}
    assert outcome_lines(failed) == ["1 of 3 failed.", "  s-2  -  -: r", "  s-3  web3  STALLED: r"]
    alone = [
        outcome(4, state="STALLED", held=True),
        outcome(5, state="INITIATING"),
        outcome(6, state="CONTINUOUS", replication_error="SNAPSHOTS_FAILURE"),
    ]
    failing = outcome(7, state="INITIATING", replication_error="AGENT_NOT_SEEN", reason="x" * 200)
    lines = outcome_lines({**failed, "outcomes": [*alone, failing]})
    assert lines == ["1 of 3 failed.", f"  s-7  -  INITIATING: {'x' * 200}"]
    assert outcome_lines({**failed, "has_failed": False}) == ["1 of 3 failed."]
    many = {**failed, "outcomes": [outcome(n, failed=True) for n in range(100)]}
    assert outcome_lines(many)[-1] == "  and 70 more"
    assert drs_verdict(failed) == {"is_good": False, "msg": "1 of 3 failed.", "lines": outcome_lines(failed)}


def test_the_filters_of_the_roles_judge_and_write() -> None:
    assert drs_verdict(result(server(), STALLED), {"all": True})["is_good"] is False
    write = Report().filters()["drs_report"]
    hostvars = {"a": {"drs_report_options": {}, "drs_report_result": result(server())}, "b": {}}
    assert json.loads(write(["a", "b"], hostvars))["summary"]["unread"] == 1
    assert write(["a"], hostvars, "html").startswith("<!DOCTYPE html>")
    assert write(["a"], hostvars, "csv").count("\n") == 2
