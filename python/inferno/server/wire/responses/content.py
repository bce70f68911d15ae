"""The pieces of an item's content, as they come: texts, and in messages of users pictures and sounds.

What is none of these is refused with InvalidArgument or UnsupportedParameter that name it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from inferno.errors import InvalidArgument
from inferno.server.refusals import UnsupportedParameter
from inferno.server.wire.images import ImageUrl, image_of
from inferno.server.wire.responses.items import InputImage, InputSound, InputText
from inferno.server.wire.sounds import InputAudio, sound_of

UNSUPPORTED_PARTS = ("input_image", "input_file", "input_audio")
"""Where a text is expected."""
TEXT_PARTS = ("input_text", "output_text", "text", "refusal")


class Part(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A piece of content. The last fields are what clients send back of an answer they got, or are refused."""

    type: str
    text: str | None = None
    refusal: str | None = None
    annotations: list[Any] | None = None
    logprobs: list[Any] | None = None
    parsed: Any = None
    prompt_cache_breakpoint: Any = None
    image_url: str | None = None
    detail: Literal["auto", "low", "high", "original"] | None = None
    file_id: Any = None
    file_data: Any = None
    file_url: Any = None
    filename: Any = None
    input_audio: InputAudio | None = None


def user_part(part: Part, where: str) -> InputText | InputImage | InputSound:
    """A piece of a user's message, which may be a picture or a sound."""
    if part.type == "input_audio":
        return _sound(part, where)
    if part.type != "input_image":
        return InputText(text_of(part, where, TEXT_PARTS))
    if part.image_url is None:
        why = "files are not kept here" if part.file_id is not None else "it is missing"
        raise UnsupportedParameter(f"'{where}' is a picture and needs an 'image_url': {why}", param=where)
    image_of(ImageUrl(url=part.image_url), where)
    return InputImage(image_url=part.image_url, detail=part.detail or "auto")


def texts_of(content: str | list[Part], where: str) -> list[str]:
    """What the pieces say, where each must be a text."""
    if isinstance(content, str):
        return [content]
    return [text_of(part, f"{where}[{index}]", TEXT_PARTS) for index, part in enumerate(content)]


def text_of(part: Part, where: str, kinds: Sequence[str]) -> str:
    """What a piece says that is of one of ``kinds``, and no picture, sound or file."""
    if part.type in UNSUPPORTED_PARTS:
        raise UnsupportedParameter(
            f"'{where}' is of type {part.type!r}; supported are texts, and pictures and sounds in messages of users",
            param=where,
        )
    text = part.refusal if part.type == "refusal" else part.text
    if part.type not in kinds or text is None:
        raise InvalidArgument(
            f"'{where}' is of type {part.type[:64]!r}: expected {' or '.join(kinds)}, and what it says", param=where
        )
    return text


def _sound(part: Part, where: str) -> InputSound:
    if part.input_audio is None:
        raise InvalidArgument(f"'{where}' is a sound and needs an 'input_audio'", param=f"{where}.input_audio")
    sound_of(part.input_audio, f"{where}.input_audio")
    return InputSound(input_audio=part.input_audio)
