"""Which backends there are, which of them are here, and what each can do. Loads no model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from inferno.engine.abilities import backend_abilities
from inferno.engine.backend_options import BackendOption, native_options
from inferno.engine.core import _core, build
from inferno.engine.onnxruntime import bring_onnxruntime
from inferno.errors import Unsupported
from inferno.models.plugins import plugins

FOLDER_PACKAGES = ("gguf", "numpy", "protobuf", "sentencepiece", "tokenizers")
"""Of the extra ``hf``: without them no Hugging Face folder can be prepared."""


@dataclass(frozen=True, slots=True)
class Backend:
    """``abilities`` are of the backend; a loaded model has those of its own kind. ``missing`` says why the
    backend is not here, and what would bring it; None when it is. ``options`` are its own, beside those of a model."""

    name: str
    version: str | None
    formats: str
    devices: tuple[str, ...]
    abilities: tuple[str, ...]
    missing: str | None = None
    options: tuple[BackendOption, ...] = ()

    @property
    def available(self) -> bool:
        return self.missing is None


def listing() -> list[Backend]:
    """Every backend that Inferno knows, those that are missing with the reason."""
    return [*_native(), _onnx(), _folders(), *_plugins()]


def missing(name: str) -> str | None:
    """Why one of ``engine/abilities.py:backend_abilities`` is not here; the others are not looked for."""
    if name == "onnx":
        return _onnx().missing
    if name == "huggingface":
        return _folders().missing
    return next(backend.missing for backend in _native() if backend.name == name)


def own_options() -> list[tuple[str, BackendOption]]:
    """What the native module's backends declare, with whose it is."""
    return [(name, option) for name in backend_abilities() for option in native_options(name)]


def foreign_options() -> list[tuple[str, BackendOption]]:
    """Likewise of third parties' backends, which this imports."""
    return [(plugin.name, option) for plugin in plugins() for option in plugin.options]


def _native() -> Iterator[Backend]:
    built = {entry["name"]: entry for entry in build()["backends"]}
    if "llama" not in built:
        reason = "this build is without llama.cpp; reinstall without -DINFERNO_WITH_LLAMA=OFF"
        yield Backend("llama", None, "GGUF files", (), (), missing=reason)
    for name, entry in built.items():
        if name != "onnx":  # whose library is to be found first: see _onnx
            yield _as_built(entry)


def _as_built(entry: Mapping[str, Any]) -> Backend:
    name, devices, abilities = entry["name"], tuple(entry["devices"]), tuple(entry["abilities"])
    missing, options = entry["missing"] or None, native_options(name)
    return Backend(name, entry["version"] or None, entry["formats"], devices, abilities, missing, options)


def _onnx() -> Backend:
    missing, wheels = None, ""
    try:
        wheels = ", ".join(bring_onnxruntime().wheels)
    except Unsupported as error:
        missing = error.message
    found = _as_built(next(entry for entry in _core.backends() if entry["name"] == "onnx"))
    if missing is not None:
        return replace(found, missing=missing)
    return replace(found, version=f"{found.version} ({wheels})")


def _folders() -> Backend:
    """Folders are computed by llama.cpp, from a file that these packages make."""
    versions = {package: _version(package) for package in FOLDER_PACKAGES}
    lacking = [package for package, found in versions.items() if found is None]
    llama = next(backend for backend in _native() if backend.name == "llama")
    missing = llama.missing
    if lacking:
        missing = f"not installed: {', '.join(lacking)}; pip install 'inferno[hf]'"
    here = ", ".join(f"{package} {found}" for package, found in versions.items() if found is not None)
    formats = "Hugging Face folders (config.json, SafeTensors)"
    return Backend("huggingface", here or None, formats, llama.devices, llama.abilities, missing)


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
        yield Backend(plugin.name, plugin.version, formats, under.devices, under.abilities, missing, plugin.options)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
