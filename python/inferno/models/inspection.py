"""What tensors a model's files hold, by their headers: names, types, shapes and places. Loads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from inferno.engine.core import _core, native_call
from inferno.errors import InvalidArgument, NotFound


class Tensor(TypedDict):
    """One tensor as its file describes it."""

    name: str
    dtype: str
    """"BF16" in SafeTensors, "q8_0" in GGUF."""
    shape: list[int]
    """As the format orders it: the innermost dimension last in SafeTensors, first in GGUF."""
    offset: int
    """In bytes, from the start of the file."""
    bytes: int
    file: str
    """The file's name."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """``format`` is "safetensors" or "gguf". Tensors stand in the order of the files and of their offsets."""

    format: str
    files: tuple[str, ...]
    tensors: tuple[Tensor, ...]


def inspect(path: Path) -> Inspection:
    """Look into a SafeTensors or GGUF file, or a folder of one of them.

    Raises NotFound, Unsupported (another format) and DataCorrupted, each with what is wrong.
    """
    if not path.exists():
        raise NotFound(f"{path}: no such file or folder")
    files = _files(path) if path.is_dir() else [path]
    return Inspection(_format(files[0]), tuple(file.name for file in files), tuple(read_tensors(files)))


def read_tensors(files: Sequence[Path]) -> list[Tensor]:
    """The tensors of all files, which must not share a name. Raises as :func:`inspect` does."""
    found = native_call(_core.list_tensors, [str(file) for file in files])
    return [Tensor(**{**tensor, "file": files[tensor["file"]].name}) for tensor in found]  # type: ignore[typeddict-item]


def _format(file: Path) -> str:
    with file.open("rb") as stream:
        return "gguf" if stream.read(4) == b"GGUF" else "safetensors"


def _files(folder: Path) -> list[Path]:
    shards = sorted(folder.glob("*.safetensors"))
    if shards:
        return shards
    ggufs = sorted(folder.glob("*.gguf"))
    if len(ggufs) > 1:
        raise InvalidArgument(f"{folder}: {len(ggufs)} .gguf files in this folder; name one of them")
    if not ggufs:
        raise NotFound(f"{folder}: no .safetensors and no .gguf file in this folder")
    return ggufs
