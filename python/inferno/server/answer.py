"""What the edge needs of an endpoint's way to write its answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from inferno.engine.delta import Delta, Usage
from inferno.engine.text_frame import TextFrame
from inferno.server.choice import Choice
from inferno.server.wire.errors import Failure
from inferno.server.wire.framing import Framing


class Answer(Protocol):
    """Writes one answer, whole or as the events of a stream. Pure, and of one request only."""

    @property
    def framing(self) -> Framing: ...

    def whole(self, choices: Sequence[Choice], usage: Usage) -> bytes: ...

    def first_events(self) -> bytes:
        """What the stream begins with, before the model has said anything; perhaps nothing."""
        ...

    def events(self, delta: Delta) -> bytes:
        """The events of one delta; empty when it shows nothing new."""
        ...

    def frame(self, index: int) -> TextFrame | None:
        """What makes the events of all that a choice says next, where that is text and nothing else; then they need not
        come from :meth:`events`. None: they must."""
        ...

    def last_events(self, usage: Usage) -> bytes:
        """What follows when every choice has finished, with the mark that ends the stream where there is one."""
        ...

    def failure_events(self, failure: Failure) -> bytes:
        """What the stream ends with, in place of :meth:`last_events`, when something failed after it had begun."""
        ...
