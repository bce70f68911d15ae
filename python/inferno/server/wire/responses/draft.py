"""One output item while the model writes it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from inferno.server.wire.logprobs import ContentLogprob
from inferno.server.wire.responses import events
from inferno.server.wire.responses.items import (
    CALL,
    MESSAGE,
    REASONING,
    CallItem,
    MessageItem,
    OutputItem,
    OutputText,
    ReasoningItem,
    ReasoningText,
    Status,
    new_id,
)

Events = list[events.ResponseEvent]


class Draft(Protocol):
    """``place`` is its output_index. Every method takes the sequence number of the first event that it returns."""

    @property
    def place(self) -> int: ...

    def begun(self, number: int) -> Events: ...

    def added(self, number: int, text: str, logprobs: Sequence[ContentLogprob] = ()) -> Events: ...

    def ended(self, number: int, status: Status) -> Events: ...

    def item(self, status: Status) -> OutputItem:
        """As far as it is written."""
        ...


@dataclass(slots=True)
class MessageDraft:
    place: int
    id: str = field(default_factory=lambda: new_id(MESSAGE))
    pieces: list[str] = field(default_factory=list)
    logprobs: list[ContentLogprob] = field(default_factory=list)

    def item(self, status: Status) -> MessageItem:
        return MessageItem(id=self.id, role="assistant", status=status, content=[self._part()])

    def begun(self, number: int) -> Events:
        empty = MessageItem(id=self.id, role="assistant", status="in_progress", content=[])
        return [
            events.ItemAdded(sequence_number=number, output_index=self.place, item=empty),
            events.PartAdded(
                sequence_number=number + 1,
                item_id=self.id,
                output_index=self.place,
                content_index=0,
                part=OutputText(""),
            ),
        ]

    def added(self, number: int, text: str, logprobs: Sequence[ContentLogprob] = ()) -> Events:
        self.pieces.append(text)
        self.logprobs.extend(logprobs)
        return [
            events.TextDelta(
                sequence_number=number,
                item_id=self.id,
                output_index=self.place,
                content_index=0,
                delta=text,
                logprobs=list(logprobs),
            )
        ]

    def ended(self, number: int, status: Status) -> Events:
        part = self._part()
        return [
            events.TextDone(
                sequence_number=number,
                item_id=self.id,
                output_index=self.place,
                content_index=0,
                text=part.text,
                logprobs=part.logprobs,
            ),
            events.PartDone(
                sequence_number=number + 1, item_id=self.id, output_index=self.place, content_index=0, part=part
            ),
            events.ItemDone(sequence_number=number + 2, output_index=self.place, item=self.item(status)),
        ]

    def _part(self) -> OutputText:
        return OutputText("".join(self.pieces), logprobs=self.logprobs)


@dataclass(slots=True)
class ReasoningDraft:
    place: int
    id: str = field(default_factory=lambda: new_id(REASONING))
    pieces: list[str] = field(default_factory=list)

    def item(self, status: Status) -> ReasoningItem:
        return ReasoningItem(id=self.id, summary=[], content=[self._part()], status=status)

    def begun(self, number: int) -> Events:
        empty = ReasoningItem(id=self.id, summary=[], content=[], status="in_progress")
        return [
            events.ItemAdded(sequence_number=number, output_index=self.place, item=empty),
            events.PartAdded(
                sequence_number=number + 1,
                item_id=self.id,
                output_index=self.place,
                content_index=0,
                part=ReasoningText(""),
            ),
        ]

    def added(self, number: int, text: str, logprobs: Sequence[ContentLogprob] = ()) -> Events:
        self.pieces.append(text)
        return [
            events.ReasoningDelta(
                sequence_number=number, item_id=self.id, output_index=self.place, content_index=0, delta=text
            )
        ]

    def ended(self, number: int, status: Status) -> Events:
        part = self._part()
        return [
            events.ReasoningDone(
                sequence_number=number, item_id=self.id, output_index=self.place, content_index=0, text=part.text
            ),
            events.PartDone(
                sequence_number=number + 1, item_id=self.id, output_index=self.place, content_index=0, part=part
            ),
            events.ItemDone(sequence_number=number + 2, output_index=self.place, item=self.item(status)),
        ]

    def _part(self) -> ReasoningText:
        return ReasoningText("".join(self.pieces))


@dataclass(slots=True)
class CallDraft:
    place: int
    call_id: str
    name: str
    id: str = field(default_factory=lambda: new_id(CALL))
    pieces: list[str] = field(default_factory=list)

    def item(self, status: Status) -> CallItem:
        return CallItem(id=self.id, call_id=self.call_id, name=self.name, arguments="".join(self.pieces), status=status)

    def begun(self, number: int) -> Events:
        return [events.ItemAdded(sequence_number=number, output_index=self.place, item=self.item("in_progress"))]

    def added(self, number: int, text: str, logprobs: Sequence[ContentLogprob] = ()) -> Events:
        self.pieces.append(text)
        return [events.ArgumentsDelta(sequence_number=number, item_id=self.id, output_index=self.place, delta=text)]

    def ended(self, number: int, status: Status) -> Events:
        item = self.item(status)
        return [
            events.ArgumentsDone(
                sequence_number=number,
                item_id=self.id,
                output_index=self.place,
                name=self.name,
                arguments=item.arguments,
            ),
            events.ItemDone(sequence_number=number + 1, output_index=self.place, item=item),
        ]
