"""Mistral 7B and its like: llama's tensors and rotation. A sliding window, which llama.cpp has not got here, bounds the
context (later releases have none)."""

from __future__ import annotations

from inferno.models.huggingface.architectures import llama
from inferno.models.huggingface.architectures.architecture import Architecture

MISTRAL = Architecture(classes=("MistralForCausalLM",), arch="LLAMA", keys=llama.keys, tensors=llama.tensors)
