"""``POST /v1/classify`` and ``POST /v1/score``."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from inferno.server.operation import JSON, Operation
from inferno.server.scoring import scored
from inferno.server.services import exchange_of
from inferno.server.wire import classify

CLASSIFY_PATH = "/v1/classify"
SCORE_PATH = "/v1/score"


async def classify_texts(request: Request) -> Response:
    with exchange_of(request, CLASSIFY_PATH) as exchange:
        _, found = await scored(
            request,
            exchange,
            classify.CLASSIFY_DECODER,
            lambda ask, tenant: classify.classify_request(ask, tenant=tenant),
            ability="classify",
        )
        return Response(classify.classify_answer(found.result, found.card.labels, found.envelope), media_type=JSON)


async def score_pairs(request: Request) -> Response:
    with exchange_of(request, SCORE_PATH) as exchange:
        _, found = await scored(
            request,
            exchange,
            classify.PAIRS_DECODER,
            lambda ask, tenant: classify.pairs_request(ask, tenant=tenant),
            ability="rerank",
        )
        return Response(classify.pairs_answer(found.result, found.envelope), media_type=JSON)


OPERATIONS = (
    Operation(
        method="POST",
        path=CLASSIFY_PATH,
        endpoint=classify_texts,
        tag="Reranking",
        summary="Say which label each text has",
        body=classify.ClassifyRequest,
        answer=classify.ClassifyAnswer,
        example={"input": ["a text", "another"]},
        generates=True,
    ),
    Operation(
        method="POST",
        path=SCORE_PATH,
        endpoint=score_pairs,
        tag="Reranking",
        summary="Score how well texts answer each other",
        body=classify.PairsRequest,
        answer=classify.PairsAnswer,
        example={"text_1": "What is the capital of France?", "text_2": ["Paris is the capital.", "Bread is baked."]},
        generates=True,
    ),
)
