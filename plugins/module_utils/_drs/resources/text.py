# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes text safe for terminals and limits its length. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Sequence

LONGEST_TEXT = 240
"""Maximum characters of text from AWS or a source server that is quoted in a sentence."""

LONGEST_MESSAGE = 4096
"""Maximum characters of an error text from AWS that is returned whole. Assumed to be more than a real one has."""

LONGEST_VALUE = 80
"""Maximum characters of a return value such as a state or a code."""


def printable(text: object, longest: int = LONGEST_TEXT) -> str:
    """The text on one line, with unprintable characters escaped, truncated at a word to `longest` characters.

    The owner of a source server chooses its hostname, so such text must not be able to control the terminal.
    """
    shown = str(text).strip()[: longest + 1]
    if not shown.isprintable():
        shown = "".join(
            letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in shown
        )
    if len(shown) <= longest:
        return shown
    words = shown[:longest].rpartition(" ")[0].rstrip()
    return f"{words if len(words) > longest // 2 else shown[: longest - 1]}…"


_ARN = re.compile(r"\barn:\S+")

_WHY = re.compile(r"(?:because no|with an explicit deny)[^.]*")
"""The clause of a denial that says which policy is the cause:
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html"""


def abridged(text: object) -> str:
    """A text from AWS as quoted in a sentence: if it is long, without its ARNs, then without its middle.

    The clause that says why a call was denied stays.
    """
    shown = printable(text, LONGEST_MESSAGE)
    if len(shown) > LONGEST_TEXT:
        shown = _ARN.sub(_without_name, shown)
    why = _WHY.search(shown)
    if len(shown) <= LONGEST_TEXT:
        return shown
    if why is None or len(why[0]) > LONGEST_TEXT // 2:
        return _ends(shown, LONGEST_TEXT // 2)
    more = "…" if shown[why.end() :].strip(". ") else ""
    return f"{_head(shown[: why.start()], LONGEST_TEXT - len(why[0]) - 3)}… {why[0].rstrip()}{more}"


def _without_name(arn: re.Match[str]) -> str:
    """An ellipsis in place of the ARN, with the punctuation that follows."""
    return f"…{arn[0][len(arn[0].rstrip('.,;:)')) :][:1]}"


def _ends(text: str, longest: int) -> str:
    """The first and the last words, at most `longest` characters of each, less the ellipsis."""
    tail = text[2 - longest :]
    words = tail.partition(" ")[2].lstrip()
    return f"{_head(text, longest - 2)}… {words if len(words) > longest // 2 else tail}"


def _head(text: str, longest: int) -> str:
    """The first words, followed by a space if a word ends there."""
    words = text[:longest].rpartition(" ")[0].rstrip()
    return f"{words} " if len(words) > longest // 2 else f"{text[: longest - 1]} "


def short(text: str | None, longest: int = LONGEST_VALUE) -> str | None:
    """The text as a printable return value; None stays None."""
    return None if text is None else printable(text, longest)


def first_line(text: object) -> str:
    """The printable first line, without a trailing full stop.

    Further lines may be sensitive: AWS's message about a wrong signature includes the request and session token.
    """
    lines = str(text).strip().splitlines()
    return abridged(lines[0] if lines else "").rstrip(".")


def sentence(text: str) -> str:
    """The text with exactly one trailing full stop."""
    return f"{text.rstrip('.')}."


def listed(names: Sequence[object]) -> str:
    """The names, printable and separated by commas."""
    return ", ".join(printable(name) for name in names)


def few(names: Sequence[object], most: int = 3) -> str:
    """As listed, but only so many names; the rest are counted."""
    more = [f"and {len(names) - most} more"] if len(names) > most else []
    return listed([*names[:most], *more])


def count(number: int, one: str) -> str:
    """The number with its noun, such as "1 source server" or "3 source servers"."""
    return f"{number} {one if number == 1 else one + 's'}"


def times(number: int) -> str:
    """A count as "once" or "4 times"."""
    return "once" if number == 1 else f"{number} times"


AGO: list[tuple[float, str]] = [(86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s")]
"""The units of an age, with their seconds."""


def ago(seconds: float) -> str:
    """An age in its largest unit, rounded down, such as "3 h ago"."""
    size, unit = next(((size, unit) for size, unit in AGO if seconds >= size), AGO[-1])
    return f"{int(seconds // size)} {unit} ago"
