"""Which script a call is written in, told from one call whose name, id and arguments are known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inferno.engine.dialects.calls import Script
from inferno.engine.dialects.json_call import JsonCall, Keys
from inferno.engine.dialects.literals import shared_end, shared_start
from inferno.engine.dialects.named_call import NamedCall
from inferno.engine.dialects.pythonic_call import PythonicCall
from inferno.engine.dialects.tagged_call import TaggedCall


@dataclass(frozen=True, slots=True)
class Written:
    """The call that stands somewhere in the text."""

    name: str
    id: str
    arguments: Mapping[str, Any]


Found = tuple[int, int, Script]
"""Where the call begins and ends, and its script."""


def script_of(text: str, call: Written, begin: int) -> Found | None:
    """The first call from ``begin`` on. None where it is in no script that we know."""
    at = text.find(call.name, begin)
    if at < 0:
        return None
    return (
        _json(text, call, at, begin)
        or _named(text, call, at, begin)
        or _pythonic(text, call, at)
        or _tagged(text, call, at)
    )


def _json(text: str, call: Written, at: int, begin: int) -> Found | None:
    start = text.rfind("{", begin, at)
    while start >= begin and start >= 0:
        value, end = _decoded(text, start)
        name, arguments = _keys(value, call.name), _keys(value, call.arguments) or _keys(value, None, call.arguments)
        if name is not None and arguments is not None:
            given_id = _keys(value, call.id)
            return start, end, JsonCall(name, arguments, given_id, _is_first(value, given_id, name))
        if start == 0:
            break
        start = text.rfind("{", begin, start)
    return None


def _is_first(value: Mapping[str, Any], one: Keys | None, other: Keys) -> bool:
    keys = list(value)
    return one is not None and keys.index(one[0]) < keys.index(other[0])


def _decoded(text: str, start: int) -> tuple[Any, int]:
    try:
        return json.JSONDecoder().raw_decode(text, start)
    except ValueError:
        return None, start


def _keys(value: Any, wanted: Any, as_text: Any = None) -> Keys | None:
    """The way to ``wanted``, or to the JSON text of ``as_text``, at most two members deep."""
    if not isinstance(value, dict):
        return None
    for key, item in value.items():
        if (wanted is not None and item == wanted) or (as_text is not None and _is_text_of(item, as_text)):
            return (key,)
        below = _keys(item, wanted, as_text) if isinstance(item, dict) else None
        if below is not None and len(below) == 1:
            return (key, *below)
    return None


def _is_text_of(item: Any, value: Any) -> bool:
    if not isinstance(item, str):
        return False
    return bool(_decoded(item, 0)[0] == value)


def _named(text: str, call: Written, at: int, begin: int) -> Found | None:
    start = text.find("{", at)
    value, end = _decoded(text, start) if start >= 0 else (None, 0)
    if value != call.arguments:
        return None
    as_id = text.rfind(call.id, begin, at + len(call.id))
    if as_id >= 0 and call.name in call.id:
        return as_id, end, NamedCall(middle=text[as_id + len(call.id) : start], name_is_id=True)
    middle = text[at + len(call.name) : start]
    if call.id in middle:
        before, _, after = middle.partition(call.id)
        return at, end, NamedCall(before_id=before, after_id=after)
    return at, end, NamedCall(middle)


def _pythonic(text: str, call: Written, at: int) -> Found | None:
    opening = at + len(call.name)
    if text[opening : opening + 1] != "(" or "key_one=" not in text[opening:]:
        return None
    return at, text.index(")", opening) + 1, PythonicCall()


def _tagged(text: str, call: Written, at: int) -> Found | None:
    (first_key, first), (second_key, second) = ((key, str(value)) for key, value in call.arguments.items())
    places = []
    place = at + len(call.name)
    for part in (first_key, first, second_key, second):
        found = text.find(part, place)
        if found < 0:
            return None
        places.append((place, found))
        place = found + len(part)
    head, middle, between, _ = (text[one:other] for one, other in places)
    quoted = middle.endswith('"') and between.startswith('"')
    middle, between = (middle[:-1], between[1:]) if quoted else (middle, between)
    param_open = shared_end(head, between)
    param_close = between[: len(between) - len(param_open)]
    param_close = shared_start(param_close, text[place:]) or param_close
    if not (param_open.strip() and middle.strip() and param_close.strip()):
        return None
    name_end = head[: len(head) - len(param_open)]
    return at, place + len(param_close), TaggedCall(name_end, param_open, middle, param_close, "", quoted)
