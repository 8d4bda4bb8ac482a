# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.errors import DrsError, InvalidOptions
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.listing import find, unmatched_everywhere
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.selection import (
    FILTER_KEYS,
    Filters,
    Matcher,
    Names,
    Selection,
    Unmatched,
    no_match_message,
    state_warnings,
    unmatched,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.servers import (
    ACCOUNT_ID,
    SOURCE_SERVER_ID,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.options import (
    parse_filters,
    parse_ids,
    parse_selection,
)
from ansible_collections.disaster_recovery.aws.tests.unit.fakes import ERROR_500, REGION, End, FakeDrs, sid
from ansible_collections.disaster_recovery.aws.tests.unit.ids import short_id
from botocore.model import ServiceModel

SELECTORS = ("source_server_id", "source_server_ids", "filters")
ONE = "s-1234567890abcdefg"
TWO = "s-ABCDEFGHIJKLMNOPQ"


def select(**given: Any) -> Selection | None:
    return parse_selection({**dict.fromkeys(SELECTORS), "exclude_filters": None, **given}, SELECTORS)


def test_the_shape_of_an_account_is_that_of_the_model(drs_model: ServiceModel) -> None:
    metadata = drs_model.shape_for("AccountID").metadata
    assert (metadata["min"], metadata["max"]) == (12, 12)
    assert ACCOUNT_ID.fullmatch("012345670123")


def test_the_shape_of_an_id_is_that_of_the_model(drs_model: ServiceModel) -> None:
    assert SOURCE_SERVER_ID.pattern == drs_model.shape_for("SourceServerID").metadata["pattern"].strip("^$")


@pytest.mark.parametrize(
    ("given", "ids"),
    [
        ({"source_server_id": ONE}, [ONE]),
        ({"source_server_ids": [ONE]}, [ONE]),
        ({"source_server_ids": [TWO, ONE, TWO]}, [TWO, ONE]),
        ({"source_server_ids": [TWO], "source_server_id": None}, [TWO]),
        ({"source_server_id": f" {ONE}\n"}, [ONE]),
        ({"source_server_ids": [f"{ONE}\r\n", f"\t{TWO}", ONE]}, [ONE, TWO]),
    ],
)
def test_ids_count_once_keep_their_order_and_lose_white_space(given: dict[str, Any], ids: list[str]) -> None:
    assert select(**given) == Selection(source_server_ids=ids)


@pytest.mark.parametrize("given", [{}, {"source_server_id": None}, dict.fromkeys(SELECTORS), {"exclude_filters": []}])
def test_a_null_selector_counts_as_absent(given: dict[str, Any]) -> None:
    assert select(**given) is None


@pytest.mark.parametrize(
    "given",
    [
        {"source_server_id": ONE, "source_server_ids": [ONE]},
        {"source_server_id": ONE, "filters": {"hostname": "web1"}},
        {"source_server_ids": [], "filters": {}},
        {"source_server_id": ONE, "source_server_ids": [ONE], "filters": {"hostname": "web1"}},
    ],
)
def test_two_selectors_are_rejected_and_named(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidOptions) as raised:
        select(**given)
    assert str(raised.value) == f"Give only one of {', '.join(given)}"


@pytest.mark.parametrize(
    ("selector", "empty"),
    [("source_server_id", ""), ("source_server_id", " \n"), ("source_server_ids", []), ("filters", {})],
)
def test_an_empty_selector_is_rejected_and_never_means_every_server(selector: str, empty: object) -> None:
    with pytest.raises(InvalidOptions) as raised:
        select(**{selector: empty})
    assert str(raised.value) == f"{selector} is empty. Name the source servers; empty never means all"


def test_filters_and_excluded_ones_are_parsed() -> None:
    given = {"filters": {"tag:Env": ["prod"]}, "exclude_filters": [{"hostname": "web1"}, {"tag:Protect": False}]}
    assert select(**given) == Selection(
        filters={"tag:Env": ["prod"]}, exclude_filters=[{"hostname": ["web1"]}, {"tag:Protect": ["false"]}]
    )


def test_without_a_selector_something_may_be_excluded_from_all() -> None:
    assert select(exclude_filters=[{"hostname": "web1"}]) == Selection(exclude_filters=[{"hostname": ["web1"]}])


@pytest.mark.parametrize("selector", ["source_server_id", "source_server_ids"])
def test_nothing_is_excluded_from_ids(selector: str) -> None:
    with pytest.raises(InvalidOptions, match=f"^exclude_filters cannot be combined with {selector}$"):
        select(**{selector: ONE, "exclude_filters": [{"hostname": "web1"}]})


@pytest.mark.parametrize("entry", [{}, None, "text", []])
def test_an_empty_entry_of_excluded_filters_is_rejected(entry: object) -> None:
    with pytest.raises(InvalidOptions, match=r"^exclude_filters has an empty entry"):
        select(filters={"hostname": "web1"}, exclude_filters=[entry])


def test_an_excluded_filter_with_an_unknown_key_is_rejected() -> None:
    with pytest.raises(InvalidOptions, match=r"^exclude_filters: unknown key state; use tag:<Key>, tag-key"):
        select(filters={"hostname": "web1"}, exclude_filters=[{"state": "STOPPED"}])


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "s-1234567890abcdef",
        "s-1234567890abcdefgh",
        "S-1234567890abcdefg",
        "s-1234567890abcdef_",
        "s-12345678 0abcdefg",
        "i-1234567890abcdefg",
        "s-1234567890abcdéfg",
        "s-1234567890\u0661\u0662\u0663\u0664\u0665\u0666\u0667",
        "*",
    ],
)
def test_ids_of_a_wrong_shape_are_rejected_and_all_named(wrong: str) -> None:
    with pytest.raises(InvalidOptions) as raised:
        parse_ids([TWO, wrong, "s-bad"])
    assert str(raised.value) == (
        f"Invalid source server IDs (expected s- and 17 letters or digits): {wrong!r}, 's-bad'"
    )


@pytest.mark.parametrize(
    ("value", "patterns"),
    [
        ("web*", ["web*"]),
        (["a", "b"], ["a", "b"]),
        (True, ["true"]),
        (False, ["false"]),
        (1, ["1"]),
        (1.5, ["1.5"]),
        ([0, True, "x"], ["0", "true", "x"]),
        ("", [""]),
    ],
)
def test_values_become_lists_of_texts_as_in_amazon_aws(value: object, patterns: list[str]) -> None:
    assert parse_filters("filters", {"tag:Protect": value}) == {"tag:Protect": patterns}


@pytest.mark.parametrize("value", [[], None, {}, {"a": 1}, [None], [["a"]]])
def test_a_value_of_another_type_is_rejected_with_its_key(value: object) -> None:
    with pytest.raises(InvalidOptions) as raised:
        parse_filters("filters", {"hostname": value})
    expected = f"filters: hostname takes a string, number, boolean or a list of these, not {value!r}"
    assert str(raised.value) == expected


def test_a_long_value_of_another_type_is_cut() -> None:
    with pytest.raises(InvalidOptions) as raised:
        parse_filters("filters", {"hostname": [["a" * 1000]]})
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize("key", ["Hostname", "tag:", "tag", "tags", "state", "replication_state", "", 7])
def test_an_unknown_key_is_rejected_and_the_known_ones_are_listed(key: object) -> None:
    with pytest.raises(InvalidOptions) as raised:
        parse_filters("filters", {"hostname": "web1", key: "a"})
    assert str(raised.value).startswith(f"filters: unknown key {key};")
    assert all(known in str(raised.value) for known in [*FILTER_KEYS, "tag:<Key>"])


@pytest.mark.parametrize("key", ["staging-account-id", "origin-account-id"])
@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        (0o12345670123, "1402433619"),
        ("1402433619", "1402433619"),
        ("1234567890123", "1234567890123"),
        ("12345678901a", "12345678901a"),
        ("", ""),
        (True, "true"),
        (111111111111.0, "111111111111.0"),
        ("\u0661" * 12, "\u0661" * 12),
        (["111111111111", 7, "222222222222", "8"], "7', '8"),
    ],
    ids=short_id,
)
def test_an_account_without_twelve_digits_is_rejected_and_to_be_quoted(key: str, value: object, wrong: str) -> None:
    options: dict[str, dict[str, Any]] = {
        "filters": {"filters": {key: value}},
        "exclude_filters": {"filters": {"tag-key": "*"}, "exclude_filters": [{"tag-key": "a"}, {key: value}]},
    }
    for option, given in options.items():
        with pytest.raises(InvalidOptions) as raised:
            select(**given)
        assert str(raised.value) == (
            f"{option}: {key} takes account IDs of 12 digits, not '{wrong}': quote them, since YAML reads a number"
            " that begins with 0 as octal"
        )


@pytest.mark.parametrize("value", ["111111111111", 111111111111, "012345670123", "*", "1111*", "?" * 12, ["12?", "*"]])
def test_an_account_with_twelve_digits_or_a_wildcard_is_taken(value: object) -> None:
    parsed = parse_filters("filters", {"staging-account-id": value, "origin-account-id": value})
    assert parsed["staging-account-id"] == parsed["origin-account-id"]
    assert all(len(pattern) in (1, 3, 5, 12) for pattern in parsed["origin-account-id"])


def test_only_accounts_have_twelve_digits() -> None:
    assert parse_filters("filters", {"tag:Account": 7, "hostname": 8}) == {"tag:Account": ["7"], "hostname": ["8"]}


def test_the_key_of_a_tag_may_hold_any_character() -> None:
    assert parse_filters("filters", {"tag:a\nb": "x"}) == {"tag:a\nb": ["x"]}


SERVER: dict[str, Any] = {
    "sourceServerID": ONE,
    "tags": {"Env": "prod", "aws:x": "b", "a:b": "c"},
    "sourceProperties": {
        "identificationHints": {"hostname": "web1", "fqdn": "web1.example.com", "awsInstanceID": "i-0123456789abcdef0"}
    },
    "dataReplicationInfo": {"dataReplicationState": "STOPPED"},
    "stagingArea": {"stagingAccountID": "111111111111", "status": "NOT_EXTENDED"},
    "sourceCloudProperties": {"originAccountID": "222222222222", "originRegion": "us-east-1"},
    "replicationDirection": "FAILOVER",
}


KEYS: list[tuple[str, str, str]] = [
    ("tag:Env", "prod", "Prod"),
    ("tag:aws:x", "b", "x"),
    ("tag:a:b", "c", "b"),
    ("tag:env", "*", "prod"),
    ("tag-key", "Env", "env"),
    ("hostname", "web1", "web"),
    ("hostname", "WEB?", "WEB"),
    ("fqdn", "Web1.Example.COM", "web1"),
    ("ec2-instance-id", "i-0123456789abcdef0", "i-0"),
    ("source-server-id", ONE, TWO),
    ("replication-state", "STOPPED", "stopped"),
    ("staging-account-id", "111111111111", "222222222222"),
    ("origin-account-id", "222222222222", "111111111111"),
    ("origin-region", "us-east-1", "us-east-2"),
    ("replication-direction", "FAILOVER", "FAILBACK"),
    ("lifecycle", "norm*", "failed_over"),
]
"""Each filter key with a pattern that matches SERVER and one that does not."""


def test_every_key_is_tested() -> None:
    tested = {key for key, _hit, _miss in KEYS if not key.startswith("tag:")}
    assert not set(FILTER_KEYS) - tested, f"add {set(FILTER_KEYS) - tested} to KEYS, and their members to SERVER"
    assert tested == set(FILTER_KEYS)


@pytest.mark.parametrize(("key", "hit", "miss"), KEYS)
def test_each_key_reads_its_member_and_case_counts(key: str, hit: str, miss: str) -> None:
    if key != "tag:env":
        assert Matcher({key: [hit]}).matches(SERVER)
    assert not Matcher({key: [miss]}).matches(SERVER)
    assert not Matcher({key: ["web1", "prod"]}).matches({"sourceServerID": TWO})


@pytest.mark.parametrize(
    ("pattern", "text", "hit"),
    [
        ("web*", "web", True),
        ("web*", "web12", True),
        ("web*", "aweb", False),
        ("*", "", True),
        ("*", "a\nb", True),
        ("a\nb", "a\nb", True),
        ("a\nb", "ab", False),
        ("a\nb*", "a\nbc", True),
        ("a\nb*", "abc", False),
        ("web?", "web1", True),
        ("web?", "web", False),
        ("web?", "web12", False),
        ("[a-z]", "[a-z]", True),
        ("[a-z]", "b", False),
        ("a.c", "abc", False),
        ("a+(b)|c", "a+(b)|c", True),
        (r"a\*", "a*", True),
        (r"a\*", "ab", False),
        (r"a\?", "a?", True),
        (r"a\b", r"a\b", True),
        ("", "", True),
        ("", "a", False),
    ],
)
def test_only_star_and_question_mark_are_wild(pattern: str, text: str, hit: bool) -> None:
    assert Matcher({"tag:Key": [pattern]}).matches({"tags": {"Key": text}}) == hit


@pytest.mark.parametrize("pattern", ["*-*-*-*-*-*-*prod", "*-" * 30 + "prod", "?*" * 30 + "prod"])
def test_no_hostname_keeps_a_pattern_busy(pattern: str) -> None:
    began = time.monotonic()
    hints = {"hostname": "-" * 20_000}
    assert not Matcher({"hostname": [pattern]}).matches({"sourceProperties": {"identificationHints": hints}})
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hostname", "WEB{}"),
        ("hostname", "web{}.example.com"),
        ("fqdn", "web{}"),
        ("ec2-instance-id", "i-{:08}"),
        ("source-server-id", "S-{:017}"),
    ],
)
@pytest.mark.parametrize("option", ["filters", "exclude_filters"])
def test_thousands_of_names_cost_one_pass_over_the_servers(key: str, value: str, option: str) -> None:
    drs = FakeDrs(["STOPPED"] * 4000)
    for number in range(4000):
        name = f"web{number}"
        hints = {"hostname": name, "fqdn": f"{name}.example.com", "awsInstanceID": f"i-{number:08}"}
        drs.servers[sid(number)].members = {"sourceProperties": {"identificationHints": hints}}
    values: Filters = {key: [value.format(number) for number in range(2000, 6000)]}
    everything: Filters = {"hostname": ["*"]}
    began = time.monotonic()
    is_excluded = option == "exclude_filters"
    find(drs, Selection(filters=everything if is_excluded else values, exclude_filters=[values] * is_excluded))
    assert time.monotonic() - began < 5, "where each value is a pass, this takes a minute"


def test_keys_are_anded_and_values_ored() -> None:
    assert Matcher({"hostname": ["db1", "web1"], "tag:Env": ["test", "p*"]}).matches(SERVER)
    assert not Matcher({"hostname": ["db1", "web1"], "tag:Env": ["test"]}).matches(SERVER)


def test_a_member_that_is_absent_matches_no_pattern() -> None:
    assert not Matcher({"hostname": ["*"]}).matches({"sourceServerID": ONE})


def fleet() -> FakeDrs:
    drs = FakeDrs(["STOPPED", "CONTINUOUS", "STOPPED"])
    for number, env in enumerate(["prod", "prod", "test"]):
        hints = {"hostname": f"web{number}", "fqdn": f"web{number}.example.com", "awsInstanceID": f"i-{number}"}
        drs.servers[sid(number)].members = {
            "tags": {"Env": env},
            "sourceProperties": {"identificationHints": hints},
        }
    return drs


def found(drs: FakeDrs, filters: Filters, *exclude_filters: Filters) -> list[str]:
    servers = find(drs, Selection(filters=filters, exclude_filters=list(exclude_filters))).servers
    return [server["sourceServerID"] for server in servers]


def test_filters_find_their_servers_ordered_by_id() -> None:
    drs = fleet()
    drs.servers = dict(reversed(drs.servers.items()))
    assert found(drs, {"tag:Env": ["prod"]}) == [sid(0), sid(1)]


def test_no_filters_find_every_server() -> None:
    assert found(fleet(), {}) == [sid(0), sid(1), sid(2)]


def test_a_server_that_two_pages_show_is_found_once() -> None:
    class TwiceListed(FakeDrs):
        def describe_all(self) -> list[Any]:
            return [*super().describe_all(), *super().describe_all()]

    assert found(TwiceListed(["STOPPED", "STOPPED"]), {}) == [sid(0), sid(1)]


def test_what_matches_any_of_the_excluded_filters_is_left_out() -> None:
    assert found(fleet(), {"hostname": ["web*"]}, {"tag:Env": ["test"]}) == [sid(0), sid(1)]
    assert found(fleet(), {"hostname": ["web*"]}, {"tag:Env": ["test"]}, {"hostname": ["WEB0"]}) == [sid(1)]
    assert found(fleet(), {"hostname": ["web*"]}, {"tag:Env": ["prod"], "hostname": ["web0"]}) == [sid(1), sid(2)]
    assert found(fleet(), {"source-server-id": [sid(0), sid(1)]}, {"hostname": ["web0"]}) == [sid(1)]


@pytest.mark.parametrize(
    ("filters", "exclude_filters", "number", "is_broadly_matched"),
    [
        ({"tag:Env": ["prod"]}, [], 2, True),
        ({"tag:Env": ["prdo"]}, [], 0, False),
        ({"tag:Env": ["prod"], "replication-state": ["STOPPED"]}, [], 1, True),
        ({"tag:Env": ["prod"], "replication-state": ["STALLED"]}, [], 0, True),
        ({"tag:Env": ["prdo"], "replication-state": ["STOPPED"]}, [], 0, False),
        ({"replication-state": ["STALLED"]}, [], 0, True),
        ({"lifecycle": ["failed_over"]}, [], 0, True),
        ({"lifecycle": ["normal"]}, [], 3, True),
        ({"tag:Env": ["prod"], "lifecycle": ["failed_over"]}, [], 0, True),
        ({"tag:Env": ["prdo"], "lifecycle": ["normal"], "replication-state": ["STOPPED"]}, [], 0, False),
        ({"tag:Env": ["prod"]}, [{"lifecycle": ["normal"]}], 0, False),
        ({"tag:Env": ["prod"]}, [{"hostname": ["web*"]}], 0, False),
        ({"tag:Env": ["prod"]}, [{"replication-state": ["STOPPED"]}], 1, True),
        ({"tag:Env": ["test"]}, [{"replication-state": ["STOPPED"]}], 0, False),
    ],
    ids=short_id,
)
def test_the_state_and_the_lifecycle_may_leave_no_server_but_do_not_hide_a_mistyped_tag(
    filters: Filters, exclude_filters: list[Filters], number: int, is_broadly_matched: bool
) -> None:
    result = find(fleet(), Selection(filters=filters, exclude_filters=exclude_filters))
    assert (len(result.servers), result.is_broadly_matched) == (number, is_broadly_matched)


def test_a_region_without_any_server_matches_nothing() -> None:
    result = find(FakeDrs({}), Selection(filters={"replication-state": ["STOPPED"]}))
    assert (result.servers, result.is_broadly_matched, result.unmatched) == ([], False, [])


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"hostname": ["web0", "WEB1", "web9"]}, ["hostname=web9"]),
        ({"hostname": ["web9", "db*", "db?"]}, ["hostname=web9"]),
        ({"hostname": [r"web\*"]}, [r"hostname=web\*"]),
        ({"fqdn": ["web0.example.com", "web0"]}, ["fqdn=web0"]),
        ({"ec2-instance-id": ["i-0", "I-0"]}, ["ec2-instance-id=I-0"]),
        ({"source-server-id": [sid(0), sid(9)]}, [f"source-server-id={sid(9)}"]),
        ({"tag:Env": ["nothing"], "tag-key": ["nothing"], "replication-state": ["STALLED"]}, []),
        ({"hostname": ["web0"], "tag:Env": ["test"]}, []),
        ({"source-server-id": [sid(0)], "hostname": ["web1", "web9"]}, ["hostname=web9"]),
        ({"source-server-id": ["x"], "hostname": ["x"]}, ["hostname=x", "source-server-id=x"]),
    ],
    ids=short_id,
)
def test_a_value_that_names_no_existing_server_is_unmatched(filters: Filters, expected: list[str]) -> None:
    assert find(fleet(), Selection(filters=filters)).all_unmatched == expected
    assert list(map(str, unmatched(Names(fleet().describe_all()), filters))) == expected


@pytest.mark.parametrize(
    ("hints", "key", "name", "likely"),
    [
        ({"hostname": "web1.example.net"}, "hostname", "web1", "hostname=web1.*"),
        ({"hostname": "web1", "fqdn": "web1.example.net"}, "hostname", "WEB1.example.net", "fqdn=WEB1.example.net"),
        ({"hostname": "web1"}, "hostname", "web1.example.net", "hostname=web1"),
        ({"fqdn": "web1"}, "hostname", "web1", "fqdn=web1"),
        ({"fqdn": "web1"}, "hostname", "web1.example.net", "fqdn=web1"),
        ({"fqdn": "web1.example.net"}, "hostname", "web1", "fqdn=web1.*"),
        ({"hostname": "web1", "fqdn": "web1.example.net"}, "fqdn", "web1", "hostname=web1"),
        ({"fqdn": "web1.example.net"}, "fqdn", "web1", "fqdn=web1.*"),
        ({"hostname": "web1.example.net"}, "fqdn", "web1.example.net", "hostname=web1.example.net"),
        ({"hostname": "web1.example.net"}, "fqdn", "web1", "hostname=web1.*"),
        ({"hostname": "web1"}, "fqdn", "web1.example.net", "hostname=web1"),
        ({"hostname": "web11", "fqdn": "web11.example.net"}, "hostname", "web1", ""),
        ({"hostname": "web1.example.org"}, "hostname", "web1.example.net", ""),
        ({"awsInstanceID": "web1.example.net"}, "ec2-instance-id", "web1", ""),
        ({"hostname": "web1"}, "source-server-id", "web1", ""),
    ],
    ids=short_id,
)
def test_a_host_name_of_another_form_has_a_filter_that_would_match(
    hints: dict[str, str], key: str, name: str, likely: str
) -> None:
    drs = FakeDrs(["STOPPED"])
    drs.servers[sid(0)].members = {"sourceProperties": {"identificationHints": hints}}
    (missing,) = find(drs, Selection(filters={key: [name]})).unmatched
    (excluded,) = find(drs, Selection(exclude_filters=[{key: [name]}])).unmatched_exclusions
    assert missing.likely == excluded.likely == likely
    assert missing.told == excluded.told == f"{key}={name}" + (f" ({likely} would match)" if likely else "")
    if likely:
        other, pattern = likely.split("=")
        assert found(drs, {other: [pattern]}) == [sid(0)]


@pytest.mark.parametrize(
    ("exclude_filters", "missing", "idle"),
    [
        ([{"hostname": ["web0", "wbe1", "*x"]}], ["hostname=wbe1"], []),
        ([{"hostname": ["web9"]}, {"hostname": ["WEB9", "web9"]}], ["hostname=web9", "hostname=WEB9"], []),
        ([{"hostname": ["web9"], "replication-state": ["STOPPED"]}], ["hostname=web9"], []),
        ([{"hostname": ["web9"], "tag:Env": ["none"]}], ["hostname=web9"], []),
        ([{"source-server-id": [sid(9)]}], [f"source-server-id={sid(9)}"], []),
        ([{"tag:Env": ["none"]}, {"tag-key": ["Env"]}], [], ["tag:Env=none"]),
        ([{"hostname": ["db*"]}], [], ["hostname=db*"]),
        ([{"hostname": ["web0"], "tag:Env": ["x", "y"]}], [], ["hostname=web0, tag:Env=x, y"]),
        ([{"tag:Env": ["none"], "replication-state": ["STOPPED"]}], [], []),
        ([{"replication-state": ["STALLED"]}], [], []),
        ([{"lifecycle": ["reversed"]}], [], []),
        ([{"tag:Env": ["test"]}], [], []),
    ],
    ids=short_id,
)
def test_excluded_filters_that_match_nothing_are_found_among_all_that_is_listed(
    monkeypatch: pytest.MonkeyPatch, exclude_filters: list[Filters], missing: list[str], idle: list[str]
) -> None:
    monkeypatch.setitem(FILTER_KEYS, "lifecycle", lambda _server: "normal")
    for filters in ({"hostname": ["web1"]}, {"source-server-id": [sid(1)]}, {}):
        drs = fleet()
        result = find(drs, Selection(filters=filters, exclude_filters=exclude_filters))
        assert result.all_unmatched == [f"exclude_filters: {each}" for each in missing]
        assert result.idle_exclusions == idle
        assert sum(len(call.ids) for call in drs.journal) == 3, "no ID is pushed down"


@pytest.mark.parametrize(
    ("regions", "expected"),
    [
        ([["a", "b"], ["b", "c"]], ["hostname=b"]),
        ([["a"], []], []),
        ([["a", "b"]], ["hostname=a", "hostname=b"]),
    ],
)
def test_a_name_is_unmatched_everywhere_if_no_region_has_it(regions: list[list[str]], expected: list[str]) -> None:
    missing = [[Unmatched("hostname", name) for name in names] for names in regions]
    assert list(map(str, unmatched_everywhere(missing))) == expected


def test_the_filter_that_would_match_is_that_of_the_region_that_has_one() -> None:
    (one,) = unmatched_everywhere([[Unmatched("hostname", "a")], [Unmatched("hostname", "a", "fqdn=a")]])
    assert one.told == "hostname=a (fqdn=a would match)"


def test_a_named_server_that_is_excluded_is_not_unmatched() -> None:
    result = find(fleet(), Selection(filters={"hostname": ["web0"]}, exclude_filters=[{"hostname": ["web0"]}]))
    assert (result.servers, result.unmatched) == ([], [])


def test_ids_are_all_that_is_asked_for() -> None:
    drs = FakeDrs(["STOPPED"] * 12)
    assert found(drs, {"source-server-id": [sid(3), sid(1)], "replication-state": ["STOPPED"]}) == [sid(1), sid(3)]
    assert [call.ids for call in drs.journal] == [(sid(3), sid(1))]


@pytest.mark.parametrize(("pattern", "number"), [("s-*", 12), ("s-0000000000000000?", 10), ("x", 0)])
def test_patterns_of_ids_are_matched_here(pattern: str, number: int) -> None:
    drs = FakeDrs(["STOPPED"] * 12)
    assert len(found(drs, {"source-server-id": [pattern, sid(99)]})) == number
    assert sum(len(call.ids) for call in drs.journal) == 12


def test_a_page_that_cannot_be_had_is_an_error_and_no_shorter_answer() -> None:
    drs = fleet()
    drs.describes = [End(), End(ERROR_500)]
    with pytest.raises(DrsError):
        find(drs, Selection(filters={"tag:Env": ["prod"]}))


def test_a_pattern_that_matches_no_known_state_is_warned_of() -> None:
    filters = {"replication-state": ["STOP*", "stopped", "CONTINUOUS"], "hostname": ["nobody"]}
    first, second = state_warnings(Selection(filters=filters, exclude_filters=[{"replication-state": ["STALED"]}]))
    assert first.startswith("replication-state 'stopped' matches none of the known values: STOPPED, ")
    assert "'STALED'" in second
    (warning,) = state_warnings(Selection(filters={"lifecycle": ["fail*", "failedover"]}))
    assert warning.startswith("lifecycle 'failedover' matches none of the known values: launching, failback, ")


def launched(kind: str, status: str) -> dict[str, Any]:
    return {"lifeCycle": {"lastLaunch": {"initiated": {"type": kind}, "status": status}}, "recoveryInstanceId": "i-0"}


IS_FAILED_OVER = "failed over to a recovery instance"
IS_UNDER_WAY = "a recovery launch is in progress"
IS_EXTENDED = "extended from another account"
IS_REVERSED = "has a reversed source server, protect it by reversed replication"


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (
            Selection(filters={"tag:Env": ["a\x1b", "b"], "hostname": ["w"]}),
            f"No source server matches tag:Env=a\\x1b, b, hostname=w in {REGION}: check the filters and the region.",
        ),
        (
            Selection(filters={"tag:Env": ["prdo"], "replication-state": ["STOPPED"]}),
            f"No source server matches tag:Env=prdo in {REGION}: check the filters and the region.",
        ),
        (
            Selection(filters={"replication-state": ["STOPPED"]}),
            f"No source server exists in {REGION}: check the filters and the region.",
        ),
        (
            Selection(filters={"hostname": ["a"]}, exclude_filters=[{"hostname": ["b"]}]),
            f"No source server matches hostname=a and is not excluded in {REGION}: check the filters and the region.",
        ),
    ],
)
def test_filters_that_match_nothing_are_reported_with_the_region(selection: Selection, message: str) -> None:
    assert no_match_message(REGION, selection) == message
