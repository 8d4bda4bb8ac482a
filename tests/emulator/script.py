# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scripts: what the emulated world holds and which faults happen in it, read from a JSON object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .faults import Actor, Fault, read_actor, read_fault
from .model import service_model, source_server_members, structure, violations
from .readers import (
    BOOLEAN,
    COUNT,
    NUMBER,
    OBJECT,
    POSITIVE,
    TEXT,
    Reader,
    ScriptError,
    list_of,
    map_of,
    members_of,
    object_of,
    one_of,
    operation,
    plain,
)
from .signature import ACCESS_KEY, SECRET_KEY
from .snapshots import SnapshotSeed, read_snapshots
from .source_servers import (
    ADDED,
    DEFAULT_REGION,
    SHARES,
    Document,
    in_state,
    merged,
    scripts_last_seen,
    source_server,
    state_of,
)


@dataclass(frozen=True)
class Step:
    """A step of a timeline: the state (None: as it was) for so many Describes, or so many wall steps."""

    state: str | None = None
    describes: int = 1
    replicated: float | None = None
    rescanned: float | None = None
    backlogged: float | None = None
    total: float | None = None
    error: Document | None = None
    merge: Document = field(default_factory=dict)
    deleted: bool = False
    conform: bool = True

    @property
    def traits(self) -> Document:
        """The traits that take the place of those that go with the state."""
        return {name: getattr(self, name) for name in (*SHARES, "error") if getattr(self, name) is not None}


@dataclass(frozen=True)
class Seed:
    """A source server of the beginning and how it behaves; `snapshots` None: those that go with its state."""

    document: Document
    snapshots: tuple[SnapshotSeed, ...] | None
    timeline: tuple[Step, ...]
    from_now: bool
    stale_describes: int
    stale_seconds: float
    conform: bool
    scripts_last_seen: bool


@dataclass(frozen=True)
class Region:
    """One region of the account."""

    initialized: bool
    servers: tuple[Seed, ...]


@dataclass(frozen=True)
class RateLimit:
    """A token bucket: `rate` calls a second, `burst` at once; `retry_after` is sent in seconds, None sends nothing."""

    rate: float
    burst: float | None = None
    retry_after: float | None = None


@dataclass(frozen=True)
class Script:
    """A whole script; `step_seconds` is None where timelines advance with each Describe."""

    page_size: int
    latency: Mapping[str, float]
    barriers: Mapping[str, Mapping[str, int]]
    credentials: Mapping[str, str]
    regions: Mapping[str, Region]
    step_seconds: float | None
    rate_limits: Mapping[str, RateLimit]
    faults: tuple[Fault, ...]
    others: tuple[Actor, ...]


def read_script(script: Mapping[str, Any]) -> Script:
    """Reads a script (see README.md); raises ScriptError."""
    given = members_of(script, SCRIPT_KEYS, "the script")
    defaults = {
        "timeline": given.get("default_timeline") or read_timeline(DEFAULT_TIMELINE, "default_timeline"),
        "stale_describes": given.get("stale_describes", 0),
        "stale_seconds": given.get("stale_seconds", 0.0),
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
    )


def read_timeline(value: Any, where: str) -> tuple[Step, ...]:
    """Reads a timeline: a list of state names and step objects, at least one; raises ScriptError."""
    steps = list_of(_step)(value, where)
    if not steps:
        raise ScriptError(f"{where} has no steps.")
    return steps


def read_change(changes: Mapping[str, Any]) -> tuple[Step, tuple[SnapshotSeed, ...] | None]:
    """What a patch of a server makes of it, and its snapshots (None: they stay); raises ScriptError."""
    given = members_of({name: changes[name] for name in CHANGE_KEYS if name in changes}, CHANGE_KEYS, "the change")
    snapshots = given.pop("snapshots", None)
    members = {name: value for name, value in changes.items() if name not in CHANGE_KEYS}
    return Step(merge=members, **given), snapshots


def check_server(document: Document, where: str) -> None:
    """Raises ScriptError where a source server departs from the service model."""
    found = violations(structure("SourceServer"), document, answer=True)
    if found:
        raise ScriptError(f'{where}: {found[0]} (say "conform": false where that is meant).')


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


def _step(value: Any, where: str) -> Step:
    step = Step(state=value) if isinstance(value, str) else _read_step(value, where)
    if step.conform and not step.deleted:
        check_server(apply_step(source_server("s-0123456789abcdef0"), step), where)
    return step


def apply_step(document: Document, step: Step, moment: Any = ADDED) -> Document:
    """`document` as it is once `step` is reached at `moment` (an aware datetime)."""
    if step.state is not None or step.traits:
        state = state_of(document) if step.state is None else step.state
        document = in_state(document, state, moment, step.traits)
    return merged(document, step.merge)


def _region(value: Any, name: str, defaults: Mapping[str, Any]) -> Region:
    where = f"regions.{name}"
    given = members_of(value, {"initialized": BOOLEAN, "servers": list_of(lambda seed, _at: seed)}, where)
    seeds = [_seed(item, f"{where}.servers[{n}]", name, defaults) for n, item in enumerate(given.get("servers", ()))]
    ids = [seed.document["sourceServerID"] for seed in seeds]
    twice = [source_server_id for source_server_id, count in Counter(ids).items() if count > 1]
    if twice:
        raise ScriptError(f"{where} has {twice[0]} twice.")
    return Region(initialized=given.get("initialized", True), servers=tuple(seeds))


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
    if conform:
        check_server(document, where)
    return Seed(
        document=document,
        snapshots=behaviour.get("snapshots"),
        timeline=behaviour.get("timeline", defaults["timeline"]),
        from_now=behaviour.get("timeline_from") == "now",
        stale_describes=behaviour.get("stale_describes", defaults["stale_describes"]),
        stale_seconds=behaviour.get("stale_seconds", defaults["stale_seconds"]),
        conform=conform,
        scripts_last_seen=scripts_last_seen(members),
    )


DEFAULT_TIMELINE = ("INITIATING", "INITIAL_SYNC", "CONTINUOUS")

SHARE_KEYS: Mapping[str, Reader] = dict.fromkeys(SHARES, NUMBER)

RATE_LIMIT_KEYS: Mapping[str, Reader] = {
    "rate": NUMBER,
    "burst": plain(int, float, least=1, optional=True),
    "retry_after": plain(int, float, least=0, optional=True),
}
STEP_KEYS: Mapping[str, Reader] = {
    "state": TEXT,
    "describes": POSITIVE,
    **SHARE_KEYS,
    "dataReplicationError": OBJECT,
    "merge": OBJECT,
    "deleted": BOOLEAN,
    "conform": BOOLEAN,
}
BEHAVIOUR_KEYS: Mapping[str, Reader] = {
    "timeline": read_timeline,
    "timeline_from": one_of("start", "now"),
    "stale_describes": COUNT,
    "stale_seconds": NUMBER,
    "snapshots": read_snapshots,
    "conform": BOOLEAN,
}
SEED_KEYS: Mapping[str, Reader] = {**BEHAVIOUR_KEYS, **SHARE_KEYS, "state": TEXT, "hostname": TEXT}

CHANGE_KEYS: Mapping[str, Reader] = {
    **SHARE_KEYS,
    "state": TEXT,
    "snapshots": read_snapshots,
    "conform": BOOLEAN,
}

_read_step = object_of(Step, STEP_KEYS, dataReplicationError="error")

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
}
