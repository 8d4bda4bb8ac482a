# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opens a report in headless Chromium: a script measures the layout and lists what the page has loaded.

The script stands in a copy of the page, whose policy lets it run. Without Chromium, says so.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
MEASURE = """
<script>
addEventListener("load", () => {
  const seen = {
    scripts: document.scripts.length,
    loaded: performance.getEntriesByType("resource").map(entry => entry.name),
    rows: document.querySelectorAll("tbody tr").length,
    overflow: document.documentElement.scrollWidth - innerWidth,
    names: [...document.querySelectorAll("td b")].map(each => each.textContent).slice(0, 40),
  };
  document.title = JSON.stringify(seen);
});
</script>
"""


def main(path: Path) -> None:
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        print("NOT TESTED: no Chromium on this machine, so the page was not opened in a browser")
        return
    page = path.read_text(encoding="utf-8")
    assert POLICY.search(page)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        copy = Path(folder, "report.html")
        copy.write_text(POLICY.sub("", page) + MEASURE, encoding="utf-8")
        done = subprocess.run(
            [
                chromium,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--no-first-run",
                f"--user-data-dir={folder}/profile",
                "--window-size=1280,900",
                "--dump-dom",
                copy.as_uri(),
            ],
            check=True,
            timeout=120,
            capture_output=True,
            text=True,
        )
    title = re.search(r"<title>(.*)</title>", done.stdout)
    assert title, done.stdout[:2000]
    seen = json.loads(title[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    assert seen["scripts"] == 1, seen
    assert seen["loaded"] == [], seen
    assert seen["overflow"] <= 0, seen
    assert any("{{ 1 + 1 }}" in name for name in seen["names"]), seen["names"]
    print(f"{seen['rows']} rows, nothing loaded, no wider than the window")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
