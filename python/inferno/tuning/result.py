"""The result of tuning as it is kept: what was best, for which model, machine, engine and sizes, and all samples."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from inferno.config import ModelSettings
from inferno.models.cache_root import cache_root
from inferno.profiling.machine import this_engine, this_machine

FORMAT = 1
SIZES = ("context_tokens", "kv_tokens", "slots", "gpu_layers", "kv_type", "deterministic")
"""Settings of ``model`` that what is best depends on: a result holds where they are set as they were."""


@dataclass(frozen=True, slots=True)
class Key:
    """What a result holds for. ``model`` is the digest of the file's content."""

    model: str
    machine: dict[str, Any]
    engine: str
    sizes: dict[str, Any]

    def digest(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Tuned:
    """``settings`` by ``section.name``, only those that differ from the defaults. ``gain``: rate to the defaults'.
    ``samples`` hold candidate, round and figures, as measured, or ``refused``, the reason why there are none."""

    key: Key
    model_name: str
    model_bytes: int
    date: str
    settings: dict[str, str | int | float]
    gain: float
    workload: dict[str, int]
    budget_seconds: float
    spent_seconds: float
    candidates: int
    whole_grid: bool
    samples: list[dict[str, Any]]
    format: int = FORMAT


_READER = TypeAdapter(Tuned)


def sizes_of(settings: ModelSettings) -> dict[str, Any]:
    """Those of SIZES that the user set."""
    return {name: value for name in SIZES if (value := getattr(settings, name)) is not None}


def key_of(path: str, digest: str, settings: ModelSettings) -> Key:
    """``path`` is what the engine opens, ``digest`` of its content. Raises what says that nobody opens it."""
    return Key(digest, this_machine().as_dict(), this_engine(path), sizes_of(settings))


def folder() -> Path:
    return cache_root() / "tuned"


def digests_file() -> Path:
    """Where digests of model files are remembered. Its folder is made."""
    cache_root().mkdir(parents=True, exist_ok=True)
    return cache_root() / "digests.json"


def model_bytes(path: str) -> int:
    """Size of the file, or of the first of its parts; 0 for a model without a file."""
    file = Path(path)
    return file.stat().st_size if file.exists() else 0


def result_path(key: Key, name: str) -> Path:
    shown = re.sub(r"[^A-Za-z0-9._-]", "_", name)[:80]
    return folder() / f"{shown}-{key.digest()}.json"


def write(tuned: Tuned) -> Path:
    """Keep it, in place of an earlier result for the same. Raises OSError."""
    path = result_path(tuned.key, tuned.model_name)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    partial.write_text(as_json(tuned), encoding="utf-8")
    partial.replace(path)
    return path


def as_json(tuned: Tuned) -> str:
    return json.dumps(asdict(tuned), indent=1)


def kept() -> Iterator[Tuned]:
    """All results that can be read, the newest first. Of another format, or broken: passed over."""
    found = []
    for path in folder().glob("*.json"):
        try:
            tuned = _READER.validate_json(path.read_bytes())
        except (OSError, ValidationError):
            continue
        if tuned.format == FORMAT:
            found.append(tuned)
    yield from sorted(found, key=lambda tuned: tuned.date, reverse=True)


def why_not(result: Mapping[str, Any], wanted: Key) -> str:
    """In words, where ``result`` (a Key as a dict) and ``wanted`` differ."""
    if result["machine"] != wanted.machine:
        there = result["machine"]
        return f"was measured on another machine ({there.get('cpu')}, {there.get('cores')} cores)"
    if result["engine"] != wanted.engine:
        return "was measured with another version of the engine"
    sizes = ", ".join(f"{name} {value}" for name, value in result["sizes"].items())
    return f"was measured with other sizes ({sizes or 'the defaults'})"
