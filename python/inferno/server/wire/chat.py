"""A chat completion request and what it asks of the engine. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from inferno.engine.conversation import Conversation
from inferno.engine.request import GenerateRequest
from inferno.errors import InvalidArgument
from inferno.server.wire.generation import (
    COMMON_UNSUPPORTED,
    COMMON_UNUSED,
    INT32_MAX,
    MAX_LOGPROBS,
    Count,
    GenerationFields,
    check_stream_options,
    generate_request,
    sampling_options,
)
from inferno.server.wire.messages import ChatMessage, shows_detail, template_messages
from inferno.server.wire.tools import Choice, Tools, offered_tools, tool_choice
from inferno.server.wire.unsupported import NeutralValues, refuse_unsupported, set_fields

MAX_TEMPLATE_KWARGS = 32
MAX_PREDICTED_PARTS = 64

UNSUPPORTED: NeutralValues = {
    **COMMON_UNSUPPORTED,
    "functions": ([],),
    "function_call": ("none", "auto"),
    "audio": (),
    "modalities": (["text"],),
    "web_search_options": (),
    "verbosity": ("medium",),
    "moderation": (),
}
UNUSED = COMMON_UNUSED


class PredictedText(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    type: Literal["text"]
    text: str


class Prediction(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What the answer will largely be, such as the text that is to be changed a little."""

    type: Literal["content"]
    content: str | Annotated[list[PredictedText], Meta(max_length=MAX_PREDICTED_PARTS)]

    @property
    def text(self) -> str:
        return self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)


class ChatRequest(GenerationFields, kw_only=True, forbid_unknown_fields=True):
    messages: list[ChatMessage]
    max_completion_tokens: Count | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=MAX_LOGPROBS)] | None = None
    chat_template_kwargs: Annotated[dict[str, Any], Meta(max_length=MAX_TEMPLATE_KWARGS)] | None = None
    tools: Tools | None = None
    tool_choice: Choice | None = None
    parallel_tool_calls: bool | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None
    include_reasoning: bool | None = None
    thinking_budget: Annotated[int, Meta(ge=0, le=INT32_MAX)] | None = None
    prediction: Prediction | None = None
    continue_final_message: bool | None = None

    functions: Any = None
    function_call: Any = None
    audio: Any = None
    modalities: Any = None
    web_search_options: Any = None
    verbosity: Any = None
    moderation: Any = None

    @property
    def unused(self) -> tuple[str, ...]:
        """Fields that are set and have no effect on the answer."""
        details = ("messages.image_url.detail",) if shows_detail(self.messages) else ()
        return (*set_fields(self, UNUSED), *details)


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


def conversation(ask: ChatRequest, *, tenant: str) -> Conversation:
    """What is to be continued. Raises InvalidArgument or UnsupportedParameter, naming the message."""
    tools = offered_tools(ask.tools)
    return Conversation(
        template_messages(ask.messages),
        tools=tools,
        tool_choice=tool_choice(ask.tool_choice, tools),
        parallel_tool_calls=ask.parallel_tool_calls is not False,
        reasoning_effort=ask.reasoning_effort,
        thinking_budget=ask.thinking_budget,
        continue_final_message=_continues(ask),
        template_kwargs=ask.chat_template_kwargs or {},
        tenant=tenant,
    )


def _continues(ask: ChatRequest) -> bool:
    """An assistant's message at the end is the beginning of the answer, unless the request says that it is not."""
    last = ask.messages[-1] if ask.messages else None
    continuable = last is not None and last.role == "assistant" and not last.tool_calls
    if ask.continue_final_message and not continuable:
        raise InvalidArgument(
            "'continue_final_message' is true, and the last message is not an assistant's without 'tool_calls'",
            param="continue_final_message",
        )
    return continuable and ask.continue_final_message is not False


def to_generate_request(
    ask: ChatRequest, prompt: Sequence[int], *, tenant: str, prediction: Sequence[int] = ()
) -> GenerateRequest:
    """What the engine is asked for, of a request that :func:`check` accepted. ``prediction`` is the tokens of its."""
    return generate_request(
        ask,
        prompt,
        sampling_options(ask, logprobs=(ask.top_logprobs or 0) if ask.logprobs else None),
        tenant=tenant,
        n=ask.choices,
        max_tokens=ask.max_completion_tokens or ask.max_tokens,
        prediction=prediction,
    )
