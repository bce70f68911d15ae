"""Pictures and sounds in the messages of a request. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from inferno.engine.media.medium import Medium
from inferno.engine.request import Message
from inferno.errors import InvalidArgument
from inferno.server.wire.images import RemoteImage

MAX_MEDIA = 16
"""Of one request."""


def media_part(medium: Medium | RemoteImage) -> dict[str, Any]:
    """Of a message's content."""
    return {"type": "media", "media": medium}


def has_media(parts: Iterable[dict[str, Any]]) -> bool:
    return any(part["type"] == "media" for part in parts)


def media_in(messages: Iterable[Message]) -> Iterator[Medium | RemoteImage]:
    """All of them, in order."""
    for message in messages:
        if isinstance(message.get("content"), list):
            yield from (part["media"] for part in message["content"] if part["type"] == "media")


def check_number(messages: Sequence[Message], param: str = "messages") -> None:
    """Raises InvalidArgument for more than a request may have."""
    if (count := sum(1 for _ in media_in(messages))) > MAX_MEDIA:
        raise InvalidArgument(
            f"there are {count} pictures and sounds in the messages; at most {MAX_MEDIA} are allowed", param=param
        )
