"""Sounds in messages, on the wire. Pure."""

from __future__ import annotations

import msgspec

from inferno.engine.media.medium import MAX_SOUND_BYTES, Sound
from inferno.errors import InvalidAudio
from inferno.server.wire.base64_files import file_of

FORMATS = ("wav",)


class InputAudio(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """``data`` is a WAV file in base64."""

    data: str
    format: str


def sound_of(given: InputAudio, param: str) -> Sound:
    """Raises InvalidAudio for another format, and for what is no base64, or too large."""
    if given.format not in FORMATS:
        raise InvalidAudio(
            f"'{param}.format' is {given.format[:32]!r}; this server takes {', '.join(FORMATS)}",
            param=f"{param}.format",
        )
    return Sound(file_of(given.data, f"{param}.data", most=MAX_SOUND_BYTES, refusal=InvalidAudio), f"{param}.data")
