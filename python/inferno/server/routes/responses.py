"""``POST /v1/responses`` and ``POST /v1/responses/input_tokens``."""

from __future__ import annotations

from functools import partial

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from inferno.engine.delta import TokenStream, Usage
from inferno.server.background import Run
from inferno.server.event_log import EventLog
from inferno.server.exchange import Exchange
from inferno.server.following import FollowedStream
from inferno.server.generation import Generation, unused_fields_header
from inferno.server.making import Asked, Making, Sources, prepare, read_context
from inferno.server.operation import JSON, Operation
from inferno.server.presence import while_wanted
from inferno.server.readers import Readers
from inferno.server.services import Services, exchange_of, services_of
from inferno.server.streaming import EventStream
from inferno.server.wire.decode import decode
from inferno.server.wire.responses import request as wire
from inferno.server.wire.responses.body import InputTokens, ResponseBody
from inferno.server.wire.responses.events import ResponseEvent

PATH = "/v1/responses"
COUNT_PATH = "/v1/responses/input_tokens"
DROPPED_ITEMS_HEADER = "x-inferno-dropped-items"


async def create_response(request: Request) -> Response:
    services = services_of(request)
    with exchange_of(request, PATH) as exchange:
        ask = decode(await request.body(), wire.DECODER)
        wire.check(ask)
        making = await prepare(_sources(services), ask, request.state.tenant)
        exchange.names(making.asked.model, making.asked.client.card)
        headers = {**unused_fields_header((*ask.unused, *making.asked.passed_over)), **_dropped(making.asked)}
        if ask.background:
            return await _in_background(request, ask, making, exchange, headers)
        stream = await making.submit()
        services.running.add(request.state.tenant, making.answer.body.id, stream)
        generation = _generation(request, ask, making, exchange, stream)
        if ask.stream:
            seconds = services.settings.keep_alive_seconds
            return EventStream(generation, keep_alive_seconds=seconds, headers=headers)
        return await _whole(request, generation, headers)


async def count_input_tokens(request: Request) -> Response:
    ask = decode(await request.body(), wire.COUNT_DECODER)
    wire.check_context(ask)
    asked = await read_context(_sources(services_of(request)), ask, request.state.tenant)
    unused = (*wire.unused_reasoning(ask.reasoning), *asked.passed_over)
    headers = {**unused_fields_header(unused), **_dropped(asked)}
    body = msgspec.json.encode(InputTokens(input_tokens=len(asked.turn.prompt)))
    return Response(body, headers=headers, media_type=JSON)


def _dropped(asked: Asked) -> dict[str, str]:
    """How many of the oldest items the model was not shown, where it is more than none."""
    return {DROPPED_ITEMS_HEADER: str(asked.dropped)} if asked.dropped else {}


def _sources(services: Services) -> Sources:
    return Sources(services.registry, services.responses, services.images)


def _generation(
    request: Request, ask: wire.ResponseRequest, making: Making, exchange: Exchange, stream: TokenStream
) -> Generation:
    return Generation(
        stream=stream,
        answer=making.answer,
        tally=making.tally,
        exchange=exchange,
        stopped=request.state.stopped,
        with_logprobs=ask.logprobs is not None,
        keep=None if making.keeping is None else partial(_keep, making),
    )


async def _keep(making: Making, usage: Usage) -> None:
    assert making.keeping is not None
    await making.keeping.keep(making.answer.ended(usage))


async def _whole(request: Request, generation: Generation, headers: dict[str, str]) -> Response:
    try:
        await while_wanted(_read(generation), request.receive, generation.stopped)
    finally:
        await generation.stream.aclose()
    usage = generation.tally.usage
    if generation.keep is not None:
        await generation.keep(usage)
    body = generation.answer.whole((), usage)
    generation.exchange.finished(generation.tally)
    return Response(body, headers=headers, media_type=JSON)


async def _read(generation: Generation) -> None:
    await generation.stream.pour(Readers(generation.tally.take, generation.answer.events))
    generation.tally.check_complete()


async def _in_background(
    request: Request, ask: wire.ResponseRequest, making: Making, exchange: Exchange, headers: dict[str, str]
) -> Response:
    """The response as it stands, or its stream; leaving ends neither."""
    assert making.keeping is not None
    services = services_of(request)
    log = EventLog() if ask.stream else None
    run = Run(making, making.keeping, exchange, request.state.request_id, log)
    await services.background.start(run)
    if log is not None:
        seconds = services.settings.keep_alive_seconds
        return FollowedStream(log.follow(0), keep_alive_seconds=seconds, headers=headers)
    return Response(msgspec.json.encode(run.body), headers=headers, media_type=JSON)


OPERATIONS = (
    Operation(
        method="POST",
        path=PATH,
        endpoint=create_response,
        tag="Responses",
        summary="Answer, and remember it",
        body=wire.ResponseRequest,
        answer=ResponseBody,
        chunk=ResponseEvent,
        example={"input": "Hello!", "max_output_tokens": 32},
        generates=True,
    ),
    Operation(
        method="POST",
        path=COUNT_PATH,
        endpoint=count_input_tokens,
        tag="Responses",
        summary="Count the tokens that a response would begin with",
        body=wire.CountRequest,
        answer=InputTokens,
        example={"input": "Hello!"},
    ),
)
