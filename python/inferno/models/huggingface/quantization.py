"""Which number format each tensor gets: the folder's own, or one chosen with ``--quantize``.

The mixes of the K schemes (where a tensor gets a better format than its scheme's) and the steps down for rows that
blocks do not divide are llama.cpp's (``src/llama-quant.cpp``), so that a prepared file is what its users know by that
name. Its exceptions for single models (eight experts, Falcon, 70B) are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from inferno.errors import InvalidArgument, Unsupported

if TYPE_CHECKING:
    from inferno.models.huggingface.weight_plan import Planned

SCHEMES: Mapping[str, str] = {
    "f32": "f32",
    "f16": "f16",
    "bf16": "bf16",
    "q8_0": "q8_0",
    "q6_k": "q6_k",
    "q5_k_m": "q5_k",
    "q4_k_m": "q4_k",
    "q4_0": "q4_0",
}
"""What can be asked for -> the format of most tensors."""

_OWN = {"F32": "f32", "F16": "f16", "BF16": "bf16"}
_BLOCKS = {"q8_0": 32, "q4_0": 32, "q5_0": 32, "q5_1": 32, "q6_k": 256, "q5_k": 256, "q4_k": 256}
_STEP_DOWN = {"q6_k": "q8_0", "q5_k": "q5_1", "q4_k": "q5_0"}
"""For rows that are a multiple of 32, but not of 256."""
_ALWAYS_F32 = (
    "_norm.weight",
    "ffn_gate_inp.weight",
    "ffn_gate_inp_shexp.weight",
    "position_embd.weight",
    "token_types.weight",
)
"""Small, and computed with in F32."""


def check_scheme(scheme: str | None) -> None:
    """Raises InvalidArgument for a scheme that is not known."""
    if scheme is not None and scheme not in SCHEMES:
        raise InvalidArgument(f"quantize is {scheme!r}; known: {', '.join(SCHEMES)}", param="quantize")


def tensor_type(planned: Planned, scheme: str | None, *, layers: int, tied: bool) -> str:
    """The ggml type of a planned tensor; ``tied`` when the embedding is also the output.

    Raises Unsupported when the folder's own format is none that is computed with.
    """
    if planned.values or len(planned.shape) == 1 or planned.name.endswith(_ALWAYS_F32):
        return "f32"
    if scheme is None:
        if planned.dtype not in _OWN:
            raise Unsupported(f"{planned.sources[0].name} holds {planned.dtype}; known: {', '.join(_OWN)}")
        return _OWN[planned.dtype]
    wanted = SCHEMES[scheme]
    if wanted in _BLOCKS:
        wanted = _better(planned.name, scheme, wanted, layers, tied=tied)
    if planned.shape[0] % _BLOCKS.get(wanted, 1):
        wanted = _STEP_DOWN.get(wanted, wanted)
    return wanted if planned.shape[0] % _BLOCKS.get(wanted, 1) == 0 else "f16"


def _better(name: str, scheme: str, usual: str, layers: int, *, tied: bool) -> str:
    if usual in ("q8_0", "q6_k"):
        return usual
    if name == "output.weight" or (tied and name == "token_embd.weight"):
        return "q6_k"
    if scheme.endswith("_m") and ".attn_qkv.weight" in name:
        return {"q4_k": "q5_k", "q5_k": "q6_k"}[usual]
    if scheme.endswith("_m") and (".attn_v.weight" in name or ".ffn_down" in name):
        return "q6_k" if _matters_more(int(name.split(".")[1]), layers) else usual
    return usual


def _matters_more(layer: int, layers: int) -> bool:
    """The first and last eighth of the layers, and every third between."""
    eighth = layers // 8
    return layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2
