# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IDs of parametrized tests."""

from __future__ import annotations


def short_id(value: object) -> str:
    """An ID that selects the test on pytest's command line; one with a backslash or a non-ASCII character would not."""
    return ascii(value)[:80].replace("\\", "/")
