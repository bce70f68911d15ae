"""What is asked of stored responses and conversations behind the path, and lists of items, page by page. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from inferno.errors import NotFound
from inferno.server.wire.responses.items import ITEM_DECODER, Item

MAX_PAGE = 100
DEFAULT_PAGE = 20


class ItemQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """``after`` is the id of the item that the page begins behind. ``include`` adds nothing here."""

    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = DEFAULT_PAGE
    order: Literal["asc", "desc"] = "desc"
    after: str | None = None
    include: str | None = None


class Retrieval(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """``stream`` reads along with a response that is made in the background, or what its stream was, from the event
    behind ``starting_after`` on. ``include`` adds nothing here."""

    stream: bool = False
    starting_after: Annotated[int, Meta(ge=0)] | None = None
    include_obfuscation: Literal[False] | None = None
    include: str | None = None


class ItemList(msgspec.Struct, frozen=True, kw_only=True):
    """``first_id`` and ``last_id`` are empty where there is nothing."""

    object: Literal["list"] = "list"
    data: list[Item]
    first_id: str
    last_id: str
    has_more: bool


def page(bodies: Sequence[bytes], query: ItemQuery) -> ItemList:
    """``bodies`` are all items, oldest first. Raises NotFound for an ``after`` that is not among them."""
    items: list[Item] = [ITEM_DECODER.decode(body) for body in bodies]
    if query.order == "desc":
        items.reverse()
    if query.after is not None:
        place = next((place for place, item in enumerate(items) if item.id == query.after), None)
        if place is None:
            raise NotFound(f"there is no item {query.after[:64]!r} in this list", param="after")
        items = items[place + 1 :]
    shown = items[: query.limit]
    return ItemList(
        data=shown,
        first_id=shown[0].id if shown else "",
        last_id=shown[-1].id if shown else "",
        has_more=len(items) > len(shown),
    )
