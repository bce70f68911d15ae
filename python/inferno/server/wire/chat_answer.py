"""A chat completion, whole or in chunks. Pure: deltas in, bytes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from inferno.engine.client import Delta, Usage
from inferno.server.choice import Choice
from inferno.server.wire.envelope import ENCODER, Envelope, event
from inferno.server.wire.logprobs import ChatLogprobs, chat_logprobs
from inferno.server.wire.usage import UsageBody, usage_body

_MARK = "\u0000text\u0000"
_MARK_JSON = ENCODER.encode(_MARK)


class AssistantMessage(msgspec.Struct, frozen=True):
    content: str
    role: Literal["assistant"] = "assistant"
    refusal: None = None


class ChatChoice(msgspec.Struct, frozen=True):
    index: int
    message: AssistantMessage
    logprobs: ChatLogprobs | None
    finish_reason: str


class ChatCompletion(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    system_fingerprint: str
    choices: list[ChatChoice]
    usage: UsageBody


class ChunkDelta(msgspec.Struct, frozen=True, omit_defaults=True):
    role: str | None = None
    content: str | None = None


class ChunkChoice(msgspec.Struct, frozen=True):
    index: int
    delta: ChunkDelta
    logprobs: ChatLogprobs | None = None
    finish_reason: str | None = None


class ChatChunk(msgspec.Struct, frozen=True, kw_only=True):
    """``usage`` is null in all chunks but the last when usage is asked for, and absent when not."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    system_fingerprint: str
    choices: list[ChunkChoice]
    usage: UsageBody | UnsetType | None = UNSET


class ChatAnswer:
    """Writes the answer to one request. Keeps what is the same in all chunks of a choice encoded: this path is hot."""

    def __init__(self, envelope: Envelope, *, usage_streamed: bool) -> None:
        self._envelope = envelope
        self._usage_streamed = usage_streamed
        self._text_frames: dict[int, tuple[bytes, bytes]] = {}

    def whole(self, choices: Sequence[Choice], usage: Usage) -> bytes:
        """The whole answer as JSON."""
        head = self._envelope
        return ENCODER.encode(
            ChatCompletion(
                id=head.id,
                created=head.created,
                model=head.model,
                system_fingerprint=head.system_fingerprint,
                choices=[_chat_choice(choice) for choice in choices],
                usage=usage_body(usage),
            )
        )

    def events(self, delta: Delta) -> bytes:
        """The events of one delta, perhaps none: the choice's role with its first, its finish after its last text."""
        frame = self._text_frames.get(delta.index)
        opening = b""
        if frame is None:
            frame = self._text_frames[delta.index] = self._text_frame(delta.index)
            opening = self._chunk(ChunkChoice(delta.index, ChunkDelta(role="assistant", content="")))
        if delta.logprobs:
            opening += self._chunk(
                ChunkChoice(delta.index, ChunkDelta(content=delta.text), chat_logprobs(delta.logprobs))
            )
        elif delta.text:
            opening += frame[0] + ENCODER.encode(delta.text) + frame[1]
        if delta.finish_reason is not None:
            opening += self._chunk(ChunkChoice(delta.index, ChunkDelta(), finish_reason=delta.finish_reason))
        return opening

    def last_events(self, usage: Usage) -> bytes:
        """What follows when every choice has finished."""
        return self._event([], usage_body(usage)) if self._usage_streamed else b""

    def _text_frame(self, index: int) -> tuple[bytes, bytes]:
        before, after = self._chunk(ChunkChoice(index, ChunkDelta(content=_MARK))).split(_MARK_JSON)
        return before, after

    def _chunk(self, choice: ChunkChoice) -> bytes:
        return self._event([choice], None if self._usage_streamed else UNSET)

    def _event(self, choices: list[ChunkChoice], usage: UsageBody | UnsetType | None) -> bytes:
        head = self._envelope
        chunk = ChatChunk(
            id=head.id,
            created=head.created,
            model=head.model,
            system_fingerprint=head.system_fingerprint,
            choices=choices,
            usage=usage,
        )
        return event(ENCODER.encode(chunk))


def _chat_choice(choice: Choice) -> ChatChoice:
    return ChatChoice(
        index=choice.index,
        message=AssistantMessage(choice.text),
        logprobs=None if choice.logprobs is None else chat_logprobs(choice.logprobs),
        finish_reason=choice.finish_reason,
    )
