"""Served models as Anthropic's API lists them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Literal

import msgspec

from inferno.engine.client import ModelCard

VERSION_HEADER = "anthropic-version"
"""Anthropic's clients send it with every request, and no others do."""


class ServedModel(msgspec.Struct, frozen=True, kw_only=True):
    """``created_at`` is when it was loaded; the context holds ``max_input_tokens`` of prompt and answer together."""

    id: str
    type: Literal["model"] = "model"
    display_name: str
    created_at: datetime
    lifecycle: Literal["active"] = "active"
    max_input_tokens: int


class ServedModels(msgspec.Struct, frozen=True, kw_only=True):
    """All of them, in one page."""

    data: list[ServedModel]
    has_more: Literal[False] = False
    first_id: str
    last_id: str


def served_model(name: str, card: ModelCard) -> ServedModel:
    return ServedModel(
        id=name,
        display_name=name,
        created_at=datetime.fromtimestamp(card.loaded_at, timezone.utc),
        max_input_tokens=card.context_tokens,
    )


def served_models(models: Sequence[ServedModel]) -> ServedModels:
    """``models`` is not empty: a server serves at least one."""
    return ServedModels(data=list(models), first_id=models[0].id, last_id=models[-1].id)
