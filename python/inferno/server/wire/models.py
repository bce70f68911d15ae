"""Served models on the wire: OpenAI's fields, and what a client needs to stay within the model's limits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from inferno.engine.client import ModelCard

OWNER = "inferno"


class ModelBody(msgspec.Struct, frozen=True, kw_only=True):
    """``created`` is when it was loaded, Unix time in seconds; ``max_model_len`` its context in tokens."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = OWNER
    max_model_len: int
    architecture: str
    parameters: int
    tasks: list[str]
    """What it can be asked for: ``generate``, with ``vision`` and ``audio`` where it takes pictures and sounds, or
    ``embed``, ``classify``, ``rerank``."""
    embedding_size: int | msgspec.UnsetType = msgspec.UNSET
    """Numbers of a vector, of a model that embeds."""
    labels: list[str] | msgspec.UnsetType = msgspec.UNSET
    """Of a model that classifies: what its scores are of, in order."""
    default_parameters: dict[str, float] | msgspec.UnsetType = msgspec.UNSET
    """What holds where a request says nothing, of what the model came with."""
    applied: dict[str, str | int | float] | msgspec.UnsetType = msgspec.UNSET
    """Settings of the engine as they are in force, whoever chose them."""
    root: str | msgspec.UnsetType = msgspec.UNSET
    """Of a model with an adapter: the adapter's name."""
    parent: str | msgspec.UnsetType = msgspec.UNSET
    """Of a model with an adapter: the model without."""


class ModelList(msgspec.Struct, frozen=True, kw_only=True):
    object: Literal["list"] = "list"
    data: list[ModelBody]


def model_body(name: str, card: ModelCard) -> ModelBody:
    return ModelBody(
        id=name,
        created=card.loaded_at,
        max_model_len=card.context_tokens,
        architecture=card.architecture,
        parameters=card.parameters,
        tasks=_tasks(card),
        labels=list(card.labels) or msgspec.UNSET,
        embedding_size=card.embedding_size or msgspec.UNSET,
        default_parameters=dict(card.defaults) or msgspec.UNSET,
        applied=dict(card.applied) or msgspec.UNSET,
        root=name.removeprefix(f"{card.parent}:") if card.parent is not None else msgspec.UNSET,
        parent=card.parent if card.parent is not None else msgspec.UNSET,
    )


def _tasks(card: ModelCard) -> list[str]:
    if "complete" not in card.abilities:
        return list(card.abilities)
    return ["generate", *(medium for medium in ("vision", "audio") if medium in card.abilities)]


def model_list(models: Iterable[ModelBody]) -> ModelList:
    return ModelList(data=list(models))
