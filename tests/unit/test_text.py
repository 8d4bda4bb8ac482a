# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import unicodedata

import pytest
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.text import (
    LONGEST_TEXT,
    abridged,
    ago,
    count,
    first_line,
    listed,
    printable,
    sentence,
    short,
    times,
)
from hypothesis import given, settings
from hypothesis import strategies as st

UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories that may act on a terminal, or are shown by no font."""

# Every code point, surrogates included; control and format characters more often than by chance.
ANY_TEXT = st.text(
    st.characters() | st.characters(categories=["Cs", "Cc", "Cf"]) | st.sampled_from("\x1b\r\n\x07\u202e\u2028 ab"),
    max_size=600,
)
SAFE_TEXT = st.text(st.characters(categories=["L", "N", "P", "S"]) | st.just(" "), max_size=120)
properties = settings(max_examples=300, derandomize=True, database=None, deadline=None)


@properties
@given(ANY_TEXT)
def test_no_control_format_or_surrogate_character_gets_through(text: str) -> None:
    for shown in (printable(text), first_line(text), listed([text, text])):
        assert {unicodedata.category(letter) for letter in shown} & UNSAFE == set()
        assert shown.isprintable()
        shown.encode()


@properties
@given(ANY_TEXT, st.integers(min_value=1, max_value=300))
def test_a_text_is_no_longer_than_its_limit(text: str, longest: int) -> None:
    shown = printable(text, longest)
    assert len(shown) <= longest


@properties
@given(SAFE_TEXT, st.integers(min_value=1, max_value=60))
def test_a_safe_text_is_left_alone_up_to_its_limit_and_marked_as_cut_beyond(text: str, longest: int) -> None:
    shown = printable(text, longest)
    if len(text.strip()) <= longest:
        assert shown == text.strip()
    else:
        assert shown.endswith("…")
        assert text.strip().startswith(shown[:-1])
    assert printable(shown, longest) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("web1", "web1"),
        ("  web1\n", "web1"),
        ("Ünïcödé 東京 😀", "Ünïcödé 東京 😀"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("a\rok: [host]", "a\\rok: [host]"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u2028b", "a\\u2028b"),
        ("a\x9bb", "a\\x9bb"),
        ("a\ud800b", "a\\ud800b"),
        ("a\U000e0001b", "a\\U000e0001b"),
        ("back\\slash", "back\\slash"),
        (7, "7"),
        (None, "None"),
        ("", ""),
    ],
)
def test_unsafe_characters_are_escaped(text: object, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("text", "longest", "shown"),
    [
        ("one two", 7, "one two"),
        ("one two three", 7, "one tw…"),
        ("one two three", 8, "one two…"),
        ("one two three", 12, "one two…"),
        ("a longestword", 8, "a longe…"),
        ("longestword", 7, "longes…"),
        ("ab cdef", 5, "ab c…"),
        ("abc def", 5, "abc…"),
        ("one two " + " " * 20 + "three", 8, "one two…"),
        ("one two " + " " * 20 + "three", 9, "one two…"),
        (" " * 300 + "text", 8, "text"),
        ("\n\n\n\n\n\n", 3, ""),
        ("a\n\n\nb", 5, "a\\n\\…"),
    ],
)
def test_a_long_text_is_cut_at_a_word_where_that_leaves_more_than_half(text: str, longest: int, shown: str) -> None:
    assert printable(text, longest) == shown


def test_a_text_of_a_sentence_has_240_characters_at_the_most() -> None:
    assert LONGEST_TEXT == 240
    assert printable("x" * 240) == "x" * 240
    assert printable("x" * 241) == "x" * 239 + "…"


def test_a_return_value_has_80_characters_at_the_most() -> None:
    assert short(None) is None
    assert short("") == ""
    assert short("a\x1b") == "a\\x1b"
    assert short("x" * 80) == "x" * 80
    assert short("x" * 81) == "x" * 79 + "…"
    assert short("x" * 81, 10) == "x" * 9 + "…"


ARN = f"arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_{'Operators' * 5}_0123456789abcdef/me@example.com"
RESOURCE = "arn:aws:drs:eu-west-1:111122223333:source-server/s-1234567890abcdef0"
WHY = "because no identity-based policy allows the drs:StartReplication action"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x" * 240, "x" * 240),
        (f"{ARN} may not", f"{ARN} may not"),
        (f"User: {ARN} may not touch {RESOURCE}, {'why ' * 20}", f"User: … may not touch …, {'why ' * 20}".strip()),
        (f"{ARN}. {RESOURCE}; {'x ' * 30}{WHY}.", f"…. …; {'x ' * 30}{WHY}."),
        (f"{'x ' * 200}{WHY}", f"{'x ' * 83}… {WHY}"),
        (f"{'x ' * 200}{WHY}. Encoded message: {'y' * 900}", f"{'x ' * 83}… {WHY}…"),
        (f"{'x ' * 100}{'y ' * 100}", f"{'x ' * 59}… {'y ' * 59}".strip()),
        ("a" * 200 + "b" * 200, "a" * 117 + " … " + "b" * 118),
        (f"{ARN}\x1b {'x ' * 200}", None),
        (f"because no {'y' * 900}", None),
        ("arn:" * 200_000 + "." * 200_000, "…"),
    ],
)
def test_a_long_text_of_aws_loses_its_arns_then_its_middle_and_never_the_clause_that_says_why(
    text: str, shown: str | None
) -> None:
    assert len(abridged(text)) <= 240
    assert abridged(text).isprintable()
    if shown is not None:
        assert abridged(text) == shown


@pytest.mark.parametrize(
    "why",
    [
        "because no service control policy allows the drs:StopReplication action",
        "because no permissions boundary allows the drs:StartReplication action",
        "because no VPC endpoint policy allows the drs:StartReplication action",
        "with an explicit deny in a service control policy",
        "with an explicit deny in a resource control policy",
        "with an explicit deny in an identity-based policy",
    ],
)
@pytest.mark.parametrize("before", [0, 3, 500])
@pytest.mark.parametrize("after", ["", ".", f": {RESOURCE}", ". " + "z" * 2000])
def test_the_clause_that_says_why_a_call_was_denied_is_never_cut(why: str, before: int, after: str) -> None:
    text = f"User: {ARN} is not authorized {'to ' * before}perform: drs:X on resource: {RESOURCE} {why}{after}"
    assert why in abridged(text)
    assert abridged(text).startswith("User: … is not authorized")


@properties
@given(ANY_TEXT)
def test_any_text_of_aws_is_abridged_to_a_safe_one(text: str) -> None:
    shown = abridged(text)
    assert len(shown) <= LONGEST_TEXT
    assert shown.isprintable()
    if len(printable(text, 4096)) <= LONGEST_TEXT:
        assert shown == printable(text)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("one\ntwo", "one"),
        ("\n\n  one. \r\ntwo", "one"),
        ("one\u2028two", "one"),
        ("one...", "one"),
        ("", ""),
        ("\n", ""),
        (ValueError("why\nmore"), "why"),
        ("1.5 GiB. Then.", "1.5 GiB. Then"),
        ("MAX", "MAX"),
    ],
)
def test_the_first_line_is_shown_without_its_full_stop(text: object, line: str) -> None:
    assert first_line(text) == line


@pytest.mark.parametrize(
    ("text", "whole"),
    [("no region", "no region."), ("AWS said no.", "AWS said no."), ("a… b", "a… b."), ("MAX", "MAX."), ("", ".")],
)
def test_a_sentence_has_one_full_stop(text: str, whole: str) -> None:
    assert sentence(text) == whole


def test_names_are_listed_with_commas() -> None:
    assert listed(["a", 7, "b\n", "c\x1b"]) == "a, 7, b, c\\x1b"
    assert listed([]) == ""


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "0 source servers"), (1, "1 source server"), (2, "2 source servers"), (300, "300 source servers")],
)
def test_a_noun_is_counted(number: int, expected: str) -> None:
    assert count(number, "source server") == expected


@pytest.mark.parametrize(("number", "expected"), [(1, "once"), (2, "2 times"), (6, "6 times")])
def test_how_often_is_put_in_words(number: int, expected: str) -> None:
    assert times(number) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 s ago"),
        (59.9, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h ago"),
        (86399, "23 h ago"),
        (86400, "1 d ago"),
        (8640000.5, "100 d ago"),
    ],
)
def test_an_age_is_told_in_its_largest_unit(seconds: float, expected: str) -> None:
    assert ago(seconds) == expected
