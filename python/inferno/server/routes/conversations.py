"""``/v1/conversations``: make, read, change and delete them."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from inferno.server.generation import unused_fields_header
from inferno.server.keeping import found_conversation, resolved
from inferno.server.operation import JSON, Operation
from inferno.server.refusals import SwitchedOff
from inferno.server.services import services_of
from inferno.server.wire.decode import decode
from inferno.server.wire.responses import conversations as wire
from inferno.server.wire.responses.input import read_input
from inferno.storing.records import NewRecord, Record
from inferno.storing.store import RecordStore

PATH = "/v1/conversations"
ONE_PATH = "/v1/conversations/{id}"


async def create_conversation(request: Request) -> Response:
    store = store_of(request)
    ask = decode(await request.body(), wire.NEW_DECODER)
    given = read_input(ask.items, "items")
    body = wire.new_conversation(ask)
    items = await resolved(store, given, request.state.tenant)
    record = NewRecord(
        id=body.id,
        kind="conversation",
        tenant=request.state.tenant,
        created=body.created_at,
        body=msgspec.json.encode(body),
        parts=(("input", items),),
    )
    await store.add(record)
    return Response(record.body, headers=unused_fields_header(given.passed_over), media_type=JSON)


async def retrieve_conversation(request: Request) -> Response:
    return Response((await found(request)).body, media_type=JSON)


async def update_conversation(request: Request) -> Response:
    ask = decode(await request.body(), wire.CHANGE_DECODER)
    record = await found(request)
    body = msgspec.structs.replace(wire.BODY_DECODER.decode(record.body), metadata=ask.metadata)
    encoded = msgspec.json.encode(body)
    await store_of(request).change(request.state.tenant, record.id, encoded)
    return Response(encoded, media_type=JSON)


async def delete_conversation(request: Request) -> Response:
    """Responses that were made in it stay."""
    record = await found(request)
    await store_of(request).delete(request.state.tenant, record.id, "conversation")
    return Response(msgspec.json.encode(wire.DeletedConversation(id=record.id)), media_type=JSON)


async def found(request: Request) -> Record:
    """The conversation that the path names. Raises NotFound."""
    return await found_conversation(services_of(request).responses, request.state.tenant, request.path_params["id"])


def store_of(request: Request) -> RecordStore:
    """Raises SwitchedOff where nothing is stored."""
    store = services_of(request).responses
    if store is None:
        raise SwitchedOff("this server keeps no conversations (--response-store off)")
    return store


OPERATIONS = (
    Operation(
        method="POST",
        path=PATH,
        endpoint=create_conversation,
        tag="Conversations",
        summary="Begin a conversation",
        body=wire.NewConversation,
        answer=wire.ConversationBody,
        example={"metadata": {"topic": "demo"}},
    ),
    Operation(
        method="GET",
        path=ONE_PATH,
        endpoint=retrieve_conversation,
        tag="Conversations",
        summary="Read what a conversation is",
        answer=wire.ConversationBody,
    ),
    Operation(
        method="POST",
        path=ONE_PATH,
        endpoint=update_conversation,
        tag="Conversations",
        summary="Change a conversation's metadata",
        body=wire.ConversationChange,
        answer=wire.ConversationBody,
    ),
    Operation(
        method="DELETE",
        path=ONE_PATH,
        endpoint=delete_conversation,
        tag="Conversations",
        summary="Delete a conversation",
        answer=wire.DeletedConversation,
    ),
)
