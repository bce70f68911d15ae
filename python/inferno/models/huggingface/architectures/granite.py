"""Granite 3: llama's tensors and rotation, with multipliers on embedding, attention, residual stream and logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferno.models.huggingface.architectures import llama
from inferno.models.huggingface.architectures.architecture import Architecture
from inferno.models.huggingface.config_json import Config

if TYPE_CHECKING:
    import gguf


def keys(config: Config, writer: gguf.GGUFWriter) -> None:
    llama.keys(config, writer)
    writer.add_embedding_scale(config.number("embedding_multiplier", default=1.0))
    writer.add_attention_scale(config.number("attention_multiplier", default=1.0))
    writer.add_residual_scale(config.number("residual_multiplier", default=1.0))
    writer.add_logit_scale(config.number("logits_scaling", default=1.0))


GRANITE = Architecture(classes=("GraniteForCausalLM",), arch="GRANITE", keys=keys, tensors=llama.tensors)
