"""Qwen 1.5, 2 and 2.5: llama's block with biases on query, key and value."""

from __future__ import annotations

from inferno.models.huggingface.architectures.architecture import Architecture
from inferno.models.huggingface.architectures.decoder import decoder_keys, take_decoder

QWEN2 = Architecture(classes=("Qwen2ForCausalLM",), arch="QWEN2", keys=decoder_keys, tensors=take_decoder)
