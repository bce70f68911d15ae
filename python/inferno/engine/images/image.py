"""A picture as it came in a message."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from inferno.engine.abilities import backends_that_can
from inferno.errors import ImagesUnsupported

MAX_IMAGE_BYTES = 20 * 1024 * 1024
"""Of a file, as it came."""


@dataclass(frozen=True, slots=True)
class Image:
    """Not looked into yet. In a message's content: ``{"type": "image", "image": Image(...)}``."""

    data: bytes
    """A PNG, JPEG, WebP or GIF file."""
    param: str = "messages"
    """The field that it came by, for what refuses it."""
    digest: bytes = field(init=False)
    """SHA-256 of the file: what the same picture is known by."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha256(self.data).digest())


def no_images(param: str) -> ImagesUnsupported:
    return ImagesUnsupported(
        f"'{param}' is a picture, and this model takes none: it has no image encoder. Send text, or serve it with"
        f" --mmproj FILE; {backends_that_can('vision')}",
        param=param,
    )
