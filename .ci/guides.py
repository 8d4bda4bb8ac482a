# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Generate the guides for the documentation site in docs/docsite/rst from docs/*.md. With --check, only compare them.

Ansible's documentation site requires reStructuredText; Markdown is easier to read in the repository.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pypandoc

DOCS = Path(__file__).resolve().parents[1] / "docs"
GUIDES = ["first_hour", "states", "fleet"]
LABEL = "ansible_collections.disaster_recovery.aws.docsite.guide_{}"
OUR_LINK = re.compile(rf"`([^`<]+?)\s+<({'|'.join(GUIDES)})\.md>`__")


def guide(name: str) -> str:
    """The guide as reStructuredText, with the label required by Ansible's documentation site."""
    text = pypandoc.convert_file(DOCS / f"{name}.md", "rst", format="gfm", extra_args=["--columns=120"])
    text = OUR_LINK.sub(lambda link: f":ref:`{link[1]} <{LABEL.format(link[2])}>`", text)
    return f".. _{LABEL.format(name)}:\n\n{text}"


def main() -> None:
    outdated = []
    for name in GUIDES:
        path, text = DOCS / "docsite" / "rst" / f"guide_{name}.rst", guide(name)
        if path.read_text("utf-8") != text:
            outdated.append(path.name)
            if "--check" not in sys.argv:
                path.write_text(text, "utf-8")
    if outdated and "--check" in sys.argv:
        sys.exit(f"{', '.join(outdated)}: out of date. Run make guides.")


if __name__ == "__main__":
    main()
