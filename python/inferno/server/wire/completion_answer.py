"""A completion, whole or in chunks. Pure: deltas in, bytes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from inferno.engine.delta import Delta, TokenLogprob, Usage
from inferno.engine.text_frame import TextFrame
from inferno.server.choice import Choice
from inferno.server.wire.envelope import ENCODER, Envelope
from inferno.server.wire.errors import Failure, openai_error
from inferno.server.wire.framing import DONE, OPENAI_EVENTS, event, text_frame
from inferno.server.wire.logprobs import CompletionLogprobs, TextOffsets, completion_logprobs, echo_logprobs, joined
from inferno.server.wire.usage import UsageBody, usage_body


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


@dataclass(frozen=True, slots=True)
class Echo:
    """A prompt as its choices repeat it. ``pieces`` are its tokens' bytes, where they are scored."""

    text: str
    pieces: Sequence[bytes] = ()

    @property
    def offsets(self) -> TextOffsets:
        """For a choice that begins with it."""
        whole = b"".join(self.pieces).decode("utf-8", "replace")
        return TextOffsets(hidden=1 if whole == f" {self.text}" else 0)


NO_ECHO = Echo("")


class CompletionAnswer:
    """Writes the answer to one request. ``echoes`` holds for each prompt what comes before its choices' text.

    Of the ``candidates`` of each prompt the ``told`` best are told, by the mean of their tokens' logprobs.
    """

    framing = OPENAI_EVENTS

    def __init__(
        self,
        envelope: Envelope,
        *,
        usage_streamed: bool,
        candidates: int,
        told: int,
        with_logprobs: bool,
        echoes: Sequence[Echo],
    ) -> None:
        self._envelope = envelope
        self._usage_streamed = usage_streamed
        self._candidates = candidates
        self._told = told
        self._with_logprobs = with_logprobs
        self._echoes = echoes
        self._text_frames: dict[int, TextFrame] = {}
        self._offsets: dict[int, TextOffsets] = {}
        self._scores: dict[int, list[TokenLogprob]] = {}

    def whole(self, choices: Sequence[Choice], usage: Usage) -> bytes:
        """The whole answer as JSON."""
        return self._encode([self._whole_choice(choice) for choice in self._best(choices)], usage_body(usage))

    def first_events(self) -> bytes:
        """Nothing before the first delta."""
        return b""

    def events(self, delta: Delta) -> bytes:
        """The events of one delta, perhaps none: the echo with the choice's first, its finish after its last text."""
        if delta.prompt_logprobs:
            self._scores.setdefault(delta.index, []).extend(delta.prompt_logprobs)
        if not (delta.text or delta.logprobs or delta.finish_reason):
            return b""
        frame = self._text_frames.get(delta.index)
        found = b""
        if frame is None:
            frame = self._text_frames[delta.index] = self._text_frame(delta.index)
            found = self._echo_event(delta.index)
        if delta.logprobs:
            logprobs = completion_logprobs(delta.logprobs, self._offsets_of(delta.index))
            found += self._chunk(CompletionChoice(delta.index, delta.text, logprobs))
        elif delta.text:
            found += frame.event(delta.text)
        if delta.finish_reason is not None:
            found += self._chunk(CompletionChoice(delta.index, "", finish_reason=delta.finish_reason))
        return found

    def frame(self, index: int) -> TextFrame | None:
        """From a choice's first event on."""
        return self._text_frames.get(index)

    def last_events(self, usage: Usage) -> bytes:
        """The usage, where it is asked for, and the mark of the end."""
        return (event(self._encode([], usage_body(usage))) if self._usage_streamed else b"") + DONE

    def failure_events(self, failure: Failure) -> bytes:
        """An error event, and no mark of the end."""
        return event(openai_error(failure))

    def _best(self, choices: Sequence[Choice]) -> Sequence[Choice]:
        """Those to tell, numbered anew, best first."""
        if self._told == self._candidates:
            return choices
        found: list[Choice] = []
        for first in range(0, len(choices), self._candidates):
            ranked = sorted(choices[first : first + self._candidates], key=_mean_logprob, reverse=True)
            found += [replace(choice, index=len(found) + rank) for rank, choice in enumerate(ranked[: self._told])]
        return found

    def _echo(self, index: int, per_prompt: int) -> Echo:
        return self._echoes[index // per_prompt] if self._echoes else NO_ECHO

    def _echo_event(self, index: int) -> bytes:
        echo = self._echo(index, self._candidates)
        if not (echo.text or echo.pieces):
            return b""
        scores = self._scores.pop(index, [])
        logprobs = echo_logprobs(echo.pieces, scores, self._offsets_of(index)) if echo.pieces else None
        return self._chunk(CompletionChoice(index, echo.text, logprobs))

    def _offsets_of(self, index: int) -> TextOffsets:
        offsets = self._offsets.get(index)
        if offsets is None:
            offsets = self._offsets[index] = self._echo(index, self._candidates).offsets
        return offsets

    def _text_frame(self, index: int) -> TextFrame:
        return text_frame(lambda text: self._chunk(CompletionChoice(index, text)))

    def _chunk(self, choice: CompletionChoice) -> bytes:
        return event(self._encode([choice], None if self._usage_streamed else UNSET))

    def _whole_choice(self, choice: Choice) -> CompletionChoice:
        echo = self._echo(choice.index, self._told)
        logprobs = self._whole_logprobs(choice, echo)
        return CompletionChoice(choice.index, echo.text + choice.text, logprobs, choice.finish_reason)

    def _whole_logprobs(self, choice: Choice, echo: Echo) -> CompletionLogprobs | None:
        if not self._with_logprobs:
            return None
        offsets = echo.offsets
        before = echo_logprobs(echo.pieces, choice.prompt_logprobs, offsets) if echo.pieces else None
        said = completion_logprobs(choice.logprobs or (), offsets)
        return said if before is None else joined(before, said)

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


def _mean_logprob(choice: Choice) -> float:
    values = [token.logprob for token in choice.logprobs or ()]
    return sum(values) / len(values) if values else 0.0
