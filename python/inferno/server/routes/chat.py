"""``POST /v1/chat/completions``."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from inferno.server.conversing import converse
from inferno.server.exchange import Exchange
from inferno.server.generation import Generation, unused_fields_header
from inferno.server.operation import Operation
from inferno.server.responding import respond
from inferno.server.services import exchange_of, services_of
from inferno.server.tally import Tally
from inferno.server.wire import chat
from inferno.server.wire.chat_answer import ChatAnswer, ChatChunk, ChatCompletion
from inferno.server.wire.decode import decode
from inferno.server.wire.envelope import new_envelope

PATH = "/v1/chat/completions"


async def create_chat_completion(request: Request) -> Response:
    with exchange_of(request, PATH) as exchange:
        ask = decode(await request.body(), chat.DECODER)
        chat.check(ask)
        generation = await _submit(request, ask, exchange)
        headers = unused_fields_header(ask.unused)
        return await respond(generation, request, streamed=ask.streamed, headers=headers)


async def _submit(request: Request, ask: chat.ChatRequest, exchange: Exchange) -> Generation:
    """Raises what refuses the request: after this, it runs."""
    registry = services_of(request).registry
    name = registry.default if ask.model is None else ask.model
    client = registry.get(name)
    exchange.names(name, client.card)
    prediction = await client.encode(ask.prediction.text, add_special=False) if ask.prediction else ()
    wanted = partial(chat.to_generate_request, ask, tenant=request.state.tenant, prediction=prediction)
    conversation = chat.conversation(ask, tenant=request.state.tenant)
    conversation = await services_of(request).images.fetched(conversation, client.card)
    conversing = await converse(client, conversation, wanted)
    envelope = new_envelope("chatcmpl", name, client.card)
    answer = ChatAnswer(
        envelope,
        conversing.replies,
        usage_streamed=ask.usage_streamed,
        reasoning_shown=ask.include_reasoning is not False,
        image_tokens=conversing.image_tokens,
        audio_tokens=conversing.audio_tokens,
        predicted=ask.prediction is not None,
        service_tier=ask.served_tier,
    )
    services_of(request).running.add(request.state.tenant, envelope.id, conversing.stream)
    return Generation(
        stream=conversing.stream,
        answer=answer,
        tally=Tally(prompts=1, choices_per_prompt=ask.choices),
        exchange=exchange,
        stopped=request.state.stopped,
        with_logprobs=bool(ask.logprobs),
        replies=conversing.replies,
    )


OPERATIONS = (
    Operation(
        method="POST",
        path=PATH,
        endpoint=create_chat_completion,
        tag="Chat",
        summary="Answer a conversation",
        body=chat.ChatRequest,
        answer=ChatCompletion,
        chunk=ChatChunk,
        example={"messages": [{"role": "user", "content": "Hello!"}], "max_tokens": 32},
        generates=True,
    ),
)
