"""A request to rerank, in the shape that Cohere and Jina share, and its answer. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from inferno.engine.scoring import ScoreRequest, ScoreResult, probabilities
from inferno.server.wire.embeddings import EmbeddingsUsage
from inferno.server.wire.envelope import ENCODER, Envelope
from inferno.server.wire.generation import LEAST_URGENT, Count

MAX_DOCUMENTS = 2048


class TextDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: str


class RerankRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """``None`` is null or absent. ``truncate`` and ``priority`` are ours."""

    query: str | TextDocument
    documents: Annotated[list[str | TextDocument], Meta(min_length=1, max_length=MAX_DOCUMENTS)]
    model: str | None = None
    top_n: Count | None = None
    """How many of the best are in the answer; all by default."""
    return_documents: bool | None = None
    """Whether the answer repeats them."""
    max_tokens_per_doc: Count | None = None
    """The end of a document beyond so many tokens is left out."""
    truncate: bool | None = None
    priority: Annotated[int, Meta(ge=0, le=LEAST_URGENT)] | None = None


class RerankResult(msgspec.Struct, frozen=True, kw_only=True):
    index: int
    """Of the document, in the request."""
    relevance_score: float
    """From 0 to 1."""
    document: TextDocument | UnsetType = UNSET


class RerankAnswer(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    object: Literal["list"] = "list"
    model: str
    results: list[RerankResult]
    """The most relevant first."""
    usage: EmbeddingsUsage


DECODER = msgspec.json.Decoder(RerankRequest)


def to_score_request(ask: RerankRequest, *, tenant: str) -> ScoreRequest:
    query = _text(ask.query)
    return ScoreRequest(
        texts=[(query, _text(document)) for document in ask.documents],
        truncate=bool(ask.truncate),
        max_second_tokens=ask.max_tokens_per_doc,
        priority=ask.priority or 0,
        tenant=tenant,
    )


def answer(ask: RerankRequest, result: ScoreResult, envelope: Envelope) -> bytes:
    """The answer as JSON; documents of equal relevance stay in their order."""
    relevance = [probabilities(scores)[0] for scores in result.scores]
    best = sorted(range(len(relevance)), key=lambda index: -relevance[index])[: ask.top_n]
    results = [
        RerankResult(
            index=index,
            relevance_score=relevance[index],
            document=TextDocument(_text(ask.documents[index])) if ask.return_documents else UNSET,
        )
        for index in best
    ]
    usage = EmbeddingsUsage(result.prompt_tokens, result.prompt_tokens)
    return ENCODER.encode(RerankAnswer(id=envelope.id, model=envelope.model, results=results, usage=usage))


def _text(given: str | TextDocument) -> str:
    return given if isinstance(given, str) else given.text
