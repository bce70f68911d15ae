"""SmolLM 3: llama's tensors and rotation, but every fourth layer is not rotated at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inferno.models.huggingface.architectures import decoder, llama
from inferno.models.huggingface.architectures.architecture import Architecture
from inferno.models.huggingface.config_json import Config
from inferno.models.huggingface.weight_plan import WeightPlan

if TYPE_CHECKING:
    import gguf

_PERIOD = 4


def keys(config: Config, writer: gguf.GGUFWriter) -> None:
    config.expect("no_rope_layer_interval", _PERIOD)
    rotated = [int((layer + 1) % _PERIOD != 0) for layer in range(decoder.layer_count(config))]
    config.expect("no_rope_layers", rotated)
    llama.keys(config, writer)


def tensors(config: Config, plan: WeightPlan) -> None:
    decoder.settle_output(config, plan)
    decoder.take_rotated(config, plan)
    plan.take_rest()


SMOLLM3 = Architecture(classes=("SmolLM3ForCausalLM",), arch="SMOLLM3", keys=keys, tensors=tensors)
