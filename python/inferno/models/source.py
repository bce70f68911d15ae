"""A MODEL argument -> what to load and the name to serve it under. Reads folders and config.json, never weights."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from pathlib import Path

from inferno.engine.model_parts import ModelPart, model_part, same_model
from inferno.errors import InfernoError, InvalidArgument, NotFound
from inferno.models.builtin import EMBER, ember_path
from inferno.models.huggingface.folder import Folder, is_model_folder, open_folder
from inferno.models.huggingface.quantization import check_scheme
from inferno.models.image_encoder import NO_IMAGES, is_image_encoder, named_or_beside
from inferno.models.onnx import graph_file
from inferno.models.onnx.graph_file import GraphFile

FAKE_PREFIX = "fake:"
"""Names the deterministic test model, which has no weights and answers nonsense: for tests and overhead benches."""


@dataclass(frozen=True, slots=True)
class ModelSource:
    """``path`` is what the engine opens, or the folder from which that is prepared (``models/opening.py``);
    ``name`` is what clients ask for."""

    path: str
    name: str
    size_bytes: int | None = None
    folder: Folder | None = None
    quantize: str | None = None
    graph: GraphFile | None = None
    """Where ``path`` is an ONNX file."""
    image_encoder: str | None = None
    """Path of what makes the model see pictures."""


def resolve(
    model: str | None = None, *, quantize: str | None = None, mmproj: str | None = NO_IMAGES
) -> ModelSource:
    """``None`` or ``ember`` is the built-in model; else a GGUF file, the first of a model in several, a folder with
    exactly one such model (``./ember``, too); a Hugging Face folder: config.json and SafeTensors, of which ``quantize``
    says the number format; or an ONNX file of any name, or a folder with one. ``mmproj`` is the path of its image
    encoder; ``None`` takes the one beside a GGUF file, if any, and ``none`` takes none.

    Raises NotFound or InvalidArgument with what is there instead, and what ``open_folder`` raises.
    """
    check_scheme(quantize)
    source = _resolve(model, quantize)
    is_gguf = source.folder is None and source.graph is None
    return replace(source, image_encoder=named_or_beside(mmproj, source.path, looks_beside=is_gguf))


def _resolve(model: str | None, quantize: str | None) -> ModelSource:
    if model is not None and is_model_folder(Path(model).expanduser()):
        return _folder(Path(model).expanduser(), quantize, shown=model)
    if quantize is not None:
        raise InvalidArgument(
            "quantize is for Hugging Face folders; a GGUF or ONNX file is served in the format it has", param="quantize"
        )
    if model is None or model == EMBER:
        return _file(ember_path(), EMBER)
    if model.startswith(FAKE_PREFIX):
        return ModelSource(path=model, name="fake")
    path = Path(model).expanduser()
    if not path.exists():
        raise NotFound(f"{model}: no such file or folder{_nearest(path)}")
    graph = _graph(path, shown=model)
    if graph is not None:
        name = path.stem if path.suffix.lower() == ".onnx" else path.resolve().name
        return ModelSource(str(graph.path), name, graph.size_bytes, graph=graph)
    if path.is_dir():
        path = _only_gguf(path, shown=model)
    part = model_part(path)
    if part is not None:
        return _parts(path, part)
    return _file(path, path.stem if path.suffix.lower() == ".gguf" else path.name)


def _graph(path: Path, *, shown: str) -> GraphFile | None:
    if path.is_dir() and any(entry.suffix.lower() == ".gguf" for entry in path.iterdir()):
        return None
    try:
        return graph_file.in_folder(path) if path.is_dir() else graph_file.at(path)
    except InfernoError as error:
        raise type(error)(f"{shown}: {error.message}") from None


def _parts(path: Path, part: ModelPart) -> ModelSource:
    part.check_whole()
    first = part.all()[0]
    if path != first:
        raise InvalidArgument(f"{path.name}: this is part {part.number} of {part.count} of a model; name {first.name}")
    return ModelSource(str(path), part.stem, sum(file.stat().st_size for file in part.all()))


def _folder(path: Path, quantize: str | None, *, shown: str) -> ModelSource:
    try:
        folder = open_folder(path)
    except InfernoError as error:
        raise type(error)(f"{shown}: {error.message}") from None
    return ModelSource(str(path), folder.name, folder.weight_bytes, folder, quantize)


def _file(path: Path, name: str) -> ModelSource:
    return ModelSource(path=str(path), name=name, size_bytes=path.stat().st_size)


def _only_gguf(folder: Path, *, shown: str) -> Path:
    files = (entry for entry in folder.iterdir() if entry.suffix.lower() == ".gguf")
    found = sorted(entry for entry in files if not is_image_encoder(entry))
    if len(found) == 1:
        return found[0]
    if same_model(found):
        return found[0]  # another than the first where that is missing, which is told then
    if not found:
        raise NotFound(f"{shown}: no .gguf or .onnx file in this folder, and no config.json with .safetensors files")
    names = ", ".join(entry.name for entry in found[:8]) + (", …" if len(found) > 8 else "")
    raise InvalidArgument(f"{shown}: {len(found)} .gguf files in this folder ({names}); name one of them")


def _nearest(path: Path) -> str:
    if not path.parent.is_dir():
        return ""
    here = sorted(entry.name for entry in path.parent.iterdir() if entry.is_dir() or entry.suffix.lower() == ".gguf")
    close = difflib.get_close_matches(path.name, here, n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(close)}?" if close else ""
