"""The Open Inference Protocol, version 2: ``/v2``, ``/v2/health/…`` and ``/v2/models/{name}``."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

import inferno
from inferno.engine.abilities import cannot
from inferno.server.operation import JSON, Operation
from inferno.server.presence import while_wanted
from inferno.server.services import exchange_of, services_of
from inferno.server.wire import inference

PATH = "/v2"
LIVE_PATH = "/v2/health/live"
READY_PATH = "/v2/health/ready"
MODEL_PATH = "/v2/models/{name}"
MODEL_READY_PATH = "/v2/models/{name}/ready"
INFER_PATH = "/v2/models/{name}/infer"
BINARY = "application/octet-stream"


async def describe_server(request: Request) -> Response:
    return _response(inference.ServerBody("inferno", inferno.__version__, ["binary_tensor_data"]))


async def server_live(request: Request) -> Response:
    return _response(inference.LiveBody(True))


async def server_ready(request: Request) -> Response:
    services = services_of(request)
    ready = services.registry.healthy and not services.drain.draining
    return _response(inference.ReadyBody(ready), 200 if ready else 503)


async def describe_graph(request: Request) -> Response:
    name: str = request.path_params["name"]
    card = services_of(request).registry.get(name).card
    if card.graph is None:
        raise cannot(card, "infer")
    return _response(inference.graph_body(name, card.backend, card.graph))


async def graph_ready(request: Request) -> Response:
    name: str = request.path_params["name"]
    services = services_of(request)
    ready = services.registry.get(name).healthy and not services.drain.draining
    return _response(inference.ModelReadyBody(name, ready), 200 if ready else 503)


async def infer(request: Request) -> Response:
    services = services_of(request)
    with exchange_of(request, INFER_PATH) as exchange:
        name: str = request.path_params["name"]
        client = services.registry.get(name)
        exchange.names(name, client.card)
        if "infer" not in client.card.abilities:
            raise cannot(client.card, "infer")
        ask, binary = inference.read(await request.body(), request.headers.get(inference.HEADER_LENGTH))
        work = client.infer(inference.to_infer_request(ask, binary))
        result = await while_wanted(work, request.receive, request.state.stopped)
        pieces, head = inference.answer(ask, result, name)
        exchange.inferred(result.timings)
        headers = {} if head is None else {inference.HEADER_LENGTH: str(head)}
        return Response(b"".join(pieces), headers=headers, media_type=JSON if head is None else BINARY)


def _response(body: msgspec.Struct, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, media_type=JSON)


_TAG = "Open Inference Protocol"


OPERATIONS = (
    Operation(
        method="GET",
        path=PATH,
        endpoint=describe_server,
        tag=_TAG,
        summary="Describe the server",
        answer=inference.ServerBody,
        failure=inference.V2Error,
    ),
    Operation(
        method="GET",
        path=LIVE_PATH,
        endpoint=server_live,
        tag=_TAG,
        summary="Say that the process answers",
        answer=inference.LiveBody,
        failure=inference.V2Error,
        open=True,
    ),
    Operation(
        method="GET",
        path=READY_PATH,
        endpoint=server_ready,
        tag=_TAG,
        summary="Say whether it takes work",
        answer=inference.ReadyBody,
        unready=True,
        failure=inference.V2Error,
    ),
    Operation(
        method="GET",
        path=MODEL_PATH,
        endpoint=describe_graph,
        tag=_TAG,
        summary="Say what a graph takes and gives",
        answer=inference.GraphBody,
        failure=inference.V2Error,
    ),
    Operation(
        method="GET",
        path=MODEL_READY_PATH,
        endpoint=graph_ready,
        tag=_TAG,
        summary="Say whether a model takes work",
        answer=inference.ModelReadyBody,
        unready=True,
        failure=inference.V2Error,
    ),
    Operation(
        method="POST",
        path=INFER_PATH,
        endpoint=infer,
        tag=_TAG,
        summary="Compute a graph",
        body=inference.InferBody,
        answer=inference.InferAnswer,
        packed=BINARY,
        failure=inference.V2Error,
        generates=True,
    ),
)
