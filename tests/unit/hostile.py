# Copyright: Contributors to the Ansible project
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documents with every member of the service model, and what a hostile service puts in the place of any of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

from ansible_collections.disaster_recovery.aws.tests.unit.fakes import REGION
from botocore import xform_name
from botocore.model import ListShape, ServiceModel, Shape, StructureShape
from botocore.parsers import create_parser
from hypothesis import strategies as st

Path = tuple[str | int, ...]
ESCAPES = "web1\x1b[2J\r\nok: [host]\u202e\ud800"

HOSTILE: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    2**70,
    1e308,
    "",
    "text",
    ESCAPES,
    "x" * 5000,
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    [],
    [None],
    [[1]],
    ["text", ESCAPES],
    {},
    {"a": None},
    {"hostname": {"error": 7}},
    {ESCAPES: ESCAPES},
]

TYPES: list[Any] = [None, True, 1e308, ESCAPES, [], [[1]], {"a": None}]
"""Values of each JSON type, which is all that botocore's parser looks at."""


def sample(shape: Shape) -> Any:
    """A value with every member of the shape."""
    if isinstance(shape, StructureShape):
        return {name: sample(member) for name, member in shape.members.items()}
    if isinstance(shape, ListShape):
        return [sample(shape.member)]
    samples = {"map": {"Env": "prod"}, "string": "text", "long": 2**30, "integer": 7, "timestamp": 0, "boolean": True}
    return samples[shape.type_name]


def paths_of(value: Any, path: Path = ()) -> Iterator[Path]:
    """The path of each member."""
    items: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    for name, member in items:
        yield (*path, name)
        yield from paths_of(member, (*path, name))


def put(document: Any, path: Path, value: Any) -> None:
    """Replace the member at the path, where what is above it still has it."""
    name = path[0]
    if isinstance(document, dict) and name not in document:
        return
    if isinstance(document, list) and not (isinstance(name, int) and name < len(document)):
        return
    if not isinstance(document, (dict, list)):
        return
    if len(path) > 1:
        put(document[name], path[1:], value)  # type: ignore[index]
    else:
        document[name] = value  # type: ignore[index]


def assert_encodable(value: Any) -> None:
    """As a module result is encoded."""
    json.dumps(value, ensure_ascii=False).encode()


def nested_json(brackets: str, depth: int) -> str:
    """A JSON text of so many levels of lists or objects."""
    begin, end = {"[]": ("[", "]"), "{}": ('{"a":', "}")}[brackets]
    return f"{begin * depth}1{end * depth}"


texts = st.text(st.characters() | st.characters(categories=["Cs", "Cc", "Cf"]), max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(texts, children, max_size=3),
    max_leaves=4,
)


@cache
def operations_of(model: ServiceModel) -> dict[str, str]:
    """The name of each operation by that of the method of a client."""
    return {xform_name(name): name for name in model.operation_names}


class ParsingClient:
    """A client that parses this body with botocore's parser, whatever is asked.

    It builds, signs and sends no request, which would take far longer than parsing. test_api.py does all of it.
    """

    def __init__(self, model: ServiceModel, body: bytes) -> None:
        self._model = model
        self._answer = {"status_code": 200, "headers": {}, "body": body}
        self._handlers: dict[str, Callable[..., None]] = {}
        self.meta = SimpleNamespace(region_name=REGION, events=SimpleNamespace(register=self._handlers.__setitem__))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return partial(self._parse, operations_of(self._model)[name])

    def _parse(self, operation: str, **_request: Any) -> Any:
        shape = self._model.operation_model(operation).output_shape
        assert shape
        parsed = create_parser("rest-json").parse(self._answer, shape)
        if handler := self._handlers.get(f"response-received.drs.{operation}"):
            handler(response_dict=self._answer)
        return parsed
