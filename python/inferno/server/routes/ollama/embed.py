"""``POST /api/embed``, and ``POST /api/embeddings``, its older form."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from inferno.engine.embedding import EmbedRequest, EmbedResult
from inferno.server.exchange import Exchange
from inferno.server.generation import unused_fields_header
from inferno.server.operation import Operation
from inferno.server.presence import while_wanted
from inferno.server.routes.ollama.naming import named
from inferno.server.services import exchange_of
from inferno.server.wire.decode import decode
from inferno.server.wire.envelope import ENCODER
from inferno.server.wire.ollama import embed as wire
from inferno.server.wire.ollama.errors import OllamaError

PATH = "/api/embed"
OLDER_PATH = "/api/embeddings"


async def ollama_embed(request: Request) -> Response:
    with exchange_of(request, PATH) as exchange:
        ask = decode(await request.body(), wire.EMBED_DECODER)
        texts = [ask.input] if isinstance(ask.input, str) else ask.input
        truncate = ask.truncate is not False
        result = await _embed(request, exchange, ask.model, texts, truncate=truncate, dimensions=ask.dimensions)
        body = ENCODER.encode(wire.vectors(ask.model, result))
        return Response(body, headers=unused_fields_header(ask.unused), media_type="application/json")


async def ollama_embeddings(request: Request) -> Response:
    with exchange_of(request, OLDER_PATH) as exchange:
        ask = decode(await request.body(), wire.EMBEDDINGS_DECODER)
        result = await _embed(request, exchange, ask.model, [ask.prompt], truncate=False, dimensions=None)
        body = ENCODER.encode(wire.vector(result))
        return Response(body, headers=unused_fields_header(ask.unused), media_type="application/json")


async def _embed(
    request: Request, exchange: Exchange, model: str, texts: Sequence[str], *, truncate: bool, dimensions: int | None
) -> EmbedResult:
    name, client = named(request, model)
    exchange.names(name, client.card)
    wanted = EmbedRequest(
        texts=await client.encode_all(texts), dimensions=dimensions, truncate=truncate, tenant=request.state.tenant
    )
    result = await while_wanted(client.embed(wanted), request.receive, request.state.stopped)
    exchange.embedded(result.timings)
    return result


OPERATIONS = (
    Operation(
        method="POST",
        path=PATH,
        endpoint=ollama_embed,
        tag="Ollama",
        summary="Make vectors of texts, as Ollama does",
        body=wire.OllamaEmbed,
        answer=wire.OllamaVectors,
        failure=OllamaError,
        example={"model": "all-MiniLM-L6-v2", "input": ["a text", "another"]},
        generates=True,
    ),
    Operation(
        method="POST",
        path=OLDER_PATH,
        endpoint=ollama_embeddings,
        tag="Ollama",
        summary="Make a vector of one text",
        body=wire.OllamaEmbeddings,
        answer=wire.OllamaVector,
        failure=OllamaError,
        example={"model": "all-MiniLM-L6-v2", "prompt": "a text"},
        generates=True,
    ),
)
