"""What a conversation consists of in this API: items, as they are stored, answered and sent back. Pure."""

from __future__ import annotations

import uuid
from typing import Any, Literal

import msgspec

from inferno.server.wire.logprobs import ContentLogprob
from inferno.server.wire.sounds import InputAudio

Status = Literal["in_progress", "completed", "incomplete"]
Role = Literal["user", "assistant", "system", "developer"]

MESSAGE, CALL, CALL_OUTPUT, REASONING = "msg", "fc", "fco", "rs"
"""Beginnings of ids, by kind of item."""


def new_id(kind: str) -> str:
    return f"{kind}_{uuid.uuid4().hex}"


class InputText(msgspec.Struct, tag="input_text", tag_field="type", frozen=True):
    text: str


class InputImage(msgspec.Struct, tag="input_image", tag_field="type", frozen=True, kw_only=True):
    """``image_url`` is a data URL, or one of http(s) where the server allows its host."""

    image_url: str
    detail: Literal["auto", "low", "high", "original"] = "auto"


class InputSound(msgspec.Struct, tag="input_audio", tag_field="type", frozen=True, kw_only=True):
    input_audio: InputAudio


class OutputText(msgspec.Struct, tag="output_text", tag_field="type", frozen=True):
    """``logprobs`` are of the tokens that came with the text, where they were asked for."""

    text: str
    annotations: list[dict[str, Any]] = []
    logprobs: list[ContentLogprob] = []


class ReasoningText(msgspec.Struct, tag="reasoning_text", tag_field="type", frozen=True):
    text: str


class SummaryText(msgspec.Struct, tag="summary_text", tag_field="type", frozen=True):
    text: str


class MessageItem(msgspec.Struct, tag="message", tag_field="type", frozen=True, kw_only=True):
    id: str
    role: Role
    status: Status
    content: list[InputText | InputImage | InputSound | OutputText]

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.content if not isinstance(part, InputImage | InputSound))

    @property
    def has_media(self) -> bool:
        """Whether there are pictures or sounds in it."""
        return any(isinstance(part, InputImage | InputSound) for part in self.content)


class CallItem(msgspec.Struct, tag="function_call", tag_field="type", frozen=True, kw_only=True):
    """``arguments`` is JSON of an object; its beginning if the answer was cut."""

    id: str
    call_id: str
    name: str
    arguments: str
    status: Status


class CallOutputItem(msgspec.Struct, tag="function_call_output", tag_field="type", frozen=True, kw_only=True):
    """What a function gave back."""

    id: str
    call_id: str
    output: str | list[InputText]
    status: Status

    @property
    def text(self) -> str:
        return self.output if isinstance(self.output, str) else "".join(part.text for part in self.output)


class ReasoningItem(msgspec.Struct, tag="reasoning", tag_field="type", frozen=True, kw_only=True):
    """What the model thought, in its own words. ``summary`` is the client's: none is written here."""

    id: str
    summary: list[SummaryText]
    content: list[ReasoningText]
    status: Status

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.content)


Item = MessageItem | CallItem | CallOutputItem | ReasoningItem
OutputItem = MessageItem | CallItem | ReasoningItem

ITEM_DECODER = msgspec.json.Decoder(Item)
"""Of what this module encoded."""
