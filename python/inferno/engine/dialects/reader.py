"""From the text of a reply, as it comes, to what it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from inferno.engine.dialects.events import Content, Event


class ReplyReader(Protocol):
    """Reads one reply; belongs to one choice of one request. Never raises: what is not a call or reasoning is content.

    However the text is cut into pieces, the events are the same but for where texts are cut.
    """

    def feed(self, text: str) -> Sequence[Event]:
        """What ``text`` made certain. Not after :meth:`close`."""
        ...

    def close(self) -> Sequence[Event]:
        """The reply is over: what was held back."""
        ...

    @property
    def reasoning(self) -> bool:
        """What comes next belongs to the reasoning, unless it ends it."""
        ...

    @property
    def plain(self) -> bool:
        """All that comes next is content as it stands, and nothing is held back: it need not be fed."""
        ...


class PlainReader:
    """All text is content."""

    reasoning = False
    plain = True

    def feed(self, text: str) -> Sequence[Event]:
        return (Content(text),) if text else ()

    def close(self) -> Sequence[Event]:
        return ()
