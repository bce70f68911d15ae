"""Which API an error speaks as, by path: a client must be able to read what refuses it, wherever that arose."""

from __future__ import annotations

from collections.abc import Callable

from inferno.server.wire.anthropic.errors import anthropic_error
from inferno.server.wire.errors import Failure, openai_error
from inferno.server.wire.inference import v2_error
from inferno.server.wire.ollama.errors import ollama_error

Shape = Callable[[Failure], bytes]

BY_PREFIX: tuple[tuple[str, Shape], ...] = (
    ("/v1/messages", anthropic_error),
    ("/api/", ollama_error),
    ("/v2/rerank", openai_error),
    ("/v2", v2_error),
)
"""The first prefix of the path that is in here; every other path speaks as OpenAI's API does."""


def shape_of(path: str) -> Shape:
    """How errors are written as JSON on this path."""
    return next((shape for prefix, shape in BY_PREFIX if path.startswith(prefix)), openai_error)
