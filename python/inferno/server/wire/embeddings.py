"""An embeddings request, and its answer. Pure."""

from __future__ import annotations

import base64
import sys
from array import array
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from inferno.engine.embedding import EmbedRequest, EmbedResult
from inferno.server.wire.envelope import ENCODER
from inferno.server.wire.generation import LEAST_URGENT, Count
from inferno.server.wire.inputs import Input, Prompt, several
from inferno.server.wire.unsupported import set_fields

MAX_INPUTS = 2048
"""OpenAI's."""


class EmbeddingsRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """OpenAI's fields, and ``truncate`` and ``priority``. ``None`` is null or absent."""

    input: Input
    model: str | None = None
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Count | None = None
    user: str | None = None
    truncate: bool | None = None
    priority: Annotated[int, Meta(ge=0, le=LEAST_URGENT)] | None = None

    @property
    def unused(self) -> tuple[str, ...]:
        """Fields that are set and have no effect on the answer."""
        return set_fields(self, ("user",))


class EmbeddingBody(msgspec.Struct, frozen=True, kw_only=True):
    object: Literal["embedding"] = "embedding"
    index: int
    embedding: str | list[float]


class EmbeddingsUsage(msgspec.Struct, frozen=True):
    prompt_tokens: int
    total_tokens: int


class EmbeddingsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    object: Literal["list"] = "list"
    data: list[EmbeddingBody]
    model: str
    usage: EmbeddingsUsage


DECODER = msgspec.json.Decoder(EmbeddingsRequest)


def inputs(ask: EmbeddingsRequest) -> list[Prompt]:
    """What is to be embedded, in order. Raises InvalidArgument for a mixture of texts and token ids."""
    return several(ask.input, name="input", most=MAX_INPUTS)


def to_embed_request(ask: EmbeddingsRequest, texts: Sequence[Sequence[int]], *, tenant: str) -> EmbedRequest:
    return EmbedRequest(
        texts=texts,
        dimensions=ask.dimensions,
        truncate=bool(ask.truncate),
        priority=ask.priority or 0,
        tenant=tenant,
    )


def answer(ask: EmbeddingsRequest, result: EmbedResult, model: str) -> bytes:
    """The answer as JSON; ``base64`` holds float32 numbers, least significant byte first, as OpenAI's does."""
    encode = _base64 if ask.encoding_format == "base64" else floats
    data = [EmbeddingBody(index=index, embedding=encode(vector)) for index, vector in enumerate(result.vectors)]
    usage = EmbeddingsUsage(result.prompt_tokens, result.prompt_tokens)
    return ENCODER.encode(EmbeddingsAnswer(data=data, model=model, usage=usage))


def _numbers(vector: bytes) -> array[float]:
    return array("f", vector)


def floats(vector: bytes) -> list[float]:
    return _numbers(vector).tolist()


def _base64(vector: bytes) -> str:
    if sys.byteorder == "big":
        numbers = _numbers(vector)
        numbers.byteswap()
        vector = numbers.tobytes()
    return base64.b64encode(vector).decode("ascii")
