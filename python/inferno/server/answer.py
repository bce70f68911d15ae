"""What the edge needs of an endpoint's way to write its answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from inferno.engine.client import Delta, Usage
from inferno.server.choice import Choice


class Answer(Protocol):
    """Writes one answer, whole or as server-sent events. Pure, and of one request only."""

    def whole(self, choices: Sequence[Choice], usage: Usage) -> bytes: ...

    def events(self, delta: Delta) -> bytes:
        """The events of one delta; empty when it shows nothing new."""
        ...

    def last_events(self, usage: Usage) -> bytes:
        """What follows when every choice has finished, before ``[DONE]``."""
        ...
