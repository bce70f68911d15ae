"""A MODEL argument -> the file to load and the name to serve it under. Reads folders, never a model's content."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from inferno.errors import InvalidArgument, NotFound
from inferno.models.builtin import EMBER, ember_path

FAKE_PREFIX = "fake:"
"""Names the deterministic test model, which has no weights and answers nonsense: for tests and overhead benches."""


@dataclass(frozen=True, slots=True)
class ModelSource:
    """``path`` is what the engine opens; ``name`` is what clients ask for."""

    path: str
    name: str
    size_bytes: int | None = None


def resolve(model: str | None = None) -> ModelSource:
    """``None`` or ``ember`` is the built-in model; else a GGUF file or a folder with exactly one (``./ember``, too).

    Raises NotFound or InvalidArgument with what is there instead.
    """
    if model is None or model == EMBER:
        return _file(ember_path(), EMBER)
    if model.startswith(FAKE_PREFIX):
        return ModelSource(path=model, name="fake")
    path = Path(model).expanduser()
    if path.is_dir():
        path = _only_gguf(path, shown=model)
    elif not path.exists():
        raise NotFound(f"{model}: no such file or folder{_nearest(path)}")
    return _file(path, path.stem if path.suffix.lower() == ".gguf" else path.name)


def _file(path: Path, name: str) -> ModelSource:
    return ModelSource(path=str(path), name=name, size_bytes=path.stat().st_size)


def _only_gguf(folder: Path, *, shown: str) -> Path:
    found = sorted(entry for entry in folder.iterdir() if entry.suffix.lower() == ".gguf")
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFound(f"{shown}: no .gguf file in this folder")
    names = ", ".join(entry.name for entry in found[:8]) + (", …" if len(found) > 8 else "")
    raise InvalidArgument(f"{shown}: {len(found)} .gguf files in this folder ({names}); name one of them")


def _nearest(path: Path) -> str:
    if not path.parent.is_dir():
        return ""
    here = sorted(entry.name for entry in path.parent.iterdir() if entry.is_dir() or entry.suffix.lower() == ".gguf")
    close = difflib.get_close_matches(path.name, here, n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(close)}?" if close else ""
