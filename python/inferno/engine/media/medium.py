"""A picture or a sound as it came in a message."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from inferno.engine.abilities import backends_that_can
from inferno.errors import AudioUnsupported, ImagesUnsupported

MAX_IMAGE_BYTES = 20 * 1024 * 1024
"""Of a file, as it came."""
MAX_SOUND_BYTES = 20 * 1024 * 1024
"""Likewise."""


@dataclass(frozen=True, slots=True)
class Image:
    """Not looked into yet. In a message's content: ``{"type": "media", "media": Image(...)}``."""

    data: bytes
    """A PNG, JPEG, WebP or GIF file."""
    param: str = "messages"
    """The field that it came by, for what refuses it."""
    digest: bytes = field(init=False)
    """SHA-256 of the file: what the same picture is known by."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha256(self.data).digest())


@dataclass(frozen=True, slots=True)
class Sound:
    """As :class:`Image`."""

    data: bytes
    """A WAV file."""
    param: str = "messages"
    digest: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha256(self.data).digest())


Medium = Image | Sound


def no_images(param: str, abilities: Sequence[str]) -> ImagesUnsupported:
    """The refusal of a picture by a model that has ``abilities``."""
    takes = "text and sounds" if "audio" in abilities else "text alone"
    return ImagesUnsupported(
        f"'{param}' is a picture, and this model takes {takes}: it has no image encoder. Leave the picture out, or"
        f" serve the model with --mmproj FILE; {backends_that_can('vision')}",
        param=param,
    )


def no_sounds(param: str, abilities: Sequence[str]) -> AudioUnsupported:
    """The refusal of a sound by a model that has ``abilities``."""
    takes = "text and pictures" if "vision" in abilities else "text alone"
    return AudioUnsupported(
        f"'{param}' is a sound, and this model takes {takes}: it has no audio encoder. Leave the sound out, or"
        f" serve the model with --mmproj FILE; {backends_that_can('audio')}",
        param=param,
    )
