"""BERT, and the many embedding models of its shape: learned positions, norms behind each block, two-sided attention."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferno.models.huggingface.architectures import encoder
from inferno.models.huggingface.architectures.architecture import ATTENTION, Architecture
from inferno.models.huggingface.config_json import MAX_CONTEXT, Config
from inferno.models.huggingface.weight_plan import WeightPlan

if TYPE_CHECKING:
    import gguf


def keys(config: Config, writer: gguf.GGUFWriter) -> None:
    config.expect("hidden_act", "gelu", "gelu_new", "gelu_pytorch_tanh")
    config.expect("position_embedding_type", "absolute")
    config.expect("is_decoder", False)
    context = config.count("max_position_embeddings", most=MAX_CONTEXT)
    encoder.encoder_keys(config, writer, context=context)


def tensors(config: Config, plan: WeightPlan) -> None:
    encoder.settle_names(plan)
    plan.take_rest()


BERT = Architecture(
    classes=("BertModel", "BertForMaskedLM"),
    arch="BERT",
    keys=keys,
    tensors=tensors,
    layer=(*ATTENTION[1:], *encoder.NORMS, "ffn_up", "ffn_down"),
    outside=(*encoder.OUTSIDE, "position_embd"),
)
