"""``POST /tokenize`` and ``POST /detokenize``."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from inferno.engine.client import EngineClient
from inferno.server.operation import Operation
from inferno.server.refusals import UnsupportedParameter
from inferno.server.services import services_of
from inferno.server.wire import tokenize as wire
from inferno.server.wire.decode import decode
from inferno.server.wire.images import pictures_in
from inferno.server.wire.messages import template_messages

TOKENIZE_PATH = "/tokenize"
DETOKENIZE_PATH = "/detokenize"


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


async def _tokens(client: EngineClient, ask: wire.TokenizeRequest) -> list[int]:
    if ask.messages is not None:
        messages = template_messages(ask.messages)
        for image in pictures_in(messages):
            raise UnsupportedParameter("pictures have no token ids; leave them out", param=image.param)
        return await client.encode_chat(messages)
    return await client.encode(ask.prompt or "", add_special=ask.add_special_tokens is not False)


def _client(request: Request, model: str | None) -> EngineClient:
    registry = services_of(request).registry
    return registry.get(registry.default if model is None else model)


OPERATIONS = (
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
