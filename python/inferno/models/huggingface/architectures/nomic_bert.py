"""Nomic BERT: BERT with rotary positions and a gated feed-forward block, without biases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferno.models.huggingface.architectures import encoder, rope
from inferno.models.huggingface.architectures.architecture import FEED_FORWARD, FUSED_ATTENTION, Architecture
from inferno.models.huggingface.config_json import MAX_CONTEXT, Config
from inferno.models.huggingface.weight_plan import WeightPlan

if TYPE_CHECKING:
    import gguf

_TRAINED = 2048
_USUAL_THETA = 1000.0


def keys(config: Config, writer: gguf.GGUFWriter) -> None:
    config.expect("activation_function", "swiglu")
    config.expect("hidden_act", "silu")
    config.expect("prenorm", False)
    config.expect("causal", False)
    for bias in ("qkv_proj_bias", "mlp_fc1_bias", "mlp_fc2_bias"):
        config.expect(bias, False)
    config.expect("rotary_emb_fraction", 1.0, 1)
    config.expect("rotary_emb_interleaved", False)
    config.expect("rotary_emb_scale_base")
    config.expect("rotary_scaling_factor")
    # The hub's folders say 8192 positions, which need a scaling that the model was not trained with.
    trained = config.count("max_trained_positions", default=_TRAINED, most=MAX_CONTEXT)
    positions = config.count("max_position_embeddings", "n_positions", most=MAX_CONTEXT)
    encoder.encoder_keys(config, writer, context=min(positions, trained))
    if config.get("rotary_emb_base") is not None:
        writer.add_rope_freq_base(config.number("rotary_emb_base"))
    else:
        rope.rope_keys(config, writer, default_theta=_USUAL_THETA)


def tensors(config: Config, plan: WeightPlan) -> None:
    encoder.settle_names(plan)
    plan.take_rest()


NOMIC_BERT = Architecture(
    classes=("NomicBertModel", "NomicBertForMaskedLM"),
    arch="NOMIC_BERT",
    keys=keys,
    tensors=tensors,
    layer=(*FUSED_ATTENTION[1:], *encoder.NORMS, *FEED_FORWARD[1:]),
    outside=encoder.OUTSIDE,
)
