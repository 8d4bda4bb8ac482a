# Copyright: (c) 2026, the disaster_recovery.aws authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scripts: what the emulated world holds and which faults happen in it, read from a JSON object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any, TypeVar

from .model import error_status, service_model, source_server_members, structure, violations
from .signature import ACCESS_KEY, SECRET_KEY
from .source_servers import ADDED, DEFAULT_REGION, Document, in_state, merged, source_server

T = TypeVar("T")
Reader = Callable[[Any, str], Any]

# Kinds that spoil a real answer, and so come after the effect always.
ANSWER_KINDS = ("cut", "repeat_token", "bad_token")
FAULT_KINDS = ("error", "drop", "hang", "garbage", *ANSWER_KINDS)

# Bodies that are not what they should be: content type and text of an answer with status 200.
GARBAGE: Mapping[str, tuple[str, str]] = {
    "html": ("text/html", "<html><body><h1>Welcome to the hotel's network</h1></body></html>"),
    "empty": ("application/json", ""),
    "empty_object": ("application/json", "{}"),
    "items_null": ("application/json", '{"items": null}'),
    "items_object": ("application/json", '{"items": {"sourceServerID": "s-00000000000000000"}}'),
    "items_string": ("application/json", '{"items": "none"}'),
    "json_list": ("application/json", "[]"),
    "json_null": ("application/json", "null"),
    "json_string": ("application/json", '"ok"'),
    "no_items": ("application/json", '{"nextToken": null}'),
    "source_server_null": ("application/json", '{"sourceServer": null}'),
    "source_server_string": ("application/json", '{"sourceServer": "started"}'),
    "truncated": ("application/json", '{"items": [{"sourceServerID": "s-0000'),
}


class ScriptError(ValueError):
    """A script that cannot be played; the message is one sentence that names the place."""


@dataclass(frozen=True)
class Step:
    """A step of a timeline: the state (None: as it was) for so many looks, or so many wall steps."""

    state: str | None = None
    describes: int = 1
    replicated: float | None = None
    error: Document | None = None
    merge: Document = field(default_factory=dict)
    deleted: bool = False
    conform: bool = True


@dataclass(frozen=True)
class Seed:
    """A source server of the beginning and how it behaves."""

    document: Document
    timeline: tuple[Step, ...]
    from_now: bool
    stale_describes: int
    stale_seconds: float
    conform: bool


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
class Trigger:
    """Which calls: after `skip` matching ones, the next `times` (None: all)."""

    operation: str | None = None
    server: str | None = None
    region: str | None = None
    page: int | None = None
    skip: int = 0
    times: int | None = 1
    when: str = "before"


@dataclass(frozen=True)
class Fault(Trigger):
    """What goes wrong with a call."""

    kind: str = "error"
    code: str | None = None
    status: int | None = None
    message: str | None = None
    fields: Document = field(default_factory=dict)
    seconds: float = 60.0
    body: str | None = None
    content_type: str | None = None


@dataclass(frozen=True)
class Actor(Trigger):
    """Somebody else, who acts when a call comes: on `server`, or on the server of the call."""

    do: str = "start"


@dataclass(frozen=True)
class Script:
    """A whole script; `step_seconds` is None where timelines advance with each Describe."""

    page_size: int
    latency: Mapping[str, float]
    credentials: Mapping[str, str]
    regions: Mapping[str, Region]
    step_seconds: float | None
    rate_limits: Mapping[str, RateLimit]
    faults: tuple[Fault, ...]
    others: tuple[Actor, ...]


def read_script(script: Mapping[str, Any]) -> Script:
    """Reads a script (see README.md); raises ScriptError."""
    given = _members(script, SCRIPT_KEYS, "the script")
    defaults = {
        "timeline": given.get("default_timeline") or read_timeline(DEFAULT_TIMELINE, "default_timeline"),
        "stale_describes": given.get("stale_describes", 0),
        "stale_seconds": given.get("stale_seconds", 0.0),
    }
    regions = given.get("regions", {DEFAULT_REGION: {}})
    return Script(
        page_size=given.get("page_size", 300),
        latency=given.get("latency", {}),
        credentials=given.get("credentials", {ACCESS_KEY: SECRET_KEY}),
        regions={name: _region(value, name, defaults) for name, value in regions.items()},
        step_seconds=given.get("clock"),
        rate_limits=given.get("rate_limits", {}),
        faults=given.get("faults", ()),
        others=given.get("others", ()),
    )


def read_timeline(value: Any, where: str) -> tuple[Step, ...]:
    """Reads a timeline: a list of state names and step objects, at least one; raises ScriptError."""
    steps = _list_of(_step)(value, where)
    if not steps:
        raise ScriptError(f"{where} has no steps.")
    return steps


def check_server(document: Document, where: str) -> None:
    """Raises ScriptError where a source server departs from the service model."""
    found = violations(structure("SourceServer"), document, answer=True)
    if found:
        raise ScriptError(f'{where}: {found[0]} (say "conform": false where that is meant).')


def _members(value: Any, readers: Mapping[str, Reader], where: str) -> Document:
    if not isinstance(value, Mapping):
        raise ScriptError(f"{where} is not an object.")
    for key in value:
        if key not in readers:
            raise ScriptError(f"{where} has the unknown key {key!r}; known are {', '.join(sorted(readers))}.")
    return {key: readers[key](item, f"{where}.{key}") for key, item in value.items()}


def _object_of(kind: Callable[..., T], readers: Mapping[str, Reader], **renamed: str) -> Callable[[Any, str], T]:
    needed = [f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING]  # type: ignore[arg-type]

    def read(value: Any, where: str) -> T:
        members = {renamed.get(key, key): item for key, item in _members(value, readers, where).items()}
        for name in needed:
            if name not in members:
                raise ScriptError(f"{where} lacks {name!r}.")
        return kind(**members)

    return read


def _list_of(read: Callable[[Any, str], T]) -> Callable[[Any, str], tuple[T, ...]]:
    def read_list(value: Any, where: str) -> tuple[T, ...]:
        if not isinstance(value, (list, tuple)):
            raise ScriptError(f"{where} is not a list.")
        return tuple(read(item, f"{where}[{index}]") for index, item in enumerate(value))

    return read_list


def _map_of(read: Callable[[Any, str], T], read_key: Reader | None = None) -> Callable[[Any, str], dict[str, T]]:
    def read_map(value: Any, where: str) -> dict[str, T]:
        if not isinstance(value, Mapping):
            raise ScriptError(f"{where} is not an object.")
        if read_key:
            for key in value:
                read_key(key, where)
        return {str(key): read(item, f"{where}.{key}") for key, item in value.items()}

    return read_map


def _plain(*types: type, least: float | None = None, optional: bool = False) -> Reader:
    names = " or ".join(kind.__name__ for kind in types)

    def read(value: Any, where: str) -> Any:
        if value is None and optional:
            return None
        fits = isinstance(value, types) and (bool in types or not isinstance(value, bool))
        if not fits:
            raise ScriptError(f"{where} is not a value of type {names}.")
        if least is not None and value < least:
            raise ScriptError(f"{where} is less than {least}.")
        return value

    return read


def _one_of(*choices: str) -> Reader:
    def read(value: Any, where: str) -> str:
        if value not in choices:
            raise ScriptError(f"{where} is {value!r}, not one of {', '.join(choices)}.")
        return str(value)

    return read


def _operation(value: Any, where: str) -> str:
    if value not in service_model().operation_names:
        raise ScriptError(f"{where}: {value!r} is no operation of DRS.")
    return str(value)


def _clock(value: Any, where: str) -> float | None:
    if value == "describe":
        return None
    seconds = float(_members(value, {"wall": NUMBER}, where).get("wall", 0)) if isinstance(value, Mapping) else 0.0
    if seconds <= 0:
        raise ScriptError(f'{where} is neither "describe" nor {{"wall": seconds above 0}}.')
    return seconds


def _latency(value: Any, where: str) -> Mapping[str, float]:
    if isinstance(value, Mapping):
        return _map_of(NUMBER, _operation)(value, where)
    seconds: float = NUMBER(value, where)
    return dict.fromkeys(service_model().operation_names, seconds)


def _step(value: Any, where: str) -> Step:
    step = Step(state=value) if isinstance(value, str) else _read_step(value, where)
    if step.conform and not step.deleted:
        check_server(apply_step(source_server("s-0123456789abcdef0"), step), where)
    return step


def apply_step(document: Document, step: Step, moment: Any = ADDED) -> Document:
    """`document` as it is once `step` is reached at `moment` (an aware datetime)."""
    if step.state is not None:
        document = in_state(document, step.state, moment, step.replicated, step.error)
    return merged(document, step.merge)


def _fault(value: Any, where: str) -> Fault:
    fault = _read_fault(value, where)
    if fault.kind == "error":
        if fault.code is None:
            raise ScriptError(f"{where} lacks 'code'.")
        if fault.status is None and error_status(fault.code) is None:
            raise ScriptError(f"{where} lacks 'status': {fault.code!r} is no error of the DRS model.")
    if fault.kind == "garbage" and fault.content_type is None and fault.body not in GARBAGE:
        raise ScriptError(
            f"{where}.body is {fault.body!r}, not one of {', '.join(sorted(GARBAGE))}; "
            "a literal body needs a content_type."
        )
    return replace(fault, when="after") if fault.kind in ANSWER_KINDS else fault


def _actor(value: Any, where: str) -> Actor:
    actor = _read_actor(value, where)
    if actor.operation is None:
        raise ScriptError(f"{where} lacks 'on'.")
    if actor.operation == "DescribeSourceServers" and actor.server is None:
        raise ScriptError(f"{where} lacks 'server': a Describe has no server of its own.")
    return actor


def _region(value: Any, name: str, defaults: Mapping[str, Any]) -> Region:
    where = f"regions.{name}"
    given = _members(value, {"initialized": BOOLEAN, "servers": _list_of(lambda seed, _at: seed)}, where)
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
    behaviour = _members({key: value[key] for key in SEED_KEYS if key in value}, SEED_KEYS, where)
    members = {key: item for key, item in value.items() if key not in BEHAVIOUR_KEYS and key != "sourceServerID"}
    document = source_server(value["sourceServerID"], region=region, **members)
    if conform:
        check_server(document, where)
    return Seed(
        document=document,
        timeline=behaviour.get("timeline", defaults["timeline"]),
        from_now=behaviour.get("timeline_from") == "now",
        stale_describes=behaviour.get("stale_describes", defaults["stale_describes"]),
        stale_seconds=behaviour.get("stale_seconds", defaults["stale_seconds"]),
        conform=conform,
    )


DEFAULT_TIMELINE = ("INITIATING", "INITIAL_SYNC", "CONTINUOUS")

BOOLEAN = _plain(bool)
COUNT = _plain(int, least=0)
NUMBER = _plain(int, float, least=0)
OBJECT = _plain(dict)
POSITIVE = _plain(int, least=1)
TEXT = _plain(str)

TRIGGER_KEYS: Mapping[str, Reader] = {
    "server": _plain(str, optional=True),
    "region": TEXT,
    "page": POSITIVE,
    "skip": COUNT,
    "times": _plain(int, least=1, optional=True),
    "when": _one_of("before", "after"),
}
FAULT_KEYS: Mapping[str, Reader] = {
    **TRIGGER_KEYS,
    "operation": _operation,
    "kind": _one_of(*FAULT_KINDS),
    "code": TEXT,
    "status": POSITIVE,
    "message": TEXT,
    "fields": OBJECT,
    "seconds": NUMBER,
    "body": TEXT,
    "content_type": TEXT,
}
ACTOR_KEYS: Mapping[str, Reader] = {
    **TRIGGER_KEYS,
    "on": _operation,
    "do": _one_of("start", "stop", "delete", "disconnect"),
}
RATE_LIMIT_KEYS: Mapping[str, Reader] = {
    "rate": NUMBER,
    "burst": _plain(int, float, least=1, optional=True),
    "retry_after": _plain(int, float, least=0, optional=True),
}
STEP_KEYS: Mapping[str, Reader] = {
    "state": TEXT,
    "describes": POSITIVE,
    "replicated": NUMBER,
    "dataReplicationError": OBJECT,
    "merge": OBJECT,
    "deleted": BOOLEAN,
    "conform": BOOLEAN,
}
BEHAVIOUR_KEYS: Mapping[str, Reader] = {
    "timeline": read_timeline,
    "timeline_from": _one_of("start", "now"),
    "stale_describes": COUNT,
    "stale_seconds": NUMBER,
    "conform": BOOLEAN,
}
SEED_KEYS: Mapping[str, Reader] = {**BEHAVIOUR_KEYS, "state": TEXT, "hostname": TEXT}

_read_step = _object_of(Step, STEP_KEYS, dataReplicationError="error")
_read_fault = _object_of(Fault, FAULT_KEYS)
_read_actor = _object_of(Actor, ACTOR_KEYS, on="operation")

SCRIPT_KEYS: Mapping[str, Reader] = {
    "page_size": POSITIVE,
    "latency": _latency,
    "credentials": _map_of(TEXT),
    "regions": _map_of(lambda region, _at: region),
    "clock": _clock,
    "default_timeline": read_timeline,
    "stale_describes": COUNT,
    "stale_seconds": NUMBER,
    "rate_limits": _map_of(_object_of(RateLimit, RATE_LIMIT_KEYS), _operation),
    "faults": _list_of(_fault),
    "others": _list_of(_actor),
}
