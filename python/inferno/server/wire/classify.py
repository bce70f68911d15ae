"""Requests to classify texts and to score pairs of them, and their answers. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from inferno.engine.scoring import Pair, ScoreRequest, ScoreResult, probabilities
from inferno.errors import InvalidArgument
from inferno.server.wire.embeddings import MAX_INPUTS, EmbeddingsUsage
from inferno.server.wire.envelope import ENCODER, Envelope
from inferno.server.wire.generation import LEAST_URGENT

Texts = str | Annotated[list[str], Meta(min_length=1, max_length=MAX_INPUTS)]
Priority = Annotated[int, Meta(ge=0, le=LEAST_URGENT)] | None


class ClassifyRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """``None`` is null or absent."""

    input: Texts
    model: str | None = None
    truncate: bool | None = None
    priority: Priority = None


class ClassifyBody(msgspec.Struct, frozen=True, kw_only=True):
    index: int
    label: str
    """The most probable one."""
    probs: list[float]
    """Of all labels, in the order that ``/v1/models`` names them."""
    num_classes: int


class ClassifyAnswer(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    object: Literal["list"] = "list"
    created: int
    model: str
    data: list[ClassifyBody]
    usage: EmbeddingsUsage


class PairsRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One text with each of several, or as many with as many. ``None`` is null or absent."""

    text_1: Texts
    text_2: Texts
    model: str | None = None
    truncate: bool | None = None
    priority: Priority = None


class ScoreBody(msgspec.Struct, frozen=True, kw_only=True):
    index: int
    object: Literal["score"] = "score"
    score: float
    """From 0 to 1."""


class PairsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    object: Literal["list"] = "list"
    created: int
    model: str
    data: list[ScoreBody]
    usage: EmbeddingsUsage


CLASSIFY_DECODER = msgspec.json.Decoder(ClassifyRequest)
PAIRS_DECODER = msgspec.json.Decoder(PairsRequest)


def classify_request(ask: ClassifyRequest, *, tenant: str) -> ScoreRequest:
    return _request([(text, None) for text in _several(ask.input)], ask, tenant)


def pairs_request(ask: PairsRequest, *, tenant: str) -> ScoreRequest:
    """Raises InvalidArgument for numbers of texts that make no pairs."""
    first, second = _several(ask.text_1), _several(ask.text_2)
    if len(first) == 1:
        first = first * len(second)
    if len(first) != len(second):
        raise InvalidArgument(
            f"'text_1' has {len(first)} texts and 'text_2' {len(second)}; expected one and any number, or as many",
            param="text_2",
        )
    return _request(list(zip(first, second, strict=True)), ask, tenant)


def classify_answer(result: ScoreResult, labels: Sequence[str], envelope: Envelope) -> bytes:
    data = []
    for index, scores in enumerate(result.scores):
        probs = probabilities(scores)
        best = labels[max(range(len(probs)), key=probs.__getitem__)]
        data.append(ClassifyBody(index=index, label=best, probs=probs, num_classes=len(probs)))
    body = ClassifyAnswer(
        id=envelope.id, created=envelope.created, model=envelope.model, data=data, usage=_usage(result)
    )
    return ENCODER.encode(body)


def pairs_answer(result: ScoreResult, envelope: Envelope) -> bytes:
    data = [ScoreBody(index=index, score=probabilities(scores)[0]) for index, scores in enumerate(result.scores)]
    body = PairsAnswer(id=envelope.id, created=envelope.created, model=envelope.model, data=data, usage=_usage(result))
    return ENCODER.encode(body)


def _request(texts: Sequence[Pair], ask: ClassifyRequest | PairsRequest, tenant: str) -> ScoreRequest:
    return ScoreRequest(texts=texts, truncate=bool(ask.truncate), priority=ask.priority or 0, tenant=tenant)


def _several(given: Texts) -> list[str]:
    return [given] if isinstance(given, str) else given


def _usage(result: ScoreResult) -> EmbeddingsUsage:
    return EmbeddingsUsage(result.prompt_tokens, result.prompt_tokens)
