"""``/v1/conversations/{id}/items``: what was said, and saying more without an answer."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from inferno.errors import NotFound
from inferno.server.generation import unused_fields_header
from inferno.server.keeping import resolved
from inferno.server.operation import JSON, Operation
from inferno.server.routes.conversations import found, store_of
from inferno.server.wire.decode import decode, decode_query
from inferno.server.wire.responses import conversations as wire
from inferno.server.wire.responses.input import read_input
from inferno.server.wire.responses.items import Item
from inferno.server.wire.responses.listing import ItemList, ItemQuery, page

ITEMS_PATH = "/v1/conversations/{id}/items"
ITEM_PATH = "/v1/conversations/{id}/items/{item_id}"


async def list_conversation_items(request: Request) -> Response:
    query = decode_query(request.query_params, ItemQuery)
    record = await found(request)
    items = await store_of(request).items(record.id, ("input",))
    return Response(msgspec.json.encode(page([item.body for item in items], query)), media_type=JSON)


async def create_conversation_items(request: Request) -> Response:
    """Answers with those that were added."""
    ask = decode(await request.body(), wire.ITEMS_DECODER)
    given = read_input(ask.items, "items")
    record = await found(request)
    store = store_of(request)
    items = await resolved(store, given, request.state.tenant)
    await store.append(request.state.tenant, record.id, items)
    added = page([item.body for item in items], ItemQuery(order="asc"))
    return Response(msgspec.json.encode(added), headers=unused_fields_header(given.passed_over), media_type=JSON)


async def retrieve_conversation_item(request: Request) -> Response:
    record = await found(request)
    wanted: str = request.path_params["item_id"]
    items = await store_of(request).items(record.id, ("input",))
    item = next((item for item in items if item.id == wanted), None)
    if item is None:
        raise _no_item(wanted)
    return Response(item.body, media_type=JSON)


async def delete_conversation_item(request: Request) -> Response:
    """Answers with the conversation."""
    record = await found(request)
    wanted: str = request.path_params["item_id"]
    if not await store_of(request).take_out(request.state.tenant, record.id, wanted):
        raise _no_item(wanted)
    return Response(record.body, media_type=JSON)


def _no_item(wanted: str) -> NotFound:
    return NotFound(f"there is no item {wanted[:64]!r} in this conversation")


OPERATIONS = (
    Operation(
        method="GET",
        path=ITEMS_PATH,
        endpoint=list_conversation_items,
        tag="Conversations",
        summary="List what was said",
        query=ItemQuery,
        answer=ItemList,
    ),
    Operation(
        method="POST",
        path=ITEMS_PATH,
        endpoint=create_conversation_items,
        tag="Conversations",
        summary="Add items",
        body=wire.AddedItems,
        answer=ItemList,
    ),
    Operation(
        method="GET",
        path=ITEM_PATH,
        endpoint=retrieve_conversation_item,
        tag="Conversations",
        summary="Read one item",
        answer=Item,
    ),
    Operation(
        method="DELETE",
        path=ITEM_PATH,
        endpoint=delete_conversation_item,
        tag="Conversations",
        summary="Take one item out",
        answer=wire.ConversationBody,
    ),
)
