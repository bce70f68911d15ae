"""A completion request and what it asks of the engine. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from inferno.engine.request import GenerateRequest
from inferno.errors import InvalidArgument
from inferno.server.wire.generation import (
    COMMON_UNSUPPORTED,
    COMMON_UNUSED,
    INT32_MAX,
    MAX_CHOICES,
    MAX_LOGPROBS,
    GenerationFields,
    check_stream_options,
    generate_request,
    sampling_options,
)
from inferno.server.wire.inputs import Input, Prompt, several
from inferno.server.wire.unsupported import refuse_unsupported, set_fields

MAX_PROMPTS = 128
DEFAULT_MAX_TOKENS = 16
"""OpenAI's, for this endpoint."""


class CompletionRequest(GenerationFields, kw_only=True, forbid_unknown_fields=True):
    prompt: Input
    echo: bool | None = None
    logprobs: Annotated[int, Meta(ge=0, le=MAX_LOGPROBS)] | None = None
    max_tokens: Annotated[int, Meta(ge=0, le=INT32_MAX)] | None = None
    best_of: Annotated[int, Meta(ge=1, le=MAX_CHOICES)] | None = None
    suffix: str | None = None

    @property
    def unused(self) -> tuple[str, ...]:
        """Fields that are set and have no effect on the answer."""
        return set_fields(self, COMMON_UNUSED)

    @property
    def candidates(self) -> int:
        """How many answers are generated for each prompt. Those that are likeliest by token are told."""
        return self.best_of or self.choices

    @property
    def scored_echo(self) -> bool:
        return bool(self.echo) and self.logprobs is not None


DECODER = msgspec.json.Decoder(CompletionRequest)


def check(ask: CompletionRequest) -> None:
    """Raises InvalidArgument or UnsupportedParameter for what contradicts itself or cannot be honoured."""
    refuse_unsupported(ask, COMMON_UNSUPPORTED)
    check_stream_options(ask)
    if ask.candidates < ask.choices:
        raise InvalidArgument(
            f"'best_of' is {ask.best_of} and 'n' is {ask.choices}; 'best_of' must be at least 'n'", param="best_of"
        )
    if ask.candidates > ask.choices and ask.stream:
        raise InvalidArgument(
            f"'best_of' is {ask.best_of} and 'stream' is true: which answers are best is known when they have ended;"
            " leave one of them out",
            param="best_of",
        )
    if ask.suffix and ask.echo:
        raise InvalidArgument(
            "'echo' repeats what comes before the answer, and with 'suffix' that is not all; send one of them",
            param="echo",
        )


def infill_prefix(prompt: Prompt) -> str:
    """The text before the gap that 'suffix' ends. Raises InvalidArgument for token ids."""
    if isinstance(prompt, str):
        return prompt
    raise InvalidArgument("with 'suffix', 'prompt' must be text, not token ids", param="prompt")


def prompts(ask: CompletionRequest) -> list[Prompt]:
    """The prompts, in order. Raises InvalidArgument for a mixture of texts and token ids."""
    return several(ask.prompt, name="prompt", most=MAX_PROMPTS)


def to_generate_request(ask: CompletionRequest, prompt: Sequence[int], *, tenant: str) -> GenerateRequest:
    """What the engine is asked for, for one of the prompts of a request that :func:`check` accepted."""
    # Candidates are compared by what their tokens were worth, asked for or not.
    logprobs = 0 if ask.logprobs is None and ask.candidates > ask.choices else ask.logprobs
    max_tokens = DEFAULT_MAX_TOKENS if ask.max_tokens is None else ask.max_tokens
    prompt_logprobs = ask.logprobs if ask.scored_echo else None
    sampling = sampling_options(ask, logprobs=logprobs, prompt_logprobs=prompt_logprobs)
    return generate_request(ask, prompt, sampling, tenant=tenant, n=ask.candidates, max_tokens=max_tokens)
