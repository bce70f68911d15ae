"""Phi-3 and 4: query, key and value in one matrix, gate and up in another, as llama.cpp has them; a part of each head
may stay unrotated, and long contexts divide the frequencies by factors of their own ("longrope")."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from inferno.models.huggingface.architectures import decoder, rope
from inferno.models.huggingface.architectures.architecture import FUSED_ATTENTION, Architecture
from inferno.models.huggingface.config_json import MAX_CONTEXT, Config
from inferno.models.huggingface.weight_plan import WeightPlan

if TYPE_CHECKING:
    import gguf

_LONG = ("longrope", "su", "yarn")
"""One scaling under three names: ``transformers`` reads them so for this architecture."""


def keys(config: Config, writer: gguf.GGUFWriter) -> None:
    config.expect("hidden_act", "silu")
    decoder.shape_keys(config, writer, window=decoder.sliding_window(config))
    writer.add_feed_forward_length(config.count("intermediate_size"))
    writer.add_layer_norm_rms_eps(config.number("rms_norm_eps"))
    writer.add_rope_dimension_count(rope.rotated(config, decoder.head_dim(config)))
    if rope.kind(config) not in _LONG:
        rope.rope_keys(config, writer)
        return
    writer.add_rope_freq_base(rope.theta(config))
    writer.add_rope_scaling_orig_ctx_len(_original(config))
    writer.add_rope_scaling_attn_factors(_attention_factor(config))


def tensors(config: Config, plan: WeightPlan) -> None:
    decoder.settle_output(config, plan)
    if rope.kind(config) in _LONG:
        said, pairs = rope.scaling(config), rope.rotated(config, decoder.head_dim(config)) // 2
        plan.add_values("rope_factors_long.weight", said.numbers("long_factor", length=pairs))
        plan.add_values("rope_factors_short.weight", said.numbers("short_factor", length=pairs))
    plan.take_rest()


def _original(config: Config) -> int:
    said = rope.scaling(config)
    where = said if said.get("original_max_position_embeddings") is not None else config
    return where.count("original_max_position_embeddings", least=2, most=MAX_CONTEXT)


def _attention_factor(config: Config) -> float:
    """LongRoPE (arXiv:2402.13753): attention grows with the stretch of the context."""
    said = rope.scaling(config)
    if said.get("attention_factor") is not None:
        return said.number("attention_factor")
    original = _original(config)
    stretch = said.number("factor", default=decoder.context_length(config) / original)
    return 1.0 if stretch <= 1.0 else math.sqrt(1.0 + math.log(stretch) / math.log(original))


PHI3 = Architecture(
    classes=("Phi3ForCausalLM",),
    arch="PHI3",
    keys=keys,
    tensors=tensors,
    layer=(*FUSED_ATTENTION, "ffn_norm", "ffn_up", "ffn_down"),
)
