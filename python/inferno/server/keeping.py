"""Responses on their way into the store and out of it."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from inferno.errors import InvalidArgument, NotFound
from inferno.server.wire.responses.body import BODY_DECODER, RUNNING, ErrorOfResponse, ResponseBody
from inferno.server.wire.responses.input import Input, ItemReference
from inferno.server.wire.responses.items import ITEM_DECODER, Item, OutputItem
from inferno.server.wire.responses.request import ContextFields
from inferno.storing.records import Ending, NewRecord, Part, Record, StoredItem
from inferno.storing.store import RecordStore

_ENCODER = msgspec.json.Encoder()
EVERYTHING: tuple[Part, ...] = ("context", "input", "output")
INTERRUPTED = ErrorOfResponse("server_error", "the server was stopped before the response was complete")


@dataclass(frozen=True, slots=True)
class Said:
    """What a response answers: ``context`` came before, ``input`` came with the request."""

    context: tuple[StoredItem, ...]
    input: tuple[StoredItem, ...]

    @property
    def items(self) -> list[Item]:
        return [ITEM_DECODER.decode(stored.body) for stored in (*self.context, *self.input)]


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where one response is kept. ``stored`` is False where only its conversation is."""

    store: RecordStore
    tenant: str
    said: Said
    conversation: str | None
    stored: bool

    async def begin(self, body: ResponseBody) -> None:
        """Keep a response that is only being made."""
        await self.store.add(self._record(body, running=True))

    async def keep(self, body: ResponseBody) -> None:
        """Keep a response that is complete, and add to its conversation."""
        if self.stored:
            await self.store.add(self._record(body, running=False))
        elif self.conversation is not None:
            output = [stored_item(item) for item in body.output]
            await self.store.append(self.tenant, self.conversation, [*self.said.input, *output])

    async def finish(self, body: ResponseBody, events: bytes | None) -> None:
        """Keep what came of a response that was begun."""
        output = tuple(stored_item(item) for item in body.output)
        await self.store.finish(self.tenant, body.id, Ending(_bare(body), output, events, self.conversation))

    def _record(self, body: ResponseBody, *, running: bool) -> NewRecord:
        parts: tuple[tuple[Part, tuple[StoredItem, ...]], ...]
        parts = (("context", self.said.context), ("input", self.said.input))
        if not running:
            parts = (*parts, ("output", tuple(stored_item(item) for item in body.output)))
        return NewRecord(
            id=body.id,
            kind="response",
            tenant=self.tenant,
            created=body.created_at,
            body=_bare(body),
            running=running,
            parts=parts,
            conversation=None if running else self.conversation,
        )


async def what_was_said(store: RecordStore | None, ask: ContextFields, given: Input, tenant: str) -> Said:
    """Raises NotFound for a response, conversation or item that is not there, InvalidArgument for one that runs."""
    context: list[StoredItem] = []
    if ask.previous_response_id is not None:
        record = await found_response(store, tenant, ask.previous_response_id, param="previous_response_id")
        if BODY_DECODER.decode(record.body).status in RUNNING:
            raise InvalidArgument(
                f"the response {record.id!r} is not complete yet; ask again when it is", param="previous_response_id"
            )
        context = await _stored(store).items(record.id, EVERYTHING)
    elif ask.conversation_id is not None:
        record = await found_conversation(store, tenant, ask.conversation_id, param="conversation")
        context = await _stored(store).items(record.id, EVERYTHING)
    return Said(tuple(context), await resolved(store, given, tenant))


async def resolved(store: RecordStore | None, given: Input, tenant: str) -> tuple[StoredItem, ...]:
    """The input with what its references mean. Raises NotFound, naming the reference."""
    found = []
    for item in given.items:
        if not isinstance(item, ItemReference):
            found.append(stored_item(item))
            continue
        known = None if store is None else await store.item(tenant, item.id)
        if known is None:
            raise NotFound(f"there is no item {item.id[:64]!r} here", param="input")
        found.append(known)
    return tuple(found)


async def found_response(store: RecordStore | None, tenant: str, id_: str, *, param: str | None = None) -> Record:
    record = None if store is None else await store.find(tenant, id_, "response")
    return _there(record, store, "response", id_, param)


async def found_conversation(store: RecordStore | None, tenant: str, id_: str, *, param: str | None = None) -> Record:
    record = None if store is None else await store.find(tenant, id_, "conversation")
    return _there(record, store, "conversation", id_, param)


def body_of(record: Record, store: RecordStore) -> ResponseBody:
    """A stored response as it is told."""
    body = BODY_DECODER.decode(record.body)
    if record.running == store.owner:
        # Nothing here works on it any more: its end could not be written.
        return interrupted(body)
    output: list[OutputItem] = [ITEM_DECODER.decode(item) for item in record.output]
    return msgspec.structs.replace(body, output=output)


def interrupted(body: ResponseBody) -> ResponseBody:
    return msgspec.structs.replace(body, status="failed", error=INTERRUPTED)


async def fail_orphans(store: RecordStore) -> None:
    """What a process was at work on when it ended has failed."""
    for tenant, id_, body in await store.orphans():
        await store.finish(tenant, id_, Ending(_bare(interrupted(BODY_DECODER.decode(body)))))


def stored_item(item: Item | OutputItem) -> StoredItem:
    return StoredItem(item.id, _ENCODER.encode(item))


def _bare(body: ResponseBody) -> bytes:
    """Output is stored as items."""
    return _ENCODER.encode(msgspec.structs.replace(body, output=[]))


def _stored(store: RecordStore | None) -> RecordStore:
    assert store is not None
    return store


def _there(record: Record | None, store: RecordStore | None, what: str, id_: str, param: str | None) -> Record:
    if record is None:
        why = ": this server stores none (--response-store off)" if store is None else ""
        raise NotFound(f"there is no {what} {id_[:64]!r} here{why}", param=param)
    return record
