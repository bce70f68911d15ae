"""``POST /v1/embeddings``."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from inferno.engine.client import EngineClient
from inferno.server.generation import unused_fields_header
from inferno.server.operation import Operation
from inferno.server.presence import while_wanted
from inferno.server.services import exchange_of, services_of
from inferno.server.wire import embeddings
from inferno.server.wire.decode import decode
from inferno.server.wire.inputs import Prompt

PATH = "/v1/embeddings"


async def create_embeddings(request: Request) -> Response:
    services = services_of(request)
    with exchange_of(request, PATH) as exchange:
        ask = decode(await request.body(), embeddings.DECODER)
        registry = services.registry
        name = registry.default if ask.model is None else ask.model
        client = registry.get(name)
        exchange.names(name, client.card)
        texts = await _tokens(client, embeddings.inputs(ask))
        work = client.embed(embeddings.to_embed_request(ask, texts, tenant=request.state.tenant))
        result = await while_wanted(work, request.receive, request.state.stopped)
        exchange.embedded(result.timings)
        body = embeddings.answer(ask, result, name)
        return Response(body, headers=unused_fields_header(ask.unused), media_type="application/json")


async def _tokens(client: EngineClient, given: Sequence[Prompt]) -> list[list[int]]:
    """They are all texts or all token ids."""
    texts = [text for text in given if isinstance(text, str)]
    return await client.encode_all(texts) if texts else [ids for ids in given if not isinstance(ids, str)]


OPERATIONS = (
    Operation(
        method="POST",
        path=PATH,
        endpoint=create_embeddings,
        tag="Embeddings",
        summary="Make vectors of texts",
        body=embeddings.EmbeddingsRequest,
        answer=embeddings.EmbeddingsAnswer,
        example={"input": ["a text", "another"]},
        generates=True,
    ),
)
