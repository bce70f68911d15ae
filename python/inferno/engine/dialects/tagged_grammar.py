"""The grammar of a call whose parameters are marked one by one, and whose texts stand there without quotation marks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from inferno.engine.dialects.literals import words
from inferno.engine.dialects.tagged_call import TaggedCall
from inferno.engine.grammar_text import embedded
from inferno.errors import Unsupported

_DEFINED = ("$defs", "definitions")
_OF_ROOT = frozenset(
    {*_DEFINED, "$schema", "type", "properties", "required", "additionalProperties", "title", "description"}
)
_OF_TEXT = frozenset({"type", "title", "description", "default", "examples"})
"""Keywords of a text that say nothing of what it holds."""

_ANY_KEY = '/[^<>"\\s]{1,64}/'

Mark = Callable[[str], str]
Until = Callable[[str, str], str]
"""A rule's name and a mark: the rule of any text up to it."""


def tagged_call(
    script: TaggedCall, name: str, schema: Mapping[str, Any], *, rule: str, mark: Mark, until: Until
) -> list[str]:
    """``rule`` and those it uses: the parameters that must be there, then those that may; where none are named, any.
    Raises Unsupported for a schema that this way of writing cannot be kept to."""
    properties = schema.get("properties") or {}
    required = schema.get("required") or []
    if not properties and isinstance(schema.get("additionalProperties"), Mapping):
        raise _unkept(name, "additionalProperties")
    if unknown := sorted({*schema.keys() - _OF_ROOT, *(key for key in required if key not in properties)}):
        raise _unkept(name, unknown[0])
    shared = {key: schema[key] for key in _DEFINED if key in schema}
    [closing] = words(script.param_close)
    parts, rules = [], []
    for number, (key, wanted) in enumerate(sorted(properties.items(), key=lambda one: one[0] not in required)):
        value = f"{rule}_{number}"
        opened = mark(script.param_open + key + script.param_middle)
        if wanted == {"type": "string"} or _is_any_text(wanted):
            rules.append(until(value, closing))
            part = f"{opened} {value}"
        else:
            part = f"{opened} {_value(name, key, wanted, shared, closing)} {mark(script.param_close)}"
        parts.append(part if key in required else f"({part})?")
    if not properties and schema.get("additionalProperties") is not False:
        free = f"{rule}_free"
        parts.append(f"({mark(script.param_open)} {_ANY_KEY} {mark(script.param_middle)} {free})*")
        rules.append(until(free, closing))
    return [f"{rule}: {mark(name + script.name_end)} {' '.join(parts)}", *rules]


def _is_any_text(wanted: Any) -> bool:
    return isinstance(wanted, Mapping) and wanted.get("type") == "string" and not wanted.keys() - _OF_TEXT


def _value(name: str, key: str, wanted: Any, shared: Mapping[str, Any], closing: str) -> str:
    """JSON, but for texts, of which only those that are named can be kept to."""
    if not isinstance(wanted, Mapping):
        raise _unkept(name, key)
    if wanted.get("type") != "string":
        return f"%json {embedded({**wanted, **shared})}"
    named = wanted.get("enum", [wanted["const"]] if "const" in wanted else None)
    others = wanted.keys() - _OF_TEXT - {"enum", "const"}
    if not named or others or not all(isinstance(one, str) and one == one.strip("\n") for one in named):
        raise _unkept(name, key)
    if any(not one or closing in one for one in named):
        raise _unkept(name, key)
    return f"({' | '.join(json.dumps(one, ensure_ascii=False) for one in named)})"


def _unkept(name: str, what: str) -> Unsupported:
    return Unsupported(
        f"the arguments of {name!r} cannot be kept to {what[:64]!r} in this model's format of calls, which has texts"
        " without quotation marks; leave it out, or send 'tool_choice': \"auto\"",
        param="tools",
    )
