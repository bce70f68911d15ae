"""``POST /api/chat`` and ``POST /api/generate``."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from inferno.engine.client import EngineClient
from inferno.engine.conversation import Conversation
from inferno.engine.dialects.reader import PlainReader
from inferno.engine.request import Gap
from inferno.server.conversing import Conversing, converse
from inferno.server.exchange import Exchange
from inferno.server.generation import Generation, unused_fields_header
from inferno.server.operation import Operation
from inferno.server.replies import Replies
from inferno.server.responding import respond
from inferno.server.routes.ollama.naming import named
from inferno.server.services import exchange_of, services_of
from inferno.server.tally import Tally
from inferno.server.wire.decode import decode
from inferno.server.wire.ollama import request as wire
from inferno.server.wire.ollama.answer import LINES, ChatLine, GenerateLine, OllamaAnswer
from inferno.server.wire.ollama.errors import OllamaError

CHAT_PATH = "/api/chat"
GENERATE_PATH = "/api/generate"


async def ollama_chat(request: Request) -> Response:
    with exchange_of(request, CHAT_PATH) as exchange:
        ask = decode(await request.body(), wire.CHAT_DECODER)
        client = _found(request, ask, exchange)
        if not ask.messages:
            return _loaded(ask, ChatLine)
        conversing = await _converse(request, client, ask, wire.chat_conversation(ask))
        return await _respond(request, ask, exchange, conversing, ChatLine)


async def ollama_generate(request: Request) -> Response:
    with exchange_of(request, GENERATE_PATH) as exchange:
        ask = decode(await request.body(), wire.GENERATE_DECODER)
        client = _found(request, ask, exchange)
        if not ask.prompt:
            return _loaded(ask, GenerateLine)
        if ask.suffix or ask.raw or not client.card.has_chat_template:
            conversing = await _continue(request, client, ask, ask.prompt)
        else:
            conversing = await _converse(request, client, ask, wire.prompt_conversation(ask))
        return await _respond(request, ask, exchange, conversing, GenerateLine)


def _found(request: Request, ask: wire.OllamaRequest, exchange: Exchange) -> EngineClient:
    name, client = named(request, ask.model)
    exchange.names(name, client.card)
    wire.check(ask, context=client.card.context_tokens)
    return client


async def _converse(
    request: Request, client: EngineClient, ask: wire.OllamaRequest, conversation: Conversation
) -> Conversing:
    tenant = request.state.tenant
    wanted = partial(wire.to_generate_request, ask, tenant=tenant)
    conversation = await services_of(request).images.fetched(replace(conversation, tenant=tenant), client.card)
    return await converse(client, conversation, wanted)


async def _continue(request: Request, client: EngineClient, ask: wire.OllamaGenerate, text: str) -> Conversing:
    """The text goes on as it stands, up to its suffix if there is one; nothing in what comes is read as a call or a
    thought."""
    wire.check_untemplated(ask)
    prompt = await client.encode_infill(Gap(text, ask.suffix)) if ask.suffix else await client.encode(text)
    stream = await client.generate(wire.to_generate_request(ask, prompt, tenant=request.state.tenant))
    return Conversing(len(prompt), stream, Replies(PlainReader))


async def _respond(
    request: Request,
    ask: wire.OllamaRequest,
    exchange: Exchange,
    conversing: Conversing,
    line: type[ChatLine | GenerateLine],
) -> Response:
    generation = Generation(
        stream=conversing.stream,
        answer=OllamaAnswer(line, ask.model, conversing.replies),
        tally=Tally(prompts=1, choices_per_prompt=1),
        exchange=exchange,
        stopped=request.state.stopped,
        with_logprobs=bool(ask.logprobs),
        replies=conversing.replies,
    )
    return await respond(generation, request, streamed=ask.streamed, headers=unused_fields_header(ask.unused))


def _loaded(ask: wire.OllamaRequest, line: type[ChatLine | GenerateLine]) -> Response:
    body = OllamaAnswer(line, ask.model, Replies(PlainReader)).loaded()
    media = LINES.media_type if ask.streamed else "application/json"
    return Response(body + b"\n", headers=unused_fields_header(ask.unused), media_type=media)


OPERATIONS = (
    Operation(
        method="POST",
        path=CHAT_PATH,
        endpoint=ollama_chat,
        tag="Ollama",
        summary="Answer a conversation, as Ollama does",
        body=wire.OllamaChat,
        answer=ChatLine,
        chunk=ChatLine,
        framing=LINES,
        failure=OllamaError,
        example={"model": "ember", "messages": [{"role": "user", "content": "Hello!"}], "stream": False},
        generates=True,
    ),
    Operation(
        method="POST",
        path=GENERATE_PATH,
        endpoint=ollama_generate,
        tag="Ollama",
        summary="Answer or continue a text, as Ollama does",
        body=wire.OllamaGenerate,
        answer=GenerateLine,
        chunk=GenerateLine,
        framing=LINES,
        failure=OllamaError,
        example={"model": "ember", "prompt": "Hello!", "stream": False},
        generates=True,
    ),
)
