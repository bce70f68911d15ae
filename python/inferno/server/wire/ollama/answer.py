"""Ollama's answers, whole or line by line. Pure: deltas in, bytes out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from inferno.engine.delta import Delta, Timings, Usage
from inferno.engine.dialects.events import CallEnded, Content, Reasoning
from inferno.engine.text_frame import TextFrame
from inferno.server.choice import Choice
from inferno.server.replies import Call, Replies
from inferno.server.wire.envelope import ENCODER
from inferno.server.wire.errors import Failure
from inferno.server.wire.framing import Framing
from inferno.server.wire.logprobs import ContentLogprob, content_logprobs
from inferno.server.wire.ollama.errors import ollama_error

LINES = Framing("application/x-ndjson", b"")
"""Nothing may stand between two lines: a silent stream is silent."""
NANOSECONDS = 1_000_000_000


class CalledTool(msgspec.Struct, frozen=True):
    name: str
    arguments: dict[str, Any]
    index: int


class ToldCall(msgspec.Struct, frozen=True):
    id: str
    function: CalledTool


class ToldMessage(msgspec.Struct, frozen=True, kw_only=True):
    role: Literal["assistant"] = "assistant"
    content: str
    thinking: str | UnsetType = UNSET
    tool_calls: list[ToldCall] | UnsetType = UNSET


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What is behind ``done`` comes in the last line. Durations are in nanoseconds, measured by the engine: the total
    from the request's arrival there, the prompt's from when it was scheduled to the first token. Nothing is loaded."""

    model: str
    created_at: datetime
    done: bool
    done_reason: Literal["stop", "length", "load"] | UnsetType = UNSET
    total_duration: int | UnsetType = UNSET
    load_duration: int | UnsetType = UNSET
    prompt_eval_count: int | UnsetType = UNSET
    prompt_eval_duration: int | UnsetType = UNSET
    eval_count: int | UnsetType = UNSET
    eval_duration: int | UnsetType = UNSET
    logprobs: list[ContentLogprob] | UnsetType = UNSET
    """Of the tokens that a line came of, where they were asked for; those of thoughts and calls are among them."""


class ChatLine(Line, frozen=True, kw_only=True):
    message: ToldMessage


class GenerateLine(Line, frozen=True, kw_only=True):
    response: str
    thinking: str | UnsetType = UNSET


class OllamaAnswer:
    """Writes the answer to one request, which has one choice; ``line`` is what its lines are."""

    framing = LINES

    def __init__(self, line: type[ChatLine | GenerateLine], model: str, replies: Replies) -> None:
        self._line = line
        self._model = model
        self._replies = replies
        self._reason = ""
        self._timings = Timings()
        self._unplaced: list[ContentLogprob] = []
        """Of tokens whose line has not been written."""

    def whole(self, choices: Sequence[Choice], usage: Usage) -> bytes:
        """The whole answer as JSON. A call that the limit cut has no arguments that could be sent, and is left out."""
        [choice] = choices
        reply = self._replies.reply(choice.index)
        calls = [_told(index, call) for index, call in enumerate(reply.calls) if call.complete]
        ending = _ending(choice.finish_reason, choice.timings, usage)
        self._unplaced = content_logprobs(choice.logprobs or ())
        return self._written(reply.content, reply.reasoning, calls, ending)

    def loaded(self) -> bytes:
        """The answer to a request that asks nothing, which is how Ollama's clients have a model loaded."""
        return self._written("", "", [], {"done_reason": "load"})

    def first_events(self) -> bytes:
        return b""

    def events(self, delta: Delta) -> bytes:
        lines = []
        self._unplaced += content_logprobs(delta.logprobs)
        for told in self._replies.read(delta):
            if isinstance(told, Content):
                lines.append(self._written(told.text, "", [], None))
            elif isinstance(told, Reasoning):
                lines.append(self._written("", told.text, [], None))
            elif isinstance(told, CallEnded):
                call = _told(told.index, self._replies.reply(delta.index).calls[told.index])
                lines.append(self._written("", "", [call], None))
        if delta.finish_reason is not None:
            self._reason, self._timings = delta.finish_reason, delta.timings
        return b"".join(line + b"\n" for line in lines)

    def frame(self, index: int) -> TextFrame | None:
        """None: each line tells the time."""
        return None

    def last_events(self, usage: Usage) -> bytes:
        return self._written("", "", [], _ending(self._reason, self._timings, usage)) + b"\n"

    def failure_events(self, failure: Failure) -> bytes:
        return ollama_error(failure) + b"\n"

    def _written(self, content: str, thinking: str, calls: list[ToldCall], ending: dict[str, Any] | None) -> bytes:
        thought = thinking or UNSET
        said: dict[str, Any] = (
            {"message": ToldMessage(content=content, thinking=thought, tool_calls=calls or UNSET)}
            if self._line is ChatLine
            else {"response": content, "thinking": thought}
        )
        now, logprobs = datetime.now(timezone.utc), self._unplaced or UNSET
        self._unplaced = []
        done = ending is not None
        line = self._line(model=self._model, created_at=now, done=done, logprobs=logprobs, **said, **(ending or {}))
        return ENCODER.encode(line)


def _told(index: int, call: Call) -> ToldCall:
    return ToldCall(call.id, CalledTool(call.name, json.loads(call.arguments), index))


def _ending(reason: str, timings: Timings, usage: Usage) -> dict[str, Any]:
    return {
        "done_reason": reason,
        "total_duration": nanoseconds(timings.finished),
        "load_duration": 0,
        "prompt_eval_count": usage.prompt_tokens,
        "prompt_eval_duration": nanoseconds(timings.first_token - timings.scheduled),
        "eval_count": usage.completion_tokens,
        "eval_duration": nanoseconds(timings.finished - timings.first_token),
    }


def nanoseconds(seconds: float) -> int:
    return round(seconds * NANOSECONDS)
