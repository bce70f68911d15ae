"""A response that is to be made: from the request and what is stored to what the engine runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from inferno.engine.client import EngineClient
from inferno.engine.conversation import Turn
from inferno.engine.delta import RequestStream
from inferno.engine.request import GenerateRequest
from inferno.models.registry import ModelRegistry
from inferno.server.fitting import fitted
from inferno.server.keeping import Keeping, Said, what_was_said
from inferno.server.refusals import UnsupportedParameter
from inferno.server.remote_images import RemoteImages
from inferno.server.replies import Replies
from inferno.server.tally import Tally
from inferno.server.wire.responses.answer import ResponseAnswer
from inferno.server.wire.responses.body import new_body
from inferno.server.wire.responses.input import check_calls, read_input
from inferno.server.wire.responses.items import Item
from inferno.server.wire.responses.prompt import conversation_of
from inferno.server.wire.responses.request import ContextFields, ResponseRequest, room_for_prompt, to_generate_request
from inferno.server.wire.responses.tools import Offered, read_tools
from inferno.storing.store import RecordStore


@dataclass(frozen=True, slots=True)
class Asked:
    """A request's context, read: the prompt is ready, and nothing runs yet."""

    model: str
    client: EngineClient
    offered: Offered
    said: Said
    turn: Turn
    passed_over: tuple[str, ...]
    """Tools and input items that nothing here runs."""
    dropped: int = 0
    """Of the oldest items, how many the model is not shown."""


@dataclass(frozen=True, slots=True)
class Making:
    """``keeping`` is None where nothing of it is kept."""

    asked: Asked
    wanted: GenerateRequest
    answer: ResponseAnswer
    tally: Tally
    keeping: Keeping | None

    async def submit(self) -> RequestStream:
        """Raises what refuses the request: after this, it runs. May be tried again after QueueFull."""
        return await self.asked.client.generate(self.asked.turn.applied(self.wanted))


@dataclass(frozen=True, slots=True)
class Sources:
    """What a request may refer to."""

    registry: ModelRegistry
    store: RecordStore | None
    images: RemoteImages


async def read_context(sources: Sources, ask: ContextFields, tenant: str) -> Asked:
    """Raises what is wrong with the request, or with what it refers to."""
    name = sources.registry.default if ask.model is None else ask.model
    client = sources.registry.get(name)
    offered = read_tools(ask.tools, ask.tool_choice)
    given = read_input(ask.input)
    said = await what_was_said(sources.store, ask, given, tenant)
    items = said.items
    check_calls(items)

    async def opened(items: Sequence[Item]) -> Turn:
        conversation = conversation_of(ask, items, offered, tenant=tenant)
        return await client.open_turn(await sources.images.fetched(conversation, client.card))

    if ask.truncation == "auto":
        turn, dropped = await fitted(items, opened, room_for_prompt(ask, client.card.context_tokens))
    else:
        turn, dropped = await opened(items), 0
    return Asked(name, client, offered, said, turn, (*offered.passed_over, *given.passed_over), dropped)


async def prepare(sources: Sources, ask: ResponseRequest, tenant: str) -> Making:
    """As :func:`read_context`, of a response that is to be made."""
    store = sources.store
    stored = is_stored(ask, store)
    asked = await read_context(sources, ask, tenant)
    body = new_body(ask, asked.offered, asked.model, asked.client.card, stored=stored)
    keeping = None
    if store is not None and (stored or ask.conversation_id is not None):
        keeping = Keeping(store, tenant, asked.said, ask.conversation_id, stored)
    return Making(
        asked=asked,
        wanted=to_generate_request(ask, tenant=tenant),
        answer=ResponseAnswer(body, Replies(asked.turn.new_reader)),
        tally=Tally(prompts=1, choices_per_prompt=1),
        keeping=keeping,
    )


def is_stored(ask: ResponseRequest, store: RecordStore | None) -> bool:
    """Raises UnsupportedParameter for a request that needs a store where there is none."""
    if store is not None:
        return ask.store is not False
    for name in ("store", "background"):
        if getattr(ask, name):
            raise UnsupportedParameter(
                f"'{name}' is true, and this server stores no responses; leave it out", param=name
            )
    return False
