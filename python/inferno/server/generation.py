"""A generation that was submitted, and its two ways to the client: whole, or as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from inferno.engine.client import TokenStream
from inferno.server.answer import Answer
from inferno.server.choice import gather_choices
from inferno.server.exchange import Exchange
from inferno.server.presence import while_wanted
from inferno.server.replies import Replies
from inferno.server.tally import Tally

UNUSED_FIELDS_HEADER = "x-inferno-unused-fields"


@dataclass(frozen=True, slots=True)
class Generation:
    """Belongs to the request's task. ``stopped`` is done when the server has no more time for it."""

    stream: TokenStream
    answer: Answer
    tally: Tally
    exchange: Exchange
    stopped: asyncio.Future[None]
    with_logprobs: bool
    replies: Replies | None = None
    """Reads the deltas, where they are a chat's."""


async def whole_response(generation: Generation, request: Request, headers: Mapping[str, str]) -> Response:
    """The answer as one JSON body. Raises what the generation raises, and ClientLeft."""
    work = gather_choices(
        generation.stream, generation.tally, with_logprobs=generation.with_logprobs, replies=generation.replies
    )
    try:
        choices = await while_wanted(work, request.receive, generation.stopped)
    finally:
        await generation.stream.aclose()
    body = generation.answer.whole(choices, generation.tally.usage)
    generation.exchange.finished(generation.tally)
    return Response(body, headers=dict(headers), media_type="application/json")


def unused_fields_header(unused: tuple[str, ...]) -> dict[str, str]:
    """Names the request's fields that were accepted and have no effect on the answer."""
    return {UNUSED_FIELDS_HEADER: ", ".join(unused)} if unused else {}
