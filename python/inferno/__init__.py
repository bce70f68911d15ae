"""Inferno: serve GGUF, Hugging Face and ONNX models over the OpenAI API, or use them from Python.

What is named here loads on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inferno.async_llm import AsyncLLM, Completion
    from inferno.graphs import Graph
    from inferno.llm import LLM

_MODULES = {
    "LLM": "inferno.llm",
    "AsyncLLM": "inferno.async_llm",
    "Completion": "inferno.async_llm",
    "Graph": "inferno.graphs",
}
__all__ = ["LLM", "AsyncLLM", "Completion", "Graph", "__version__"]


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("inferno")
    except PackageNotFoundError:
        return "not installed"


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _version()
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'inferno' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
