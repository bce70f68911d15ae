"""Mixtral: Mistral with experts in place of the feed-forward block, every layer of them routed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferno.models.huggingface.architectures import decoder, rope
from inferno.models.huggingface.architectures.architecture import ATTENTION, EXPERTS, Architecture
from inferno.models.huggingface.config_json import Config
from inferno.models.huggingface.weight_plan import WeightPlan

if TYPE_CHECKING:
    import gguf

_EXPERT = "model.layers.{layer}.block_sparse_moe.experts.{expert}.{part}.weight"
_PARTS = {"w1": "ffn_gate_exps", "w2": "ffn_down_exps", "w3": "ffn_up_exps"}


def keys(config: Config, writer: gguf.GGUFWriter) -> None:
    config.expect("hidden_act", "silu")
    decoder.shape_keys(config, writer, window=decoder.sliding_window(config))
    decoder.expert_keys(config, writer)
    writer.add_rope_dimension_count(decoder.head_dim(config))
    writer.add_feed_forward_length(config.count("intermediate_size"))
    writer.add_layer_norm_rms_eps(config.number("rms_norm_eps"))
    rope.rope_keys(config, writer, default_theta=1e6)


def tensors(config: Config, plan: WeightPlan) -> None:
    decoder.settle_output(config, plan)
    decoder.take_rotated(config, plan)
    decoder.take_experts(config, plan, expert=_EXPERT, parts=_PARTS)
    plan.take_rest()


MIXTRAL = Architecture(
    classes=("MixtralForCausalLM",),
    arch="LLAMA",
    keys=keys,
    tensors=tensors,
    layer=ATTENTION + EXPERTS,
)
