"""StarCoder 2: biases everywhere, mean-centred norms, and a feed-forward block without a gate. Its sliding window,
which llama.cpp has not got here, bounds the context."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferno.models.huggingface.architectures import decoder, rope
from inferno.models.huggingface.architectures.architecture import ATTENTION, Architecture
from inferno.models.huggingface.config_json import Config

if TYPE_CHECKING:
    import gguf


def keys(config: Config, writer: gguf.GGUFWriter) -> None:
    config.expect("hidden_act", "gelu_pytorch_tanh")
    config.expect("use_bias", True)
    config.expect("mlp_type", "default")
    config.expect("norm_type", "layer_norm")
    decoder.shape_keys(config, writer, window=decoder.sliding_window(config))
    writer.add_feed_forward_length(config.count("intermediate_size"))
    writer.add_layer_norm_eps(config.number("norm_epsilon", default=1e-5))
    rope.rope_keys(config, writer)


STARCODER2 = Architecture(
    classes=("Starcoder2ForCausalLM",),
    arch="STARCODER2",
    keys=keys,
    tensors=decoder.take_decoder,
    layer=(*ATTENTION, "ffn_norm", "ffn_up", "ffn_down"),
)
