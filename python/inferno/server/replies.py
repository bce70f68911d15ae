"""From the deltas of a request to its replies: the one place where calls and reasoning leave the text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from inferno.engine.delta import Delta
from inferno.engine.dialects.events import CallArguments, CallBegun, CallEnded, Content, Event, Reasoning
from inferno.engine.dialects.reader import ReplyReader


@dataclass(slots=True)
class Call:
    """A tool call. ``complete`` is False while its arguments come, and stays so if the reply was cut."""

    id: str
    name: str
    complete: bool = False
    pieces: list[str] = field(default_factory=list)

    @property
    def arguments(self) -> str:
        """JSON of an object; its beginning if the reply was cut."""
        return "".join(self.pieces)


@dataclass(slots=True)
class Reply:
    """What one choice has said so far."""

    calls: list[Call] = field(default_factory=list)
    reasoning_tokens: int = 0
    """Counted by delta: one that ends the reasoning counts whole."""
    content_pieces: list[str] = field(default_factory=list)
    reasoning_pieces: list[str] = field(default_factory=list)

    @property
    def content(self) -> str:
        return "".join(self.content_pieces)

    @property
    def reasoning(self) -> str:
        return "".join(self.reasoning_pieces)

    def take(self, event: Event) -> None:
        if isinstance(event, Content):
            self.content_pieces.append(event.text)
        elif isinstance(event, Reasoning):
            self.reasoning_pieces.append(event.text)
        elif isinstance(event, CallBegun):
            self.calls.append(Call(event.id, event.name))
        elif isinstance(event, CallArguments):
            self.calls[event.index].pieces.append(event.text)
        elif isinstance(event, CallEnded):
            self.calls[event.index].complete = True


class Replies:
    """The replies of one request, by choice. Feed it every delta, in order, exactly once."""

    def __init__(self, new_reader: Callable[[], ReplyReader]) -> None:
        self._new_reader = new_reader
        self._readers: dict[int, ReplyReader] = {}
        self._replies: dict[int, Reply] = {}

    def read(self, delta: Delta) -> Sequence[Event]:
        """What the delta made certain; with a choice's last delta, all that was held back."""
        reader = self._readers.get(delta.index)
        if reader is None:
            reader = self._readers[delta.index] = self._new_reader()
            self._replies[delta.index] = Reply()
        reply = self._replies[delta.index]
        if reader.reasoning:
            reply.reasoning_tokens += len(delta.token_ids)
        events = reader.feed(delta.text)
        if delta.finish_reason is not None:
            events = [*events, *reader.close()]
        for event in events:
            reply.take(event)
        return events

    def plain(self, index: int) -> bool:
        """Whether all that a choice says next is content as it stands: text without more need not be read, then, which
        leaves its content incomplete here."""
        reader = self._readers.get(index)
        return reader is not None and reader.plain

    def reply(self, index: int) -> Reply:
        """What has been read of a choice."""
        return self._replies[index]

    @property
    def reasoning_tokens(self) -> int:
        """Of all choices."""
        return sum(reply.reasoning_tokens for reply in self._replies.values())
