"""XLM-RoBERTa as an encoder: BERT whose first positions, up to the padding token's, are never used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferno.errors import DataCorrupted
from inferno.models.huggingface.architectures import encoder
from inferno.models.huggingface.architectures.architecture import Architecture
from inferno.models.huggingface.config_json import MAX_CONTEXT, Config
from inferno.models.huggingface.weight_plan import WeightPlan

if TYPE_CHECKING:
    import gguf

_POSITIONS = "embeddings.position_embeddings.weight"


def keys(config: Config, writer: gguf.GGUFWriter) -> None:
    config.expect("hidden_act", "gelu", "gelu_new", "gelu_pytorch_tanh")
    config.expect("position_embedding_type", "absolute")
    config.expect("is_decoder", False)
    stored = config.count("max_position_embeddings", most=MAX_CONTEXT)
    if stored <= _unused(config):
        raise DataCorrupted(f"config.json: of {stored} positions, {_unused(config)} are not used, so none is left")
    encoder.encoder_keys(config, writer, context=stored - _unused(config))


def tensors(config: Config, plan: WeightPlan) -> None:
    encoder.strip(plan, "roberta.")
    plan.take(_POSITIONS, rows=range(_unused(config), plan.shape(_POSITIONS)[0]))
    plan.take_rest()


def _unused(config: Config) -> int:
    return config.count("pad_token_id", default=1, least=0) + 1


XLM_ROBERTA = Architecture(
    classes=("XLMRobertaModel", "XLMRobertaForMaskedLM"), gguf="BERT", keys=keys, tensors=tensors
)
