# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text for people: safe on a terminal, and of bounded length. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence

LONGEST_TEXT = 240
"""Characters of one text that AWS or a source server wrote, as quoted in a sentence."""

LONGEST_VALUE = 80
"""Characters of a return value such as a state or a code."""


def printable(text: object, longest: int = LONGEST_TEXT) -> str:
    """The text on one line: control, format and surrogate characters escaped, cut at a word to `longest` characters.

    Whoever owns a source server owns its host name, so no such text may act on the terminal.
    """
    shown = "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in str(text).strip()[: longest + 1]
    )
    if len(shown) <= longest:
        return shown
    words = shown[:longest].rpartition(" ")[0].rstrip()
    return f"{words if len(words) > longest // 2 else shown[: longest - 1]}…"


def short(text: str | None, longest: int = LONGEST_VALUE) -> str | None:
    """The printable text of a return value, None for None."""
    return None if text is None else printable(text, longest)


def first_line(text: object) -> str:
    """The printable first line, without a full stop at its end.

    AWS's text about a wrong signature goes on with the request, session token included.
    """
    lines = str(text).strip().splitlines()
    return printable(lines[0] if lines else "").rstrip(".")


def sentence(text: str) -> str:
    """The text with exactly one full stop at its end."""
    return f"{text.rstrip('.')}."


def listed(names: Sequence[object]) -> str:
    """The names, printable, with commas between them."""
    return ", ".join(printable(name) for name in names)


def count(number: int, one: str, many: str = "") -> str:
    """The number with its noun, such as "1 source server" or "3 source servers"."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def times(number: int) -> str:
    """How often: "once", or "4 times"."""
    return "once" if number == 1 else f"{number} times"
