"""What the API's own description (OpenAPI) says of answers and of the events of streams, and where one is otherwise.

Stricter than the description by itself: an object has no field that is not described.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jsonschema_rs

from inferno.server.openapi import EVENTS, describe
from inferno.server.operation import JSON, Operation

_MOST_SHOWN = 200


class Described:
    """The answers of one operation."""

    def __init__(self, name: str, responses: Mapping[str, Any], components: Mapping[str, Any]) -> None:
        self._name = name
        self._contents = {
            status: {media.partition(";")[0]: one for media, one in response["content"].items()}
            for status, response in responses.items()
        }
        self._components = components
        self._validators: dict[str, Any] = {}

    def media_problems(self, status: int, media: str) -> Iterator[str]:
        """Whether an answer may be of the media type, given without parameters."""
        content = self._content(status)
        if media not in content:
            yield f"{self._name} answers {status} with {media!r}, and {sorted(content)} are described"

    def body_problems(self, status: int, body: bytes) -> Iterator[str]:
        """What of a whole JSON answer is not as described."""
        schema = self._content(status).get(JSON, {}).get("schema")
        if schema is not None:
            yield from self._problems(f"answers {status}", body, [schema])

    def line_problems(self, media: str, line: bytes) -> Iterator[str]:
        """The same of one line of a stream of lines, which may be its failure."""
        yield from self._problems("streams", line, [self._content(200)[media]["schema"], self._failure])

    def event_problems(self, event: bytes, *, ended: bool) -> Iterator[str]:
        """The same of one server-sent event, given without its blank line. ``ended``: the mark of the end had come."""
        if ended:
            yield f"{self._name} streams {_shown(event)} after the mark of the end"
        lines = event.split(b"\n")
        if all(line.startswith(b":") for line in lines):
            return
        name = lines.pop(0).removeprefix(b"event: ").decode() if lines[0].startswith(b"event: ") else None
        if len(lines) != 1 or not lines[0].startswith(b"data: "):
            yield f"{self._name} streams what is no event of one line of data: {_shown(event)}"
            return
        said = self._content(200)[EVENTS]["schema"]["properties"]["data"]
        alternatives = said.get("anyOf", [said])
        data = lines[0].removeprefix(b"data: ")
        if data.decode() in [one["const"] for one in alternatives if "const" in one]:
            return
        schemas = [one["contentSchema"] for one in alternatives if "contentSchema" in one]
        yield from self._problems("streams", data, [*schemas, self._failure])
        if name is not None and (kind := json.loads(data)["type"]) != name:
            yield f"{self._name} streams an event {name!r} whose data is of type {kind!r}"

    def is_mark(self, event: bytes) -> bool:
        """Whether the event is the mark that nothing may follow."""
        said = self._content(200)[EVENTS]["schema"]["properties"]["data"]
        return any(event == f"data: {one['const']}".encode() for one in said.get("anyOf", ()) if "const" in one)

    @property
    def _failure(self) -> Any:
        return self._contents["default"][JSON]["schema"]

    def _content(self, status: int) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._contents.get(str(status), self._contents["default"])
        return found

    def _problems(self, verb: str, data: bytes, schemas: Sequence[Any]) -> Iterator[str]:
        try:
            value = json.loads(data.decode("utf-8"), parse_constant=_no_number, object_pairs_hook=_once)
        except ValueError as error:
            yield f"{self._name} {verb} what is not JSON ({error}): {_shown(data)}"
            return
        validator = self._validator(schemas)
        if not validator.is_valid(value):
            told = "; ".join(
                f"{'.'.join(map(str, error.instance_path)) or 'the whole'}: {error.message}"
                for error in validator.iter_errors(value)
            )
            yield f"{self._name} {verb} what is not described: {told}: {_shown(data)}"

    def _validator(self, schemas: Sequence[Any]) -> Any:
        key = json.dumps(schemas)
        if key not in self._validators:
            closed = [_closed(schema) for schema in schemas]
            whole = closed[0] if len(closed) == 1 else {"anyOf": closed}
            self._validators[key] = jsonschema_rs.Draft202012Validator({**whole, "components": self._components})
        return self._validators[key]


def described(operations: Sequence[Operation]) -> dict[tuple[str, str], Described]:
    """By method and path, as the operations have them."""
    document = describe(operations)
    components = _closed(document["components"])
    found = {}
    for operation in operations:
        path = operation.path.replace(":path}", "}")
        responses = document["paths"][path][operation.method.lower()]["responses"]
        name = f"{operation.method} {operation.path}"
        found[operation.method, operation.path] = Described(name, responses, components)
    return found


def _closed(schema: Any) -> Any:
    """The schema without room for fields that it does not name."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(part) for key, part in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number")


def _shown(data: bytes) -> str:
    return data[:_MOST_SHOWN].decode(errors="replace")
