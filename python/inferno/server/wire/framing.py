"""How the events of a stream stand in its bytes, by API."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Framing:
    """``keep_alive`` is what a silent stream may say between two events; empty: nothing may stand there."""

    media_type: str
    keep_alive: bytes


OPENAI_EVENTS = Framing("text/event-stream", b": keep-alive\n\n")
DONE = b"data: [DONE]\n\n"


def event(data: bytes) -> bytes:
    """One server-sent event without a name, as the OpenAI API's chunks are."""
    return b"data: " + data + b"\n\n"
