"""Pictures in messages, on the wire: data URLs, and those that are somewhere else. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from inferno.engine.media.medium import MAX_IMAGE_BYTES, Image
from inferno.errors import InvalidImage
from inferno.server.wire.base64_files import file_of

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
    return file_of(payload, param, most=MAX_IMAGE_BYTES, refusal=InvalidImage)


def image_of_base64(payload: str, param: str) -> Image:
    """Raises InvalidImage for what is no base64, or too large."""
    return Image(file_of(payload, param, most=MAX_IMAGE_BYTES, refusal=InvalidImage), param)
