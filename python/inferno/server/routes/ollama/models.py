"""``GET /api/tags``, ``/api/ps`` and ``/api/version``, ``POST /api/show``. What would change models is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

import inferno
from inferno.engine.client import EngineClient
from inferno.engine.conversation import Conversation, Tool
from inferno.errors import InvalidArgument
from inferno.server.operation import Operation
from inferno.server.refusals import NotOffered
from inferno.server.routes.ollama.naming import named
from inferno.server.services import services_of
from inferno.server.wire.decode import decode
from inferno.server.wire.envelope import ENCODER
from inferno.server.wire.ollama import models as wire
from inferno.server.wire.ollama.errors import OllamaError

TAG = "Ollama"
HELLO = ({"role": "user", "content": "Hello"},)


async def ollama_tags(request: Request) -> Response:
    registry = services_of(request).registry
    models = [wire.listed(name, registry.get(name).card) for name in registry.names()]
    return _json(wire.ModelTags(models))


async def ollama_ps(request: Request) -> Response:
    registry = services_of(request).registry
    models = [wire.running(name, registry.get(name).card) for name in registry.names()]
    return _json(wire.RunningModels(models))


async def ollama_show(request: Request) -> Response:
    ask = decode(await request.body(), wire.SHOW_DECODER)
    model = ask.model or ask.name
    if not model:
        raise InvalidArgument("'model' is missing: expected the name of a served model", param="model")
    _, client = named(request, model)
    return _json(wire.shown(client.card, await _capabilities(client)))


async def ollama_version(request: Request) -> Response:
    return _json(wire.Version(inferno.__version__))


async def _capabilities(client: EngineClient) -> list[str]:
    """In Ollama's words; of tools and thoughts the model's own template knows."""
    abilities = client.card.abilities
    found = [name for name, needed in (("completion", "complete"), ("embedding", "embed")) if needed in abilities]
    if client.card.takes_pictures:
        found.append("vision")
    if "chat" in abilities:
        if await _opens(client, Conversation(HELLO, tools=(Tool("look"),))):
            found.append("tools")
        if await _opens(client, Conversation(HELLO, thinking=True)):
            found.append("thinking")
    return found


async def _opens(client: EngineClient, conversation: Conversation) -> bool:
    try:
        await client.open_turn(conversation)
    except InvalidArgument:
        return False
    return True


def _json(told: object) -> Response:
    return Response(ENCODER.encode(told), media_type="application/json")


def _refusing(verb: str) -> Callable[[Request], Awaitable[Response]]:
    async def refuse(request: Request) -> Response:
        raise NotOffered(f"this server does not {verb} models: it serves those that it was started with")

    refuse.__name__ = f"ollama_{verb}"
    return refuse


CHANGES = (("pull", "POST"), ("push", "POST"), ("create", "POST"), ("copy", "POST"), ("delete", "DELETE"))

OPERATIONS = (
    Operation(
        method="GET",
        path="/api/tags",
        endpoint=ollama_tags,
        tag=TAG,
        summary="List what is served",
        answer=wire.ModelTags,
        failure=OllamaError,
    ),
    Operation(
        method="GET",
        path="/api/ps",
        endpoint=ollama_ps,
        tag=TAG,
        summary="List what is loaded: the same",
        answer=wire.RunningModels,
        failure=OllamaError,
    ),
    Operation(
        method="POST",
        path="/api/show",
        endpoint=ollama_show,
        tag=TAG,
        summary="Describe one model",
        body=wire.ShowRequest,
        answer=wire.ShownModel,
        failure=OllamaError,
        example={"model": "ember"},
    ),
    Operation(
        method="GET",
        path="/api/version",
        endpoint=ollama_version,
        tag=TAG,
        summary="Tell the version of Inferno",
        answer=wire.Version,
        failure=OllamaError,
    ),
    *(
        Operation(
            method=method,
            path=f"/api/{verb}",
            endpoint=_refusing(verb),
            tag=TAG,
            summary=f"Not offered: no request can {verb} models",
            failure=OllamaError,
            refuses=True,
        )
        for verb, method in CHANGES
    ),
)
