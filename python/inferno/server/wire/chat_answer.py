"""A chat completion, whole or in chunks. Pure: deltas in, bytes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from inferno.engine.delta import Delta, Usage
from inferno.engine.dialects.events import CallArguments, CallBegun, Content, Event, Reasoning
from inferno.engine.text_frame import TextFrame
from inferno.server.choice import Choice
from inferno.server.replies import Call, Replies
from inferno.server.wire.envelope import ENCODER, Envelope
from inferno.server.wire.errors import Failure, openai_error
from inferno.server.wire.framing import DONE, OPENAI_EVENTS, event, text_frame
from inferno.server.wire.logprobs import ChatLogprobs, chat_logprobs
from inferno.server.wire.usage import UsageBody, usage_body


class CalledFunction(msgspec.Struct, frozen=True):
    """``arguments`` is JSON of an object; its beginning if the answer was cut."""

    name: str
    arguments: str


class AnsweredCall(msgspec.Struct, frozen=True):
    id: str
    function: CalledFunction
    type: Literal["function"] = "function"


class AssistantMessage(msgspec.Struct, frozen=True):
    """``content`` is null when there are only calls."""

    content: str | None
    role: Literal["assistant"] = "assistant"
    refusal: None = None
    reasoning_content: str | UnsetType = UNSET
    tool_calls: list[AnsweredCall] | UnsetType = UNSET


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
    service_tier: str | UnsetType = UNSET


class FunctionPiece(msgspec.Struct, frozen=True, omit_defaults=True):
    name: str | None = None
    arguments: str | None = None


class CallPiece(msgspec.Struct, frozen=True, omit_defaults=True):
    """``id``, ``type`` and the name come with the first piece of a call, once."""

    index: int
    id: str | None = None
    type: str | None = None
    function: FunctionPiece = FunctionPiece()


class ChunkDelta(msgspec.Struct, frozen=True, omit_defaults=True):
    role: str | None = None
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[CallPiece] | None = None


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
    service_tier: str | UnsetType = UNSET


class ChatAnswer:
    """Writes the answer to one request. Keeps what is the same in all chunks of a choice encoded: this path is hot."""

    framing = OPENAI_EVENTS

    def __init__(
        self,
        envelope: Envelope,
        replies: Replies,
        *,
        usage_streamed: bool,
        reasoning_shown: bool = True,
        image_tokens: int = 0,
        audio_tokens: int = 0,
        predicted: bool = False,
        service_tier: str | UnsetType = UNSET,
    ) -> None:
        self._envelope = envelope
        self._replies = replies
        self._usage_streamed = usage_streamed
        self._reasoning_shown = reasoning_shown
        self._image_tokens = image_tokens
        self._audio_tokens = audio_tokens
        self._predicted = predicted
        self._service_tier = service_tier
        self._text_frames: dict[int, TextFrame] = {}

    def whole(self, choices: Sequence[Choice], usage: Usage) -> bytes:
        """The whole answer as JSON."""
        head = self._envelope
        return ENCODER.encode(
            ChatCompletion(
                id=head.id,
                created=head.created,
                model=head.model,
                system_fingerprint=head.system_fingerprint,
                choices=[self._choice(choice) for choice in choices],
                usage=self._usage(usage),
                service_tier=self._service_tier,
            )
        )

    def first_events(self) -> bytes:
        """Nothing: the role comes with the first delta, so that a client measures when that came."""
        return b""

    def events(self, delta: Delta) -> bytes:
        """The events of one delta, perhaps none: the choice's role with its first, its finish after its last text."""
        frame = self._text_frames.get(delta.index)
        opening = b""
        if frame is None:
            frame = self._text_frames[delta.index] = self._text_frame(delta.index)
            opening = self._chunk(ChunkChoice(delta.index, ChunkDelta(role="assistant", content="")))
        told = self._replies.read(delta)
        if not self._reasoning_shown:
            told = [one for one in told if not isinstance(one, Reasoning)]
        if delta.logprobs:
            # They belong to the tokens, whose text may be held back, or be no content at all.
            first = _piece(told[0]) if told else None
            logprobs = chat_logprobs(delta.logprobs)
            opening += self._chunk(ChunkChoice(delta.index, first or ChunkDelta(content=""), logprobs))
            told = told[1:]
        for one in told:
            if isinstance(one, Content):
                opening += frame.event(one.text)
            elif piece := _piece(one):
                opening += self._chunk(ChunkChoice(delta.index, piece))
        if delta.finish_reason is not None:
            reason = self._finish_reason(delta.index, delta.finish_reason)
            opening += self._chunk(ChunkChoice(delta.index, ChunkDelta(), finish_reason=reason))
        return opening

    def frame(self, index: int) -> TextFrame | None:
        """Once neither reasoning nor calls can come any more."""
        return self._text_frames[index] if self._replies.plain(index) else None

    def last_events(self, usage: Usage) -> bytes:
        """The usage, where it is asked for, and the mark of the end."""
        return (self._event([], self._usage(usage)) if self._usage_streamed else b"") + DONE

    def failure_events(self, failure: Failure) -> bytes:
        """An error event, and no mark of the end."""
        return event(openai_error(failure))

    def _text_frame(self, index: int) -> TextFrame:
        return text_frame(lambda text: self._chunk(ChunkChoice(index, ChunkDelta(content=text))))

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
            service_tier=self._service_tier,
        )
        return event(ENCODER.encode(chunk))

    def _usage(self, usage: Usage) -> UsageBody:
        return usage_body(
            usage,
            reasoning_tokens=self._replies.reasoning_tokens,
            image_tokens=self._image_tokens,
            audio_tokens=self._audio_tokens,
            predicted=self._predicted,
        )

    def _finish_reason(self, index: int, reason: str) -> str:
        return "tool_calls" if reason == "stop" and self._replies.reply(index).calls else reason

    def _choice(self, choice: Choice) -> ChatChoice:
        reply = self._replies.reply(choice.index)
        message = AssistantMessage(
            content=reply.content or (None if reply.calls else ""),
            reasoning_content=(self._reasoning_shown and reply.reasoning) or UNSET,
            tool_calls=[_call(call) for call in reply.calls] or UNSET,
        )
        return ChatChoice(
            index=choice.index,
            message=message,
            logprobs=None if choice.logprobs is None else chat_logprobs(choice.logprobs),
            finish_reason=self._finish_reason(choice.index, choice.finish_reason),
        )


def _call(call: Call) -> AnsweredCall:
    return AnsweredCall(call.id, CalledFunction(call.name, call.arguments))


def _piece(told: Event) -> ChunkDelta | None:
    """None for an event that chunks do not tell."""
    if isinstance(told, Content):
        return ChunkDelta(content=told.text)
    if isinstance(told, Reasoning):
        return ChunkDelta(reasoning_content=told.text)
    if isinstance(told, CallBegun):
        begun = CallPiece(told.index, told.id, "function", FunctionPiece(told.name, ""))
        return ChunkDelta(tool_calls=[begun])
    if isinstance(told, CallArguments):
        return ChunkDelta(tool_calls=[CallPiece(told.index, function=FunctionPiece(arguments=told.text))])
    return None
