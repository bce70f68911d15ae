"""Random weights in the formats of GGUF files, some blocks at a time. Knows nothing of models or files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

WEIGHT_STD = 0.02


def _scales(draw: np.random.Generator, blocks: int, scale: float) -> np.ndarray[Any, Any]:
    """f16 scales as bytes, of either sign, so that the weights of a format without symmetry average to zero."""
    import numpy as np

    signs = draw.integers(0, 2, size=blocks).astype(np.float16) * 2 - 1
    return (signs * np.float16(scale)).astype("<f2").view(np.uint8).reshape(blocks, 2)


def _q8_0(draw: np.random.Generator, blocks: int) -> np.ndarray[Any, Any]:
    import numpy as np

    weights = draw.integers(-127, 128, size=(blocks, 32), dtype=np.int8).view(np.uint8)
    return np.hstack([_scales(draw, blocks, WEIGHT_STD / 73.6), weights])  # 73.6: deviation of -127..127


def _q4_0(draw: np.random.Generator, blocks: int) -> np.ndarray[Any, Any]:
    import numpy as np

    nibbles = draw.integers(0, 256, size=(blocks, 16), dtype=np.uint8)
    return np.hstack([_scales(draw, blocks, WEIGHT_STD / 4.6), nibbles])  # 4.6: deviation of -8..7


def _f16(draw: np.random.Generator, blocks: int) -> np.ndarray[Any, Any]:
    import numpy as np

    weights = draw.standard_normal(size=(blocks, 32), dtype=np.float32) * np.float32(WEIGHT_STD)
    return weights.astype("<f2").view(np.uint8).reshape(blocks, 64)


def _bf16(draw: np.random.Generator, blocks: int) -> np.ndarray[Any, Any]:
    import numpy as np

    weights = draw.standard_normal(size=(blocks, 32), dtype=np.float32) * np.float32(WEIGHT_STD)
    return (weights.view("<u4") >> 16).astype("<u2").view(np.uint8).reshape(blocks, 64)


def _q4_k(draw: np.random.Generator, blocks: int) -> np.ndarray[Any, Any]:
    """Scale, scale of the least weights, 6 bits of each for every 32 weights, nibbles. A nibble is 7.5 in the mean."""
    import numpy as np

    scale = WEIGHT_STD / 257  # deviation of 0..63 times 0..15, less 7.5 times 0..63
    heads = draw.integers(0, 2, size=(blocks, 1)).astype(np.float16) * 2 - 1
    halves = (heads * np.array([scale, 7.5 * scale], dtype=np.float16)).astype("<f2").view(np.uint8)
    return np.hstack([halves, draw.integers(0, 256, size=(blocks, 12 + 128), dtype=np.uint8)])


def _q6_k(draw: np.random.Generator, blocks: int) -> np.ndarray[Any, Any]:
    """Lower four bits, upper two, a signed scale for every 16 weights, and the scale of scales."""
    import numpy as np

    scale = WEIGHT_STD / (18.5 * 73.9)  # deviations of -32..31 and -128..127
    bits = draw.integers(0, 256, size=(blocks, 128 + 64 + 16), dtype=np.uint8)
    return np.hstack([bits, _scales(draw, blocks, scale)])


@dataclass(frozen=True, slots=True)
class Format:
    weights: int
    """In one block."""
    block_bytes: int
    draw: Callable[[np.random.Generator, int], np.ndarray[Any, Any]]
    """So many blocks, as rows of ``block_bytes`` bytes."""


FORMATS = {
    "q8_0": Format(32, 34, _q8_0),
    "q4_0": Format(32, 18, _q4_0),
    "f16": Format(32, 64, _f16),
    "bf16": Format(32, 64, _bf16),
    "q4_k": Format(256, 144, _q4_k),
    "q6_k": Format(256, 210, _q6_k),
}


def mixed_format(mix: str, tensor: str, layers: int) -> str:
    """The format that ``tensor`` has in a file of type ``mix``, which is a format, or ``q4_k_m``: what files are mostly
    downloaded in. Its rule is llama.cpp's for a model whose input and output embeddings are one.
    """
    if mix != "q4_k_m":
        return mix
    if tensor == "token_embd.weight":
        return "q6_k"
    _, layer, kind = tensor.split(".", maxsplit=2)
    first, n = layers // 8, int(layer)
    needs_more = n < first or n >= 7 * layers // 8 or (n - first) % 3 == 2
    return "q6_k" if kind in {"attn_v.weight", "ffn_down.weight"} and needs_more else "q4_k"


WEIGHT_TYPES = ("q8_0", "q4_0", "f16", "bf16", "q4_k_m")
"""The last one needs widths that are a multiple of 256, and input and output embeddings in one."""
