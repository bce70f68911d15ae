"""What fills a gap, whole or in pieces, as llama-server tells it. Pure: deltas in, bytes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from inferno.engine.delta import Delta, Timings, Usage
from inferno.engine.text_frame import TextFrame
from inferno.server.choice import Choice
from inferno.server.wire.envelope import ENCODER
from inferno.server.wire.errors import Failure, openai_error
from inferno.server.wire.framing import Framing, event

EVENTS = Framing("text/event-stream", b": keep-alive\n\n")
"""The last event says ``stop``; there is no other mark of the end."""
MILLISECONDS = 1000.0


class InfillTimings(msgspec.Struct, frozen=True, kw_only=True):
    """Measured by the engine: the prompt's from when it was scheduled to the first token. ``cache_n`` tokens of it
    needed no computing."""

    cache_n: int
    prompt_n: int
    prompt_ms: float
    prompt_per_token_ms: float | None
    prompt_per_second: float | None
    predicted_n: int
    predicted_ms: float
    predicted_per_token_ms: float | None
    predicted_per_second: float | None


class Filling(msgspec.Struct, frozen=True, kw_only=True):
    """Both the whole answer and a piece of it; what is behind ``model`` comes at the end."""

    index: int = 0
    content: str
    stop: bool
    model: str
    tokens_predicted: int | UnsetType = UNSET
    tokens_evaluated: int | UnsetType = UNSET
    tokens_cached: int | UnsetType = UNSET
    truncated: bool | UnsetType = UNSET
    has_new_line: bool | UnsetType = UNSET
    stop_type: Literal["eos", "word", "limit"] | UnsetType = UNSET
    stopping_word: str | UnsetType = UNSET
    timings: InfillTimings | UnsetType = UNSET


class InfillAnswer:
    """Writes the answer to one request, which has one choice."""

    framing = EVENTS

    def __init__(self, model: str) -> None:
        self._model = model
        self._last: Delta | None = None
        self._new_line = False

    def whole(self, choices: Sequence[Choice], usage: Usage) -> bytes:
        [choice] = choices
        ending = _ending(choice.finish_reason, choice.matched_stop, choice.timings, usage)
        return self._told(choice.text, {**ending, "has_new_line": "\n" in choice.text})

    def first_events(self) -> bytes:
        return b""

    def events(self, delta: Delta) -> bytes:
        if delta.finish_reason is not None:
            self._last = delta
        self._new_line = self._new_line or "\n" in delta.text
        return event(ENCODER.encode(Filling(content=delta.text, stop=False, model=self._model))) if delta.text else b""

    def frame(self, index: int) -> TextFrame | None:
        """None: the last event tells of all texts."""
        return None

    def last_events(self, usage: Usage) -> bytes:
        last = self._last
        assert last is not None
        ending = _ending(last.finish_reason or "", last.matched_stop, last.timings, usage)
        return event(self._told("", {**ending, "has_new_line": self._new_line}))

    def failure_events(self, failure: Failure) -> bytes:
        return event(openai_error(failure))

    def _told(self, content: str, ending: dict[str, Any]) -> bytes:
        return ENCODER.encode(Filling(content=content, stop=True, model=self._model, **ending))


def _ending(reason: str, matched_stop: str | None, timings: Timings, usage: Usage) -> dict[str, Any]:
    return {
        "tokens_predicted": usage.completion_tokens,
        "tokens_evaluated": usage.prompt_tokens,
        "tokens_cached": usage.cached_tokens,
        "truncated": False,
        "stop_type": "limit" if reason == "length" else "eos" if matched_stop is None else "word",
        "stopping_word": matched_stop or "",
        "timings": _timings(timings, usage),
    }


def _timings(timings: Timings, usage: Usage) -> InfillTimings:
    computed, said = usage.prompt_tokens - usage.cached_tokens, usage.completion_tokens
    prompt = (timings.first_token - timings.scheduled) * MILLISECONDS
    predicted = (timings.finished - timings.first_token) * MILLISECONDS
    return InfillTimings(
        cache_n=usage.cached_tokens,
        prompt_n=computed,
        prompt_ms=prompt,
        prompt_per_token_ms=prompt / computed if computed else None,
        prompt_per_second=computed * MILLISECONDS / prompt if prompt > 0 else None,
        predicted_n=said,
        predicted_ms=predicted,
        predicted_per_token_ms=predicted / said if said else None,
        predicted_per_second=said * MILLISECONDS / predicted if predicted > 0 else None,
    )
