"""Comparing what templates write, mark by mark: a mark is shared whole or not at all."""

from __future__ import annotations

import re

_WORDS = re.compile(r"<[^<>\s]*>?|\[/?[A-Z_]+\]|[\[{]|[^\s<\[{]+")
_PIECES = re.compile(r"<[^<>\s]*>?|\[/?[A-Z_]+\]|\w+|.", re.DOTALL)


def pieces(text: str) -> list[str]:
    """Marks, words, and all other characters."""
    return _PIECES.findall(text)


def words(text: str) -> list[str]:
    """What of ``text`` must be there when blanks do not matter."""
    return _WORDS.findall(text)


def shared_start(one: str, other: str) -> str:
    found = []
    for mine, theirs in zip(pieces(one), pieces(other), strict=False):
        if mine != theirs:
            break
        found.append(mine)
    return "".join(found)


def shared_end(one: str, other: str) -> str:
    found = []
    for mine, theirs in zip(reversed(pieces(one)), reversed(pieces(other)), strict=False):
        if mine != theirs:
            break
        found.append(mine)
    return "".join(reversed(found))
