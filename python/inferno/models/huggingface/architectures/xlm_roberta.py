"""XLM-RoBERTa and RoBERTa: BERT, whose table of positions begins behind the padding token's row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferno.errors import DataCorrupted
from inferno.models.huggingface.architectures import encoder
from inferno.models.huggingface.architectures.architecture import ATTENTION, Architecture
from inferno.models.huggingface.config_json import MAX_CONTEXT, Config
from inferno.models.huggingface.weight_plan import WeightPlan

if TYPE_CHECKING:
    import gguf

_POSITIONS = "embeddings.position_embeddings.weight"


def keys(config: Config, writer: gguf.GGUFWriter) -> None:
    config.expect("hidden_act", "gelu", "gelu_new", "gelu_pytorch_tanh")
    config.expect("position_embedding_type", "absolute")
    config.expect("is_decoder", False)
    rows = config.count("max_position_embeddings", most=MAX_CONTEXT)
    encoder.encoder_keys(config, writer, context=rows - _first_row(config, rows))


def tensors(config: Config, plan: WeightPlan) -> None:
    encoder.settle_names(plan)
    rows = plan.shape(_POSITIONS)[0]
    plan.take(_POSITIONS, rows=range(_first_row(config, rows), rows))
    plan.take_rest()


def _first_row(config: Config, rows: int) -> int:
    """Position 0's: positions count from the padding token's id on."""
    first = config.count("pad_token_id", default=1, least=0) + 1
    if first >= rows:
        raise DataCorrupted(f"config.json: the padding token's id is {first - 1}, and there are {rows} positions")
    return first


XLM_ROBERTA = Architecture(
    classes=("XLMRobertaModel", "XLMRobertaForMaskedLM", "RobertaModel", "RobertaForMaskedLM"),
    arch="BERT",
    keys=keys,
    tensors=tensors,
    layer=(*ATTENTION[1:], *encoder.NORMS, "ffn_up", "ffn_down"),
    outside=(*encoder.OUTSIDE, "position_embd"),
)
