"""A response on the wire: what was asked, how far it is, and what came out. Pure."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from inferno.engine.client import ModelCard
from inferno.engine.delta import Usage
from inferno.server.wire.errors import Failure
from inferno.server.wire.responses.items import OutputItem, new_id
from inferno.server.wire.responses.request import ResponseRequest
from inferno.server.wire.responses.tools import Offered

ResponseStatus = Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]
RUNNING: tuple[ResponseStatus, ...] = ("queued", "in_progress")
RESPONSE, CONVERSATION = "resp", "conv"
"""Beginnings of ids."""


class InputDetails(msgspec.Struct, frozen=True):
    cached_tokens: int
    cache_write_tokens: int = 0
    """Writing to the cache is not a thing apart here: what was computed stays while there is room."""


class OutputDetails(msgspec.Struct, frozen=True):
    reasoning_tokens: int


class ResponseUsage(msgspec.Struct, frozen=True):
    input_tokens: int
    input_tokens_details: InputDetails
    output_tokens: int
    output_tokens_details: OutputDetails
    total_tokens: int


class ErrorOfResponse(msgspec.Struct, frozen=True):
    """``code`` is one of those that this API knows; what it really was stands in ``message``."""

    code: Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]
    message: str


class IncompleteDetails(msgspec.Struct, frozen=True):
    reason: Literal["max_output_tokens"] = "max_output_tokens"


class ConversationId(msgspec.Struct, frozen=True):
    id: str


class ReasoningBody(msgspec.Struct, frozen=True):
    effort: str | None = None
    summary: None = None


class ResponseBody(msgspec.Struct, frozen=True, kw_only=True):
    """``created_at`` and ``completed_at`` are Unix time in seconds. ``tools`` are those that the model was offered."""

    id: str
    object: Literal["response"] = "response"
    created_at: int
    status: ResponseStatus
    background: bool
    completed_at: int | None = None
    conversation: ConversationId | None = None
    error: ErrorOfResponse | None = None
    incomplete_details: IncompleteDetails | None = None
    instructions: str | None
    max_output_tokens: int | None
    max_tool_calls: int | None
    metadata: dict[str, str]
    model: str
    output: list[OutputItem]
    parallel_tool_calls: bool
    previous_response_id: str | None
    prompt_cache_key: str | None
    prompt_cache_retention: str | None
    reasoning: ReasoningBody
    safety_identifier: str | None
    service_tier: Literal["default"] = "default"
    store: bool
    temperature: float | None
    """What was asked for, else what the model came with; null: the engine's default."""
    text: dict[str, Any]
    tool_choice: str | dict[str, Any]
    tools: list[dict[str, Any]]
    top_logprobs: int
    top_p: float | None
    truncation: Literal["auto", "disabled"] = "disabled"
    usage: ResponseUsage | None = None
    user: str | None


class DeletedResponse(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    object: Literal["response"] = "response"
    deleted: Literal[True] = True


class InputTokens(msgspec.Struct, frozen=True, kw_only=True):
    object: Literal["response.input_tokens"] = "response.input_tokens"
    input_tokens: int


BODY_DECODER = msgspec.json.Decoder(ResponseBody)
"""Of what this module encoded."""


def new_body(ask: ResponseRequest, offered: Offered, model: str, card: ModelCard, *, stored: bool) -> ResponseBody:
    """A response that has just been asked for."""
    effort = None if ask.reasoning is None else ask.reasoning.effort
    conversation = ask.conversation_id
    return ResponseBody(
        id=new_id(RESPONSE),
        created_at=int(time.time()),
        status="queued" if ask.background else "in_progress",
        background=bool(ask.background),
        conversation=None if conversation is None else ConversationId(conversation),
        instructions=ask.instructions,
        max_output_tokens=ask.max_output_tokens,
        max_tool_calls=ask.max_tool_calls,
        metadata=ask.metadata or {},
        model=model,
        output=[],
        parallel_tool_calls=ask.parallel_tool_calls is not False,
        previous_response_id=ask.previous_response_id,
        prompt_cache_key=ask.prompt_cache_key,
        prompt_cache_retention=ask.prompt_cache_retention,
        reasoning=ReasoningBody(effort),
        safety_identifier=ask.safety_identifier,
        store=stored,
        temperature=_in_force(ask.temperature, card.defaults, "temperature"),
        text=_text(ask),
        tool_choice=ask.tool_choice or "auto",
        tools=list(offered.echoed),
        top_logprobs=ask.top_logprobs or 0,
        top_p=_in_force(ask.top_p, card.defaults, "top_p"),
        truncation=ask.truncation or "disabled",
        user=ask.user,
    )


def usage_of(usage: Usage, reasoning_tokens: int) -> ResponseUsage:
    return ResponseUsage(
        input_tokens=usage.prompt_tokens,
        input_tokens_details=InputDetails(usage.cached_tokens),
        output_tokens=usage.completion_tokens,
        output_tokens_details=OutputDetails(reasoning_tokens),
        total_tokens=usage.prompt_tokens + usage.completion_tokens,
    )


def error_of(failure: Failure) -> ErrorOfResponse:
    if failure.status == 429:
        return ErrorOfResponse("rate_limit_exceeded", failure.message)
    return ErrorOfResponse("server_error" if failure.status >= 500 else "invalid_prompt", failure.message)


def _in_force(asked: float | None, defaults: Mapping[str, float], name: str) -> float | None:
    return defaults.get(name) if asked is None else asked


def _text(ask: ResponseRequest) -> dict[str, Any]:
    wanted = None if ask.text is None else ask.text.format
    found: dict[str, Any] = {"format": {"type": "text"} if wanted is None else msgspec.to_builtins(wanted)}
    if ask.text is not None and ask.text.verbosity is not None:
        found["verbosity"] = ask.text.verbosity
    return found
