"""A model of random weights that fills gaps and marks its thoughts: what it says is nonsense, and always the same."""

from __future__ import annotations

from pathlib import Path

from tests.data import make_gguf

CONTEXT = 8192
PLAIN = len(make_gguf.plain_tokens())
BEGIN = PLAIN
"""The token that every prompt begins with."""
_FIRST = PLAIN + len(make_gguf.SPECIALS)
FIM = {name: _FIRST + number for number, name in enumerate(make_gguf.FILLING)}
"""Ids of the tokens around gaps, by their names."""


def write(path: Path) -> Path:
    make_gguf.write_model(path, "llama", seed=6, layers=2, width=64, heads=4, kv_heads=2, context=CONTEXT, marked=True)
    return path
