"""How the events of a stream stand in its bytes, by API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from inferno.engine.text_frame import TextFrame

_MARK = "\u0000text\u0000"
_MARK_JSON = msgspec.json.encode(_MARK)


@dataclass(frozen=True, slots=True)
class Framing:
    """``keep_alive`` is what a silent stream may say between two events; empty: nothing may stand there. ``mark`` is
    the data of the event that ends a stream which has no other end."""

    media_type: str
    keep_alive: bytes
    mark: str | None = None


DONE_MARK = "[DONE]"
OPENAI_EVENTS = Framing("text/event-stream", b": keep-alive\n\n", DONE_MARK)
DONE = f"data: {DONE_MARK}\n\n".encode()


def event(data: bytes) -> bytes:
    """One server-sent event without a name, as the OpenAI API's chunks are."""
    return b"data: " + data + b"\n\n"


def named_event(name: str, data: bytes) -> bytes:
    """One server-sent event that says what it is."""
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"


def text_frame(told: Callable[[str], bytes]) -> TextFrame:
    """Of the event that ``told`` makes of a text, in which nothing but that changes."""
    return TextFrame(*told(_MARK).split(_MARK_JSON))
