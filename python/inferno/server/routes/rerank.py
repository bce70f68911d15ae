"""``POST /v1/rerank`` and ``/v2/rerank``: one shape under both paths, by which Jina's and Cohere's clients ask."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from inferno.server.operation import JSON, Operation
from inferno.server.scoring import scored
from inferno.server.services import exchange_of
from inferno.server.wire import rerank

PATH = "/v1/rerank"
COHERE_PATH = "/v2/rerank"
_EXAMPLE = {"query": "What is the capital of France?", "documents": ["Paris is the capital.", "Bread is baked."]}


async def rerank_documents(request: Request) -> Response:
    return await _rerank(request, PATH)


async def rerank_documents_v2(request: Request) -> Response:
    return await _rerank(request, COHERE_PATH)


async def _rerank(request: Request, path: str) -> Response:
    with exchange_of(request, path) as exchange:
        ask, found = await scored(
            request,
            exchange,
            rerank.DECODER,
            lambda ask, tenant: rerank.to_score_request(ask, tenant=tenant),
            ability="rerank",
        )
        return Response(rerank.answer(ask, found.result, found.envelope), media_type=JSON)


OPERATIONS = tuple(
    Operation(
        method="POST",
        path=path,
        endpoint=endpoint,
        tag="Reranking",
        summary="Order documents by how well they answer a query",
        body=rerank.RerankRequest,
        answer=rerank.RerankAnswer,
        example=_EXAMPLE,
        generates=True,
    )
    for path, endpoint in ((PATH, rerank_documents), (COHERE_PATH, rerank_documents_v2))
)
