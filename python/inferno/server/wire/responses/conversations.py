"""Conversations on the wire: items that go on being added to. Pure."""

from __future__ import annotations

import time
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from inferno.server.wire.responses.body import CONVERSATION
from inferno.server.wire.responses.items import new_id
from inferno.server.wire.responses.request import Items, Metadata

MAX_ITEMS = 20
"""That can be added at once."""

NewItems = Annotated[Items, Meta(max_length=MAX_ITEMS)]


class NewConversation(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    items: NewItems | None = None
    metadata: Metadata | None = None


class ConversationChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    metadata: Metadata


class AddedItems(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    items: Annotated[Items, Meta(min_length=1, max_length=MAX_ITEMS)]


class ConversationBody(msgspec.Struct, frozen=True, kw_only=True):
    """``created_at`` is Unix time in seconds."""

    id: str
    object: Literal["conversation"] = "conversation"
    created_at: int
    metadata: dict[str, str]


class DeletedConversation(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    object: Literal["conversation.deleted"] = "conversation.deleted"
    deleted: Literal[True] = True


NEW_DECODER = msgspec.json.Decoder(NewConversation)
CHANGE_DECODER = msgspec.json.Decoder(ConversationChange)
ITEMS_DECODER = msgspec.json.Decoder(AddedItems)
BODY_DECODER = msgspec.json.Decoder(ConversationBody)
"""Of what this module encoded."""


def new_conversation(ask: NewConversation) -> ConversationBody:
    return ConversationBody(id=new_id(CONVERSATION), created_at=int(time.time()), metadata=ask.metadata or {})
