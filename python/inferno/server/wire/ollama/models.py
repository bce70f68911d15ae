"""Served models as Ollama's API lists them. What is not known of a model is left out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

import msgspec

from inferno.engine.client import ModelCard

LATEST = ":latest"
"""How Ollama's clients call a model that has no tag. Here none has one."""
UNITS = ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "K"))


class ModelDetails(msgspec.Struct, frozen=True, kw_only=True):
    family: str
    families: list[str]
    parameter_size: str


class ListedModel(msgspec.Struct, frozen=True, kw_only=True):
    """``size`` is that of the weights in bytes, ``modified_at`` when they were loaded."""

    name: str
    model: str
    modified_at: datetime
    size: int
    details: ModelDetails


class ModelTags(msgspec.Struct, frozen=True):
    models: list[ListedModel]


class RunningModel(msgspec.Struct, frozen=True, kw_only=True):
    """Every served model is loaded and stays so: nothing expires."""

    name: str
    model: str
    size: int
    details: ModelDetails
    context_length: int


class RunningModels(msgspec.Struct, frozen=True):
    models: list[RunningModel]


class ShowRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    model: str | None = None
    name: str | None = None
    """What older clients call ``model``."""
    verbose: bool | None = None
    system: str | None = None
    template: str | None = None
    options: dict[str, Any] | None = None


class ShownModel(msgspec.Struct, frozen=True, kw_only=True):
    modified_at: datetime
    details: ModelDetails
    model_info: dict[str, str | int]
    capabilities: list[str]


class Version(msgspec.Struct, frozen=True):
    version: str


SHOW_DECODER = msgspec.json.Decoder(ShowRequest)


def listed(name: str, card: ModelCard) -> ListedModel:
    return ListedModel(
        name=name + LATEST,
        model=name + LATEST,
        modified_at=_loaded(card),
        size=card.weight_bytes,
        details=_details(card),
    )


def running(name: str, card: ModelCard) -> RunningModel:
    return RunningModel(
        name=name + LATEST,
        model=name + LATEST,
        size=card.weight_bytes,
        details=_details(card),
        context_length=card.context_tokens,
    )


def shown(card: ModelCard, capabilities: Sequence[str]) -> ShownModel:
    info: dict[str, str | int] = {
        "general.architecture": card.architecture,
        "general.parameter_count": card.parameters,
        f"{card.architecture}.context_length": card.context_tokens,
    }
    if card.embedding_size:
        info[f"{card.architecture}.embedding_length"] = card.embedding_size
    return ShownModel(
        modified_at=_loaded(card), details=_details(card), model_info=info, capabilities=list(capabilities)
    )


def _loaded(card: ModelCard) -> datetime:
    return datetime.fromtimestamp(card.loaded_at, timezone.utc)


def _details(card: ModelCard) -> ModelDetails:
    return ModelDetails(
        family=card.architecture, families=[card.architecture], parameter_size=_rounded(card.parameters)
    )


def _rounded(count: int) -> str:
    """``3.2M`` of 3,211,264."""
    for unit, letter in UNITS:
        if count >= unit:
            return f"{count / unit:.1f}{letter}"
    return str(count)
