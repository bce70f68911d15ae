"""What one file of this folder says: how an architecture of ``transformers`` becomes one of llama.cpp."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inferno.models.huggingface.config_json import Config
from inferno.models.huggingface.weight_plan import WeightPlan

if TYPE_CHECKING:
    import gguf


@dataclass(frozen=True, slots=True)
class Architecture:
    classes: tuple[str, ...]
    """Names under ``architectures`` in config.json."""
    arch: str
    """Name of a ``gguf.MODEL_ARCH``."""
    keys: Callable[[Config, gguf.GGUFWriter], None]
    """Writes the metadata that llama.cpp reads for it; refuses values that llama.cpp would compute otherwise."""
    tensors: Callable[[Config, WeightPlan], None]
    """Takes every tensor of the folder into the plan."""
