"""Which file is the graph: told by content, and where a folder has several, by what the folder's own files name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inferno.errors import DataCorrupted, InvalidArgument, Unsupported
from inferno.models.huggingface.json_file import expected_form, read_object

GENAI_CONFIG = "genai_config.json"
"""What ONNX Runtime GenAI's model builder writes beside a decoder."""
_SUFFIX = ".onnx"
_USUAL = "model.onnx"
_PLACES = ("", "onnx")
"""Folders, below the model's, where exporters put graphs."""


@dataclass(frozen=True, slots=True)
class GraphFile:
    """``said`` is what ``_core.describe_onnx`` says of the file; ``folder`` has the files that belong to it."""

    path: Path
    folder: Path
    said: dict[str, Any]

    @property
    def kind(self) -> str:
        """``decoder``, ``encoder``, ``classifier`` or ``graph``."""
        return str(self.said["kind"])

    @property
    def size_bytes(self) -> int:
        files = [self.path, *(self.path.parent / str(name) for name in self.said["files"])]
        return sum(file.stat().st_size for file in files)


def in_folder(folder: Path) -> GraphFile | None:
    """The graph of a folder; None when no file there looks like one.

    Raises InvalidArgument when there are several and nothing says which, and what ``describe_onnx`` raises.
    """
    named = _named(folder)
    if named is not None:
        return _read(named, folder)
    for place in _PLACES:
        found = sorted(entry for entry in (folder / place).glob("*") if entry.suffix.lower() == _SUFFIX)
        if len(found) > 1:
            found = [entry for entry in found if entry.name == _USUAL] or found
        if len(found) > 1:
            names = ", ".join(entry.name for entry in found[:8]) + (", …" if len(found) > 8 else "")
            raise InvalidArgument(f"{len(found)} {_SUFFIX} files in this folder ({names}); name one of them")
        if found:
            return _read(found[0], folder)
    return None


def at(path: Path) -> GraphFile | None:
    """The graph in a file of any name; None when it is no ONNX file. Raises what ``describe_onnx`` else raises."""
    with path.open("rb") as file:
        if file.read(4) == b"GGUF":
            return None
    try:
        said = _described(path)
    except Unsupported:
        if path.suffix.lower() == _SUFFIX:
            raise
        return None
    beside = path.parent
    return GraphFile(path, beside.parent if beside.name in _PLACES and beside.name else beside, said)


def _named(folder: Path) -> Path | None:
    config = read_object(folder, GENAI_CONFIG)
    if config is None:
        return None
    with expected_form(GENAI_CONFIG):
        name = config["model"]["decoder"]["filename"]
        if not isinstance(name, str) or Path(name).name != name:
            raise DataCorrupted(f"{GENAI_CONFIG}: model.decoder.filename must be the name of a file in the folder")
    if not (folder / name).is_file():
        raise DataCorrupted(f"{GENAI_CONFIG} names {name}, which is not in the folder")
    return folder / name


def _read(path: Path, folder: Path) -> GraphFile:
    return GraphFile(path, folder, _described(path))


def _described(path: Path) -> dict[str, Any]:
    from inferno.engine.core import _core, native_call  # late: the server is put together without the native module

    return native_call(_core.describe_onnx, str(path))
