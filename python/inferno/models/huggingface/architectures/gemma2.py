"""Gemma 2: norms around each block, whose weights count from 1; capped attention and output; every second layer looks
through a window only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferno.errors import Unsupported
from inferno.models.huggingface.architectures import decoder, rope
from inferno.models.huggingface.architectures.architecture import ATTENTION, FEED_FORWARD, Architecture
from inferno.models.huggingface.config_json import MAX_CONTEXT, Config
from inferno.models.huggingface.weight_plan import WeightPlan

if TYPE_CHECKING:
    import gguf

_LAYERS_OF_27B = 46
_PERIOD = 2


def keys(config: Config, writer: gguf.GGUFWriter) -> None:
    config.expect("attention_bias", False)
    gemma_keys(config, writer, layers_of_27b=_LAYERS_OF_27B)
    writer.add_attn_logit_softcapping(config.number("attn_logit_softcapping"))
    writer.add_final_logit_softcapping(config.number("final_logit_softcapping"))
    sliding = sliding_layers(config, period=_PERIOD)
    if not any(sliding):
        raise Unsupported("config.json: no layer has sliding attention; this architecture is computed with some")
    writer.add_sliding_window(config.count("sliding_window", most=MAX_CONTEXT))
    writer.add_sliding_window_pattern(sliding)
    rope.rope_keys(config, writer)


def gemma_keys(config: Config, writer: gguf.GGUFWriter, *, layers_of_27b: int) -> None:
    """What Gemma 2 and 3 share. The scale of attention is no key: llama.cpp takes it from the head, and in the 27B
    models, which it knows by their number of layers, from the width."""
    for name in ("hidden_activation", "hidden_act"):
        config.expect(name, "gelu_pytorch_tanh")
    is_27b = decoder.layer_count(config) == layers_of_27b
    scale = config.count("hidden_size") // decoder.head_count(config) if is_27b else decoder.head_dim(config)
    config.expect("query_pre_attn_scalar", scale)
    decoder.shape_keys(config, writer)
    writer.add_feed_forward_length(config.count("intermediate_size"))
    writer.add_layer_norm_rms_eps(config.number("rms_norm_eps"))


def sliding_layers(config: Config, *, period: int) -> list[bool]:
    """Which layers look through the window: as the config lists them, else all but the last of each ``period``."""
    layers = decoder.layer_count(config)
    if (kinds := config.words("layer_types")) is not None:
        config.expect_length("layer_types", layers)
        return [kind == "sliding_attention" for kind in kinds]
    return [(layer + 1) % period != 0 for layer in range(layers)]


def tensors(config: Config, plan: WeightPlan) -> None:
    decoder.settle_output(config, plan)
    plan.take_rest(add=lambda name: 1.0 if name.endswith("norm.weight") else 0.0)


GEMMA2 = Architecture(
    classes=("Gemma2ForCausalLM",),
    arch="GEMMA2",
    keys=keys,
    tensors=tensors,
    layer=(*ATTENTION, "post_attention_norm", *FEED_FORWARD, "post_ffw_norm"),
)
