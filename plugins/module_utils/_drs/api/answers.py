# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said of the errors that AWS answers. Pure."""

from __future__ import annotations

import re

from ..resources.text import LONGEST_MESSAGE, first_line, printable

DENIALS = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized"})

_NOT_ENABLED = "AWS refused the credentials in {region}: they are invalid, or {region} is not enabled in their account"

SENTENCES: dict[str, str] = {
    # https://docs.aws.amazon.com/drs/latest/userguide/getting-started-initializing.html
    "UninitializedAccountException": (
        "AWS Elastic Disaster Recovery is not initialised in {region}: if this is the right region, run aws drs"
        " initialize-service --region {region}; it needs its service roles first, and a default replication settings"
        " template afterwards (in the DRS console, saving the default replication settings creates all of them)"
    ),
    # A region that has to be enabled first knows no credentials of other accounts:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_enable-regions.html
    "UnrecognizedClientException": f"{_NOT_ENABLED} ({{text}})",
    "OptInRequired": f"{_NOT_ENABLED} ({{text}})",
}
"""What the error codes mean that need more than AWS's text."""

_ACTION = re.compile(r"(?:perform:?|allows the) ([a-z0-9-]{1,40}:[A-Za-z0-9]{1,80})\b")


def sentence_for(operation: str, region: str, code: str | None, text: str, is_fatal: bool) -> str:
    """The sentence about an error. text: AWS's whole message. is_fatal: whether every call would get it."""
    quoted = f"{code}: {first_line(text or 'no message')}"
    if code in SENTENCES:
        return SENTENCES[code].format(region=region, text=quoted)
    if code in DENIALS:
        return f"{_denial(operation, text)} in {region} ({quoted})"
    if is_fatal:
        return f"AWS refused the credentials in {region} ({quoted})"
    return f"{operation} in {region} failed ({quoted})"


def _denial(operation: str, text: str) -> str:
    """What a denial says about the action that its text names, otherwise about that of the operation.

    The forms of the text: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
    """
    named = _ACTION.search(text)
    action = named[1] if named else f"drs:{operation}"
    if "explicit deny" in text.lower():
        return f"a policy denies {action} to these credentials"
    return f"these credentials {'lack' if named else 'probably lack'} {action}"


def whole_text(text: str, is_first_line: bool) -> str | None:
    """AWS's whole message, printable; None if it is empty.

    is_first_line: whether to leave out the further lines, in which a message about a signature quotes the request. They
    are left out as well where they quote the session token.
    """
    if is_first_line or "x-amz-security-token" in text.lower():
        text = next(iter(text.strip().splitlines()), "")
    return printable(text, LONGEST_MESSAGE) or None
