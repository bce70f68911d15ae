"""A chat completion request and what it asks of the engine. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from inferno.engine.client import GenerateRequest
from inferno.engine.conversation import Conversation
from inferno.errors import InvalidArgument
from inferno.server.wire.generation import (
    COMMON_UNSUPPORTED,
    COMMON_UNUSED,
    MAX_LOGPROBS,
    Count,
    GenerationFields,
    check_stream_options,
    generate_request,
)
from inferno.server.wire.messages import ChatMessage, template_messages
from inferno.server.wire.unsupported import NeutralValues, refuse_unsupported, set_fields

MAX_TEMPLATE_KWARGS = 32

UNSUPPORTED: NeutralValues = {
    **COMMON_UNSUPPORTED,
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "audio": (),
    "modalities": (["text"],),
    "prediction": (),
    "web_search_options": (),
    "reasoning_effort": (),
    "verbosity": ("medium",),
    "moderation": (),
}
UNUSED = (*COMMON_UNUSED, "parallel_tool_calls")


class ChatRequest(GenerationFields, kw_only=True, forbid_unknown_fields=True):
    messages: list[ChatMessage]
    max_completion_tokens: Count | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=MAX_LOGPROBS)] | None = None
    chat_template_kwargs: Annotated[dict[str, Any], Meta(max_length=MAX_TEMPLATE_KWARGS)] | None = None
    parallel_tool_calls: bool | None = None

    tools: Any = None
    tool_choice: Any = None
    functions: Any = None
    function_call: Any = None
    audio: Any = None
    modalities: Any = None
    prediction: Any = None
    web_search_options: Any = None
    reasoning_effort: Any = None
    verbosity: Any = None
    moderation: Any = None

    @property
    def unused(self) -> tuple[str, ...]:
        """Fields that are set and have no effect on the answer."""
        return set_fields(self, UNUSED)


DECODER = msgspec.json.Decoder(ChatRequest)


def check(ask: ChatRequest) -> None:
    """Raises InvalidArgument or UnsupportedParameter for what contradicts itself or cannot be honoured."""
    refuse_unsupported(ask, UNSUPPORTED)
    check_stream_options(ask)
    if ask.top_logprobs is not None and not ask.logprobs:
        raise InvalidArgument("'top_logprobs' needs 'logprobs': true", param="top_logprobs")
    if ask.max_tokens and ask.max_completion_tokens and ask.max_tokens != ask.max_completion_tokens:
        raise InvalidArgument(
            f"'max_tokens' is {ask.max_tokens} and 'max_completion_tokens' is {ask.max_completion_tokens}:"
            " they mean the same; send one",
            param="max_tokens",
        )


def conversation(ask: ChatRequest) -> Conversation:
    """What is to be continued. Raises InvalidArgument or UnsupportedParameter, naming the message."""
    return Conversation(template_messages(ask.messages), template_kwargs=ask.chat_template_kwargs or {})


def to_generate_request(ask: ChatRequest, prompt: Sequence[int], *, tenant: str) -> GenerateRequest:
    """What the engine is asked for, of a request that :func:`check` accepted."""
    return generate_request(
        ask,
        prompt,
        tenant=tenant,
        max_tokens=ask.max_completion_tokens or ask.max_tokens,
        logprobs=(ask.top_logprobs or 0) if ask.logprobs else None,
    )
