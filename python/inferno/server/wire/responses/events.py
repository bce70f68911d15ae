"""The events of a response's stream, in the order in which they can come. Pure."""

from __future__ import annotations

import msgspec

from inferno.server.wire.framing import named_event
from inferno.server.wire.logprobs import ContentLogprob
from inferno.server.wire.responses.body import ResponseBody
from inferno.server.wire.responses.items import OutputItem, OutputText, ReasoningText

_ENCODER = msgspec.json.Encoder()


class _Event(msgspec.Struct, kw_only=True, tag_field="type"):
    """``sequence_number`` counts the events of a stream from 0."""

    sequence_number: int


class Created(_Event, tag="response.created"):
    response: ResponseBody


class Queued(_Event, tag="response.queued"):
    response: ResponseBody


class InProgress(_Event, tag="response.in_progress"):
    response: ResponseBody


class ItemAdded(_Event, tag="response.output_item.added"):
    output_index: int
    item: OutputItem


class PartAdded(_Event, tag="response.content_part.added"):
    item_id: str
    output_index: int
    content_index: int
    part: OutputText | ReasoningText


class TextDelta(_Event, tag="response.output_text.delta"):
    item_id: str
    output_index: int
    content_index: int
    delta: str
    logprobs: list[ContentLogprob]


class TextDone(_Event, tag="response.output_text.done"):
    item_id: str
    output_index: int
    content_index: int
    text: str
    logprobs: list[ContentLogprob]


class ReasoningDelta(_Event, tag="response.reasoning_text.delta"):
    item_id: str
    output_index: int
    content_index: int
    delta: str


class ReasoningDone(_Event, tag="response.reasoning_text.done"):
    item_id: str
    output_index: int
    content_index: int
    text: str


class ArgumentsDelta(_Event, tag="response.function_call_arguments.delta"):
    item_id: str
    output_index: int
    delta: str


class ArgumentsDone(_Event, tag="response.function_call_arguments.done"):
    item_id: str
    output_index: int
    name: str
    arguments: str


class PartDone(_Event, tag="response.content_part.done"):
    item_id: str
    output_index: int
    content_index: int
    part: OutputText | ReasoningText


class ItemDone(_Event, tag="response.output_item.done"):
    output_index: int
    item: OutputItem


class Completed(_Event, tag="response.completed"):
    response: ResponseBody


class Incomplete(_Event, tag="response.incomplete"):
    response: ResponseBody


class Failed(_Event, tag="response.failed"):
    response: ResponseBody


class ErrorEvent(_Event, tag="error"):
    code: str
    message: str
    param: str | None


ResponseEvent = (
    Created
    | Queued
    | InProgress
    | ItemAdded
    | PartAdded
    | TextDelta
    | TextDone
    | ReasoningDelta
    | ReasoningDone
    | ArgumentsDelta
    | ArgumentsDone
    | PartDone
    | ItemDone
    | Completed
    | Incomplete
    | Failed
    | ErrorEvent
)


def framed(event: _Event) -> bytes:
    """As it stands in the stream."""
    return named_event(str(event.__struct_config__.tag), _ENCODER.encode(event))
