"""Regular expressions of JSON schemas, so that llguidance reads them no looser than they are. Pure.

Its quoting of JSON strings (derivre 0.3.13, ``json_quote``) lets a set of characters that holds all control characters
match an escaped quotation mark and backslash, too: ``[^"]`` would accept ``\\"``. A set without U+0000 is read exactly,
so negated classes lose that one character. What cannot be mended like that is refused, and so are set operations: in
JSON Schema's own dialect they mean something else.
"""

from __future__ import annotations

import re

from inferno.errors import Unsupported

_NEGATED = "[^\\x00"
_ESCAPE = re.compile(
    r"\\(?:[pP](?:\{(?P<name>[^}]*)\}|(?P<letter>.))|x(?P<x>[0-9a-fA-F]{2})|u(?P<u>[0-9a-fA-F]{4})|.)", re.S
)
_CONTROL = frozenset({"c", "cc", "other", "control", "cntrl", "any", "assigned"})


def exact_pattern(pattern: str) -> str:
    """Raises Unsupported naming what of the pattern is not supported."""
    parts: list[str] = []
    at, in_class = 0, False
    while at < len(pattern):
        item = _item(pattern, at, in_class)
        at += len(item)
        if in_class:
            _check_in_class(pattern, item, at)
            in_class = item != "]"
        elif item in ("[", "[^"):
            if pattern[at : at + 1] in ("", "]"):
                raise _unsupported("an empty class", pattern)
            in_class = True
            item = _NEGATED if item == "[^" else item
        parts.append(item)
    return "".join(parts)


def _item(pattern: str, at: int, in_class: bool) -> str:
    """What stands at ``at``: an escape, the beginning of a class, or one character."""
    escape = _ESCAPE.match(pattern, at)
    if escape is None:
        return "[^" if not in_class and pattern.startswith("[^", at) else pattern[at]
    name = escape["name"] if escape["name"] is not None else escape["letter"]
    if name is not None and (escape[0][1] == "P" or not re.fullmatch(r"\w+", name) or name.lower() in _CONTROL):
        raise _unsupported(f"the class {escape[0]}", pattern)
    return escape[0]


def _check_in_class(pattern: str, item: str, after: int) -> None:
    if item == "[":
        raise _unsupported("a class within a class", pattern)
    if item in ("&", "-", "~") and pattern[after : after + 1] == item:
        raise _unsupported(f"'{item}{item}' in a class", pattern)
    if pattern[after : after + 1] == "-" and pattern[after + 1 : after + 2] != "]" and _code(item) < ord(" "):
        raise _unsupported("a range from a control character", pattern)


def _code(item: str) -> int:
    escape = _ESCAPE.fullmatch(item)
    if escape is None:
        return ord(item)
    digits = escape["x"] or escape["u"]
    return int(digits, 16) if digits else 0 if item[1] in "0cxuU" else ord(" ")


def _unsupported(what: str, pattern: str) -> Unsupported:
    return Unsupported(f"'pattern' has {what}, which is not supported: {pattern[:80]!r}", param="grammar")
