"""Which tokens of a folder only a template may write, and which of them have a role (bos, eos, unk, …).

The files repeat each other and differ between versions of transformers; what any of them calls special, is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inferno.errors import DataCorrupted
from inferno.models.huggingface.json_file import expected_form, read_object

ROLES = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")
_LOOKS_SPECIAL = re.compile(r"<[|｜].*[|｜]>|<(start|end)_of_turn>", re.DOTALL)
"""Folders that forget the flag for such tokens are common; users' text must not write them all the same."""


@dataclass(frozen=True, slots=True)
class AddedToken:
    """A token that is matched as a whole, before the model's own rules. A special one is never matched in text."""

    text: str
    special: bool
    lstrip: bool = False
    """Takes the blanks before it along, where a template writes it; ``rstrip`` those behind it."""
    rstrip: bool = False


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    roles: Mapping[str, str]
    """Role (bos, eos, …) to text."""
    texts: frozenset[str]
    """Of all special tokens that the files name."""
    added: Mapping[int, AddedToken]
    """From ``added_tokens_decoder`` and ``added_tokens.json``; tokenizer.json has its own list."""
    config: Mapping[str, Any]
    """tokenizer_config.json, or nothing."""

    def is_special(self, text: str, *, flagged: bool = False) -> bool:
        return flagged or text in self.texts or _LOOKS_SPECIAL.fullmatch(text) is not None


def read_special_tokens(folder: Path) -> SpecialTokens:
    """Raises DataCorrupted for files that are not what they should be."""
    with expected_form("tokenizer_config.json, special_tokens_map.json or added_tokens.json"):
        return _read(folder)


def _read(folder: Path) -> SpecialTokens:
    config = read_object(folder, "tokenizer_config.json") or {}
    named = {**(read_object(folder, "special_tokens_map.json") or {}), **config}
    roles = {role: text for role in ROLES if (text := token_text(named.get(f"{role}_token"))) is not None}
    texts = {*roles.values(), *_further(named)}
    added = dict(_decoder(config))
    for text, index in (read_object(folder, "added_tokens.json") or {}).items():
        if isinstance(index, int):
            added.setdefault(index, AddedToken(text, special=False))
    found = SpecialTokens(roles, frozenset(texts), {}, config)
    marked = {
        index: AddedToken(token.text, found.is_special(token.text, flagged=token.special), token.lstrip, token.rstrip)
        for index, token in added.items()
    }
    return SpecialTokens(roles, found.texts, marked, config)


def token_text(value: Any) -> str | None:
    """A token as the files write it: its text, or an object with it. None for null and what is absent."""
    if isinstance(value, Mapping):
        value = value.get("content")
    return value if isinstance(value, str) and value else None


def added_token(entry: Any, *, where: str) -> AddedToken:
    """An entry of ``added_tokens`` or ``added_tokens_decoder``. Raises DataCorrupted without a text."""
    if not isinstance(entry, Mapping) or not isinstance(entry.get("content"), str):
        raise DataCorrupted(f"{where} has an entry without 'content'")
    flags = {name: bool(entry.get(name)) for name in ("special", "lstrip", "rstrip")}
    return AddedToken(entry["content"], **flags)


def _further(named: Mapping[str, Any]) -> Iterator[str]:
    for key in ("additional_special_tokens", "extra_special_tokens"):
        values = named.get(key) or []
        for value in values.values() if isinstance(values, Mapping) else values:
            if (text := token_text(value)) is not None:
                yield text


def _decoder(config: Mapping[str, Any]) -> Iterator[tuple[int, AddedToken]]:
    entries = config.get("added_tokens_decoder") or {}
    if not isinstance(entries, Mapping):
        raise DataCorrupted("tokenizer_config.json: added_tokens_decoder is not an object")
    for index, entry in entries.items():
        if not str(index).isdecimal():
            raise DataCorrupted(f"tokenizer_config.json: added_tokens_decoder has the id {str(index)[:20]!r}")
        yield int(index), added_token(entry, where="tokenizer_config.json: added_tokens_decoder")
