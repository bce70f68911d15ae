"""``/v1/responses/{id}``: retrieve, delete, cancel, and what it answered."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from inferno.errors import InvalidArgument
from inferno.server.event_log import unpacked
from inferno.server.following import FollowedStream
from inferno.server.keeping import body_of, found_response
from inferno.server.operation import JSON, Operation
from inferno.server.services import services_of
from inferno.server.wire.decode import decode_query
from inferno.server.wire.responses.body import RUNNING, DeletedResponse, ResponseBody
from inferno.server.wire.responses.events import ResponseEvent
from inferno.server.wire.responses.listing import ItemList, ItemQuery, Retrieval, page

ONE_PATH = "/v1/responses/{id}"
CANCEL_PATH = "/v1/responses/{id}/cancel"
INPUT_PATH = "/v1/responses/{id}/input_items"


async def retrieve_response(request: Request) -> Response:
    wanted = decode_query(request.query_params, Retrieval)
    if wanted.stream:
        return await _stream(request, wanted)
    return _answer(await _body(request))


async def delete_response(request: Request) -> Response:
    """One that is being made is cancelled first."""
    services, tenant, id_ = services_of(request), request.state.tenant, request.path_params["id"]
    run = services.background.find(tenant, id_)
    if run is not None:
        await run.cancelled()
    record = await found_response(services.responses, tenant, id_)
    assert services.responses is not None
    await services.responses.delete(tenant, record.id, "response")
    return Response(msgspec.json.encode(DeletedResponse(id=record.id)), media_type=JSON)


async def cancel_response(request: Request) -> Response:
    """One that is at its end already stays as it is."""
    run = services_of(request).background.find(request.state.tenant, request.path_params["id"])
    if run is not None:
        await run.cancelled()
    body = await _body(request)
    if not body.background:
        raise InvalidArgument("only a response that was asked for with 'background': true can be cancelled", param="id")
    if body.status in RUNNING:
        raise InvalidArgument("this response is made by another server, and can be cancelled there only", param="id")
    return _answer(body)


async def list_input_items(request: Request) -> Response:
    query = decode_query(request.query_params, ItemQuery)
    store = services_of(request).responses
    record = await found_response(store, request.state.tenant, request.path_params["id"])
    assert store is not None
    items = await store.items(record.id, ("input",))
    return Response(msgspec.json.encode(page([item.body for item in items], query)), media_type=JSON)


async def _body(request: Request) -> ResponseBody:
    services, tenant, id_ = services_of(request), request.state.tenant, request.path_params["id"]
    run = services.background.find(tenant, id_)
    if run is not None:
        return run.body
    record = await found_response(services.responses, tenant, id_)
    assert services.responses is not None
    return body_of(record, services.responses)


async def _stream(request: Request, wanted: Retrieval) -> Response:
    services, tenant, id_ = services_of(request), request.state.tenant, request.path_params["id"]
    start = 0 if wanted.starting_after is None else wanted.starting_after + 1
    seconds = services.settings.keep_alive_seconds
    run = services.background.find(tenant, id_)
    if run is not None and run.log is not None:
        return FollowedStream(run.log.follow(start), keep_alive_seconds=seconds)
    if run is None:
        record = await found_response(services.responses, tenant, id_)
        assert services.responses is not None
        packed = await services.responses.events(tenant, record.id)
        if packed is not None:
            return FollowedStream(_once(unpacked(packed, start)), keep_alive_seconds=seconds)
    raise InvalidArgument(
        "the stream of this response was not kept: ask for one with 'background' and 'stream' both true", param="stream"
    )


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


def _answer(body: ResponseBody) -> Response:
    return Response(msgspec.json.encode(body), media_type=JSON)


OPERATIONS = (
    Operation(
        method="GET",
        path=ONE_PATH,
        endpoint=retrieve_response,
        tag="Responses",
        summary="Read a response again",
        query=Retrieval,
        answer=ResponseBody,
        chunk=ResponseEvent,
    ),
    Operation(
        method="DELETE",
        path=ONE_PATH,
        endpoint=delete_response,
        tag="Responses",
        summary="Delete a response",
        answer=DeletedResponse,
    ),
    Operation(
        method="POST",
        path=CANCEL_PATH,
        endpoint=cancel_response,
        tag="Responses",
        summary="Cancel a response that is made in the background",
        answer=ResponseBody,
    ),
    Operation(
        method="GET",
        path=INPUT_PATH,
        endpoint=list_input_items,
        tag="Responses",
        summary="List what a response answered",
        query=ItemQuery,
        answer=ItemList,
    ),
)
