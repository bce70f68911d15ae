"""The API's description (OpenAPI 3.1), made of the table that makes the routes and of the types that validate.

Source of the format: https://spec.openapis.org/oas/v3.1.1. The schemas are msgspec's, JSON Schema 2020-12.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

import inferno
from inferno.server.operation import JSON, Operation
from inferno.server.wire.framing import Framing

OPENAPI = "3.1.1"
EVENTS = "text/event-stream"
REF = "#/components/schemas/{name}"
_PATH_PARAMETER = re.compile(r"\{(\w+)(?::path)?\}")
DESCRIPTION = (
    "Whatever is not listed as a field of a request is refused with 400, naming it. Fields that are accepted and have"
    " no effect on an answer are named in its header `x-inferno-unused-fields`."
)


def describe(operations: Sequence[Operation]) -> dict[str, Any]:
    """The OpenAPI document of ``operations``, ready for JSON."""
    types = [crossing for operation in operations for crossing in _types(operation)]
    schemas, components = msgspec.json.schema_components(types, ref_template=REF)
    schema_of = dict(zip(map(id, types), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        described = _operation(operation, schema_of)
        if operation.open:
            described["security"] = []
        paths.setdefault(_plain(operation.path), {})[operation.method.lower()] = described
    return {
        "openapi": OPENAPI,
        "info": {"title": "Inferno", "version": inferno.__version__, "description": DESCRIPTION},
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": _SCHEMES},
        # With no key configured, none is asked for.
        "security": [{"bearer": []}, {"header": []}, {}],
    }


_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "x-api-key"},
}


def _types(operation: Operation) -> list[Any]:
    told = (operation.answer, operation.other_answer, operation.chunk, operation.failure)
    return [given for given in (operation.body, *told, operation.query) if given is not None]


def _plain(path: str) -> str:
    return _PATH_PARAMETER.sub(r"{\1}", path)


def _operation(operation: Operation, schema_of: dict[int, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.endpoint.__name__ + ("_unversioned" if operation.ageing else ""),
        "tags": [operation.tag],
        "summary": operation.summary,
        "responses": {"default": _failure(operation, schema_of)},
    }
    if operation.ageing is not None:
        described["deprecated"] = True
    if not operation.refuses:
        described["responses"]["200"] = _answer(operation, schema_of)
    if operation.unready:
        described["responses"]["503"] = _answer(operation, schema_of)
    parameters = [*_path_parameters(operation.path), *_query_parameters(operation.query)]
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": {JSON: _content(operation, schema_of)}}
    return described


def _content(operation: Operation, schema_of: dict[int, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": schema_of[id(operation.body)]}
    if operation.example is not None:
        content["example"] = operation.example
    return content


def _answer(operation: Operation, schema_of: dict[int, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {operation.media: {}}
    answers = [schema_of[id(given)] for given in (operation.answer, operation.other_answer) if given is not None]
    if answers:
        content = {JSON: {"schema": answers[0] if len(answers) == 1 else {"anyOf": answers}}}
    if operation.chunk is not None:
        content[operation.framing.media_type] = {"schema": _piece(operation.framing, schema_of[id(operation.chunk)])}
    if operation.packed is not None:
        content[operation.packed] = {}
    return {"description": operation.summary, "content": content}


def _piece(framing: Framing, data: Any) -> Any:
    """One line of JSON; or one server-sent event, as OpenAPI 3.2 describes them: JSON, or the mark of the end."""
    if framing.media_type != EVENTS:
        return data
    text = {"type": "string", "contentMediaType": JSON, "contentSchema": data}
    said = text if framing.mark is None else {"anyOf": [{"const": framing.mark}, text]}
    return {"type": "object", "required": ["data"], "properties": {"event": {"type": "string"}, "data": said}}


def _failure(operation: Operation, schema_of: dict[int, Any]) -> dict[str, Any]:
    return {
        "description": "Refused (4xx) or failed (5xx)",
        "content": {JSON: {"schema": schema_of[id(operation.failure)]}},
    }


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PATH_PARAMETER.findall(path)
    ]


def _query_parameters(query: Any) -> list[dict[str, Any]]:
    if query is None:
        return []
    (_, components) = msgspec.json.schema_components([query], ref_template=REF)
    schema = components[query.__name__]
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": field}
        for name, field in schema["properties"].items()
    ]
