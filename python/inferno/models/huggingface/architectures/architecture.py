"""What one file of this folder says: how an architecture of ``transformers`` becomes one of llama.cpp."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inferno.models.huggingface.config_json import Config
from inferno.models.huggingface.weight_plan import WeightPlan

if TYPE_CHECKING:
    import gguf


ATTENTION = ("attn_norm", "attn_q", "attn_k", "attn_v", "attn_output")
FUSED_ATTENTION = ("attn_norm", "attn_qkv", "attn_output")
FEED_FORWARD = ("ffn_norm", "ffn_gate", "ffn_up", "ffn_down")
EXPERTS = ("ffn_norm", "ffn_gate_inp", "ffn_gate_exps", "ffn_up_exps", "ffn_down_exps")
HEAD_NORMS = ("attn_q_norm", "attn_k_norm")


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
    layer: tuple[str, ...] = ATTENTION + FEED_FORWARD
    """The weights that every layer must have, by GGUF's names: llama.cpp would miss one only in the finished file."""
    outside: tuple[str, ...] = ("token_embd", "output_norm")
    """Those beside the layers."""

    def needed(self, layers: int) -> list[str]:
        """GGUF's names of the tensors that a model of so many layers cannot be without."""
        inside = [f"blk.{layer}.{name}.weight" for layer in range(layers) for name in self.layer]
        return [*(f"{name}.weight" for name in self.outside), *inside]
