# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Readers: functions that check one value of a script, and name its place where it is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from .model import service_model, structure, violations

T = TypeVar("T")
Reader = Callable[[Any, str], Any]


class ScriptError(ValueError):
    """A script that cannot be played; the message is one sentence that names the place."""


def members_of(value: Any, readers: Mapping[str, Reader], where: str) -> dict[str, Any]:
    """The members of an object, each read by its reader; unknown keys are an error."""
    if not isinstance(value, Mapping):
        raise ScriptError(f"{where} is not an object.")
    for key in value:
        if key not in readers:
            raise ScriptError(f"{where} has the unknown key {key!r}; known are {', '.join(sorted(readers))}.")
    return {key: readers[key](item, f"{where}.{key}") for key, item in value.items()}


def object_of(kind: Callable[..., T], readers: Mapping[str, Reader], **renamed: str) -> Callable[[Any, str], T]:
    """A reader of objects that become the dataclass `kind`; `renamed` maps a key to the name of its field."""
    needed = [f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING]  # type: ignore[arg-type]

    def read(value: Any, where: str) -> T:
        members = {renamed.get(key, key): item for key, item in members_of(value, readers, where).items()}
        for name in needed:
            if name not in members:
                raise ScriptError(f"{where} lacks {name!r}.")
        return kind(**members)

    return read


def list_of(read: Callable[[Any, str], T]) -> Callable[[Any, str], tuple[T, ...]]:
    """A reader of lists; `read` reads each item."""

    def read_list(value: Any, where: str) -> tuple[T, ...]:
        if not isinstance(value, (list, tuple)):
            raise ScriptError(f"{where} is not a list.")
        return tuple(read(item, f"{where}[{index}]") for index, item in enumerate(value))

    return read_list


def map_of(read: Callable[[Any, str], T], read_key: Reader | None = None) -> Callable[[Any, str], dict[str, T]]:
    """A reader of objects with any keys; `read` reads each value."""

    def read_map(value: Any, where: str) -> dict[str, T]:
        if not isinstance(value, Mapping):
            raise ScriptError(f"{where} is not an object.")
        if read_key:
            for key in value:
                read_key(key, where)
        return {str(key): read(item, f"{where}.{key}") for key, item in value.items()}

    return read_map


def plain(*types: type, least: float | None = None, optional: bool = False) -> Reader:
    """A reader of values of these types, `least` or more; with `optional`, null too."""
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


def one_of(*choices: str) -> Reader:
    """A reader of one of these strings."""

    def read(value: Any, where: str) -> str:
        if value not in choices:
            raise ScriptError(f"{where} is {value!r}, not one of {', '.join(choices)}.")
        return str(value)

    return read


def operation(value: Any, where: str) -> str:
    """Reads the name of an operation of the service model."""
    if value not in service_model().operation_names:
        raise ScriptError(f"{where}: {value!r} is not an operation of DRS.")
    return str(value)


def check_conforms(shape: str, document: Mapping[str, Any], where: str) -> None:
    """Raises ScriptError where a document departs from that structure of the service model."""
    found = violations(structure(shape), document, answer=True)
    if found:
        raise ScriptError(f'{where}: {found[0]} (say "conform": false where that is meant).')


BOOLEAN = plain(bool)
COUNT = plain(int, least=0)
NUMBER = plain(int, float, least=0)
OBJECT = plain(dict)
POSITIVE = plain(int, least=1)
TEXT = plain(str)
