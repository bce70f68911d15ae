"""An answer of Anthropic's Messages API, whole or as events. Pure: deltas in, bytes out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from inferno.engine.delta import Delta, Usage
from inferno.engine.dialects.events import CallArguments, CallBegun, CallEnded, Content, Event, Reasoning
from inferno.engine.text_frame import TextFrame
from inferno.server.choice import Choice
from inferno.server.replies import Call, Replies
from inferno.server.wire.anthropic.errors import anthropic_error
from inferno.server.wire.envelope import ENCODER, Envelope
from inferno.server.wire.errors import Failure
from inferno.server.wire.framing import Framing, named_event, text_frame

MESSAGES_EVENTS = Framing("text/event-stream", named_event("ping", b'{"type":"ping"}'))
NOT_SIGNED = ""

StopReason = Literal["end_turn", "max_tokens", "stop_sequence", "tool_use"]


class SaidText(msgspec.Struct, frozen=True, tag="text"):
    text: str
    citations: None = None


class Thought(msgspec.Struct, frozen=True, tag="thinking"):
    """``signature`` is empty: thoughts come back as text, which needs no proof."""

    thinking: str
    signature: str = NOT_SIGNED


class ToolUse(msgspec.Struct, frozen=True, tag="tool_use"):
    id: str
    name: str
    input: dict[str, Any]


Said = SaidText | Thought | ToolUse


class ThinkingTokens(msgspec.Struct, frozen=True):
    thinking_tokens: int


class MessagesUsage(msgspec.Struct, frozen=True, kw_only=True):
    """The prompt has ``input_tokens`` and ``cache_read_input_tokens`` together. How many came from the cache is known
    at the end: the first event of a stream counts none as such."""

    input_tokens: int
    cache_creation_input_tokens: Literal[0] = 0
    """No request puts anything into the cache that others would not."""
    cache_read_input_tokens: int
    output_tokens: int
    output_tokens_details: ThinkingTokens = ThinkingTokens(0)


class MessageBody(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    type: Literal["message"] = "message"
    role: Literal["assistant"] = "assistant"
    model: str
    content: list[Said]
    stop_reason: StopReason | None
    stop_sequence: str | None
    usage: MessagesUsage


class MessageStart(msgspec.Struct, frozen=True, tag="message_start"):
    message: MessageBody


class BlockStart(msgspec.Struct, frozen=True, tag="content_block_start"):
    index: int
    content_block: Said


class TextDelta(msgspec.Struct, frozen=True, tag="text_delta"):
    text: str


class ThinkingDelta(msgspec.Struct, frozen=True, tag="thinking_delta"):
    thinking: str


class InputDelta(msgspec.Struct, frozen=True, tag="input_json_delta"):
    partial_json: str


class BlockDelta(msgspec.Struct, frozen=True, tag="content_block_delta"):
    index: int
    delta: TextDelta | ThinkingDelta | InputDelta


class BlockStop(msgspec.Struct, frozen=True, tag="content_block_stop"):
    index: int


class Ending(msgspec.Struct, frozen=True):
    stop_reason: StopReason
    stop_sequence: str | None


class MessageDelta(msgspec.Struct, frozen=True, tag="message_delta"):
    delta: Ending
    usage: MessagesUsage


class MessageStop(msgspec.Struct, frozen=True, tag="message_stop"):
    pass


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """A sign of life in a silent stream."""


MessagesEvent = MessageStart | BlockStart | BlockDelta | BlockStop | MessageDelta | MessageStop | Ping


class MessagesAnswer:
    """Writes the answer to a request, which has one choice. Blocks are numbered as they begin; at most one is open."""

    framing = MESSAGES_EVENTS

    def __init__(self, envelope: Envelope, replies: Replies, *, prompt_tokens: int, thoughts_shown: bool) -> None:
        self._envelope = envelope
        self._replies = replies
        self._prompt_tokens = prompt_tokens
        self._thoughts_shown = thoughts_shown
        self._index = -1
        self._open: type[Said] | None = None
        self._ending = Ending("end_turn", None)

    def whole(self, choices: Sequence[Choice], usage: Usage) -> bytes:
        """The whole answer as JSON. A call that the limit cut has no input that could be sent, and is left out."""
        [choice] = choices
        reply = self._replies.reply(choice.index)
        content: list[Said] = []
        if reply.reasoning and self._thoughts_shown:
            content.append(Thought(reply.reasoning))
        if reply.content:
            content.append(SaidText(reply.content))
        content += [_tool_use(call) for call in reply.calls if call.complete]
        ending = self._end(choice.finish_reason, choice.matched_stop)
        return ENCODER.encode(self._message(content, ending, self._usage(usage)))

    def first_events(self) -> bytes:
        usage = MessagesUsage(input_tokens=self._prompt_tokens, cache_read_input_tokens=0, output_tokens=0)
        return _event(MessageStart(self._message([], None, usage)))

    def events(self, delta: Delta) -> bytes:
        pieces = [self._piece(told) for told in self._replies.read(delta)]
        if delta.finish_reason is not None:
            pieces.append(self._close())
            self._ending = self._end(delta.finish_reason, delta.matched_stop)
        return b"".join(pieces)

    def frame(self, index: int) -> TextFrame | None:
        """Once a text is open that nothing can end but the answer's end."""
        if self._open is not SaidText or not self._replies.plain(index):
            return None
        return text_frame(lambda text: self._delta(TextDelta(text)))

    def last_events(self, usage: Usage) -> bytes:
        return _event(MessageDelta(self._ending, self._usage(usage))) + _event(MessageStop())

    def failure_events(self, failure: Failure) -> bytes:
        return named_event("error", anthropic_error(failure))

    def _piece(self, told: Event) -> bytes:
        if isinstance(told, Content):
            return self._opened(SaidText("")) + self._delta(TextDelta(told.text))
        if isinstance(told, Reasoning):
            if not self._thoughts_shown:
                return b""
            return self._opened(Thought("")) + self._delta(ThinkingDelta(told.text))
        if isinstance(told, CallBegun):
            return self._close() + self._opened(ToolUse(told.id, told.name, {}))
        if isinstance(told, CallArguments):
            return self._delta(InputDelta(told.text))
        if isinstance(told, CallEnded):
            return self._close()
        raise TypeError(f"unknown event {type(told).__name__}")

    def _opened(self, empty: Said) -> bytes:
        """A block of this kind is open now."""
        if self._open is type(empty):
            return b""
        closing = self._close()
        self._index += 1
        self._open = type(empty)
        return closing + _event(BlockStart(self._index, empty))

    def _close(self) -> bytes:
        if self._open is None:
            return b""
        self._open = None
        return _event(BlockStop(self._index))

    def _delta(self, delta: TextDelta | ThinkingDelta | InputDelta) -> bytes:
        return _event(BlockDelta(self._index, delta))

    def _end(self, finish_reason: str, matched_stop: str | None) -> Ending:
        if finish_reason == "length":
            return Ending("max_tokens", None)
        if matched_stop is not None:
            return Ending("stop_sequence", matched_stop)
        called = any(call.complete for call in self._replies.reply(0).calls)
        return Ending("tool_use" if called else "end_turn", None)

    def _message(self, content: list[Said], ending: Ending | None, usage: MessagesUsage) -> MessageBody:
        return MessageBody(
            id=self._envelope.id,
            model=self._envelope.model,
            content=content,
            stop_reason=None if ending is None else ending.stop_reason,
            stop_sequence=None if ending is None else ending.stop_sequence,
            usage=usage,
        )

    def _usage(self, usage: Usage) -> MessagesUsage:
        return MessagesUsage(
            input_tokens=usage.prompt_tokens - usage.cached_tokens,
            cache_read_input_tokens=usage.cached_tokens,
            output_tokens=usage.completion_tokens,
            output_tokens_details=ThinkingTokens(self._replies.reasoning_tokens),
        )


def _tool_use(call: Call) -> ToolUse:
    return ToolUse(call.id, call.name, json.loads(call.arguments))


def _event(told: MessagesEvent) -> bytes:
    return named_event(str(told.__struct_config__.tag), ENCODER.encode(told))
