"""What tensors a model's files hold, by their headers: names, types, shapes and places. Loads nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from inferno.engine.core import _core, native_call
from inferno.engine.model_parts import model_part, same_model
from inferno.errors import DataCorrupted, InvalidArgument, NotFound
from inferno.models.huggingface.folder import find_shards


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
    files, indexed = _files(path) if path.is_dir() else ((path,), {})
    tensors = read_tensors(files, indexed)
    return Inspection(_format(files[0]), tuple(file.name for file in files), tuple(tensors))


def read_tensors(files: Sequence[Path], indexed: Mapping[str, str]) -> list[Tensor]:
    """The tensors of all files, which must not share a name. ``indexed`` is what an index says: tensor to file's name.

    Raises as :func:`inspect` does, DataCorrupted also when files and index disagree.
    """
    found = native_call(_core.list_tensors, [str(file) for file in files])
    tensors = [Tensor(**{**tensor, "file": files[tensor["file"]].name}) for tensor in found]  # type: ignore[typeddict-item]
    if indexed:
        _check_index({tensor["name"]: tensor["file"] for tensor in tensors}, indexed)
    return tensors


def _check_index(found: Mapping[str, str], indexed: Mapping[str, str]) -> None:
    for name, file in indexed.items():
        if name not in found:
            raise DataCorrupted(f"the index places tensor {name!r} in {file!r}, and no file has it")
        if found[name] != file:
            raise DataCorrupted(f"the index places tensor {name!r} in {file!r}, but it is in {found[name]!r}")
    for name, file in found.items():
        if name not in indexed:
            raise DataCorrupted(f"{file!r} has a tensor {name!r} that the index does not name")


def _format(file: Path) -> str:
    with file.open("rb") as stream:
        return "gguf" if stream.read(4) == b"GGUF" else "safetensors"


def _files(folder: Path) -> tuple[tuple[Path, ...], dict[str, str]]:
    if any(folder.glob("*.safetensors*")):  # the index, too
        return find_shards(folder)
    ggufs = tuple(sorted(folder.glob("*.gguf")))
    part = model_part(ggufs[0]) if same_model(ggufs) else None
    if part is not None:
        part.check_whole()
        return ggufs, {}
    if len(ggufs) > 1:
        raise InvalidArgument(f"{folder}: {len(ggufs)} .gguf files in this folder; name one of them")
    if not ggufs:
        raise NotFound(f"{folder}: no .safetensors and no .gguf file in this folder")
    return ggufs, {}
