"""The fields that chat and completions share, and how they become the engine's options. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from inferno.engine.request import GenerateRequest, SamplingOptions
from inferno.errors import InvalidArgument
from inferno.server.wire.answer_format import AnswerFormat, answer_grammar
from inferno.server.wire.unsupported import NeutralValues

MAX_CHOICES = 128
MAX_STOP_STRINGS = 16
MAX_STOP_STRING_BYTES = 1024
MAX_LOGPROBS = 20
LEAST_URGENT = 1000
LONGEST_TIMEOUT = 86400
_UINT64_MASK = (1 << 64) - 1
INT32_MAX = (1 << 31) - 1

Probability = Annotated[float, Meta(ge=0, le=1)]
Share = Annotated[float, Meta(gt=0, le=1)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
NotNegative = Annotated[float, Meta(ge=0)]
Positive = Annotated[float, Meta(gt=0)]
TokenId = Annotated[int, Meta(ge=0, le=INT32_MAX)]
Count = Annotated[int, Meta(ge=1, le=INT32_MAX)]
Window = Annotated[int, Meta(ge=-1, le=INT32_MAX)]
StopString = Annotated[str, Meta(min_length=1)]
StopStrings = Annotated[list[StopString], Meta(max_length=MAX_STOP_STRINGS)]

COMMON_UNUSED = (
    "user",
    "metadata",
    "store",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
)
COMMON_UNSUPPORTED: NeutralValues = {"store": (False,)}

ServiceTier = Literal["auto", "default", "flex", "priority"]
TIER_PRIORITY: dict[str, int] = {"auto": 0, "default": 0, "flex": 6, "priority": -1}
"""In the scheduler's steps of ten seconds of waiting: ahead of what the same tenant asked earlier, or behind it."""


class StreamOptions(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class GenerationFields(AnswerFormat, kw_only=True, forbid_unknown_fields=True):
    """OpenAI's fields and the engine's own. ``None`` is null or absent: the engine's default holds."""

    model: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Annotated[int, Meta(ge=1, le=MAX_CHOICES)] | None = None
    max_tokens: Count | None = None
    stop: StopString | StopStrings | None = None
    seed: Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Share | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    logit_bias: dict[TokenId, Annotated[float, Meta(ge=-100, le=100)]] | None = None

    top_k: Annotated[int, Meta(ge=0, le=INT32_MAX)] | None = None
    min_p: Probability | None = None
    typical_p: Share | None = None
    top_n_sigma: NotNegative | None = None
    repetition_penalty: Positive | None = None
    penalty_last_n: Window | None = None
    dry_multiplier: NotNegative | None = None
    dry_base: Annotated[float, Meta(ge=1)] | None = None
    dry_allowed_length: Count | None = None
    dry_last_n: Window | None = None
    dry_sequence_breakers: Annotated[list[StopString], Meta(max_length=64)] | None = None
    xtc_probability: Probability | None = None
    xtc_threshold: Probability | None = None
    mirostat: bool | None = None
    mirostat_tau: Positive | None = None
    mirostat_eta: Positive | None = None
    stop_token_ids: Annotated[list[TokenId], Meta(max_length=128)] | None = None
    ignore_eos: bool | None = None
    include_stop_str_in_output: bool | None = None
    priority: Annotated[int, Meta(ge=0, le=LEAST_URGENT)] | None = None
    timeout: Annotated[float, Meta(gt=0, le=LONGEST_TIMEOUT)] | None = None

    user: str | None = None
    metadata: dict[str, str] | None = None
    store: bool | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: dict[str, Any] | None = None
    prompt_cache_retention: str | None = None
    service_tier: ServiceTier | None = None

    @property
    def streamed(self) -> bool:
        return bool(self.stream)

    @property
    def usage_streamed(self) -> bool:
        return self.stream_options is not None and bool(self.stream_options.include_usage)

    @property
    def served_tier(self) -> str | UnsetType:
        """What the answer says of it, where the request says anything."""
        if self.service_tier is None:
            return UNSET
        return "default" if self.service_tier == "auto" else self.service_tier

    @property
    def choices(self) -> int:
        return self.n or 1


def check_stream_options(fields: GenerationFields) -> None:
    """Raises InvalidArgument for stream options that nothing can follow from."""
    if fields.stream_options is None:
        return
    if not fields.stream:
        raise InvalidArgument("'stream_options' is only allowed with 'stream': true", param="stream_options")
    if fields.stream_options.include_obfuscation:
        raise InvalidArgument(
            "'stream_options.include_obfuscation' is true: this server does not pad its events; send false",
            param="stream_options.include_obfuscation",
        )


def stop_strings(fields: GenerationFields) -> tuple[str, ...]:
    """Raises InvalidArgument for a stop string over the limit, which is in bytes."""
    stop = fields.stop if isinstance(fields.stop, list) else [fields.stop] if fields.stop else []
    return checked_stops(stop, "stop")


def checked_stops(stops: Sequence[str], name: str) -> tuple[str, ...]:
    """Raises InvalidArgument for a stop string over the limit; ``name`` is the field that has them."""
    for position, text in enumerate(stops):
        size = len(text.encode())
        if size > MAX_STOP_STRING_BYTES:
            raise InvalidArgument(
                f"'{name}[{position}]' has {size} bytes; at most {MAX_STOP_STRING_BYTES} are allowed", param=name
            )
    return tuple(stops)


def unsigned(seed: int) -> int:
    """The engine's seed is unsigned: a negative one keeps its bits."""
    return seed & _UINT64_MASK


def sampling_options(
    fields: GenerationFields, *, logprobs: int | None, prompt_logprobs: int | None = None
) -> SamplingOptions:
    breakers = fields.dry_sequence_breakers
    return SamplingOptions(
        temperature=fields.temperature,
        top_k=fields.top_k,
        top_p=fields.top_p,
        min_p=fields.min_p,
        typical_p=fields.typical_p,
        top_n_sigma=fields.top_n_sigma,
        repetition_penalty=fields.repetition_penalty,
        frequency_penalty=fields.frequency_penalty,
        presence_penalty=fields.presence_penalty,
        penalty_last_n=fields.penalty_last_n,
        dry_multiplier=fields.dry_multiplier,
        dry_base=fields.dry_base,
        dry_allowed_length=fields.dry_allowed_length,
        dry_last_n=fields.dry_last_n,
        dry_sequence_breakers=None if breakers is None else tuple(breakers),
        xtc_probability=fields.xtc_probability,
        xtc_threshold=fields.xtc_threshold,
        mirostat=fields.mirostat,
        mirostat_tau=fields.mirostat_tau,
        mirostat_eta=fields.mirostat_eta,
        logit_bias=fields.logit_bias,
        seed=None if fields.seed is None else unsigned(fields.seed),
        logprobs=logprobs,
        prompt_logprobs=prompt_logprobs,
    )


def generate_request(
    fields: GenerationFields,
    prompt: Sequence[int],
    sampling: SamplingOptions,
    *,
    tenant: str,
    n: int,
    max_tokens: int | None,
    prediction: Sequence[int] = (),
) -> GenerateRequest:
    """What the engine is asked for. Raises InvalidArgument for a stop string over the limit, or two grammars."""
    return GenerateRequest(
        prompt=prompt,
        sampling=sampling,
        n=n,
        max_tokens=max_tokens,
        stop=stop_strings(fields),
        stop_token_ids=tuple(fields.stop_token_ids or ()),
        ignore_eos=bool(fields.ignore_eos),
        include_stop_str_in_output=bool(fields.include_stop_str_in_output),
        priority=(fields.priority or 0) + TIER_PRIORITY[fields.service_tier or "default"],
        timeout=fields.timeout,
        tenant=tenant,
        grammar=answer_grammar(fields),
        prediction=prediction,
    )
