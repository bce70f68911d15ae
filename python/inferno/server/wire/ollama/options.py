"""Ollama's ``options`` and what they ask of the engine. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from inferno.engine.request import SamplingOptions
from inferno.errors import ContextLengthExceeded, InvalidArgument
from inferno.server.refusals import UnsupportedParameter
from inferno.server.wire.generation import (
    INT32_MAX,
    Count,
    NotNegative,
    Penalty,
    Positive,
    Probability,
    Share,
    StopStrings,
    Window,
    unsigned,
)

NO_LIMIT = (-1, -2)
"""Of ``num_predict``: to the end, and to the end of the context, which are the same here."""
UNUSED = (
    "num_keep",
    "num_batch",
    "num_gpu",
    "main_gpu",
    "num_thread",
    "numa",
    "low_vram",
    "use_mmap",
    "use_mlock",
    "f16_kv",
    "logits_all",
    "vocab_only",
    "embedding_only",
)
"""How Ollama loads a model. Here it is loaded, by who started the server."""
NEUTRAL: dict[str, tuple[float, ...]] = {
    "tfs_z": (1.0,),
    "penalize_newline": (True,),
    "num_gqa": (),
    "rope_frequency_base": (),
    "rope_frequency_scale": (),
}


class Options(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    num_predict: Annotated[int, Meta(ge=-2, le=INT32_MAX)] | None = None
    num_ctx: Count | None = None
    """At most so many tokens of prompt and answer together."""
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_k: Annotated[int, Meta(ge=0, le=INT32_MAX)] | None = None
    top_p: Share | None = None
    min_p: Probability | None = None
    typical_p: Share | None = None
    seed: Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)] | None = None
    stop: StopStrings | None = None
    repeat_penalty: Positive | None = None
    repeat_last_n: Window | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    mirostat: Literal[0, 1, 2] | None = None
    mirostat_tau: NotNegative | None = None
    mirostat_eta: NotNegative | None = None

    tfs_z: float | None = None
    penalize_newline: bool | None = None
    num_gqa: int | None = None
    rope_frequency_base: float | None = None
    rope_frequency_scale: float | None = None

    num_keep: int | None = None
    num_batch: int | None = None
    num_gpu: int | None = None
    main_gpu: int | None = None
    num_thread: int | None = None
    numa: bool | None = None
    low_vram: bool | None = None
    use_mmap: bool | None = None
    use_mlock: bool | None = None
    f16_kv: bool | None = None
    logits_all: bool | None = None
    vocab_only: bool | None = None
    embedding_only: bool | None = None


def check(options: Options, *, context: int) -> None:
    """Raises InvalidArgument or UnsupportedParameter for what a model with so many tokens of context cannot do."""
    if options.num_predict == 0:
        raise InvalidArgument(
            "'options.num_predict' is 0: expected at least 1, or -1 for no limit", param="options.num_predict"
        )
    if options.num_ctx is not None and options.num_ctx > context:
        raise InvalidArgument(
            f"'options.num_ctx' is {options.num_ctx}; this model's context holds {context} tokens here",
            param="options.num_ctx",
        )
    if options.mirostat == 1:
        raise UnsupportedParameter(
            "'options.mirostat' is 1; this server has the second version only: send 2, or 0 for none",
            param="options.mirostat",
        )
    for name, neutral in NEUTRAL.items():
        value = getattr(options, name)
        if value is not None and value not in neutral:
            raise UnsupportedParameter(
                f"'options.{name}' is not supported by this server; leave it out", param=f"options.{name}"
            )


def unused_options(options: Options) -> list[str]:
    return [f"options.{name}" for name in UNUSED if getattr(options, name) is not None]


def sampling_options(options: Options, *, logprobs: int | None) -> SamplingOptions:
    return SamplingOptions(
        logprobs=logprobs,
        temperature=options.temperature,
        top_k=options.top_k,
        top_p=options.top_p,
        min_p=options.min_p,
        typical_p=options.typical_p,
        repetition_penalty=options.repeat_penalty,
        frequency_penalty=options.frequency_penalty,
        presence_penalty=options.presence_penalty,
        penalty_last_n=options.repeat_last_n,
        mirostat=None if options.mirostat is None else options.mirostat > 0,
        mirostat_tau=options.mirostat_tau,
        mirostat_eta=options.mirostat_eta,
        # Ollama's -1 draws a fresh one.
        seed=None if options.seed is None or options.seed == -1 else unsigned(options.seed),
    )


def max_tokens(options: Options, prompt_tokens: int) -> int | None:
    """None: to the end of the context. Raises ContextLengthExceeded for a prompt that fills what was asked for."""
    limit = None if options.num_predict is None or options.num_predict in NO_LIMIT else options.num_predict
    if options.num_ctx is None:
        return limit
    room = options.num_ctx - prompt_tokens
    if room < 1:
        raise ContextLengthExceeded(
            f"the prompt has {prompt_tokens} tokens and 'options.num_ctx' is {options.num_ctx}: it is not cut here",
            param="options.num_ctx",
        )
    return room if limit is None else min(limit, room)
