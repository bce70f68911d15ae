"""A request of Anthropic's Messages API and what it asks of the engine. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from inferno.engine.conversation import Conversation
from inferno.engine.request import GenerateRequest, Grammar, SamplingOptions
from inferno.errors import InvalidArgument
from inferno.server.refusals import UnsupportedParameter
from inferno.server.wire.anthropic.content import (
    CacheControl,
    InputMessage,
    System,
    template_messages,
    unused_blocks,
)
from inferno.server.wire.anthropic.tools import (
    MessagesToolChoice,
    Tools,
    chosen,
    offered,
    passed_over,
    several_calls,
)
from inferno.server.wire.generation import INT32_MAX, Count, Probability, Share, StopStrings, checked_stops
from inferno.server.wire.unsupported import NeutralValues, refuse_unsupported, set_fields

UNSUPPORTED: NeutralValues = {
    "container": (),
    "context_management": (),
    "diagnostics": (),
    "mcp_servers": ([],),
    "speed": ("standard",),
}
BUDGET = "thinking.budget_tokens"
UNUSED = ("metadata", "service_tier", "inference_geo", "user_profile_id", "workspace_id")


class Thinking(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    type: Literal["enabled", "disabled", "adaptive", "between_tools"]
    budget_tokens: Count | None = None
    display: Literal["summarized", "omitted"] | None = None


class JsonOutput(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    type: Literal["json_schema"]
    schema: dict[str, Any]


class OutputConfig(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: JsonOutput | None = None


class MessagesMetadata(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    user_id: Annotated[str, Meta(max_length=512)] | None = None


class CountTokensRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What makes a prompt."""

    messages: list[InputMessage]
    model: str | None = None
    system: System | None = None
    tools: Tools | None = None
    tool_choice: MessagesToolChoice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    cache_control: CacheControl | None = None
    context_management: Any = None
    mcp_servers: Any = None
    speed: Any = None
    user_profile_id: str | None = None
    workspace_id: str | None = None


class MessagesRequest(CountTokensRequest, kw_only=True, forbid_unknown_fields=True):
    max_tokens: Count
    stream: bool | None = None
    stop_sequences: StopStrings | None = None
    temperature: Probability | None = None
    top_k: Annotated[int, Meta(ge=0, le=INT32_MAX)] | None = None
    top_p: Share | None = None
    metadata: MessagesMetadata | None = None
    service_tier: Literal["auto", "standard_only"] | None = None
    inference_geo: str | None = None
    container: Any = None
    diagnostics: Any = None


DECODER = msgspec.json.Decoder(MessagesRequest)
COUNT_DECODER = msgspec.json.Decoder(CountTokensRequest)


def unused(ask: CountTokensRequest) -> tuple[str, ...]:
    """What is asked for and has no effect on the answer."""
    fields = [name for name in UNUSED if name in ask.__struct_fields__]
    # Thoughts are sent as they are, or left out.
    display = ["thinking.display"] if ask.thinking is not None and ask.thinking.display == "summarized" else []
    return (*set_fields(ask, fields), *display, *passed_over(ask.tools), *unused_blocks(ask.messages))


def conversation(ask: CountTokensRequest) -> Conversation:
    """What is to be answered. Raises InvalidArgument or UnsupportedParameter for what contradicts itself or cannot be
    honoured, naming it."""
    refuse_unsupported(ask, {name: values for name, values in UNSUPPORTED.items() if name in ask.__struct_fields__})
    messages = template_messages(ask.system, ask.messages)
    tools = offered(ask.tools)
    return Conversation(
        messages,
        tools=tools,
        tool_choice=chosen(ask.tool_choice, tools),
        parallel_tool_calls=several_calls(ask.tool_choice),
        reasoning_effort=None if ask.output_config is None else ask.output_config.effort,
        thinking=_thinking(ask.thinking),
        thinking_budget=_budget(ask),
        budget_param=BUDGET,
        # An assistant's message at the end is the beginning of the answer.
        continue_final_message=messages[-1]["role"] == "assistant" and not messages[-1].get("tool_calls"),
    )


def to_generate_request(ask: MessagesRequest, prompt: Sequence[int], *, tenant: str) -> GenerateRequest:
    """What the engine is asked for. Raises InvalidArgument for a stop sequence over the limit."""
    return GenerateRequest(
        prompt=prompt,
        sampling=SamplingOptions(temperature=ask.temperature, top_k=ask.top_k, top_p=ask.top_p),
        max_tokens=ask.max_tokens,
        stop=checked_stops(ask.stop_sequences or (), "stop_sequences"),
        tenant=tenant,
        grammar=_grammar(ask.output_config),
    )


def _thinking(wanted: Thinking | None) -> bool | None:
    """None: as the model does. Raises UnsupportedParameter for a rule that nothing keeps."""
    if wanted is None:
        return None
    if wanted.type == "between_tools":
        raise UnsupportedParameter(
            "'thinking.type' is 'between_tools', which no model here can be kept to; send 'adaptive', 'enabled' with"
            " 'budget_tokens', or 'disabled'",
            param="thinking.type",
        )
    return wanted.type != "disabled"


def _budget(ask: CountTokensRequest) -> int | None:
    """Raises InvalidArgument for a budget that is missing, not for this type, or leaves no token for the answer."""
    wanted = ask.thinking
    if wanted is None:
        return None
    if (wanted.type == "enabled") != (wanted.budget_tokens is not None):
        raise InvalidArgument(
            f"'thinking' is of type {wanted.type!r} and has {'no' if wanted.budget_tokens is None else 'a'}"
            f" '{BUDGET}'; it belongs to type 'enabled', and to no other",
            param=BUDGET,
        )
    most = ask.max_tokens if isinstance(ask, MessagesRequest) else None
    if wanted.budget_tokens is not None and most is not None and wanted.budget_tokens >= most:
        raise InvalidArgument(
            f"'{BUDGET}' is {wanted.budget_tokens} and 'max_tokens' is {most}: the budget must be the smaller, since"
            " thoughts and answer share the latter",
            param=BUDGET,
        )
    return wanted.budget_tokens


def _grammar(config: OutputConfig | None) -> Grammar | None:
    if config is None or config.format is None:
        return None
    schema = msgspec.json.encode(config.format.schema).decode()
    return Grammar("json_schema", schema, "output_config.format.schema")
