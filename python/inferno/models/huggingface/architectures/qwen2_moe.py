"""Qwen 1.5 and 2 MoE: routed experts, whose weights are not brought to a sum of 1, and a gated one always on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferno.models.huggingface.architectures import decoder
from inferno.models.huggingface.architectures.architecture import ATTENTION, EXPERTS, Architecture
from inferno.models.huggingface.config_json import Config
from inferno.models.huggingface.weight_plan import WeightPlan

if TYPE_CHECKING:
    import gguf

EXPERT = "model.layers.{layer}.mlp.experts.{expert}.{part}.weight"
PARTS = {"gate_proj": "ffn_gate_exps", "up_proj": "ffn_up_exps", "down_proj": "ffn_down_exps"}


def keys(config: Config, writer: gguf.GGUFWriter) -> None:
    config.expect("norm_topk_prob", False)
    routed_keys(config, writer)
    writer.add_expert_shared_feed_forward_length(config.count("shared_expert_intermediate_size"))


def routed_keys(config: Config, writer: gguf.GGUFWriter) -> None:
    """Keys of a model that routes in every layer: llama.cpp has no layers without experts here."""
    config.expect("decoder_sparse_step", 1)
    config.expect("mlp_only_layers", [])
    decoder.decoder_keys(config, writer)
    decoder.expert_keys(config, writer)
    writer.add_expert_feed_forward_length(config.count("moe_intermediate_size"))


def tensors(config: Config, plan: WeightPlan) -> None:
    decoder.settle_output(config, plan, needed=True)
    decoder.take_experts(config, plan, expert=EXPERT, parts=PARTS)
    plan.take_rest()


QWEN2_MOE = Architecture(
    classes=("Qwen2MoeForCausalLM",),
    arch="QWEN2MOE",
    keys=keys,
    tensors=tensors,
    layer=(*ATTENTION, *EXPERTS, "ffn_gate_inp_shexp", "ffn_gate_shexp", "ffn_up_shexp", "ffn_down_shexp"),
)
