"""Which backends there are, which of them are here, and what each can do. Loads no model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from inferno.engine.abilities import BACKENDS
from inferno.engine.core import build
from inferno.engine.onnxruntime import bring_onnxruntime
from inferno.errors import Unsupported
from inferno.models.plugins import plugins

FOLDER_PACKAGES = ("gguf", "numpy", "protobuf", "sentencepiece", "tokenizers")
"""Of the extra ``hf``: without them no Hugging Face folder can be prepared."""


@dataclass(frozen=True, slots=True)
class Backend:
    """``abilities`` are of the backend; a loaded model has those of its own kind. ``missing`` says why the
    backend is not here, and what would bring it; None when it is."""

    name: str
    version: str | None
    formats: str
    devices: tuple[str, ...]
    abilities: tuple[str, ...]
    missing: str | None = None

    @property
    def available(self) -> bool:
        return self.missing is None


def listing() -> list[Backend]:
    """Every backend that Inferno knows, those that are missing with the reason."""
    return [*_native(), _onnx(), _folders(), *_plugins()]


def missing(name: str) -> str | None:
    """Why one of ``engine/abilities.py:BACKENDS`` is not here; the others are not looked for."""
    if name == "onnx":
        return _onnx().missing
    if name == "huggingface":
        return _folders().missing
    return next(backend.missing for backend in _native() if backend.name == name)


def _native() -> Iterator[Backend]:
    built = {entry["name"]: entry for entry in build()["backends"]}
    if "llama" not in built:
        reason = "this build is without llama.cpp; reinstall without -DINFERNO_WITH_LLAMA=OFF"
        yield Backend("llama", None, "GGUF files", (), BACKENDS["llama"], missing=reason)
    for name, entry in built.items():
        if name == "onnx":
            continue  # there only when its library was brought: see _onnx
        yield Backend(name, entry["version"], entry["formats"], tuple(entry["devices"]), BACKENDS[name])


def _onnx() -> Backend:
    formats = "ONNX models"
    try:
        runtime = bring_onnxruntime()
    except Unsupported as error:
        return Backend("onnx", None, formats, (), BACKENDS["onnx"], missing=error.message)
    wheels = ", ".join(runtime.wheels)
    version = f"ONNX Runtime {runtime.version} ({wheels})"
    return Backend("onnx", version, formats, runtime.providers, BACKENDS["onnx"])


def _folders() -> Backend:
    """Folders are computed by llama.cpp, from a file that these packages make; the version is that of ``gguf``."""
    lacking = [package for package in FOLDER_PACKAGES if _version(package) is None]
    llama = next(backend for backend in _native() if backend.name == "llama")
    missing = llama.missing
    if lacking:
        missing = f"not installed: {', '.join(lacking)}; pip install 'inferno[hf]'"
    formats = "Hugging Face folders (config.json, SafeTensors)"
    return Backend("huggingface", _version("gguf"), formats, llama.devices, BACKENDS["huggingface"], missing)


def _plugins() -> Iterator[Backend]:
    """Of third parties; what computes for them must be here, too."""
    ours = {backend.name: backend for backend in (*_native(), _onnx(), _folders())}
    for plugin in plugins():
        if plugin.converter is None:
            yield Backend(plugin.name, plugin.version, "unknown", (), (), plugin.missing)
            continue
        under = ours[plugin.converter.computed_by]
        missing = None if under.missing is None else f"{under.name} computes for it: {under.missing}"
        formats = plugin.converter.formats
        yield Backend(plugin.name, plugin.version, formats, under.devices, under.abilities, missing)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
