"""Which tokens end a text, by config.json and generation_config.json: some models have several."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from inferno.errors import DataCorrupted
from inferno.models.huggingface.json_file import read_object


def eos_ids(folder: Path) -> tuple[int, ...]:
    """The ids of ``eos_token_id`` in both files, generation_config.json's first; empty when none names one.

    Raises DataCorrupted for what is neither an id nor a list of ids.
    """
    found: dict[int, None] = {}
    for name in ("generation_config.json", "config.json"):
        for index in ids_of((read_object(folder, name) or {}).get("eos_token_id"), name):
            found.setdefault(index)
    return tuple(found)


def ids_of(value: Any, name: str) -> list[int]:
    """``eos_token_id`` of the file ``name`` as a list; empty for None. Raises DataCorrupted."""
    values = value if isinstance(value, list) else [] if value is None else [value]
    for index in values:
        if not isinstance(index, int) or isinstance(index, bool) or index < 0:
            raise DataCorrupted(f"{name}: eos_token_id must be a token id or a list of them")
    return values
