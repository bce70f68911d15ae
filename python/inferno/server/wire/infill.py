"""llama-server's request for what fills a gap, and what it asks of the engine. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from inferno.engine.request import Gap, GenerateRequest, Grammar, SamplingOptions
from inferno.errors import InvalidArgument
from inferno.server.refusals import UnsupportedParameter
from inferno.server.wire.answer_format import Schema, Text, schema_grammar
from inferno.server.wire.generation import (
    INT32_MAX,
    Count,
    NotNegative,
    Penalty,
    Positive,
    Probability,
    Share,
    StopString,
    StopStrings,
    Window,
    checked_stops,
    unsigned,
)
from inferno.server.wire.unsupported import NeutralValues, refuse_unsupported, set_fields

MAX_FILES = 64
NO_LIMIT = (-1, -2)
"""Of ``n_predict``: to the end, and to the end of the context, which are the same here."""
UNUSED = (
    "n_indent",
    "n_keep",
    "samplers",
    "cache_prompt",
    "t_max_prompt_ms",
    "t_max_predict_ms",
    "min_keep",
    "id_slot",
    "response_fields",
)
"""How llama-server cuts, orders and stores, which is done otherwise here; and what of the answer it tells, which is all
of it here."""
UNSUPPORTED: NeutralValues = {
    "n_probs": (0,),
    "return_tokens": (False,),
    "timings_per_token": (False,),
    "dynatemp_range": (0, 0.0),
    "logit_bias": ([],),
}


class ExtraFile(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    filename: Annotated[str, Meta(max_length=1024)] = "tmp"
    text: str


class InfillRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """``prompt`` stands behind ``input_prefix``: the beginning of what is to be filled in. Penalties, truncations and
    stop strings are as in completions, under llama-server's names."""

    input_prefix: str
    input_suffix: str
    input_extra: Annotated[list[ExtraFile], Meta(max_length=MAX_FILES)] | None = None
    prompt: str | None = None
    model: str | None = None
    stream: bool | None = None
    n_predict: Annotated[int, Meta(ge=-2, le=INT32_MAX)] | None = None
    stop: StopString | StopStrings | None = None
    seed: Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_k: Annotated[int, Meta(ge=0, le=INT32_MAX)] | None = None
    top_p: Share | None = None
    min_p: Probability | None = None
    typical_p: Share | None = None
    top_n_sigma: NotNegative | None = None
    repeat_penalty: Positive | None = None
    repeat_last_n: Window | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    mirostat: Literal[0, 1, 2] | None = None
    mirostat_tau: NotNegative | None = None
    mirostat_eta: NotNegative | None = None
    ignore_eos: bool | None = None
    grammar: Text | None = None
    json_schema: Schema | None = None

    n_indent: Annotated[int, Meta(ge=0, le=INT32_MAX)] | None = None
    n_keep: int | None = None
    samplers: list[str] | str | None = None
    cache_prompt: bool | None = None
    t_max_prompt_ms: Count | None = None
    t_max_predict_ms: Count | None = None
    min_keep: int | None = None
    id_slot: int | None = None
    response_fields: list[str] | None = None

    n_probs: Any = None
    return_tokens: Any = None
    timings_per_token: Any = None
    dynatemp_range: Any = None
    logit_bias: Any = None

    @property
    def unused(self) -> tuple[str, ...]:
        """Fields that are set and have no effect on the answer."""
        return set_fields(self, UNUSED)


DECODER = msgspec.json.Decoder(InfillRequest)


def check(ask: InfillRequest) -> None:
    """Raises InvalidArgument or UnsupportedParameter for what contradicts itself or cannot be honoured."""
    refuse_unsupported(ask, UNSUPPORTED)
    if ask.mirostat == 1:
        raise UnsupportedParameter(
            "'mirostat' is 1; this server has the second version only: send 2, or 0 for none", param="mirostat"
        )
    if ask.grammar is not None and ask.json_schema is not None:
        raise InvalidArgument(
            "'grammar' and 'json_schema' say what the answer must look like; send one of them", param="json_schema"
        )


def gap(ask: InfillRequest) -> Gap:
    """Where the answer is to stand."""
    files = tuple((file.filename, file.text) for file in ask.input_extra or ())
    return Gap(ask.input_prefix + (ask.prompt or ""), ask.input_suffix, files, param="input_suffix")


def to_generate_request(ask: InfillRequest, prompt: Sequence[int], *, tenant: str) -> GenerateRequest:
    """What the engine is asked for, of a request that :func:`check` accepted. Raises InvalidArgument for a stop string
    over the limit, or a schema that is nested too deeply."""
    stops = [ask.stop] if isinstance(ask.stop, str) else ask.stop or ()
    return GenerateRequest(
        prompt=prompt,
        sampling=_sampling(ask),
        max_tokens=None if ask.n_predict is None or ask.n_predict in NO_LIMIT else ask.n_predict,
        stop=checked_stops(stops, "stop"),
        ignore_eos=bool(ask.ignore_eos),
        tenant=tenant,
        grammar=_grammar(ask),
    )


def _sampling(ask: InfillRequest) -> SamplingOptions:
    return SamplingOptions(
        temperature=ask.temperature,
        top_k=ask.top_k,
        top_p=ask.top_p,
        min_p=ask.min_p,
        typical_p=ask.typical_p,
        top_n_sigma=ask.top_n_sigma,
        repetition_penalty=ask.repeat_penalty,
        penalty_last_n=ask.repeat_last_n,
        presence_penalty=ask.presence_penalty,
        frequency_penalty=ask.frequency_penalty,
        mirostat=None if ask.mirostat is None else ask.mirostat > 0,
        mirostat_tau=ask.mirostat_tau,
        mirostat_eta=ask.mirostat_eta,
        # llama-server's -1 draws a fresh one.
        seed=None if ask.seed is None or ask.seed == -1 else unsigned(ask.seed),
    )


def _grammar(ask: InfillRequest) -> Grammar | None:
    if ask.grammar is not None:
        return Grammar("gbnf", ask.grammar, "grammar")
    return None if ask.json_schema is None else schema_grammar(ask.json_schema, "json_schema")
