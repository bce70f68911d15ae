"""Nomic's BERT (nomic-embed-text v1 and v1.5): rotated instead of placed, gated, without biases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferno.models.huggingface.architectures import encoder, rope
from inferno.models.huggingface.architectures.architecture import Architecture
from inferno.models.huggingface.config_json import MAX_CONTEXT, Config
from inferno.models.huggingface.weight_plan import WeightPlan

if TYPE_CHECKING:
    import gguf

_TRAINED = 2048
_STRETCHED = 8192


def keys(config: Config, writer: gguf.GGUFWriter) -> None:
    for name, computed in {
        "activation_function": "swiglu",
        "hidden_act": "silu",
        "qkv_proj_bias": False,
        "mlp_fc1_bias": False,
        "mlp_fc2_bias": False,
        "prenorm": False,
        "rotary_emb_fraction": 1.0,
        "rotary_emb_interleaved": False,
        "moe_every_n_layers": 0,
    }.items():
        config.expect(name, computed)
    config.expect("rotary_emb_scale_base")
    positions = config.count("max_position_embeddings", "n_positions", most=MAX_CONTEXT)
    # The published folders say 8192, which takes a scaling of their own code; they were trained with 2048.
    encoder.encoder_keys(config, writer, context=_TRAINED if positions == _STRETCHED else positions)
    base = config.number("rotary_emb_base") if config.get("rotary_emb_base") is not None else rope.theta(config, default=1e3)
    writer.add_rope_freq_base(base)


def tensors(config: Config, plan: WeightPlan) -> None:
    encoder.strip(plan, "nomic_bert.")
    plan.take_rest()


NOMIC_BERT = Architecture(classes=("NomicBertModel",), gguf="NOMIC_BERT", keys=keys, tensors=tensors)
