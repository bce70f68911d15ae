"""ONNX Runtime: the shared library of whichever onnxruntime wheel is installed, found and handed to the native engine.

The wheel's Python module is not imported. Which wheel it is decides what can compute: onnxruntime the CPU,
onnxruntime-gpu CUDA, onnxruntime-openvino Intel's devices, and so on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

from inferno.engine.core import _core, native_call
from inferno.errors import Unsupported

INSTALL = "pip install 'inferno[onnx]'"
_PACKAGE = "onnxruntime"
_LIBRARY = "libonnxruntime.so.*"


@dataclass(frozen=True, slots=True)
class OnnxRuntime:
    """``wheels`` are the installed distributions that may have brought the library, with their versions; ``providers``
    what it was built with, by the names that ``--provider`` takes."""

    version: str
    wheels: tuple[str, ...]
    providers: tuple[str, ...]


@lru_cache(maxsize=1)
def bring_onnxruntime() -> OnnxRuntime:
    """Open the library, once for the process. Raises Unsupported, saying what to install."""
    native_call(_core.bring_library, "onnx", str(_library()))
    (entry,) = (one for one in _core.backends() if one["name"] == "onnx")
    return OnnxRuntime(entry["version"].removeprefix("ONNX Runtime "), _wheels(), tuple(entry["devices"]))


def backend_of(path: str) -> str:
    """The native backend that opens the model at ``path``, with its library opened where it is not linked.

    Raises what says that nobody opens it, and Unsupported without the library."""
    backend = native_call(_core.backend_of, path)
    if backend == "onnx":
        bring_onnxruntime()
    return backend


def _library() -> Path:
    spec = find_spec(_PACKAGE)  # of a package at the top, which is not imported by that
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        found = sorted((Path(folder) / "capi").glob(_LIBRARY))
        if found:
            return found[-1]
    if spec is None:
        raise Unsupported(f"ONNX models need ONNX Runtime: {INSTALL}")
    raise Unsupported(f"the installed onnxruntime has no capi/{_LIBRARY}; reinstall it: {INSTALL}")


def _wheels() -> tuple[str, ...]:
    """Not ``packages_distributions``, which reads the list of files of every distribution there is."""
    found = set()
    for distribution in distributions():
        name = distribution.metadata["Name"] or ""
        if name == _PACKAGE or (name.startswith(f"{_PACKAGE}-") and not name.startswith(f"{_PACKAGE}-genai")):
            found.add(f"{name} {distribution.version}")
    return tuple(sorted(found))
