"""Gemma 3, text only: Gemma 2 without the caps, with a norm on each head's query and key, and a frequency base of its
own for the layers that look through the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferno.models.huggingface.architectures import gemma2, rope
from inferno.models.huggingface.architectures.architecture import HEAD_NORMS, Architecture
from inferno.models.huggingface.config_json import MAX_CONTEXT, Config

if TYPE_CHECKING:
    import gguf

_LAYERS_OF_27B = 62
_PERIOD = 6
_GLOBAL_THETA = 1e6
_LOCAL_THETA = 1e4


def keys(config: Config, writer: gguf.GGUFWriter) -> None:
    for absent in ("attn_logit_softcapping", "use_bidirectional_attention"):
        config.expect(absent, False)
    config.expect("attention_bias", False)
    gemma2.gemma_keys(config, writer, layers_of_27b=_LAYERS_OF_27B)
    if config.get("final_logit_softcapping") is not None:
        writer.add_final_logit_softcapping(config.number("final_logit_softcapping"))
    period = config.count("sliding_window_pattern", "_sliding_window_pattern", default=_PERIOD)
    sliding = gemma2.sliding_layers(config, period=period)
    if any(sliding):  # llama.cpp ends the process for a window that no layer has
        writer.add_sliding_window(config.count("sliding_window", most=MAX_CONTEXT))
        writer.add_sliding_window_pattern(sliding)
    rope.rope_keys(config, writer, default_theta=_GLOBAL_THETA)
    if rope.kind(config, "sliding_attention") not in ("default", rope.kind(config)):
        config.expect("rope_parameters")
    writer.add_rope_freq_base_swa(_local_theta(config))


def _local_theta(config: Config) -> float:
    parameters = config.section("rope_parameters")
    local = None if parameters is None else parameters.section("sliding_attention")
    if local is not None and local.get("rope_theta") is not None:
        return local.number("rope_theta")
    return config.number("rope_local_base_freq", default=_LOCAL_THETA)


GEMMA3 = Architecture(
    classes=("Gemma3ForCausalLM",),
    arch="GEMMA3",
    keys=keys,
    tensors=gemma2.tensors,
    layer=(*gemma2.GEMMA2.layer, *HEAD_NORMS),
)
