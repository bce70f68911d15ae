"""What msgspec says that it expected, in words of whoever sent JSON."""

from __future__ import annotations

import re

_KINDS = {
    "array": "a list",
    "bool": "a boolean",
    "float": "a number",
    "int": "an integer",
    "null": "null",
    "object": "an object",
    "str": "a string",
}
_BOUNDS = {"<=": "at most", ">=": "at least", "<": "less than", ">": "more than"}
_KIND = re.compile(r"`([\w |]+)`")
_BOUND = re.compile(r" (of length )?(<=|>=|<|>) (?=[-\d])")


def in_words(problem: str) -> str:
    """``Expected `float` <= 2.0`` becomes ``expected a number of at most 2.0``; what is none of these stays."""
    problem = problem[0].lower() + problem[1:]
    named = _KIND.sub(lambda found: " or ".join(_KINDS.get(kind, kind) for kind in found[1].split(" | ")), problem)
    return _BOUND.sub(lambda found: f" {found[1] or 'of '}{_BOUNDS[found[2]]} ", named)
