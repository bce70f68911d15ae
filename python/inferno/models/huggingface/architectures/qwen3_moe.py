"""Qwen 3 MoE: Qwen 3's attention, routed experts whose weights are brought to a sum of 1, none that is always on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferno.errors import Unsupported
from inferno.models.huggingface.architectures import decoder, qwen2_moe
from inferno.models.huggingface.architectures.architecture import ATTENTION, EXPERTS, HEAD_NORMS, Architecture
from inferno.models.huggingface.config_json import Config
from inferno.models.huggingface.weight_plan import WeightPlan

if TYPE_CHECKING:
    import gguf


def keys(config: Config, writer: gguf.GGUFWriter) -> None:
    if not config.flag("norm_topk_prob", default=False):
        raise Unsupported("config.json: norm_topk_prob is not true; this architecture is computed with it")
    qwen2_moe.routed_keys(config, writer)


def tensors(config: Config, plan: WeightPlan) -> None:
    decoder.settle_output(config, plan)
    decoder.take_experts(config, plan, expert=qwen2_moe.EXPERT, parts=qwen2_moe.PARTS)
    plan.take_rest()


QWEN3_MOE = Architecture(
    classes=("Qwen3MoeForCausalLM",),
    arch="QWEN3MOE",
    keys=keys,
    tensors=tensors,
    layer=ATTENTION + HEAD_NORMS + EXPERTS,
)
