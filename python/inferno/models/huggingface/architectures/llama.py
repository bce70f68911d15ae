"""Llama 1 to 3, and the many folders of the same class. llama.cpp rotates neighbours, so queries and keys change order;
llama 3.1's scaling becomes a tensor of factors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferno.models.huggingface.architectures import decoder, rope
from inferno.models.huggingface.architectures.architecture import Architecture
from inferno.models.huggingface.config_json import Config
from inferno.models.huggingface.weight_plan import WeightPlan

if TYPE_CHECKING:
    import gguf


def keys(config: Config, writer: gguf.GGUFWriter) -> None:
    config.expect("hidden_act", "silu")
    decoder.shape_keys(config, writer, window=decoder.sliding_window(config))
    writer.add_rope_dimension_count(decoder.head_dim(config))
    writer.add_feed_forward_length(config.count("intermediate_size"))
    writer.add_layer_norm_rms_eps(config.number("rms_norm_eps"))
    rope.rope_keys(config, writer, factors=True)


def tensors(config: Config, plan: WeightPlan) -> None:
    decoder.settle_output(config, plan)
    decoder.take_rotated(config, plan)
    if (factors := rope.llama3_factors(config, decoder.head_dim(config))) is not None:
        plan.add_values("rope_freqs.weight", factors)
    plan.take_rest()


LLAMA = Architecture(classes=("LlamaForCausalLM",), arch="LLAMA", keys=keys, tensors=tensors)
