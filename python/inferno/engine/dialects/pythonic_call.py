"""A call as Python writes it: ``name(key="value", count=3)``."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from typing import Any

from inferno.engine.dialects.calls import NAME, Calls
from inferno.engine.dialects.json_text import MAX_DEPTH
from inferno.engine.dialects.page import Page, Steps

_PLAIN = re.compile(r"[^()\[\]{}'\"\\]*")
_CONSTANTS = {"true": True, "false": False, "null": None}
_CLOSES = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class PythonicCall:
    @property
    def marks(self) -> str:
        return ""

    def read(self, page: Page, calls: Calls) -> Steps[bool]:
        yield from page.blanks()
        name = yield from page.run(NAME)
        begin = page.at
        if name not in calls.names or not (yield from _skip_parentheses(page)):
            return False
        arguments = _arguments(page.slice(begin, page.at))
        if arguments is None:
            return False
        calls.begin(name)
        calls.arguments(arguments)
        calls.end()
        return True


def _skip_parentheses(page: Page) -> Steps[bool]:
    """Read on to where the first parenthesis closes."""
    if (yield from page.peek()) != "(":
        return False
    open_ones: list[str] = []
    while True:
        yield from page.run(_PLAIN)
        mark = yield from page.peek()
        page.at += 1
        if mark in _CLOSES and len(open_ones) < MAX_DEPTH:
            open_ones.append(_CLOSES[mark])
        elif mark and mark in "'\"":
            if not (yield from _skip_text(page, mark)):
                return False
        elif not mark or not open_ones or mark != open_ones.pop():
            return False
        if not open_ones:
            return True


def _skip_text(page: Page, quote: str) -> Steps[bool]:
    while True:
        character = yield from page.peek()
        page.at += 1
        if not character:
            return False
        if character == quote:
            return True
        if character == "\\":
            if not (yield from page.peek()):
                return False
            page.at += 1


def _arguments(text: str) -> str | None:
    """JSON of the keyword arguments; None for what is no call of constants."""
    try:
        call = ast.parse(f"f{text}", mode="eval").body
        if not isinstance(call, ast.Call) or call.args or any(one.arg is None for one in call.keywords):
            return None
        found = {one.arg: _constant(one.value) for one in call.keywords}
        return json.dumps(found, ensure_ascii=False, allow_nan=False)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return None


def _constant(node: ast.expr) -> Any:
    if isinstance(node, ast.Name) and node.id in _CONSTANTS:
        return _CONSTANTS[node.id]
    if isinstance(node, ast.List):
        return [_constant(one) for one in node.elts]
    if isinstance(node, ast.Dict):
        keys = [None if key is None else ast.literal_eval(key) for key in node.keys]
        if not all(isinstance(key, str) for key in keys):
            raise ValueError("a key that is no text")
        return dict(zip(keys, map(_constant, node.values), strict=True))
    value = ast.literal_eval(node)
    if isinstance(value, bytes | complex | set | tuple) or value is ...:
        raise ValueError("a constant that JSON lacks")
    return value
