"""Pictures in messages, on the wire: data URLs, and those that are somewhere else. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from inferno.engine.client import Message
from inferno.engine.images.image import MAX_IMAGE_BYTES, Image
from inferno.errors import InvalidArgument, InvalidImage

MAX_IMAGES = 16
"""Of one request."""

_MEDIA_TYPES = ("image/png", "image/jpeg", "image/jpg", "image/webp", "image/gif")
_LONGEST_URL = 2048


class ImageUrl(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """``url`` is ``data:image/png;base64,...``, or http(s) where the server allows its host. ``detail`` has no effect:
    how finely a picture is looked at is the image encoder's own matter."""

    url: str
    detail: Literal["auto", "low", "high", "original"] | None = None


@dataclass(frozen=True, slots=True)
class RemoteImage:
    """A picture that is to be fetched first."""

    url: str
    param: str


def image_of(given: ImageUrl, param: str) -> Image | RemoteImage:
    """Raises InvalidImage for what is neither kind of URL, no base64, or too large."""
    scheme, _, rest = given.url.partition(":")
    if scheme.lower() == "data":
        return Image(_data(rest, param), param)
    if scheme.lower() in ("http", "https") and len(given.url) <= _LONGEST_URL:
        return RemoteImage(given.url, param)
    raise InvalidImage(
        f"'{param}.url' begins with {given.url[:32]!r}: expected 'data:image/png;base64,...', or an http or https URL"
        f" of at most {_LONGEST_URL} characters",
        param=param,
    )


def _data(rest: str, param: str) -> bytes:
    head, comma, payload = rest.partition(",")
    media_type, *options = head.lower().split(";")
    if not comma or media_type not in _MEDIA_TYPES or options != ["base64"]:
        raise InvalidImage(
            f"'{param}.url' is a data URL of {head[:64]!r}: expected one of {', '.join(_MEDIA_TYPES)}, then ';base64,'",
            param=param,
        )
    return _bytes_of(payload, param)


def image_of_base64(payload: str, param: str) -> Image:
    """Raises InvalidImage for what is no base64, or too large."""
    return Image(_bytes_of(payload, param), param)


def _bytes_of(payload: str, param: str) -> bytes:
    if len(payload) > MAX_IMAGE_BYTES * 4 // 3 + 4:
        raise InvalidImage(f"'{param}' holds a file larger than the limit of {MAX_IMAGE_BYTES} bytes", param=param)
    try:
        return base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidImage(f"'{param}' holds no base64", param=param) from None


def check_number(messages: Sequence[Message]) -> None:
    """Raises InvalidArgument for more pictures than a request may have."""
    if (count := sum(1 for _ in pictures_in(messages))) > MAX_IMAGES:
        raise InvalidArgument(f"the messages hold {count} pictures; at most {MAX_IMAGES} are allowed", param="messages")


def pictures_in(messages: Iterable[Message]) -> Iterator[Image | RemoteImage]:
    """All of them, in order."""
    for message in messages:
        if isinstance(message.get("content"), list):
            yield from (part["image"] for part in message["content"] if part["type"] == "image")
