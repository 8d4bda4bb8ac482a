# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Botocore's DRS service model: routes, conformance of inputs and answers, errors."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.loaders import create_loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Errors common to all AWS services, which are not in the DRS service model:
# https://docs.aws.amazon.com/drs/latest/APIReference/CommonErrors.html
FRONT_DOOR_STATUS = {
    "ExpiredTokenException": 403,
    "IncompleteSignatureException": 400,
    "InternalFailure": 500,
    "InvalidSignatureException": 403,
    "MissingAuthenticationTokenException": 403,
    "NotImplementedException": 501,
    "RequestExpired": 400,
    "ServiceUnavailableException": 503,
    "UnknownOperationException": 404,
    "UnrecognizedClientException": 403,
}

# The model's pattern demands "Z", recorded answers also have "2024-05-01T12:00:00.123456+00:00".
DATETIME_SHAPE = "ISO8601DatetimeString"
ANSWERED_DATETIME = re.compile(r"[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")

PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "structure": (dict,),
    "list": (list,),
    "map": (dict,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
}


class Violation(NamedTuple):
    """Where a value departs from its shape, as a dotted path, and how."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class ServiceError(Exception):
    """An error that the service answers: its code, its message and the further members of the error's shape."""

    def __init__(self, code: str, message: str, /, **members: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.members = members


@cache
def service_model() -> ServiceModel:
    """The DRS service model that the installed botocore brings."""
    return ServiceModel(create_loader().load_service_model("drs", "service-2"), "drs")


@cache
def _routes() -> list[tuple[str, re.Pattern[str], OperationModel]]:
    operations = [service_model().operation_model(name) for name in service_model().operation_names]
    return [
        (operation.http["method"], _route_pattern(operation.http["requestUri"]), operation) for operation in operations
    ]


def _route_pattern(request_uri: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{\w+\\\}", ".+", re.escape(request_uri)))


@lru_cache(maxsize=256)
def operation_at(method: str, path: str) -> OperationModel | None:
    """The operation that the model routes `method` and `path` to, or None."""
    return next((op for verb, route, op in _routes() if verb == method and route.fullmatch(path)), None)


@cache
def structure(name: str) -> StructureShape:
    """The model's structure of that name; LookupError if there is none."""
    shape = service_model().shape_for(name) if name in service_model().shape_names else None
    if not isinstance(shape, StructureShape):
        raise LookupError(f"The DRS model has no structure {name}.")
    return shape


@cache
def names_one_server(operation: str) -> bool:
    """Whether a call of that operation is about one source server."""
    shape = service_model().operation_model(operation).input_shape
    return shape is not None and "sourceServerID" in shape.required_members


def source_server_members() -> frozenset[str]:
    """The members of a source server that the installed botocore knows."""
    return frozenset(structure("SourceServer").members)


def violations(shape: Shape, value: Any, path: str = "", answer: bool = False) -> list[Violation]:
    """Everything in `value` that departs from `shape`; with `answer`, datetimes may also end in +00:00."""
    return list(_violations(shape, value, path, answer))


def _violations(shape: Shape, value: Any, path: str, answer: bool) -> Iterator[Violation]:
    types = PYTHON_TYPES.get(shape.type_name)
    if types and (not isinstance(value, types) or (isinstance(value, bool) and bool not in types)):
        yield Violation(path, f"is a {type(value).__name__}, not a {shape.type_name}")
        return
    yield from _bound_violations(shape, value, path)
    if isinstance(shape, StructureShape):
        yield from _structure_violations(shape, value, path, answer)
    elif isinstance(shape, ListShape):
        for index, item in enumerate(value):
            yield from _violations(shape.member, item, f"{path}[{index}]", answer)
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            yield from _violations(shape.key, key, f"{path}.{key}", answer)
            yield from _violations(shape.value, item, f"{path}.{key}", answer)
    elif shape.type_name == "string":
        yield from _string_violations(shape, value, path, answer)


def _structure_violations(shape: StructureShape, value: dict[str, Any], path: str, answer: bool) -> Iterator[Violation]:
    prefix = f"{path}." if path else ""
    for name in shape.required_members:
        if name not in value:
            yield Violation(prefix + name, "is required")
    for name, item in value.items():
        if name in shape.members:
            yield from _violations(shape.members[name], item, prefix + name, answer)
        else:
            yield Violation(prefix + name, f"is not a member of {shape.name}")


def _bound_violations(shape: Shape, value: Any, path: str) -> Iterator[Violation]:
    sized = isinstance(value, (str, list, dict))
    measure, what = (len(value), "length") if sized else (value, "value")
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and measure < least:
        yield Violation(path, f"{what} {measure} is less than {least}")
    if most is not None and measure > most:
        yield Violation(path, f"{what} {measure} is more than {most}")


def _string_violations(shape: Shape, value: str, path: str, answer: bool) -> Iterator[Violation]:
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        yield Violation(path, f"{value!r} is not one of {', '.join(allowed)}")
    if answer and shape.name == DATETIME_SHAPE:
        pattern: re.Pattern[str] | None = ANSWERED_DATETIME
    else:
        pattern = _compiled(shape.metadata.get("pattern"))
    if pattern and not pattern.fullmatch(value):
        yield Violation(path, f"{value!r} does not match {pattern.pattern}")


@cache
def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    return re.compile(pattern) if pattern else None


def known_part(shape: Shape, value: Any) -> Any:
    """`value` without the members that an older botocore's model does not have yet."""
    if isinstance(shape, StructureShape):
        members = shape.members
        return {name: known_part(members[name], item) for name, item in value.items() if name in members}
    if isinstance(shape, ListShape):
        return [known_part(shape.member, item) for item in value]
    return value


def error_status(code: str) -> int | None:
    """The HTTP status of an error code: the model's, the front door's, or None for a code unknown to both."""
    status: int | None = FRONT_DOOR_STATUS.get(code)
    if code in service_model().shape_names:
        status = structure(code).metadata.get("error", {}).get("httpStatusCode")
    return status


def error_parts(error: ServiceError) -> tuple[dict[str, str], dict[str, Any]]:
    """The headers and the JSON body of an error: members that the model locates in a header go there."""
    members = {"message": error.message, **_code_member(error.code), **error.members}
    if not (error.code.isascii() and error.code.isprintable()):
        members["code"] = error.code
    headers = {"x-amzn-ErrorType": error.code}
    for name, header in _header_members(error.code).items():
        value = members.pop(name, None)
        if value is not None:
            headers[header] = str(value)
    return headers, members


def _code_member(code: str) -> dict[str, str]:
    return {"code": code} if code in service_model().shape_names and "code" in structure(code).members else {}


@cache
def _header_members(code: str) -> dict[str, str]:
    if code not in service_model().shape_names:
        return {}
    members = structure(code).members
    located = {name: member.serialization for name, member in members.items()}
    return {name: where["name"] for name, where in located.items() if where.get("location") == "header"}
