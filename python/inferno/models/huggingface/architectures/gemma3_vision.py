"""Gemma 3 that also sees (4B and up), as text: its language model is Gemma 3, its eyes are left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferno.errors import DataCorrupted
from inferno.models.huggingface.architectures import gemma2, gemma3
from inferno.models.huggingface.architectures.architecture import Architecture
from inferno.models.huggingface.config_json import Config
from inferno.models.huggingface.weight_plan import WeightPlan

if TYPE_CHECKING:
    import gguf

_PREFIXES = {
    "model.language_model.": "model.",
    "language_model.model.": "model.",
    "language_model.lm_head.": "lm_head.",
}
_EYES = ("vision_tower.", "multi_modal_projector.", "model.vision_tower.", "model.multi_modal_projector.")
# The published folders leave out what the class has by default (``Gemma3TextConfig`` of ``transformers``).
_DEFAULTS = {
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "query_pre_attn_scalar": 256,
    "max_position_embeddings": 131072,
    "rms_norm_eps": 1e-6,
    "sliding_window": 4096,
}


def keys(config: Config, writer: gguf.GGUFWriter) -> None:
    gemma3.keys(_text(config), writer)


def tensors(config: Config, plan: WeightPlan) -> None:
    plan.drop(lambda name: name.startswith(_EYES))
    plan.rename(_bare)
    gemma2.tensors(_text(config), plan)


def _text(config: Config) -> Config:
    text = config.section("text_config")
    if text is None:
        raise DataCorrupted("config.json has no text_config")
    return text.over(_DEFAULTS)


def _bare(name: str) -> str:
    for prefix, bare in _PREFIXES.items():
        if name.startswith(prefix):
            return bare + name.removeprefix(prefix)
    return name


GEMMA3_VISION = Architecture(
    classes=("Gemma3ForConditionalGeneration",),
    arch="GEMMA3",
    keys=keys,
    tensors=tensors,
    layer=gemma3.GEMMA3.layer,
)
