"""How a reply is read as it comes: a reader's steps run over a page until they want more of it than there is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence

from inferno.engine.dialects.calls import Calls
from inferno.engine.dialects.events import Content, Event, Reasoning
from inferno.engine.dialects.page import Page, Steps


class PageReader(ABC):
    """A ReplyReader, of which a dialect writes the steps. ``calls`` takes the calls that these find."""

    def __init__(self, calls: Calls) -> None:
        self.reasoning = self.plain = False
        self._calls = calls
        self._page = Page()
        self._told = 0
        self._events: list[Event] = []
        self._steps: Generator[None, None, None] | None = self._reply()

    @abstractmethod
    def _reply(self) -> Steps[None]:
        """Read the whole reply. Nothing of it runs before the first text is there."""

    def feed(self, text: str) -> Sequence[Event]:
        if not text:
            return ()
        self._page.add(text)
        return self._go_on()

    def close(self) -> Sequence[Event]:
        self._page.over = True
        return self._go_on()

    def _go_on(self) -> Sequence[Event]:
        if self._steps is not None:
            try:
                next(self._steps)
            except StopIteration:
                self._steps = None
        self._take_calls()
        found, self._events = self._events, []
        return found

    def _take_calls(self) -> None:
        self._events += self._calls.events
        self._calls.events = []

    def _tell(self, kind: type[Content] | type[Reasoning], to: int) -> None:
        """What has not been told, up to ``to``."""
        if to > self._told:
            self._events.append(kind(self._page.slice(self._told, to)))
            self._told = to
        self._page.forget(self._told)
