# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of the roles: which are known, what their values mean, and which cannot be combined. Pure.

Surveys of AWX send empty texts, so an empty value counts as unset, and every value may be a text.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePath
from typing import Any

from ansible.module_utils.common.validation import check_type_bool, check_type_dict, check_type_int
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.api.errors import InvalidOptions
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.drill_options import (
    HOURS,
    DrillOptions,
    parse_drill_options,
)
from ansible_collections.disaster_recovery.aws.plugins.module_utils._drs.run.options import (
    LONGEST_DRILL_AGE,
    LONGEST_RPO,
    MOST_SECONDS,
    SHORTEST_RPO,
)

PREFIX = "drs_"

SECOND_KEY = re.compile(r"[\s,][^\s,=]+=")
"""What follows a value on its line if it is another key=value."""

Read = Callable[[Any], Any]
"""Converts a value that is not empty. Raises TypeError, ValueError or InvalidOptions."""

Options = Mapping[str, Any]
"""The options that are set, without the prefix."""

Rule = tuple[Callable[[Options], bool], str]
"""Whether options break it, and what is said then."""


def _ids(value: Any) -> list[str]:
    """A list of IDs, a text of JSON, or a text with IDs separated by commas or whitespace."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        value = json.loads(value)
    texts = value if isinstance(value, (list, tuple)) else [value]
    return [each for text in texts for each in str(text).replace(",", " ").split()]


def _filters(value: Any) -> dict[str, Any]:
    """A mapping, a text of JSON, or a text with key=value on each line. A key on several lines has several values."""
    if isinstance(value, Mapping):
        return dict(value)
    if not isinstance(value, str):
        raise TypeError
    if value.lstrip().startswith("{"):
        return dict(check_type_dict(value))
    found: dict[str, list[str]] = {}
    for key, item in (_key_and_value(line) for line in value.splitlines() if line.strip()):
        found.setdefault(key, []).append(item)
    return {key: items[0] if len(items) == 1 else items for key, items in found.items()}


def _key_and_value(line: str) -> tuple[str, str]:
    """The key and the value of a line. The value may have spaces, commas and quotes, but no second key."""
    key, equals, value = (part.strip() for part in line.partition("="))
    if not (key and equals) or SECOND_KEY.search(value):
        raise ValueError
    return key, value


def _exclude_filters(value: Any) -> list[dict[str, Any]]:
    """A list of filters, one filter, a text of JSON, or a text with one filter on each line."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        value = json.loads(value)
    if isinstance(value, Mapping) or (isinstance(value, str) and value.lstrip().startswith("{")):
        value = [value]
    return [_filters(each) for each in (value.splitlines() if isinstance(value, str) else value) if each]


def _text(value: Any) -> str:
    return str(value).strip()


def _integer(least: int, most: float = math.inf) -> Read:
    """Reads an integer in this range. A boolean is none."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not least <= (number := int(check_type_int(value))) <= most:
            raise ValueError
        return number

    return read


DRILL_PARAMS: Mapping[str, Any] = {
    **dict.fromkeys(("filters", "exclude_filters", "point_in_time", "max_in_progress", "job_tags")),
    "state": "drilled",
    "max_age": 1,
    "min_age": 0,
    "terminate": False,
    "wait": True,
    "wait_timeout": 1,
    "wait_delay": 1,
}
"""Options that drs_drill accepts, so that it can be asked about one more."""


def _moment(value: Any) -> str:
    text = _text(value)
    parse_drill_options({**DRILL_PARAMS, "point_in_time": text}, check_mode=False)
    return text


def _job_tags(value: Any) -> dict[str, Any]:
    tags = _filters(value)
    parse_drill_options({**DRILL_PARAMS, "job_tags": tags}, check_mode=False)
    return tags


def _report_file(value: Any) -> str:
    text = str(value).strip()
    if PurePath(text).suffix not in (".json", ".csv", ".html"):
        raise ValueError
    return text


def _wait_until(value: Any) -> str:
    if value not in ("replicating", "continuous"):
        raise ValueError
    return str(value)


BOOLEAN: tuple[Read, str] = (check_type_bool, "true or false")
NUMBER: tuple[Read, str] = (_integer(1), "a positive integer")
SECONDS: tuple[Read, str] = (_integer(1, MOST_SECONDS), f"an integer from 1 to {MOST_SECONDS}, in seconds")
MAPPING = 'a mapping, such as {"tag:Environment": "prod"}, or a line such as tag:Environment=prod'

ROLE_VARIABLES: dict[str, tuple[Read, str]] = {
    "drs_region": (_text, "a text"),
    "drs_profile": (_text, "a text"),
    "drs_source_server_ids": (_ids, "a list of IDs"),
    "drs_filters": (_filters, MAPPING),
    "drs_exclude_filters": (_exclude_filters, f"a list, and each item {MAPPING}"),
    "drs_fail": BOOLEAN,
    "drs_max_in_progress": NUMBER,
    "drs_wait": BOOLEAN,
    "drs_wait_until": (_wait_until, "replicating or continuous"),
    "drs_wait_timeout": SECONDS,
    "drs_wait_delay": SECONDS,
    "drs_rpo": (
        _integer(SHORTEST_RPO, LONGEST_RPO),
        f"an integer from {SHORTEST_RPO} to {LONGEST_RPO}, in seconds; drs_max_lag takes shorter times",
    ),
    "drs_max_lag": SECONDS,
    "drs_max_drill_age": (_integer(1, LONGEST_DRILL_AGE), f"an integer from 1 to {LONGEST_DRILL_AGE}, in days"),
    "drs_terminate": BOOLEAN,
    "drs_absent_after": (
        _integer(1, LONGEST_DRILL_AGE * HOURS),
        f"an integer from 1 to {LONGEST_DRILL_AGE * HOURS}, in hours",
    ),
    "drs_point_in_time": (_moment, "a date and time with a zone, such as 2026-11-23T14:05:00Z"),
    "drs_job_tags": (
        _job_tags,
        'a mapping with a text for each key, such as {"CostCenter": "a"}, or a line such as CostCenter=a',
    ),
    "drs_all": BOOLEAN,
    "drs_report_file": (_report_file, "a file that ends in .json, .csv or .html"),
}
"""How each variable is read, and what it must be."""

DEFAULTS: dict[str, Options] = {"drill": {"max_drill_age": DrillOptions.max_age}}
"""What a role takes for an option that is not set. The report of a drill judges by the age that the drill keeps."""

MEANT = {"drs_max_age": "drs_max_drill_age", "drs_min_age": "drs_absent_after"}
"""Options of the modules that are variables with another name."""

OTHERS = frozenset(
    {
        "drs_hosts",
        "drs_options",
        "drs_keep_going",
        "drs_verdict",
        "drs_source_server",
        "drs_absent_result",
        "drs_drill_result",
        "drs_drill_results",
        "drs_verdicts",
        "drs_protect_result",
        "drs_protect_results",
        "drs_report_options",
        "drs_report_result",
        "drs_report_results",
    }
)
"""Names that are not options of a role: of the playbooks, of facts, of results, and of what the roles use inside."""

HOST_VARIABLES = frozenset(
    {
        "agent_version",
        "arn",
        "data_replication_info",
        "last_launch_result",
        "life_cycle",
        "lifecycle",
        "recovery_instance_id",
        "region",
        "replication_direction",
        "reversed_direction_source_server_arn",
        "source_cloud_properties",
        "source_network_id",
        "source_properties",
        "source_server_id",
        "staging_area",
        "tags",
    }
)
"""Host variables of the inventory plugin, whose hostvars_prefix may be drs_. A reserved name always has that prefix."""


def _selects_not_once(options: Options) -> bool:
    return ("source_server_ids" in options) == ("filters" in options)


def _selects_twice(options: Options) -> bool:
    return "source_server_ids" in options and "filters" in options


def _excludes_from_nothing(options: Options) -> bool:
    return "exclude_filters" in options and "filters" not in options


def _excludes_from_ids(options: Options) -> bool:
    return "exclude_filters" in options and "source_server_ids" in options


def _waits_for_a_state(options: Options) -> bool:
    return bool(options.get("wait")) and "replication-state" in options.get("filters", {})


def _terminates_without_wait(options: Options) -> bool:
    return bool(options.get("terminate")) and options.get("wait") is False


WAITS_FOR_A_STATE = """drs_wait cannot be combined with replication-state in drs_filters, \
since a second run would not wait for what the first one started."""

RULES: dict[str, list[Rule]] = {
    "protect": [
        (_selects_not_once, "Set either drs_source_server_ids or drs_filters."),
        (_excludes_from_nothing, "drs_exclude_filters requires drs_filters."),
        (_waits_for_a_state, WAITS_FOR_A_STATE),
    ],
    "drill": [
        (_selects_not_once, "Set either drs_source_server_ids or drs_filters."),
        (_excludes_from_nothing, "drs_exclude_filters requires drs_filters."),
        (_terminates_without_wait, "drs_terminate requires drs_wait."),
    ],
    "report": [
        (_selects_twice, "Set only one of drs_source_server_ids and drs_filters."),
        (_excludes_from_ids, "drs_exclude_filters cannot be combined with drs_source_server_ids."),
    ],
}
"""What each role refuses."""


def unknown_variables(names: Iterable[str]) -> list[str]:
    """A sentence for each name with our prefix that nothing here knows, with the nearest one."""
    known = {*ROLE_VARIABLES, *OTHERS, *(f"{PREFIX}{name}" for name in HOST_VARIABLES)}
    unknown = sorted(name for name in names if name.startswith(PREFIX) and name not in known)
    offered = [*ROLE_VARIABLES, "drs_hosts"]
    nearest = {name: difflib.get_close_matches(name, offered, n=1, cutoff=0)[0] for name in unknown} | MEANT
    return [f"{name} is not a variable of this collection; the nearest is {nearest[name]}." for name in unknown]


def read_variables(values: Mapping[str, Any], role: str) -> tuple[dict[str, Any], list[str]]:
    """The options of a role, without the prefix and only those that are set or have a default of the role, and a
    sentence for each error.

    values: variables by name, finished; those that the table does not have are ignored.
    """
    options: dict[str, Any] = dict(DEFAULTS.get(role, {}))
    errors = []
    for name, (read, what) in ROLE_VARIABLES.items():
        value = values.get(name)
        if _is_empty(value):
            continue
        try:
            read_value = read(value)
        except (TypeError, ValueError, InvalidOptions):
            errors.append(f"{name} must be {what}.")
            continue
        if not _is_empty(read_value):
            options[name.removeprefix(PREFIX)] = read_value
    # A selector that cannot be read is set all the same.
    if not errors:
        errors = [sentence for is_broken, sentence in RULES[role] if is_broken(options)]
    return options, errors


def _is_empty(value: Any) -> bool:
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())
