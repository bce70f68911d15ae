"""A completion, whole or in chunks. Pure: deltas in, bytes out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from inferno.engine.client import Delta, Usage
from inferno.server.choice import Choice
from inferno.server.wire.envelope import ENCODER, Envelope
from inferno.server.wire.errors import Failure, openai_error
from inferno.server.wire.framing import DONE, OPENAI_EVENTS, event
from inferno.server.wire.logprobs import CompletionLogprobs, TextOffsets, completion_logprobs
from inferno.server.wire.usage import UsageBody, usage_body

_MARK = "\u0000text\u0000"
_MARK_JSON = ENCODER.encode(_MARK)


class CompletionChoice(msgspec.Struct, frozen=True):
    index: int
    text: str
    logprobs: CompletionLogprobs | None = None
    finish_reason: str | None = None


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """Both the whole answer and a chunk of it: OpenAI gives them one name."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    system_fingerprint: str
    choices: list[CompletionChoice]
    usage: UsageBody | UnsetType | None = UNSET


class CompletionAnswer:
    """Writes the answer to one request. ``echoes`` holds for each prompt the text that comes before its choices'."""

    framing = OPENAI_EVENTS

    def __init__(
        self, envelope: Envelope, *, usage_streamed: bool, choices_per_prompt: int, echoes: Sequence[str]
    ) -> None:
        self._envelope = envelope
        self._usage_streamed = usage_streamed
        self._choices_per_prompt = choices_per_prompt
        self._echoes = echoes
        self._text_frames: dict[int, tuple[bytes, bytes]] = {}
        self._offsets: defaultdict[int, TextOffsets] = defaultdict(TextOffsets)

    def whole(self, choices: Sequence[Choice], usage: Usage) -> bytes:
        """The whole answer as JSON."""
        return self._encode([self._whole_choice(choice) for choice in choices], usage_body(usage))

    def first_events(self) -> bytes:
        """Nothing before the first delta."""
        return b""

    def events(self, delta: Delta) -> bytes:
        """The events of one delta, perhaps none: the echo with the choice's first, its finish after its last text."""
        frame = self._text_frames.get(delta.index)
        found = b""
        if frame is None:
            frame = self._text_frames[delta.index] = self._text_frame(delta.index)
            echo = self._echo(delta.index)
            if echo:
                found = frame[0] + ENCODER.encode(echo) + frame[1]
        if delta.logprobs:
            logprobs = completion_logprobs(delta.logprobs, self._offsets[delta.index])
            found += self._chunk(CompletionChoice(delta.index, delta.text, logprobs))
        elif delta.text:
            found += frame[0] + ENCODER.encode(delta.text) + frame[1]
        if delta.finish_reason is not None:
            found += self._chunk(CompletionChoice(delta.index, "", finish_reason=delta.finish_reason))
        return found

    def last_events(self, usage: Usage) -> bytes:
        """The usage, where it is asked for, and the mark of the end."""
        return (event(self._encode([], usage_body(usage))) if self._usage_streamed else b"") + DONE

    def failure_events(self, failure: Failure) -> bytes:
        """An error event, and no mark of the end."""
        return event(openai_error(failure))

    def _echo(self, index: int) -> str:
        return self._echoes[index // self._choices_per_prompt] if self._echoes else ""

    def _text_frame(self, index: int) -> tuple[bytes, bytes]:
        before, after = self._chunk(CompletionChoice(index, _MARK)).split(_MARK_JSON)
        return before, after

    def _chunk(self, choice: CompletionChoice) -> bytes:
        return event(self._encode([choice], None if self._usage_streamed else UNSET))

    def _whole_choice(self, choice: Choice) -> CompletionChoice:
        logprobs = None if choice.logprobs is None else completion_logprobs(choice.logprobs, TextOffsets())
        return CompletionChoice(choice.index, self._echo(choice.index) + choice.text, logprobs, choice.finish_reason)

    def _encode(self, choices: list[CompletionChoice], usage: UsageBody | UnsetType | None) -> bytes:
        head = self._envelope
        return ENCODER.encode(
            Completion(
                id=head.id,
                created=head.created,
                model=head.model,
                system_fingerprint=head.system_fingerprint,
                choices=choices,
                usage=usage,
            )
        )
