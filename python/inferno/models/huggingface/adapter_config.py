"""``adapter_config.json``: what of PEFT's many ways an adapter needs. What is not plain LoRA is refused by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inferno.errors import NotFound, Unsupported
from inferno.models.huggingface.config_json import Config
from inferno.models.huggingface.json_file import read_object

ADAPTER_CONFIG = "adapter_config.json"
_MAX_RANK = 2**16

_OF_TRAINING = frozenset(
    (
        *("auto_mapping", "base_model_name_or_path", "corda_config", "ensure_weight_tying", "eva_config"),
        *("exclude_modules", "fan_in_fan_out", "inference_mode", "layers_pattern", "layers_to_transform"),
        *("loftq_config", "lora_dropout", "lora_ga_config", "megatron_core", "peft_type", "peft_version"),
        *("qalora_group_size", "revision", "runtime_config", "target_modules", "task_type"),
    )
)
"""How it was trained, or which modules it has: the tensors say that."""
_READ = frozenset(("alpha_pattern", "bias", "init_lora_weights", "lora_alpha", "r", "rank_pattern", "use_rslora"))
_CHANGES_THE_BASE = ("corda", "loftq", "lora_ga", "olora", "pissa")
"""Ways to begin training that move a part of the base's weights into the adapter."""


@dataclass(frozen=True, slots=True)
class AdapterConfig:
    """``rank`` is that of every module; None when it differs between them."""

    rank: int | None
    alpha: float
    rank_stabilized: bool


def read_adapter_config(folder: Path) -> AdapterConfig:
    """Raises NotFound without the file, Unsupported for what is not plain LoRA, DataCorrupted for wrong values."""
    values = read_object(folder, ADAPTER_CONFIG)
    if values is None:
        raise NotFound(f"{ADAPTER_CONFIG} is not in the adapter's folder")
    config = Config(values, where=ADAPTER_CONFIG)
    if config.get("peft_type") != "LORA":
        raise Unsupported(f"{ADAPTER_CONFIG}: peft_type is {config.get('peft_type')!r}; known: 'LORA'")
    _refuse_more_than_lora(values)
    config.expect("bias", "none")
    begun = config.get("init_lora_weights")
    if isinstance(begun, str) and begun.lower().startswith(_CHANGES_THE_BASE):
        raise Unsupported(f"{ADAPTER_CONFIG}: init_lora_weights is {begun!r}, which changes the model's own weights")
    alpha = config.number("lora_alpha")
    config.section("alpha_pattern")
    if any(value != alpha for value in dict(values.get("alpha_pattern") or {}).values()):
        raise Unsupported(f"{ADAPTER_CONFIG}: alpha_pattern gives some modules another alpha than lora_alpha")
    rank = None if config.get("rank_pattern") else config.count("r", most=_MAX_RANK)
    return AdapterConfig(rank, alpha, config.flag("use_rslora", default=False))


def _refuse_more_than_lora(values: dict[str, Any]) -> None:
    """PEFT writes every switch that it has. One that is on and not known here changes what is computed."""
    for name, value in values.items():
        if value and name not in _OF_TRAINING and name not in _READ:
            shown = repr(value) if len(repr(value)) <= 60 else "set"
            raise Unsupported(f"{ADAPTER_CONFIG}: {name} is {shown}, which is not computed: only plain LoRA is")
