"""Inferno: serve GGUF models over the OpenAI API, or use them from Python.

``LLM`` and ``AsyncLLM`` load on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inferno.graphs import Graph
    from inferno.llm import LLM, AsyncLLM, Completion

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
    if name == "Graph":
        from inferno.graphs import Graph

        return Graph
    if name in __all__:
        from inferno import llm

        return getattr(llm, name)
    raise AttributeError(f"module 'inferno' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
