"""A request for a response, and what it asks of the engine. Pure."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from inferno.engine.request import GenerateRequest, Grammar, SamplingOptions
from inferno.errors import InvalidArgument
from inferno.server.wire.answer_format import JsonObjectFormat, TextFormat, schema_grammar
from inferno.server.wire.generation import (
    LEAST_URGENT,
    LONGEST_TIMEOUT,
    MAX_LOGPROBS,
    Count,
    Penalty,
    Positive,
    Probability,
    Share,
)
from inferno.server.wire.tools import MAX_TOOLS
from inferno.server.wire.unsupported import NeutralValues, refuse_unsupported, set_fields

MAX_TEMPLATE_KWARGS = 32
MAX_METADATA = 16
_INT32_MAX = (1 << 31) - 1
_UINT64_MASK = (1 << 64) - 1
LOGPROBS = "message.output_text.logprobs"

UNSUPPORTED: NeutralValues = {
    "service_tier": ("auto", "default"),
    "prompt": (),
    "context_management": ([],),
    "moderation": (),
    "access_programs": (),
    "image": (),
    "background_options": ({}, {"completion_window": "soonest"}),
    "generate": (True,),
}
UNUSED = (
    "max_tool_calls",
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "service_tier",
    "client_metadata",
)

Id = Annotated[str, Meta(min_length=1, max_length=256)]
Metadata = Annotated[
    dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=512)]], Meta(max_length=MAX_METADATA)
]
Items = list[dict[str, Any]]
Include = Literal[
    "message.output_text.logprobs",
    "reasoning.encrypted_content",
    "web_search_call.results",
    "web_search_call.action.sources",
    "code_interpreter_call.outputs",
    "computer_call_output.output.image_url",
    "file_search_call.results",
    "message.input_image.image_url",
]


class SchemaFormat(msgspec.Struct, tag="json_schema", tag_field="type", kw_only=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    schema: dict[str, Any]
    description: str | None = None
    strict: bool | None = None
    """Without effect: a schema is kept to in any case, or refused."""


class TextSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    format: TextFormat | JsonObjectFormat | SchemaFormat | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class ReasoningSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Of these, ``effort`` has an effect: thoughts are shown as they are, and never summarized."""

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    generate_summary: Literal["auto", "concise", "detailed"] | None = None
    context: Literal["auto", "current_turn", "all_turns"] | None = None
    mode: Literal["standard"] | None = None


class StreamOptions(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    include_obfuscation: Literal[False] | None = None
    """Events are not padded here."""


class ConversationReference(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    id: Id


class ContextFields(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a prompt is made of."""

    model: str | None = None
    input: str | Items | None = None
    instructions: str | None = None
    previous_response_id: Id | None = None
    conversation: Id | ConversationReference | None = None
    tools: Annotated[Items, Meta(max_length=MAX_TOOLS)] | None = None
    tool_choice: Literal["none", "auto", "required"] | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    reasoning: ReasoningSettings | None = None
    text: TextSettings | None = None
    truncation: Literal["auto", "disabled"] | None = None
    chat_template_kwargs: Annotated[dict[str, Any], Meta(max_length=MAX_TEMPLATE_KWARGS)] | None = None
    thinking_budget: Annotated[int, Meta(ge=0, le=_INT32_MAX)] | None = None
    """Most tokens of a thought, as in chats."""

    @property
    def conversation_id(self) -> str | None:
        given = self.conversation
        return given.id if isinstance(given, ConversationReference) else given


class CountRequest(ContextFields, kw_only=True, forbid_unknown_fields=True):
    """How many tokens a response would begin with."""


class ResponseRequest(ContextFields, kw_only=True, forbid_unknown_fields=True):
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    background: bool | None = None
    store: bool | None = None
    max_output_tokens: Count | None = None
    max_tool_calls: Count | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Share | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=MAX_LOGPROBS)] | None = None
    include: Annotated[list[Include], Meta(max_length=16)] | None = None
    metadata: Metadata | None = None

    seed: Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)] | None = None
    top_k: Annotated[int, Meta(ge=0, le=_INT32_MAX)] | None = None
    min_p: Probability | None = None
    repetition_penalty: Positive | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    priority: Annotated[int, Meta(ge=0, le=LEAST_URGENT)] | None = None
    timeout: Annotated[float, Meta(gt=0, le=LONGEST_TIMEOUT)] | None = None

    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: dict[str, Any] | None = None
    prompt_cache_retention: Literal["in_memory", "24h"] | None = None
    service_tier: str | None = None
    client_metadata: dict[str, Any] | None = None

    prompt: Any = None
    context_management: Any = None
    moderation: Any = None
    access_programs: Any = None
    image: Any = None
    background_options: Any = None
    generate: Any = None

    @property
    def logprobs(self) -> int | None:
        """How many alternatives of each token are told; None: not even the tokens themselves."""
        asked = bool(self.top_logprobs) or LOGPROBS in (self.include or ())
        return (self.top_logprobs or 0) if asked else None

    @property
    def unused(self) -> tuple[str, ...]:
        """Fields that are set and have no effect on the answer."""
        included = [f"include[{index}]" for index, name in enumerate(self.include or ()) if name != LOGPROBS]
        return (*set_fields(self, UNUSED), *unused_reasoning(self.reasoning), *included)


DECODER = msgspec.json.Decoder(ResponseRequest)
COUNT_DECODER = msgspec.json.Decoder(CountRequest)


def unused_reasoning(settings: ReasoningSettings | None) -> tuple[str, ...]:
    if settings is None:
        return ()
    return tuple(f"reasoning.{name}" for name in set_fields(settings, ("summary", "generate_summary", "context")))


def check(ask: ResponseRequest) -> None:
    """Raises InvalidArgument or UnsupportedParameter for what contradicts itself or cannot be honoured."""
    refuse_unsupported(ask, UNSUPPORTED)
    check_context(ask)
    if ask.stream_options is not None and not ask.stream:
        raise InvalidArgument("'stream_options' is only allowed with 'stream': true", param="stream_options")
    if ask.background and ask.store is False:
        raise InvalidArgument(
            "'background' is true and 'store' is false: nobody could ever read that response", param="background"
        )


def check_context(ask: ContextFields) -> None:
    """As :func:`check`, of what a prompt is made of."""
    if ask.text is not None and ask.text.verbosity not in (None, "medium"):
        raise InvalidArgument(
            f"'text.verbosity' is {ask.text.verbosity!r}: no model here knows it; leave it out", param="text.verbosity"
        )
    if ask.previous_response_id is not None and ask.conversation is not None:
        raise InvalidArgument(
            "'previous_response_id' and 'conversation' both say what came before; send one", param="conversation"
        )


def room_for_prompt(ask: ContextFields, context: int) -> int:
    """Of a context of so many tokens, how many a prompt may take that can be made shorter: what the answer may need is
    left, up to half of it."""
    wanted = ask.max_output_tokens if isinstance(ask, ResponseRequest) else None
    return context - min(wanted or 1, context // 2)


def text_grammar(ask: ContextFields) -> Grammar | None:
    """What the text must satisfy; None for any."""
    wanted = None if ask.text is None else ask.text.format
    if isinstance(wanted, JsonObjectFormat):
        return Grammar("json_object", "", "text.format")
    if isinstance(wanted, SchemaFormat):
        return schema_grammar(wanted.schema, "text.format.schema")
    return None


def to_generate_request(ask: ResponseRequest, *, tenant: str) -> GenerateRequest:
    """What the engine is asked for, but for the prompt."""
    return GenerateRequest(
        prompt=(),
        sampling=SamplingOptions(
            temperature=ask.temperature,
            top_k=ask.top_k,
            top_p=ask.top_p,
            min_p=ask.min_p,
            repetition_penalty=ask.repetition_penalty,
            frequency_penalty=ask.frequency_penalty,
            presence_penalty=ask.presence_penalty,
            # A negative seed keeps its bits: the engine's is unsigned.
            seed=None if ask.seed is None else ask.seed & _UINT64_MASK,
            logprobs=ask.logprobs,
        ),
        max_tokens=ask.max_output_tokens,
        priority=ask.priority or 0,
        timeout=ask.timeout,
        tenant=tenant,
        grammar=text_grammar(ask),
    )
