"""``POST /v1/tokenize``, ``/v1/detokenize``, ``/apply-template``; the first two also without a version, which ages."""

from __future__ import annotations

from dataclasses import replace

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from inferno.engine.client import EngineClient
from inferno.server.operation import Ageing, Operation
from inferno.server.refusals import UnsupportedParameter
from inferno.server.services import services_of
from inferno.server.wire import tokenize as wire
from inferno.server.wire.decode import decode
from inferno.server.wire.media import media_in
from inferno.server.wire.messages import template_messages

TOKENIZE_PATH = "/v1/tokenize"
DETOKENIZE_PATH = "/v1/detokenize"
TEMPLATE_PATH = "/apply-template"
UNVERSIONED_SINCE = 1_795_564_800
"""2026-11-25, when the versioned paths came."""


async def tokenize(request: Request) -> Response:
    ask = decode(await request.body(), wire.TOKENIZE_DECODER)
    wire.check(ask)
    client = _client(request, ask.model)
    tokens = await _tokens(client, ask)
    answer = wire.TokenizeAnswer(count=len(tokens), max_model_len=client.card.context_tokens, tokens=tokens)
    return Response(msgspec.json.encode(answer), media_type="application/json")


async def detokenize(request: Request) -> Response:
    ask = decode(await request.body(), wire.DETOKENIZE_DECODER)
    text = await _client(request, ask.model).decode(ask.tokens)
    return Response(msgspec.json.encode(wire.DetokenizeAnswer(text)), media_type="application/json")


async def apply_template(request: Request) -> Response:
    ask = decode(await request.body(), wire.TEMPLATE_DECODER)
    messages = template_messages(ask.messages)
    for medium in media_in(messages):
        raise UnsupportedParameter("pictures and sounds have no text; leave them out", param=medium.param)
    prompt = await _client(request, ask.model).render_chat(messages, template_kwargs=ask.chat_template_kwargs)
    return Response(msgspec.json.encode(wire.TemplateAnswer(prompt)), media_type="application/json")


async def _tokens(client: EngineClient, ask: wire.TokenizeRequest) -> list[int]:
    if ask.messages is not None:
        messages = template_messages(ask.messages)
        for medium in media_in(messages):
            raise UnsupportedParameter("pictures and sounds have no token ids; leave them out", param=medium.param)
        return await client.encode_chat(messages)
    return await client.encode(ask.prompt or "", add_special=ask.add_special_tokens is not False)


def _client(request: Request, model: str | None) -> EngineClient:
    registry = services_of(request).registry
    return registry.get(registry.default if model is None else model)


VERSIONED = (
    Operation(
        method="POST",
        path=TOKENIZE_PATH,
        endpoint=tokenize,
        tag="Tokens",
        summary="Cut a text or a conversation into tokens",
        body=wire.TokenizeRequest,
        answer=wire.TokenizeAnswer,
        example={"prompt": "Hello!"},
    ),
    Operation(
        method="POST",
        path=DETOKENIZE_PATH,
        endpoint=detokenize,
        tag="Tokens",
        summary="Write token ids as text",
        body=wire.DetokenizeRequest,
        answer=wire.DetokenizeAnswer,
        example={"tokens": [1, 2, 3]},
    ),
)


def _unversioned(operation: Operation) -> Operation:
    ageing = Ageing(since=UNVERSIONED_SINCE, successor=operation.path)
    return replace(operation, path=operation.path.removeprefix("/v1"), ageing=ageing)


OPERATIONS = (
    *VERSIONED,
    *map(_unversioned, VERSIONED),
    Operation(
        method="POST",
        path=TEMPLATE_PATH,
        endpoint=apply_template,
        tag="Tokens",
        summary="Write a conversation as the prompt that the model would get",
        body=wire.TemplateRequest,
        answer=wire.TemplateAnswer,
        example={"messages": [{"role": "user", "content": "Hello!"}]},
    ),
)
