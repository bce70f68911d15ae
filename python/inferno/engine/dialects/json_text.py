"""JSON (RFC 8259) read from a page: where a value ends, and that it is one. Nothing is decoded here."""

from __future__ import annotations

import re
from collections.abc import Callable

from inferno.engine.dialects.page import Page, Steps

MAX_DEPTH = 64
"""Values nested deeper are none: what reads them afterwards recurses."""

_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_HEX = re.compile(r"[0-9a-fA-F]*")
_SCALAR = re.compile(r"[-+.0-9A-Za-z]*")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_LONGEST_NUMBER = 400
"""Digits beyond this are no number that anybody means, and slow to convert."""

Visit = Callable[[str], Steps[bool]]
"""Gets a member's key as JSON text, reads its value, and says whether it was one."""


def skip_value(page: Page, depth: int = 0) -> Steps[bool]:
    """Read one value, from its first character. False where the text is none; the page then stands anywhere in it."""
    if depth > MAX_DEPTH:
        return False
    first = yield from page.peek()
    if first == "{":
        return (yield from skip_object(page, lambda _: skip_value(page, depth + 1)))
    if first == "[":
        return (yield from _skip_array(page, depth))
    if first == '"':
        return (yield from skip_string(page))
    scalar = yield from page.run(_SCALAR)
    number = len(scalar) <= _LONGEST_NUMBER and _NUMBER.fullmatch(scalar) is not None
    return number or scalar in {"true", "false", "null"}


def skip_object(page: Page, visit: Visit) -> Steps[bool]:
    """Read an object, from its brace; ``visit`` reads the values."""
    page.at += 1
    yield from page.blanks()
    if (yield from page.word("}")):
        return True
    while True:
        begin = page.at
        if not (yield from skip_string(page)):
            return False
        key = page.slice(begin, page.at)
        if not (yield from page.words((":",))):
            return False
        yield from page.blanks()
        if not (yield from visit(key)):
            return False
        if (yield from page.words(("}",))):
            return True
        if not (yield from page.words((",",))):
            return False
        yield from page.blanks()


def _skip_array(page: Page, depth: int) -> Steps[bool]:
    page.at += 1
    yield from page.blanks()
    if (yield from page.word("]")):
        return True
    while True:
        yield from page.blanks()
        if not (yield from skip_value(page, depth + 1)):
            return False
        if (yield from page.words(("]",))):
            return True
        if not (yield from page.words((",",))):
            return False


def skip_string(page: Page) -> Steps[bool]:
    if not (yield from page.word('"')):
        return False
    while True:
        yield from page.run(_PLAIN)
        mark = yield from page.peek()
        if mark == '"':
            page.at += 1
            return True
        if mark != "\\":
            return False
        page.at += 1
        if not (yield from _skip_escape(page)):
            return False


def _skip_escape(page: Page) -> Steps[bool]:
    letter = yield from page.peek()
    if letter == "" or letter not in '"\\/bfnrtu':
        return False
    page.at += 1
    if letter != "u":
        return True
    for _ in range(4):
        digit = yield from page.peek()
        if not digit or not _HEX.fullmatch(digit):
            return False
        page.at += 1
    return True
