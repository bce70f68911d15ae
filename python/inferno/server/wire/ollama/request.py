"""Ollama's requests for text and what they ask of the engine. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from inferno.engine.conversation import Conversation
from inferno.engine.request import GenerateRequest, Grammar, Message
from inferno.errors import InvalidArgument
from inferno.server.wire.generation import MAX_LOGPROBS, checked_stops
from inferno.server.wire.media import check_number
from inferno.server.wire.ollama.messages import OllamaMessage, template_messages, with_images
from inferno.server.wire.ollama.options import Options, max_tokens, sampling_options, unused_options
from inferno.server.wire.ollama.options import check as check_options
from inferno.server.wire.tools import Tools, offered_tools
from inferno.server.wire.unsupported import NeutralValues, refuse_unsupported, set_fields

UNSUPPORTED: NeutralValues = {
    "truncate": (False,),
    "shift": (False,),
    "template": ("",),
    "context": ([],),
    "width": (0,),
    "height": (0,),
    "steps": (0,),
}
"""``truncate`` and ``shift`` would cut a prompt and forget its beginning: what does not fit is refused here."""


class OllamaRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    model: str
    stream: bool | None = None
    """Unlike in other APIs, null and absent mean true."""
    format: Literal["", "json"] | dict[str, Any] | None = None
    options: Options | None = None
    think: bool | Literal["low", "medium", "high", "max"] | None = None
    keep_alive: str | float | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=MAX_LOGPROBS)] | None = None
    truncate: bool | None = None
    shift: bool | None = None

    @property
    def streamed(self) -> bool:
        return self.stream is not False

    @property
    def unused(self) -> tuple[str, ...]:
        """What is asked for and has no effect on the answer."""
        return (*set_fields(self, ("keep_alive",)), *unused_options(self.options or Options()))


class OllamaChat(OllamaRequest, kw_only=True, forbid_unknown_fields=True):
    messages: list[OllamaMessage] | None = None
    tools: Tools | None = None


class OllamaGenerate(OllamaRequest, kw_only=True, forbid_unknown_fields=True):
    prompt: str | None = None
    system: str | None = None
    raw: bool | None = None
    """The prompt is continued as it stands, without the model's template."""
    images: list[str] | None = None
    suffix: str | None = None
    template: str | None = None
    context: list[int] | None = None
    width: Annotated[int, Meta(ge=0)] | None = None
    height: Annotated[int, Meta(ge=0)] | None = None
    steps: Annotated[int, Meta(ge=0)] | None = None


CHAT_DECODER = msgspec.json.Decoder(OllamaChat)
GENERATE_DECODER = msgspec.json.Decoder(OllamaGenerate)


def check(ask: OllamaRequest, *, context: int) -> None:
    """Raises InvalidArgument or UnsupportedParameter for what a model with so many tokens of context cannot do."""
    refuse_unsupported(ask, {name: values for name, values in UNSUPPORTED.items() if name in ask.__struct_fields__})
    check_options(ask.options or Options(), context=context)
    if ask.top_logprobs and not ask.logprobs:
        raise InvalidArgument("'top_logprobs' needs 'logprobs': true", param="top_logprobs")


def chat_conversation(ask: OllamaChat) -> Conversation:
    """Raises InvalidArgument or UnsupportedParameter, naming the message or the tool."""
    messages = template_messages(ask.messages or [])
    return Conversation(
        messages,
        tools=offered_tools(ask.tools),
        reasoning_effort=ask.think if isinstance(ask.think, str) else None,
        thinking=ask.think if isinstance(ask.think, bool) else None,
        continue_final_message=messages[-1]["role"] == "assistant" and not messages[-1].get("tool_calls"),
    )


def prompt_conversation(ask: OllamaGenerate) -> Conversation:
    """A prompt as a conversation of one turn. Raises InvalidArgument and InvalidImage."""
    messages: list[Message] = [{"role": "system", "content": ask.system}] if ask.system else []
    messages.append({"role": "user", "content": with_images(ask.prompt or "", ask.images, "images")})
    check_number(messages)
    return Conversation(
        messages,
        reasoning_effort=ask.think if isinstance(ask.think, str) else None,
        thinking=ask.think if isinstance(ask.think, bool) else None,
    )


def check_untemplated(ask: OllamaGenerate) -> None:
    """Raises InvalidArgument for what only a template could put into the prompt."""
    for name in ("system", "think", "images"):
        if getattr(ask, name):
            raise InvalidArgument(
                f"'{name}' needs the model's chat template, and it is not used: 'raw' is true, 'suffix' asks for what"
                " fills a gap, or the model has none",
                param=name,
            )


def to_generate_request(ask: OllamaRequest, prompt: Sequence[int], *, tenant: str) -> GenerateRequest:
    """What the engine is asked for, of a request that :func:`check` accepted.

    Raises InvalidArgument for a stop string over the limit, ContextLengthExceeded for a prompt over ``num_ctx``.
    """
    options = ask.options or Options()
    return GenerateRequest(
        prompt=prompt,
        sampling=sampling_options(options, logprobs=(ask.top_logprobs or 0) if ask.logprobs else None),
        max_tokens=max_tokens(options, len(prompt)),
        stop=checked_stops(options.stop or (), "options.stop"),
        tenant=tenant,
        grammar=_grammar(ask.format),
    )


def _grammar(wanted: str | dict[str, Any] | None) -> Grammar | None:
    if not wanted and not isinstance(wanted, dict):
        return None
    if isinstance(wanted, str):
        return Grammar("json_object", "", "format")
    return Grammar("json_schema", msgspec.json.encode(wanted).decode(), "format")
