# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options that select source servers."""

    DOCUMENTATION = r"""
requirements:
  - python >= 3.10
options:
  source_server_ids:
    description:
      - The IDs of the source servers. Surrounding whitespace is stripped, duplicates are ignored, and results keep this
        order.
      - A JSON list in a string, such as an extra variable of the form C(key=value), needs the filter
        P(ansible.builtin.from_json#filter) with ansible-core 2.19 and newer.
      - Mutually exclusive with O(source_server_id), O(filters) and O(exclude_filters).
    type: list
    elements: str
  filters:
    description:
      - Selects the source servers that match all keys. If a value is a list, any of its items may match.
      - In a value, V(*) matches any string and V(?) any single character; escape them with a backslash. Matching is
        case-sensitive, except for V(hostname) and V(fqdn). Booleans and numbers are converted to strings.
      - The keys are C(tag:<Key>), V(tag-key), V(hostname), V(fqdn), V(ec2-instance-id), V(source-server-id),
        V(replication-state), V(lifecycle), V(staging-account-id), V(origin-account-id), V(origin-region) and
        V(replication-direction).
      - An account ID has 12 digits. Put it in quotes, since YAML reads a number that begins with 0 as octal.
      - Mutually exclusive with O(source_server_id) and O(source_server_ids).
    type: dict
  exclude_filters:
    description:
      - Excludes the source servers that match any of these filters, before anything else is evaluated. Each filter
        takes the same keys as O(filters).
      - A V(hostname), V(fqdn), V(ec2-instance-id) or V(source-server-id) without a wildcard that no source server of
        the region has counts as a mistake. For a list that is shared by several accounts or regions, use tags, or a
        wildcard such as V(web1.*). A filter that matches nothing is warned of, except with V(replication-state) or
        V(lifecycle).
      - Mutually exclusive with O(source_server_id) and O(source_server_ids).
    type: list
    elements: dict
notes:
  - At verbosity 3 and higher, Ansible shows the options of a task, and with them a password of a proxy in
    O(aws_config). Set such a proxy in the environment variable E(HTTPS_PROXY), or set C(no_log).
"""
