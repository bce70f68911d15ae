"""``GET /v1/models`` and ``GET /v1/models/{id}``."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from inferno.server.operation import Operation
from inferno.server.services import services_of
from inferno.server.wire.anthropic.models import VERSION_HEADER, ServedModel, ServedModels, served_model, served_models
from inferno.server.wire.models import ModelBody, ModelList, model_body, model_list

PATH = "/v1/models"
ONE_PATH = "/v1/models/{id:path}"


async def list_models(request: Request) -> Response:
    registry = services_of(request).registry
    if VERSION_HEADER in request.headers:
        served = [served_model(name, registry.get(name).card) for name in registry.names()]
        return Response(msgspec.json.encode(served_models(served)), media_type="application/json")
    bodies = [model_body(name, registry.get(name).card) for name in registry.names()]
    return Response(msgspec.json.encode(model_list(bodies)), media_type="application/json")


async def retrieve_model(request: Request) -> Response:
    name: str = request.path_params["id"]
    card = services_of(request).registry.get(name).card
    if VERSION_HEADER in request.headers:
        return Response(msgspec.json.encode(served_model(name, card)), media_type="application/json")
    return Response(msgspec.json.encode(model_body(name, card)), media_type="application/json")


OPERATIONS = (
    Operation(
        method="GET",
        path=PATH,
        endpoint=list_models,
        tag="Models",
        summary="List what is served; with the header anthropic-version as Anthropic's API does",
        answer=ModelList,
        other_answer=ServedModels,
    ),
    Operation(
        method="GET",
        path=ONE_PATH,
        endpoint=retrieve_model,
        tag="Models",
        summary="Describe one model; with the header anthropic-version as Anthropic's API does",
        answer=ModelBody,
        other_answer=ServedModel,
    ),
)
