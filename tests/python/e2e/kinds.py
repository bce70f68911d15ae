"""Servers of every kind of model, and which of them answers which operation of the API."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from e2e.process import Server, running
from models.onnx_files import linear

NAME = "m"
"""What each of them calls its model."""
_CONTEXT = ("--context", "512")
_KINDS: dict[str, tuple[str, ...]] = {
    "generate": ("fake:", *_CONTEXT),
    "chat": ("ember", "--threads", "1", *_CONTEXT),
    "embed": ("fake:embed=8",),
    "classify": ("fake:labels=3",),
    "rank": ("fake:labels=1",),
}
_KIND_OF = {
    "/v1/chat/completions": "chat",
    "/v1/messages": "chat",
    "/v1/messages/count_tokens": "chat",
    "/v1/responses": "chat",
    "/v1/responses/input_tokens": "chat",
    "/api/chat": "chat",
    "/v1/embeddings": "embed",
    "/api/embed": "embed",
    "/api/embeddings": "embed",
    "/v1/classify": "classify",
    "/v1/rerank": "rank",
    "/v2/rerank": "rank",
    "/v1/score": "rank",
    "/v2/models/{name}/infer": "graph",
}
KINDS = (*_KINDS, "graph")


def kind_of(path: str) -> str:
    """Of the model that can do what is asked for there: ``generate`` where any can."""
    return _KIND_OF.get(path, "generate")


class Servers:
    """One of each kind, started when it is needed, stopped with ``stack``."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        self._running: dict[str, Server] = {}

    def of(self, kind: str) -> Server:
        if kind not in self._running:
            what = (str(linear(self._folder / "linear.onnx")),) if kind == "graph" else _KINDS[kind]
            self._running[kind] = self._stack.enter_context(running(*what, "--model-name", NAME))
        return self._running[kind]
