"""``POST /v1/messages`` and ``POST /v1/messages/count_tokens``, as Anthropic's API has them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from inferno.engine.client import EngineClient
from inferno.engine.conversation import Conversation
from inferno.server.conversing import converse
from inferno.server.exchange import Exchange
from inferno.server.generation import Generation, unused_fields_header
from inferno.server.operation import Operation
from inferno.server.responding import respond
from inferno.server.services import exchange_of, services_of
from inferno.server.tally import Tally
from inferno.server.wire.anthropic import request as wire
from inferno.server.wire.anthropic.answer import MESSAGES_EVENTS, MessageBody, MessagesAnswer, MessagesEvent
from inferno.server.wire.anthropic.errors import MessagesError
from inferno.server.wire.decode import decode
from inferno.server.wire.envelope import new_envelope

PATH = "/v1/messages"
COUNT_PATH = "/v1/messages/count_tokens"


class TokenCount(msgspec.Struct, frozen=True):
    input_tokens: int


async def create_message(request: Request) -> Response:
    with exchange_of(request, PATH) as exchange:
        ask = decode(await request.body(), wire.DECODER)
        generation = await _submit(request, ask, exchange)
        headers = unused_fields_header(wire.unused(ask))
        return await respond(generation, request, streamed=bool(ask.stream), headers=headers)


async def count_message_tokens(request: Request) -> Response:
    ask = decode(await request.body(), wire.COUNT_DECODER)
    _, client = _client(request, ask.model)
    turn = await client.open_turn(await _conversation(request, client, ask))
    body = msgspec.json.encode(TokenCount(len(turn.prompt)))
    return Response(body, headers=unused_fields_header(wire.unused(ask)), media_type="application/json")


async def _submit(request: Request, ask: wire.MessagesRequest, exchange: Exchange) -> Generation:
    """Raises what refuses the request: after this, it runs."""
    name, client = _client(request, ask.model)
    exchange.names(name, client.card)
    wanted = partial(wire.to_generate_request, ask, tenant=request.state.tenant)
    conversing = await converse(client, await _conversation(request, client, ask), wanted)
    envelope = new_envelope("msg", name, client.card)
    answer = MessagesAnswer(
        envelope,
        conversing.replies,
        prompt_tokens=conversing.prompt_tokens,
        thoughts_shown=ask.thinking is None or ask.thinking.display != "omitted",
    )
    services_of(request).running.add(request.state.tenant, envelope.id, conversing.stream)
    return Generation(
        stream=conversing.stream,
        answer=answer,
        tally=Tally(prompts=1, choices_per_prompt=1),
        exchange=exchange,
        stopped=request.state.stopped,
        with_logprobs=False,
        replies=conversing.replies,
    )


async def _conversation(request: Request, client: EngineClient, ask: wire.CountTokensRequest) -> Conversation:
    conversation = replace(wire.conversation(ask), tenant=request.state.tenant)
    return await services_of(request).images.fetched(conversation, client.card)


def _client(request: Request, model: str | None) -> tuple[str, EngineClient]:
    registry = services_of(request).registry
    name = registry.default if model is None else model
    return name, registry.get(name)


OPERATIONS = (
    Operation(
        method="POST",
        path=PATH,
        endpoint=create_message,
        tag="Messages",
        summary="Answer a conversation, as Anthropic's API does",
        body=wire.MessagesRequest,
        answer=MessageBody,
        chunk=MessagesEvent,
        framing=MESSAGES_EVENTS,
        failure=MessagesError,
        example={"messages": [{"role": "user", "content": "Hello!"}], "max_tokens": 32},
        generates=True,
    ),
    Operation(
        method="POST",
        path=COUNT_PATH,
        endpoint=count_message_tokens,
        tag="Messages",
        summary="Count the tokens of a conversation",
        body=wire.CountTokensRequest,
        answer=TokenCount,
        failure=MessagesError,
        example={"messages": [{"role": "user", "content": "Hello!"}]},
    ),
)
