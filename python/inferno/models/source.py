"""A MODEL argument -> what to load and the name to serve it under. Reads folders and config.json, never weights."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from inferno.engine.abilities import MADE_FOR, backend_abilities
from inferno.engine.backend_options import checked, native_options
from inferno.engine.core import _core, native_call
from inferno.engine.model_parts import ModelPart, model_part, same_model
from inferno.errors import InfernoError, InvalidArgument, NotFound
from inferno.models.builtin import EMBER, ember_path
from inferno.models.conversions import converted
from inferno.models.forms import Form, Wishes, choose, read_form
from inferno.models.huggingface.folder import is_model_folder, open_folder
from inferno.models.huggingface.quantization import check_scheme
from inferno.models.media_encoder import NO_MEDIA, is_media_encoder, named_or_beside
from inferno.models.model_source import ModelSource
from inferno.models.onnx import graph_file
from inferno.models.plugins import plugin_that_knows, plugins

if TYPE_CHECKING:
    from inferno.config.settings import ModelSettings

_ELSEWHERE = re.compile(r"\w+://.*|(?!.*\.(gguf|onnx)$)(\w[\w.-]*/)?\w[\w.-]*(:[\w.-]+)?", re.ASCII)
"""How models of a hub or registry are named: name, owner/name, either with :tag, or a URL."""


def resolve(
    model: str | None = None,
    *,
    quantize: str | None = None,
    mmproj: str | None = NO_MEDIA,
    backend: str | None = None,
    backend_options: Mapping[str, str] | None = None,
    abilities: tuple[str, ...] = (),
) -> ModelSource:
    """``None`` or ``ember`` is the built-in model; else a GGUF file, the first of a model in several, a folder with
    exactly one such model (``./ember``, too); a Hugging Face folder: config.json and SafeTensors, of which ``quantize``
    says the number format; or an ONNX file of any name, or a folder with one. ``mmproj`` is the path of its image
    encoder; ``None`` takes the one beside a GGUF file, if any, and ``none`` takes none. What none of these is may be
    known to a third party's backend (``models/plugins.py``), which then converts it, now.

    Where a folder has the model in several forms, ``models/forms.py`` chooses one that can do ``abilities`` and has
    ``backend_options``, if these are asked for; ``backend`` names it.

    Raises NotFound or InvalidArgument with what is there instead, InvalidArgument for an option that the backend does
    not have or cannot have so, and what ``open_folder`` raises.
    """
    check_scheme(quantize)
    if backend is not None and backend not in backend_abilities():
        known = [*backend_abilities(), *(plugin.name for plugin in plugins())]
        if backend not in known:
            raise InvalidArgument(
                f"there is no backend {backend[:100]!r}; there are {', '.join(known)}", param="backend"
            )
    source = _resolve(model, Wishes(backend, quantize, backend_options or {}, abilities))
    is_gguf = source.folder is None and source.graph is None
    return replace(source, media_encoder=named_or_beside(mmproj, source.path, looks_beside=is_gguf))


def resolve_settings(settings: ModelSettings, *, mmproj: str | None = NO_MEDIA) -> ModelSource:
    """:func:`resolve` of what is configured."""
    wanted = []
    if settings.adapters or settings.adapter_folder is not None:
        wanted.append("lora")
    if mmproj not in (None, NO_MEDIA):
        wanted.append("vision")
    return resolve(
        settings.path,
        quantize=settings.quantize,
        mmproj=mmproj,
        backend=settings.backend,
        backend_options=settings.backend_options,
        abilities=tuple(wanted),
    )


def _resolve(model: str | None, wishes: Wishes) -> ModelSource:
    if model is None or model == EMBER:
        path, is_folder = ember_path(), False
    else:
        path = Path(model).expanduser()
        is_folder = path.is_dir()
    forms = _forms(path, wishes.quantize, shown=str(model)) if is_folder else [_of_file(model, path)]
    foreign = _foreign(path, forms, wishes)
    if foreign is not None:
        return foreign
    if not is_folder and path.suffix == ".safetensors":
        raise InvalidArgument(f"{model}: these are weights alone; name their folder, with config.json and tokenizer")
    if wishes.quantize is not None and not any(form.backend == "huggingface" for form in forms):
        raise InvalidArgument(
            "quantize is for Hugging Face folders; a GGUF or ONNX file is served in the format it has", param="quantize"
        )
    if is_folder and not forms:
        raise NotFound(f"{model}: {_lacks(path)}")
    source = choose(forms, wishes, shown=str(model), missing=_missing)
    if wishes.backend_options:  # before anything is prepared or loaded
        checked(source.computed_by, native_options(source.computed_by), wishes.backend_options)
    return replace(source, backend_options=wishes.backend_options)


def _foreign(path: Path, forms: Sequence[Form], wishes: Wishes) -> ModelSource | None:
    """What a third party's backend makes of ``path``: the one that is named, or any, of what none of ours knows."""
    named = None if wishes.backend is None or wishes.backend in backend_abilities() else wishes.backend
    if named is None and (wishes.backend is not None or any(_is_ours(form) for form in forms)):
        return None
    plugin = plugin_that_knows(path, named)
    if plugin is None or plugin.converter is None:
        return None
    own = {name: value for name, value in wishes.backend_options.items() if name.partition(".")[0] == plugin.name}
    others = {name: value for name, value in wishes.backend_options.items() if name not in own}
    folder = converted(plugin, path, checked(plugin.name, plugin.options, own))
    try:
        made = _resolve(str(folder), replace(wishes, backend=plugin.converter.computed_by, backend_options=others))
    except InfernoError as error:  # which names a folder of the cache
        reason = error.message.removeprefix(f"{folder}: ")
        raise type(error)(f"what {plugin.name} made of {path.name}: {reason}", param=error.param) from None
    return replace(made, name=path.stem if path.is_file() else path.resolve().name, backend=plugin.name)


def _is_ours(form: Form) -> bool:
    """Of a file that is nothing else, ``_of_file`` says that it is llama.cpp's, which refuses it."""
    source = form.found
    if form.backend != "llama" or isinstance(source, InfernoError) or not Path(source.path).is_file():
        return True
    return _native_backend(source.path) is not None


def _missing(backend: str) -> str | None:
    from inferno.models import backends  # late: it brings the native module, and most folders have one form

    return backends.missing(backend)


def _forms(path: Path, quantize: str | None, *, shown: str) -> list[Form]:
    """Of a folder, whole or not; the order decides where nothing else does."""
    forms = []
    if is_model_folder(path):
        forms.append(read_form("huggingface", lambda: _folder(path, quantize, shown=shown)))
    if ggufs := _ggufs(path):
        forms.append(read_form("llama", lambda: _gguf(_only_model(ggufs, shown=shown))))
    graph = _graph(path, shown=shown)
    return forms if graph is None else [*forms, graph]


def _of_file(model: str | None, path: Path) -> Form:
    if model is None or model == EMBER:
        return Form("llama", _file(path, EMBER))
    if not path.exists():
        named = _native_backend(model)  # as "fake:", which is no file
        if named is None:
            raise NotFound(f"{model}: no such file or folder{_hint(model, path)}")
        return Form(named, ModelSource(model, named, backend=named, computed_by=named))
    graph = _graph(path, shown=model)
    if graph is not None:
        return graph
    backend = _native_backend(str(path))
    if backend in (None, "llama"):
        return read_form("llama", lambda: _gguf(path))
    return Form(backend, replace(_file(path, path.stem), backend=backend, computed_by=backend))


def _native_backend(path: str) -> str | None:
    """The one that knows the model by what it begins with; None where none does."""
    try:
        return native_call(_core.backend_of, path)
    except InfernoError:
        return None


def _graph(path: Path, *, shown: str) -> Form | None:
    try:
        graph = graph_file.in_folder(path) if path.is_dir() else graph_file.at(path)
    except InfernoError as error:
        return Form("onnx", type(error)(f"{shown}: {error.message}"))
    if graph is None:
        return None
    name = path.stem if path.suffix.lower() == ".onnx" else path.resolve().name
    return Form("onnx", ModelSource(str(graph.path), name, graph.size_bytes, "onnx", "onnx", graph=graph))


def _gguf(path: Path) -> ModelSource:
    part = model_part(path)
    if part is not None:
        return _parts(path, part)
    return _file(path, path.stem if path.suffix.lower() == ".gguf" else path.name)


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
    computed_by = MADE_FOR["huggingface"]
    return ModelSource(
        str(path), folder.name, folder.weight_bytes, "huggingface", computed_by, folder=folder, quantize=quantize
    )


def _file(path: Path, name: str) -> ModelSource:
    return ModelSource(path=str(path), name=name, size_bytes=path.stat().st_size)


def _ggufs(folder: Path) -> list[Path]:
    files = (entry for entry in folder.iterdir() if entry.suffix.lower() == ".gguf")
    return sorted(entry for entry in files if not is_media_encoder(entry))


def _only_model(found: list[Path], *, shown: str) -> Path:
    if len(found) == 1 or same_model(found):
        return found[0]  # another than the first where that is missing, which is told then
    names = ", ".join(entry.name for entry in found[:8]) + (", …" if len(found) > 8 else "")
    raise InvalidArgument(f"{shown}: {len(found)} .gguf files in this folder ({names}); name one of them")


def _lacks(folder: Path) -> str:
    """What a folder lacks that holds no model."""
    if any(folder.glob("*.safetensors")):
        return "the folder has .safetensors files, but no config.json that says what they are"
    if any(folder.glob("pytorch_model*.bin")):
        return "the folder has its weights as pickle files (.bin), which are not read; take them as .safetensors"
    return "no .gguf or .onnx file in this folder, and no config.json with .safetensors files"


def _hint(model: str, path: Path) -> str:
    here = [EMBER] if path.name == model else []
    if path.parent.is_dir():
        entries = sorted(path.parent.iterdir())
        here += [entry.name for entry in entries if entry.is_dir() or entry.suffix.lower() == ".gguf"]
    if close := difflib.get_close_matches(path.name, here, n=3, cutoff=0.5):
        return f"; did you mean {' or '.join(close)}?"
    if _ELSEWHERE.fullmatch(model):
        return "; models are not fetched from elsewhere: download it first, then name its file or folder"
    return ""
