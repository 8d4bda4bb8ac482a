# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """How a task says which source servers it means."""

    DOCUMENTATION = r"""
requirements:
  - python >= 3.10
  - boto3 >= 1.34.0
  - botocore >= 1.34.0
options:
  source_server_ids:
    description:
      - The IDs of the source servers. White space around an ID is dropped, duplicates count once, and results keep this
        order.
    type: list
    elements: str
  filters:
    description:
      - The source servers that match. All keys must match, and of a list of values one must.
      - In a value V(*) matches any text and V(?) any character. A backslash takes that meaning away. Case counts,
        except for V(hostname) and V(fqdn). Booleans and numbers become text.
      - The keys are C(tag:<Key>), V(tag-key), V(hostname), V(fqdn), V(ec2-instance-id), V(source-server-id),
        V(replication-state), V(staging-account-id), V(origin-account-id), V(origin-region) and
        V(replication-direction).
    type: dict
  exclude_filters:
    description:
      - Leaves out the source servers that match any of these filters, before anything else is decided. Each has the
        same keys as O(filters).
    type: list
    elements: dict
"""
