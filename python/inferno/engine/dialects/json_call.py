"""A call as one JSON object: ``{"name": …, "arguments": {…}}``, under whichever keys."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from inferno.engine.dialects.calls import Calls
from inferno.engine.dialects.json_text import skip_object, skip_value
from inferno.engine.dialects.page import Page, Steps

Keys = tuple[str, ...]
"""The way to a member: ("function", "name")."""


@dataclass(frozen=True, slots=True)
class JsonCall:
    name: Keys = ("name",)
    arguments: Keys = ("arguments",)
    id: Keys | None = None
    id_first: bool = False
    """The id is written before the name, not behind the arguments."""

    @property
    def marks(self) -> str:
        return ""

    def read(self, page: Page, calls: Calls) -> Steps[bool]:
        yield from page.blanks()
        if (yield from page.peek()) != "{":
            return False
        reading = _Reading(self, page, calls)
        whole = yield from skip_object(page, lambda key: reading.member((), key))
        return reading.close(whole)


class _Reading:
    """Tells of the arguments as they come where the name stands before them, and else when the object is complete."""

    def __init__(self, script: JsonCall, page: Page, calls: Calls) -> None:
        self._script = script
        self._page = page
        self._calls = calls
        self._begin = page.at
        self._begun = False
        self._found: dict[Keys, Any] = {}

    def member(self, above: Keys, key: str) -> Steps[bool]:
        script, page = self._script, self._page
        keys = (*above, json.loads(key))
        first = yield from page.peek()
        if keys == script.arguments and first == "{" and not self._begun and self._begin_call():
            return (yield from stream_object(page, self._calls))
        if first == "{" and len(keys) < len(script.name):
            return (yield from skip_object(page, lambda inner: self.member(keys, inner)))
        begin = page.at
        if not (yield from skip_value(page)):
            return False
        if keys in {script.name, script.arguments, script.id}:
            self._found[keys] = json.loads(page.slice(begin, page.at))
        return True

    def close(self, whole: bool) -> bool:
        if self._begun or not whole:
            return self._begun
        arguments = self._found.get(self._script.arguments, {})
        if isinstance(arguments, str):  # JSON within JSON
            try:
                arguments = json.loads(arguments)
            except (ValueError, RecursionError):
                return False
        if not isinstance(arguments, dict) or not self._begin_call():
            return False
        self._calls.arguments(json.dumps(arguments, ensure_ascii=False))
        self._calls.end()
        return True

    def _begin_call(self) -> bool:
        name, own = self._found.get(self._script.name), self._found.get(self._script.id or ())
        given_id = own if isinstance(own, str) else ""
        self._begun = isinstance(name, str) and self._calls.begin(name, given_id)
        return self._begun


def stream_object(page: Page, calls: Calls) -> Steps[bool]:
    """Read an object as the arguments of the call that has begun, telling them as they come."""
    told = page.at
    reading = skip_value(page)
    while True:
        try:
            next(reading)
        except StopIteration as done:
            calls.arguments(page.slice(told, page.at))
            if done.value:
                calls.end()
            return bool(done.value)
        sure = page.trimmed(told, page.at)  # blanks are given back where the mark that should follow them does not
        calls.arguments(page.slice(told, sure))
        told = sure
        yield
