"""StableLM 2: mean-centred norms, a quarter of each head rotated; in the 12B a norm per head, and parallel blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferno.models.huggingface.architectures import decoder, rope
from inferno.models.huggingface.architectures.architecture import ATTENTION, FEED_FORWARD, Architecture
from inferno.models.huggingface.config_json import Config
from inferno.models.huggingface.weight_plan import WeightPlan

if TYPE_CHECKING:
    import gguf


def keys(config: Config, writer: gguf.GGUFWriter) -> None:
    config.expect("hidden_act", "silu")
    decoder.shape_keys(config, writer)
    writer.add_feed_forward_length(config.count("intermediate_size"))
    writer.add_layer_norm_eps(config.number("layer_norm_eps", "norm_eps", default=1e-5))
    writer.add_parallel_residual(config.flag("use_parallel_residual", default=False))
    writer.add_rope_dimension_count(rope.rotated(config, decoder.head_dim(config), default=0.25))
    rope.rope_keys(config, writer)


def tensors(config: Config, plan: WeightPlan) -> None:
    decoder.settle_output(config, plan, needed=True)
    if config.flag("qk_layernorm", default=False):
        heads = {"q": decoder.head_count(config), "k": decoder.kv_head_count(config)}
        for layer in range(decoder.layer_count(config)):
            for part, count in heads.items():
                norms = f"model.layers.{layer}.self_attn.{part}_layernorm.norms"
                plan.stack([f"{norms}.{head}.weight" for head in range(count)], f"blk.{layer}.attn_{part}_norm.weight")
    plan.take_rest()


STABLELM = Architecture(
    classes=("StableLmForCausalLM", "StableLMEpochForCausalLM"),
    arch="STABLELM",
    keys=keys,
    tensors=tensors,
    layer=ATTENTION + FEED_FORWARD[1:],
)
