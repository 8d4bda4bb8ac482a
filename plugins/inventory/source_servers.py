# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: source_servers
version_added: 1.0.0
short_description: AWS Elastic Disaster Recovery source servers as hosts
description:
  - Creates a host for each source server. The host variables are the members of the source server, with keys in
    snake_case, C(region), and C(lifecycle), which the modules return, too.
  - The tags, which are unchanged, are in the host variable C(drs_tags), since Ansible reserves the name C(tags). In
    O(compose), O(groups) and O(keyed_groups) they are C(tags), as in P(amazon.aws.aws_ec2#inventory). Tags whose keys
    start with C(_ansible_) or C(__ansible_) are left out with a warning.
  - The inventory file is a YAML file whose name ends with C(.drs.yml) or C(.drs.yaml).
author:
  - the disaster_recovery.aws authors (@disaster-recovery)
requirements:
  - python >= 3.10
extends_documentation_fragment:
  - inventory_cache
  - constructed
  - amazon.aws.boto3
  - amazon.aws.common.plugins
  - amazon.aws.region.plugins
  - amazon.aws.assume_role.plugins
options:
  plugin:
    description: The name of this plugin.
    required: true
    choices: [disaster_recovery.aws.source_servers]
  regions:
    description:
      - The regions whose source servers are listed. By default, the one in O(region).
      - A region in which AWS Elastic Disaster Recovery is not initialised is skipped with a warning.
    type: list
    elements: str
    default: []
  filters:
    description:
      - Selects the source servers that match, with the same keys and values as
        O(disaster_recovery.aws.drs_source_server_info#module:filters). By default, every source server is listed.
    type: dict
  exclude_filters:
    description:
      - Excludes source servers that match any of these filters. Each filter takes the same keys as O(filters).
      - A filter that matches nothing in any region is warned of, except with V(replication-state) or V(lifecycle). In a
        list that is shared by several accounts, use tags or a wildcard.
    type: list
    elements: dict
    default: []
  hostnames:
    description:
      - What to name hosts by, in order of preference. Accepts the keys of O(filters), including C(tag:<Key>).
      - If source servers share a name, or an inventory source read before has a host of that name, a warning is shown
        and all of them use the next preference, finally the ID.
      - Characters other than letters, digits, V(.), V(_) and V(-), and V(-) at the beginning, become underscores. Names
        with a special meaning, such as V(localhost) and those that start with C(_ansible_) or C(__ansible_), are not
        used.
    type: list
    elements: str
    default: [hostname, source-server-id]
  hostvars_prefix:
    description:
      - The prefix of the names of host variables. With one, the tags are in the host variable C(<prefix>tags).
      - In O(compose), O(groups) and O(keyed_groups) the names without it work, too.
    type: str
  hostvars_suffix:
    description: The suffix of the names of host variables, otherwise as O(hostvars_prefix).
    type: str
  strict_permissions:
    description:
      - Whether to fail if the credentials are rejected in a region or lack C(drs:DescribeSourceServers) there. If
        V(false), the region is skipped with a warning.
    type: bool
    default: true
seealso:
  - module: disaster_recovery.aws.drs_source_server_info
  - module: disaster_recovery.aws.drs_source_server_replication
notes:
  - An option that this plugin does not know is refused.
  - The cache is only used for the same regions, credentials and selection.
  - Requires the IAM action C(drs:DescribeSourceServers).
  - Fails if listing all regions takes longer than 10 minutes.
"""

EXAMPLES = r"""
# fleet.drs.yml: every source server of two regions, grouped by state (such as state_disconnected) and by tag
plugin: disaster_recovery.aws.source_servers
regions: [eu-west-1, eu-central-1]
keyed_groups:
  - key: data_replication_info.data_replication_state | lower
    prefix: state
  - key: tags
    prefix: tag

---
# production.drs.yml: production only, named by a tag, cached for ten minutes
plugin: disaster_recovery.aws.source_servers
regions: [eu-west-1]
filters:
  tag:Environment: production
exclude_filters:
  - hostname: test-*
hostnames: ["tag:Name", hostname]
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/drs
cache_timeout: 600

---
# account.drs.yml: source servers of another account, with the address to connect to
plugin: disaster_recovery.aws.source_servers
region: eu-west-1
assume_role_arn: arn:aws:iam::123456789012:role/recovery
compose:
  # The agent reports the addresses, so anything that is none stays out.
  ansible_host: source_properties.network_interfaces[0].ips | select('match', '[0-9a-f.:]+$') | first
groups:
  needs_agent: data_replication_info.data_replication_state == 'DISCONNECTED'
"""

import contextlib
import hashlib
import json
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NoReturn

try:
    from boto3.session import Session
    from botocore.exceptions import BotoCoreError, ClientError, NoRegionError, ParamValidationError
    from botocore.parsers import ResponseParserError
except ImportError:
    pass  # AWSInventoryBase tells the user

from ansible import constants
from ansible.errors import AnsibleParserError
from ansible.release import __version__ as ansible_version
from ansible.vars.reserved import is_reserved_name
from ansible_collections.amazon.aws.plugins.plugin_utils.inventory import AWSInventoryBase
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.answers import DENIALS
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.calls import DrsApi
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.connection import (
    CREDENTIALS,
    OPTIONS,
    client_error,
    connect,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.errors import (
    IDENTITY_CODES,
    DrsError,
    InvalidOptions,
    from_exception,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.listing import (
    Found,
    find,
    unmatched_everywhere,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.lifecycle import lifecycle_of
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.selection import (
    Selection,
    exclusion_message,
    idle_warning,
    no_match_message,
    state_warnings,
    texts_of,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.servers import SourceServer
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.resources.text import listed, sentence
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.results.summaries import (
    CLAIMED,
    claimed_warnings,
    returnable,
    snake_case,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.options import check_keys, parse_selection

IS_EVERYTHING_TEMPLATED = tuple(int(part) for part in ansible_version.split(".")[:2]) < (2, 19)
"""Whether this ansible-core templates every string that is not marked as unsafe. Newer ones trust none from AWS."""

if IS_EVERYTHING_TEMPLATED:
    from ansible.utils.unsafe_proxy import wrap_var

RUN_TIMEOUT = 600.0
"""Maximum seconds for listing all regions."""

NOT_A_NAME = frozenset({*constants.LOCALHOST, "all", "ungrouped"})
"""Names with a special meaning in Ansible."""

LONGEST_NAME = 253
"""Maximum characters of a host name (RFC 1035)."""

Located = tuple[str, SourceServer]
"""A region, and a source server in it."""


class InventoryModule(AWSInventoryBase):
    NAME = "disaster_recovery.aws.source_servers"
    INVENTORY_FILE_SUFFIXES = (".drs.yml", ".drs.yaml")

    inventory: Any

    def parse(  # type: ignore[override]  # the SDK version parameters of AWSInventoryBase are never passed
        self, inventory: Any, loader: Any, path: str, cache: bool = True
    ) -> None:
        try:
            with self._assuming_role():
                super().parse(inventory, loader, path, cache=cache)
            hostnames = parse_hostnames(self.get_option("hostnames"))
            selection = self._selection()
            is_cached, servers = self.get_cached_result(path, cache)
            if not is_cached:
                servers = [[region, returnable(server)] for region, server in self._servers(selection)]
        except (InvalidOptions, DrsError) as error:
            self._do_fail(str(error))
        for name, (region, server) in names_of(servers, hostnames, self.warn, self._hosts()).items():
            self._add(name, {**snake_case(server), "region": region, "lifecycle": lifecycle_of(server)})
        self.update_cached_result(path, cache, servers)

    @contextlib.contextmanager
    def _assuming_role(self) -> Iterator[None]:
        """Raise InvalidOptions and DrsError in place of the errors of assuming the role."""
        try:
            yield
        except NoRegionError as error:
            where = "set region, or AWS_REGION in the environment"
            raise InvalidOptions(f"No region to assume the role in: {where}") from error
        except ParamValidationError as error:
            raise InvalidOptions("assume_role_arn is not the ARN of a role") from error
        except ClientError as error:
            raise from_exception("DescribeSourceServers", self.region or "this region", error) from error
        except ResponseParserError as error:
            raise DrsError("unanswered", None, "AssumeRole got a response that is not from AWS STS") from error
        except (BotoCoreError, OSError, RuntimeError) as error:
            raise from_exception("AssumeRole", self.region or "this region", error) from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InvalidOptions(client_error(error)) from error

    def _read_config_data(self, path: str) -> Any:
        """The configuration. Raises InvalidOptions for an unknown option, which Ansible itself would ignore."""
        config = super()._read_config_data(path)
        definitions = constants.config.get_configuration_definitions("inventory", self._load_name)
        aliases = [alias for definition in definitions.values() for alias in definition.get("aliases") or []]
        unknown = [name for name in config if name not in {*definitions, *aliases}]
        if unknown:
            raise InvalidOptions(f"Unknown options: {listed(unknown)}; known are {listed(sorted(definitions))}")
        return config

    def client(self, *arguments: Any, **options: Any) -> Any:
        """A client of STS, the only one that the base class asks for. endpoint_url is the one of DRS."""
        client = super().client(*arguments, **{"region": self.region or None, "endpoint": None, **options})
        client.meta.events.register_first("needs-retry", _raise_fatal)
        return client

    def get_cache_key(self, path: str) -> str:
        """The key of this file with these regions, credentials and selection."""
        names = ("regions", "assume_role_arn", "profile", CREDENTIALS[0], "endpoint_url", "filters", "exclude_filters")
        values = [self.region, *(self.get_option(name) for name in names)]
        digest = hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()
        return f"{super().get_cache_key(path)}_{digest[:16]}"

    def _selection(self) -> Selection:
        """What to list. Raises InvalidOptions."""
        params = {name: self.get_option(name) for name in ("filters", "exclude_filters")}
        return parse_selection(params, ("filters",)) or Selection()

    def _hosts(self) -> dict[str, Collection[Any]]:
        """The hosts of inventory sources that were read before, with the values of their variables."""
        return {name: list(host.vars.values()) for name, host in self.inventory.hosts.items()}

    def fail_aws(self, message: str, exception: Exception | None = None) -> NoReturn:
        """Re-raise errors that _assuming_role() describes: the text of amazon.aws may quote a credential."""
        if isinstance(exception, (BotoCoreError, ClientError, ValueError)):
            raise exception
        super().fail_aws(message, exception)

    def _do_fail(self, message: str) -> NoReturn:
        raise AnsibleParserError(sentence(message))

    def _servers(self, selection: Selection) -> Iterator[Located]:
        """The source servers of all regions. Raises InvalidOptions and DrsError."""
        options = self.get_options()
        params = {**{name: options.get(name) for name in OPTIONS}, **self._role()}
        regions = list(dict.fromkeys(self.get_option("regions") or [params["region"]]))
        check_regions(regions)
        for warning in state_warnings(selection):
            self.warn(warning)
        until = time.monotonic() + RUN_TIMEOUT
        found: dict[str, Found] = {}
        for region in regions:
            try:
                api = connect(DrsApi, {**params, "region": region}, until, self.get_option("profile"))
                found[api.region] = find(api, selection)
                for warning in claimed_warnings(api.region, found[api.region].servers):
                    self.warn(warning)
            except DrsError as error:
                self._pass_over(region, error)
        self._warn_of_unmatched(selection, found)
        return ((region, server) for region, each in found.items() for server in each.servers)

    def _role(self) -> dict[str, Any]:
        """The credentials of the assumed role; empty if no role is assumed."""
        names = {
            "aws_access_key_id": "access_key",
            "aws_secret_access_key": "secret_key",
            "aws_session_token": "session_token",
            "profile_name": "profile",
        }
        return {names[name]: value for name, value in self._frozen_credentials.items()}

    def _pass_over(self, region: str, error: DrsError) -> None:
        """Warn about a region that may be skipped. Raises DrsError if it may not."""
        is_denied = error.code in DENIALS | IDENTITY_CODES
        if error.code != "UninitializedAccountException" and (self.get_option("strict_permissions") or not is_denied):
            raise DrsError(error.kind, error.code, f"Cannot list the source servers in {region}: {error}")
        self.warn(sentence(f"Skipping {region}: {error}"))

    def _warn_of_unmatched(self, selection: Selection, found: Mapping[str, Found]) -> None:
        """Warn about named servers that are in no region, and about filters that match nothing in any."""
        if not found:
            return
        regions, every = listed(list(found)), list(found.values())
        wrong = unmatched_everywhere(each.unmatched_exclusions for each in every)
        if wrong:
            self.warn(sentence(exclusion_message(regions, wrong)))
        idle = [entry for entry in every[0].idle_exclusions if all(entry in each.idle_exclusions for each in every)]
        if idle:
            self.warn(sentence(idle_warning(regions, idle)))
        if selection.filters and not any(each.is_broadly_matched for each in every):
            self.warn(no_match_message(regions, selection))
            return
        missing = unmatched_everywhere(each.unmatched for each in every)
        if missing:
            self.warn(sentence(f"No source server in {regions} has {listed([each.told for each in missing])}"))

    def _add(self, name: str, members: Mapping[str, Any]) -> None:
        """Add a host. Values from AWS are never templated."""
        strict = self.get_option("strict")
        self.inventory.add_host(name)
        members = {key: without_templates(value) for key, value in members.items()}
        prefix, suffix = self.get_option("hostvars_prefix") or "", self.get_option("hostvars_suffix") or ""
        variables = {variable_name(f"{prefix}{key}{suffix}"): value for key, value in members.items()}
        for key, value in variables.items():
            self.inventory.set_variable(name, key, value)
        variables = {**members, **variables}
        self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict=strict)


def _raise_fatal(caught_exception: Exception | None, **_event: Any) -> None:
    """Raise an exception that botocore would retry in vain, such as one about a certificate."""
    if caught_exception and from_exception("AssumeRole", "", caught_exception).kind == "fatal":
        raise caught_exception


def variable_name(name: str) -> str:
    """The name of a host variable: with a prefix if Ansible reserves it, since each run would warn of it."""
    return f"drs_{name}" if is_reserved_name(name) else name


def without_templates(value: Any) -> Any:
    """The value with strings that ansible-core before 2.19 would template marked as unsafe."""
    if not IS_EVERYTHING_TEMPLATED:
        return value
    if isinstance(value, dict):
        return {key: without_templates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_templates(item) for item in value]
    return wrap_var(value) if isinstance(value, str) and re.search(r"\{[{%#]", value) else value


def parse_hostnames(hostnames: Any) -> list[str]:
    """The preference list. Raises InvalidOptions for an unknown key."""
    keys = [str(key) for key in hostnames or []]
    check_keys("hostnames", keys)
    return keys


def check_regions(regions: Sequence[str | None]) -> None:
    """Raises InvalidOptions for regions that are in no partition known to botocore, such as mistyped ones."""
    session = Session()
    partitions = session.get_available_partitions()
    known = {region for each in partitions for region in session.get_available_regions("ec2", each)}
    unknown = [region for region in regions if region and region not in known]
    if unknown:
        raise InvalidOptions(f"Unknown regions: {listed(unknown)}; check the spelling or update botocore")


def names_of(
    servers: Sequence[Located],
    hostnames: Sequence[str],
    warn: Callable[[str], None],
    hosts: Mapping[str, Collection[Any]] | None = None,
) -> dict[str, Located]:
    """Source servers by host name. Calls `warn` for each name that is taken or that several of them share.

    hosts: the hosts that there are, with the values of their variables. A host with the ID of a source server is that
    server, such as one that two inventory files list.
    """
    names: dict[str, Located] = {}
    readers: list[Callable[[Located], str]] = [
        *(lambda located, key=key: next(iter(texts_of(located[1], key)), "") for key in hostnames),
        lambda located: str(located[1]["sourceServerID"]),
        lambda located: f"{located[1]['sourceServerID']}.{located[0]}",
    ]
    left = list(servers)
    for reader in readers:
        by_name: dict[str, list[Located]] = {}
        for located in left:
            by_name.setdefault(host_name(reader(located)), []).append(located)
        left = by_name.pop("", [])
        for name, sharing in by_name.items():
            ids = [server["sourceServerID"] for _region, server in sharing]
            is_free = name not in names and ids[0] in (hosts or {}).get(name, ids)
            if len(sharing) == 1 and is_free:
                names[name] = sharing[0]
                continue
            taken = "matches more than one source server" if len(sharing) > 1 or name in names else "is a host already"
            warn(f"{name} {taken}; using other names for: {listed(ids)}")
            left += sharing
    return names


def host_name(text: str) -> str:
    """The text as a host name that is safe in patterns, paths, terminals and arguments; empty if it cannot be one."""
    name = re.sub(r"^-+|[^\w.-]", "_", text.strip()[:LONGEST_NAME])
    is_name = name.strip("._-") and name.lower() not in NOT_A_NAME and not name.startswith(CLAIMED)
    return name if is_name else ""
