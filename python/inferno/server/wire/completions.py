"""A completion request and what it asks of the engine. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from inferno.engine.client import GenerateRequest
from inferno.server.refusals import UnsupportedParameter
from inferno.server.wire.generation import (
    COMMON_UNSUPPORTED,
    COMMON_UNUSED,
    MAX_LOGPROBS,
    GenerationFields,
    check_stream_options,
    generate_request,
)
from inferno.server.wire.inputs import Input, Prompt, several
from inferno.server.wire.unsupported import NeutralValues, refuse_unsupported, set_fields

MAX_PROMPTS = 128
DEFAULT_MAX_TOKENS = 16
"""OpenAI's, for this endpoint."""

UNSUPPORTED: NeutralValues = {**COMMON_UNSUPPORTED, "suffix": ("",)}


class CompletionRequest(GenerationFields, kw_only=True, forbid_unknown_fields=True):
    prompt: Input
    echo: bool | None = None
    logprobs: Annotated[int, Meta(ge=0, le=MAX_LOGPROBS)] | None = None
    best_of: int | None = None
    suffix: Any = None

    @property
    def unused(self) -> tuple[str, ...]:
        """Fields that are set and have no effect on the answer."""
        return set_fields(self, COMMON_UNUSED)


DECODER = msgspec.json.Decoder(CompletionRequest)


def check(ask: CompletionRequest) -> None:
    """Raises InvalidArgument or UnsupportedParameter for what contradicts itself or cannot be honoured."""
    refuse_unsupported(ask, UNSUPPORTED)
    check_stream_options(ask)
    if ask.best_of is not None and ask.best_of != ask.choices:
        raise UnsupportedParameter(
            f"'best_of' is {ask.best_of} and 'n' is {ask.choices}: this server supports only equal ones",
            param="best_of",
        )
    if ask.echo and ask.logprobs is not None:
        raise UnsupportedParameter(
            "'echo' with 'logprobs' is not supported by this server; send one of them", param="echo"
        )


def prompts(ask: CompletionRequest) -> list[Prompt]:
    """The prompts, in order. Raises InvalidArgument for a mixture of texts and token ids."""
    return several(ask.prompt, name="prompt", most=MAX_PROMPTS)


def to_generate_request(ask: CompletionRequest, prompt: Sequence[int], *, tenant: str) -> GenerateRequest:
    """What the engine is asked for, for one of the prompts of a request that :func:`check` accepted."""
    return generate_request(
        ask, prompt, tenant=tenant, max_tokens=ask.max_tokens or DEFAULT_MAX_TOKENS, logprobs=ask.logprobs
    )
