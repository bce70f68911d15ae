"""Qwen 3: Qwen 2's block without biases, and a norm on each head's query and key."""

from __future__ import annotations

from inferno.models.huggingface.architectures.architecture import ATTENTION, FEED_FORWARD, HEAD_NORMS, Architecture
from inferno.models.huggingface.architectures.decoder import decoder_keys, take_decoder

QWEN3 = Architecture(
    classes=("Qwen3ForCausalLM",),
    arch="QWEN3",
    keys=decoder_keys,
    tensors=take_decoder,
    layer=ATTENTION + HEAD_NORMS + FEED_FORWARD,
)
