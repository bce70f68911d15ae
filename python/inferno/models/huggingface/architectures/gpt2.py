"""GPT-2: learned positions, query, key and value in one matrix, and matrices stored as inputs by outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferno.models.huggingface.architectures import decoder
from inferno.models.huggingface.architectures.architecture import FUSED_ATTENTION, Architecture
from inferno.models.huggingface.config_json import Config
from inferno.models.huggingface.weight_plan import WeightPlan

if TYPE_CHECKING:
    import gguf

_TRANSPOSED = ("c_attn.weight", "c_proj.weight", "c_fc.weight")
_MASKS = (".attn.bias", ".attn.masked_bias")


def keys(config: Config, writer: gguf.GGUFWriter) -> None:
    config.expect("activation_function", "gelu_new", "gelu_pytorch_tanh")
    config.expect("scale_attn_weights", True)
    config.expect("scale_attn_by_inverse_layer_idx", False)
    config.expect("add_cross_attention", False)
    decoder.shape_keys(config, writer)
    writer.add_feed_forward_length(config.count("n_inner", default=4 * config.count("n_embd")))
    writer.add_layer_norm_eps(config.number("layer_norm_epsilon", default=1e-5))


def tensors(config: Config, plan: WeightPlan) -> None:
    plan.drop(lambda name: name.endswith(_MASKS))
    # The first folders leave the prefix out.
    plan.rename(lambda name: name if name.startswith(("transformer.", "lm_head.")) else f"transformer.{name}")
    decoder.settle_output(config, plan)
    for name in plan.left():
        plan.take(name, transpose=name.endswith(_TRANSPOSED))


GPT2 = Architecture(
    classes=("GPT2LMHeadModel",),
    arch="GPT2",
    keys=keys,
    tensors=tensors,
    layer=(*FUSED_ATTENTION, "ffn_norm", "ffn_up", "ffn_down"),
    outside=("token_embd", "position_embd", "output_norm"),
)
