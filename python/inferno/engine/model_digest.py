"""The digest of a model's content. Reading gigabytes takes seconds: it is remembered by what the file system says."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from inferno.engine.core import _core, native_call
from inferno.engine.model_parts import model_part
from inferno.errors import DataCorrupted, Unsupported

_CHUNK_BYTES = 1 << 20


def model_digest(path: str, *, remembered: Path) -> str:
    """SHA-256, in hex, of the file, of all parts of a split one, or of an ONNX file and those that hold its tensors.
    ``remembered`` is a JSON file of ours.

    Blocks; let a thread do it. Raises OSError when the model cannot be read. A model without a file is its own digest.
    """
    parts = _parts(Path(path))
    if not parts:
        return path
    known = _read(remembered)
    facts = [
        [part.name, status.st_size, status.st_mtime_ns, status.st_ino] for part in parts for status in [part.stat()]
    ]
    key = str(parts[0].resolve())
    entry = known.get(key)
    if isinstance(entry, list) and len(entry) == 2 and entry[0] == facts and isinstance(entry[1], str):
        return entry[1]
    total = hashlib.sha256()
    for part in parts:
        with part.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                total.update(chunk)
    known[key] = [facts, total.hexdigest()]
    _write(remembered, known)
    return total.hexdigest()


def adapter_digest(path: str) -> bytes:
    """SHA-256 of an adapter's file, which is small beside a model's. One without a file is its own name's."""
    file = Path(path)
    try:
        return hashlib.sha256(file.read_bytes() if file.exists() else path.encode()).digest()
    except OSError as error:
        raise DataCorrupted(f"the adapter cannot be read: {error.strerror}") from None


def _parts(path: Path) -> list[Path]:
    if not path.exists():
        return []
    part = model_part(path)
    if part is not None:
        return [one for one in part.all() if one.exists()]
    try:
        beside = native_call(_core.describe_onnx, str(path))["files"]
    except (Unsupported, DataCorrupted):  # of another format
        beside = []
    return [path, *(path.parent / name for name in beside)]


def _read(path: Path) -> dict[str, object]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _write(path: Path, known: dict[str, object]) -> None:
    partial = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(known, file)
    os.replace(partial, path)
