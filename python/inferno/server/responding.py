"""The two ways of a generation to its client: whole, or as the events of a stream."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from inferno.server.choice import gather_choices
from inferno.server.generation import Generation
from inferno.server.presence import while_wanted
from inferno.server.services import services_of
from inferno.server.streaming import EventStream


async def respond(
    generation: Generation, request: Request, *, streamed: bool, headers: Mapping[str, str]
) -> Response:
    """Streamed, the response reads the generation when it is sent. Whole, this raises what the generation raises, and
    ClientLeft."""
    if streamed:
        seconds = services_of(request).settings.keep_alive_seconds
        return EventStream(generation, keep_alive_seconds=seconds, headers=headers)
    return await _whole(generation, request, headers)


async def _whole(generation: Generation, request: Request, headers: Mapping[str, str]) -> Response:
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
