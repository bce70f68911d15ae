"""A scoring request from its body to its result: the way that reranking, scoring and classifying share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import msgspec
from starlette.requests import Request

from inferno.engine.abilities import cannot
from inferno.engine.client import ModelCard
from inferno.engine.scoring import ScoreRequest, ScoreResult
from inferno.server.exchange import Exchange
from inferno.server.presence import while_wanted
from inferno.server.services import services_of
from inferno.server.wire.decode import decode
from inferno.server.wire.envelope import Envelope, new_envelope


class _NamesModel(Protocol):
    model: str | None


Ask = TypeVar("Ask", bound=_NamesModel)


@dataclass(frozen=True, slots=True)
class Scored:
    result: ScoreResult
    card: ModelCard
    envelope: Envelope


async def scored(
    request: Request,
    exchange: Exchange,
    decoder: msgspec.json.Decoder[Ask],
    to_request: Callable[[Ask, str], ScoreRequest],
    *,
    ability: str,
) -> tuple[Ask, Scored]:
    """What was asked and what came of it. ``to_request`` gets the tenant. Raises Unsupported for a model without the
    ability, and what scoring raises."""
    ask = decode(await request.body(), decoder)
    registry = services_of(request).registry
    name = registry.default if ask.model is None else ask.model
    client = registry.get(name)
    exchange.names(name, client.card)
    if ability not in client.card.abilities:
        raise cannot(client.card, ability)
    work = client.score(to_request(ask, request.state.tenant))
    result = await while_wanted(work, request.receive, request.state.stopped)
    exchange.scored(result.timings)
    return ask, Scored(result, client.card, new_envelope(ability, name, client.card))
