"""What of an OpenAPI description a client may have come to rely on, and whether another description still has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Described = Mapping[str, Any]
_REF = "#/components/schemas/"


def broken(old: Described, new: Described) -> list[str]:
    """What ``old`` has and ``new`` has not, or has otherwise; empty when every client of the one can ask the other.

    Additions are no break, but for a field that a request must have from now on.
    """
    return [*_broken_operations(old, new), *_broken_schemas(old, new)]


def _broken_operations(old: Described, new: Described) -> Iterator[str]:
    for path, methods in old["paths"].items():
        for method, operation in methods.items():
            where = f"{method.upper()} {path}"
            found = new["paths"].get(path, {}).get(method)
            if found is None:
                yield f"{where} is gone"
                continue
            yield from _broken_content(f"{where} asks", operation.get("requestBody"), found.get("requestBody"))
            for status, answer in operation["responses"].items():
                yield from _broken_content(f"{where} answers {status}", answer, found["responses"].get(status))


def _broken_content(where: str, old: Any, new: Any) -> Iterator[str]:
    for media, content in (old or {}).get("content", {}).items():
        found = (new or {}).get("content", {}).get(media)
        if found is None:
            yield f"{where} no {media} any more"
        elif "schema" in content:
            yield from _retyped(f"{where} {media}", content["schema"], found.get("schema", {}))


def _broken_schemas(old: Described, new: Described) -> Iterator[str]:
    asked = _reachable(old)
    for name, schema in old["components"]["schemas"].items():
        found = new["components"]["schemas"].get(name)
        if found is None:
            yield f"{name} is gone"
            continue
        yield from _retyped(name, schema, found)
        if name in asked and (more := set(found.get("required", ())) - set(schema.get("required", ()))):
            yield f"{name} requires {sorted(more)} now"


def _reachable(described: Described) -> set[str]:
    """The schemas that a request can hold."""
    bodies = [operation.get("requestBody") for methods in described["paths"].values() for operation in methods.values()]
    found: set[str] = set()
    waiting = list(_refs(bodies))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _refs(described["components"]["schemas"][name])
    return found


def _refs(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].removeprefix(_REF)
        for part in value.values():
            yield from _refs(part)
    elif isinstance(value, list):
        for part in value:
            yield from _refs(part)


def _retyped(where: str, old: Any, new: Any) -> Iterator[str]:
    """Of a schema's alternatives each must be there still, with all that it had."""
    alternatives = [_kind(one) for one in new.get("anyOf", [new])]
    for one in old.get("anyOf", [old]):
        if _kind(one) not in alternatives:
            yield f"{where} is no {_kind(one)} any more"
    for name, field in old.get("properties", {}).items():
        found = new.get("properties", {}).get(name)
        if found is None:
            yield f"{where} has no field '{name}' any more"
        else:
            yield from _retyped(f"{where}.{name}", field, found)
    if "items" in old and "items" in new:
        yield from _retyped(f"{where}[]", old["items"], new["items"])
    if gone := set(map(str, old.get("enum", ()))) - set(map(str, new.get("enum", ()))):
        yield f"{where} is not one of {sorted(gone)} any more"


def _kind(schema: Any) -> str:
    return str(schema.get("$ref") or schema.get("const") or schema.get("type") or sorted(schema))
