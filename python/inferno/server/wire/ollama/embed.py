"""Ollama's requests for vectors, and the answers. Pure."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from inferno.engine.embedding import EmbedResult
from inferno.server.wire.embeddings import MAX_INPUTS, floats
from inferno.server.wire.generation import Count
from inferno.server.wire.ollama.answer import nanoseconds
from inferno.server.wire.ollama.options import Options
from inferno.server.wire.unsupported import set_fields

UNUSED = ("keep_alive", "options")


class OllamaEmbed(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    model: str
    input: str | Annotated[list[str], Meta(min_length=1, max_length=MAX_INPUTS)]
    truncate: bool | None = None
    """Unlike in other APIs, null and absent mean true: a text that is too long loses its end."""
    dimensions: Count | None = None
    options: Options | None = None
    keep_alive: str | float | None = None

    @property
    def unused(self) -> tuple[str, ...]:
        """What is asked for and has no effect on the answer."""
        return set_fields(self, UNUSED)


class OllamaEmbeddings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The older form: one text, and it is not cut."""

    model: str
    prompt: str
    options: Options | None = None
    keep_alive: str | float | None = None

    @property
    def unused(self) -> tuple[str, ...]:
        return set_fields(self, UNUSED)


class OllamaVectors(msgspec.Struct, frozen=True, kw_only=True):
    model: str
    embeddings: list[list[float]]
    total_duration: int
    load_duration: int = 0
    prompt_eval_count: int


class OllamaVector(msgspec.Struct, frozen=True):
    embedding: list[float]


EMBED_DECODER = msgspec.json.Decoder(OllamaEmbed)
EMBEDDINGS_DECODER = msgspec.json.Decoder(OllamaEmbeddings)


def vectors(model: str, result: EmbedResult) -> OllamaVectors:
    return OllamaVectors(
        model=model,
        embeddings=[floats(vector) for vector in result.vectors],
        total_duration=nanoseconds(result.timings.finished),
        prompt_eval_count=result.prompt_tokens,
    )


def vector(result: EmbedResult) -> OllamaVector:
    return OllamaVector(floats(result.vectors[0]))
