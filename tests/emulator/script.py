# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scripts: what the emulated world holds and which faults happen in it, read from a JSON object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from .faults import Actor, Fault, read_actor, read_fault
from .jobs import AFTER_TERMINATION, JobSeed, read_job
from .launch_configurations import launch_configuration
from .model import service_model, source_server_members
from .plans import LAUNCHES, TERMINATIONS, Plan, plans_of
from .readers import (
    BOOLEAN,
    COUNT,
    NUMBER,
    OBJECT,
    POSITIVE,
    TEXT,
    Reader,
    ScriptError,
    check_conforms,
    list_of,
    map_of,
    members_of,
    object_of,
    one_of,
    operation,
    plain,
)
from .recovery_instances import InstanceSeed, read_instance
from .refusals import Quotas
from .signature import ACCESS_KEY, SECRET_KEY
from .snapshots import SnapshotSeed, read_snapshots
from .source_servers import DEFAULT_REGION, Document, scripts_last_seen, source_server
from .timelines import SHARE_KEYS, Step, read_timeline


@dataclass(frozen=True)
class Seed:
    """A source server of the beginning and how it behaves; `snapshots` None: those that go with its state.

    `plans` are those of its `launches` and of its `terminations`; `launch_configuration` has members of that.
    """

    document: Document
    snapshots: tuple[SnapshotSeed, ...] | None
    timeline: tuple[Step, ...]
    from_now: bool
    stale_describes: int
    stale_seconds: float
    conform: bool
    scripts_last_seen: bool
    plans: Mapping[str, tuple[Plan, ...]]
    launch_configuration: Document


@dataclass(frozen=True)
class RegionSeed:
    """One region of the account."""

    initialized: bool
    servers: tuple[Seed, ...]
    jobs: tuple[JobSeed, ...] = ()
    instances: tuple[InstanceSeed, ...] = ()


@dataclass(frozen=True)
class RateLimit:
    """A token bucket: `rate` calls a second, `burst` at once; `retry_after` is sent in seconds, None sends nothing."""

    rate: float
    burst: float | None = None
    retry_after: float | None = None


@dataclass(frozen=True)
class Script:
    """A whole script; `step_seconds` is None where timelines advance with each Describe.

    `after_termination` names what a job shows of a server whose instance is gone, `linger` is how many
    DescribeRecoveryInstances, or wall steps, the record of a terminated instance stays listed.
    """

    page_size: int
    latency: Mapping[str, float]
    barriers: Mapping[str, Mapping[str, int]]
    credentials: Mapping[str, str]
    regions: Mapping[str, RegionSeed]
    step_seconds: float | None
    rate_limits: Mapping[str, RateLimit]
    faults: tuple[Fault, ...]
    others: tuple[Actor, ...]
    plans: Mapping[str, tuple[Plan, ...]]
    quotas: Quotas
    after_termination: str
    linger: int


def read_script(script: Mapping[str, Any]) -> Script:
    """Reads a script (see README.md); raises ScriptError."""
    given = members_of(script, SCRIPT_KEYS, "the script")
    defaults = {
        "timeline": given.get("default_timeline") or _default_timeline(),
        "stale_describes": given.get("stale_describes", 0),
        "stale_seconds": given.get("stale_seconds", 0.0),
        "plans": {
            "launches": given.get("default_launch", (Plan(LAUNCHES["launched"]),)),
            "terminations": given.get("default_termination", (Plan(TERMINATIONS["terminated"]),)),
        },
    }
    regions = given.get("regions", {DEFAULT_REGION: {}})
    return Script(
        page_size=given.get("page_size", 300),
        latency=given.get("latency", {}),
        barriers=given.get("barriers", {}),
        credentials=given.get("credentials", {ACCESS_KEY: SECRET_KEY}),
        regions={name: _region(value, name, defaults) for name, value in regions.items()},
        step_seconds=given.get("clock"),
        rate_limits=given.get("rate_limits", {}),
        faults=given.get("faults", ()),
        others=given.get("others", ()),
        plans=defaults["plans"],
        quotas=given.get("quotas", Quotas()),
        after_termination=given.get("after_termination", "kept"),
        linger=given.get("linger", 3),
    )


@cache
def _default_timeline() -> tuple[Step, ...]:
    return read_timeline(DEFAULT_TIMELINE, "default_timeline")


def _clock(value: Any, where: str) -> float | None:
    if value == "describe":
        return None
    seconds = float(members_of(value, {"wall": NUMBER}, where).get("wall", 0)) if isinstance(value, Mapping) else 0.0
    if seconds <= 0:
        raise ScriptError(f'{where} is neither "describe" nor {{"wall": seconds above 0}}.')
    return seconds


def _latency(value: Any, where: str) -> Mapping[str, float]:
    if isinstance(value, Mapping):
        return map_of(NUMBER, operation)(value, where)
    seconds: float = NUMBER(value, where)
    return dict.fromkeys(service_model().operation_names, seconds)


def _region(value: Any, name: str, defaults: Mapping[str, Any]) -> RegionSeed:
    where = f"regions.{name}"
    given = members_of(value, REGION_KEYS, where)
    seeds = [_seed(item, f"{where}.servers[{n}]", name, defaults) for n, item in enumerate(given.get("servers", ()))]
    ids = [seed.document["sourceServerID"] for seed in seeds]
    twice = [source_server_id for source_server_id, count in Counter(ids).items() if count > 1]
    if twice:
        raise ScriptError(f"{where} has {twice[0]} twice.")
    return RegionSeed(
        initialized=given.get("initialized", True),
        servers=tuple(seeds),
        jobs=given.get("jobs", ()),
        instances=given.get("recovery_instances", ()),
    )


def _seed(value: Any, where: str, region: str, defaults: Mapping[str, Any]) -> Seed:
    if not isinstance(value, Mapping) or not isinstance(value.get("sourceServerID"), str):
        raise ScriptError(f"{where} is not an object with a sourceServerID.")
    conform = BOOLEAN(value.get("conform", True), f"{where}.conform")
    unknown = set(value) - set(SEED_KEYS) - source_server_members()
    if conform and unknown:
        known = ", ".join(sorted({*SEED_KEYS, *source_server_members()}))
        raise ScriptError(f"{where} has the unknown key {min(unknown)!r}; known are {known}.")
    behaviour = members_of({key: value[key] for key in SEED_KEYS if key in value}, SEED_KEYS, where)
    members = {key: item for key, item in value.items() if key not in BEHAVIOUR_KEYS and key != "sourceServerID"}
    document = source_server(value["sourceServerID"], region=region, **members)
    configuration = behaviour.get("launch_configuration", {})
    if conform:
        check_conforms("SourceServer", document, where)
    if conform and configuration:
        check_conforms("LaunchConfiguration", launch_configuration(document, configuration), where)
    return Seed(
        document=document,
        snapshots=behaviour.get("snapshots"),
        timeline=behaviour.get("timeline", defaults["timeline"]),
        from_now=behaviour.get("timeline_from") == "now",
        stale_describes=behaviour.get("stale_describes", defaults["stale_describes"]),
        stale_seconds=behaviour.get("stale_seconds", defaults["stale_seconds"]),
        conform=conform,
        scripts_last_seen=scripts_last_seen(members),
        plans={
            "launches": behaviour.get("launch", defaults["plans"]["launches"]),
            "terminations": behaviour.get("termination", defaults["plans"]["terminations"]),
        },
        launch_configuration=configuration,
    )


DEFAULT_TIMELINE = ("INITIATING", "INITIAL_SYNC", "CONTINUOUS")

RATE_LIMIT_KEYS: Mapping[str, Reader] = {
    "rate": NUMBER,
    "burst": plain(int, float, least=1, optional=True),
    "retry_after": plain(int, float, least=0, optional=True),
}
BEHAVIOUR_KEYS: Mapping[str, Reader] = {
    "timeline": read_timeline,
    "timeline_from": one_of("start", "now"),
    "stale_describes": COUNT,
    "stale_seconds": NUMBER,
    "snapshots": read_snapshots,
    "launch": plans_of(LAUNCHES),
    "termination": plans_of(TERMINATIONS),
    "launch_configuration": OBJECT,
    "conform": BOOLEAN,
}
REGION_KEYS: Mapping[str, Reader] = {
    "initialized": BOOLEAN,
    "servers": list_of(lambda seed, _at: seed),
    "jobs": list_of(read_job),
    "recovery_instances": list_of(read_instance),
}
QUOTA_KEYS: Mapping[str, Reader] = {quota.name: POSITIVE for quota in fields(Quotas)}
SEED_KEYS: Mapping[str, Reader] = {**BEHAVIOUR_KEYS, **SHARE_KEYS, "state": TEXT, "hostname": TEXT}

SCRIPT_KEYS: Mapping[str, Reader] = {
    "page_size": POSITIVE,
    "latency": _latency,
    "barriers": map_of(map_of(POSITIVE, operation), operation),
    "credentials": map_of(TEXT),
    "regions": map_of(lambda region, _at: region),
    "clock": _clock,
    "default_timeline": read_timeline,
    "stale_describes": COUNT,
    "stale_seconds": NUMBER,
    "rate_limits": map_of(object_of(RateLimit, RATE_LIMIT_KEYS), operation),
    "faults": list_of(read_fault),
    "others": list_of(read_actor),
    "default_launch": plans_of(LAUNCHES),
    "default_termination": plans_of(TERMINATIONS),
    "quotas": object_of(Quotas, QUOTA_KEYS),
    "after_termination": one_of(*AFTER_TERMINATION),
    "linger": COUNT,
}
