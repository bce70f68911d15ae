"""Random weights in the formats of GGUF files, some blocks at a time. Knows nothing of models or files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

Draw = Callable[["np.random.Generator", int, float], "np.ndarray[Any, Any]"]
"""Blocks, as rows of their bytes: so many, with weights of such a deviation."""


def _scales(draw: np.random.Generator, blocks: int, scale: float) -> np.ndarray[Any, Any]:
    """f16 scales as bytes, of either sign, so that the weights of a format without symmetry average to zero."""
    import numpy as np

    signs = draw.integers(0, 2, size=blocks).astype(np.float16) * 2 - 1
    return (signs * np.float16(scale)).astype("<f2").view(np.uint8).reshape(blocks, 2)


def _bytes(draw: np.random.Generator, blocks: int, count: int) -> np.ndarray[Any, Any]:
    import numpy as np

    return draw.integers(0, 256, size=(blocks, count), dtype=np.uint8)


def _q8_0(draw: np.random.Generator, blocks: int, deviation: float) -> np.ndarray[Any, Any]:
    import numpy as np

    weights = draw.integers(-127, 128, size=(blocks, 32), dtype=np.int8).view(np.uint8)
    return np.hstack([_scales(draw, blocks, deviation / 73.6), weights])  # 73.6: deviation of -127..127


def _scaled(bits: int, levels: float) -> Draw:
    """A scale, then bytes of any bits; ``levels`` is the deviation of what they stand for."""

    def draw_blocks(draw: np.random.Generator, blocks: int, deviation: float) -> np.ndarray[Any, Any]:
        import numpy as np

        weights = _bytes(draw, blocks, bits * 32 // 8)
        return np.hstack([_scales(draw, blocks, deviation / levels), weights])

    return draw_blocks


def _f16(draw: np.random.Generator, blocks: int, deviation: float) -> np.ndarray[Any, Any]:
    import numpy as np

    weights = draw.standard_normal(size=(blocks, 32), dtype=np.float32) * np.float32(deviation)
    return weights.astype("<f2").view(np.uint8).reshape(blocks, 64)


def _bf16(draw: np.random.Generator, blocks: int, deviation: float) -> np.ndarray[Any, Any]:
    import numpy as np

    weights = draw.standard_normal(size=(blocks, 32), dtype=np.float32) * np.float32(deviation)
    return (weights.view("<u4") >> 16).astype("<u2").view(np.uint8).reshape(blocks, 64)


def _with_least(bits: int, levels: float) -> Draw:
    """Scale, scale of the least weights, 6 bits of each for every 32 weights, then bytes of any bits, which are in the
    mean half of the largest there is; ``levels`` is the deviation of a weight in units of the scale.
    """

    def draw_blocks(draw: np.random.Generator, blocks: int, deviation: float) -> np.ndarray[Any, Any]:
        import numpy as np

        scale, mean = deviation / levels, (2**bits - 1) / 2
        heads = draw.integers(0, 2, size=(blocks, 1)).astype(np.float16) * 2 - 1
        halves = (heads * np.array([scale, mean * scale], dtype=np.float16)).astype("<f2").view(np.uint8)
        return np.hstack([halves, _bytes(draw, blocks, 12 + bits * 256 // 8)])

    return draw_blocks


def _from_least(bits: int, levels: float) -> Draw:
    """A scale and the least weight, so that bytes of any bits are 0 in the mean; ``levels`` as in :func:`_scaled`."""

    def draw_blocks(draw: np.random.Generator, blocks: int, deviation: float) -> np.ndarray[Any, Any]:
        import numpy as np

        scale = np.array([1, -(2**bits - 1) / 2], dtype=np.float16) * np.float16(deviation / levels)
        halves = np.broadcast_to(scale.astype("<f2").view(np.uint8), (blocks, 4))
        return np.hstack([halves, _bytes(draw, blocks, bits * 32 // 8)])

    return draw_blocks


def _q6_k(draw: np.random.Generator, blocks: int, deviation: float) -> np.ndarray[Any, Any]:
    """Lower four bits, upper two, a signed scale for every 16 weights, and the scale of scales."""
    import numpy as np

    bits = _bytes(draw, blocks, 128 + 64 + 16)
    return np.hstack([bits, _scales(draw, blocks, deviation / (18.5 * 73.9))])  # deviations of -32..31 and -128..127


def _iq4_xs(draw: np.random.Generator, blocks: int, deviation: float) -> np.ndarray[Any, Any]:
    """A scale, 6 bits of scale for every 32 weights, nibbles."""
    import numpy as np

    bits = _bytes(draw, blocks, 2 + 4 + 128)
    return np.hstack([_scales(draw, blocks, deviation / (18.5 * 67.4)), bits])  # deviations of -32..31 and -127..113


def _mxfp4(draw: np.random.Generator, blocks: int, deviation: float) -> np.ndarray[Any, Any]:
    import numpy as np

    exponent = 127 + round(float(np.log2(deviation / 2.7)))  # 2.7: deviation of the sixteen values
    return np.hstack([np.full((blocks, 1), exponent, dtype=np.uint8), _bytes(draw, blocks, 16)])


@dataclass(frozen=True, slots=True)
class Format:
    weights: int
    """In one block."""
    block_bytes: int
    draw: Draw


FORMATS = {
    "q8_0": Format(32, 34, _q8_0),
    "q4_0": Format(32, 18, _scaled(4, 4.6)),  # -8..7
    "q5_0": Format(32, 22, _scaled(5, 9.2)),  # -16..15
    "q4_1": Format(32, 20, _from_least(4, 4.6)),
    "q5_1": Format(32, 24, _from_least(5, 9.2)),
    "f16": Format(32, 64, _f16),
    "bf16": Format(32, 64, _bf16),
    "q4_k": Format(256, 144, _with_least(4, 257)),  # 0..63 times 0..15, less 7.5 times 0..63
    "q5_k": Format(256, 176, _with_least(5, 527)),  # 0..63 times 0..31, less 15.5 times 0..63
    "q6_k": Format(256, 210, _q6_k),
    "iq4_nl": Format(32, 18, _scaled(4, 67.4)),  # -127..113, closer about 0
    "iq4_xs": Format(256, 136, _iq4_xs),
    "mxfp4": Format(32, 17, _mxfp4),
}

_MIXES = {"q4_k_m": "q4_k", "q5_k_m": "q5_k"}
"""What files are mostly downloaded in: this format, and Q6_K where it matters most."""
_FITTING = {"q4_k": "q5_0", "q5_k": "q5_1", "q6_k": "q8_0", "iq4_xs": "iq4_nl"}
"""What llama.cpp takes instead for rows that are no whole blocks of 256."""


def format_of(weight_type: str, tensor: str, columns: int, layers: int, *, tied: bool) -> str:
    """The format that ``tensor``, with rows of ``columns``, has in a file of a type, by llama.cpp's rules.
    ``tied``: input and output embeddings are one.
    """
    mixed = _mixed(_MIXES[weight_type], tensor, layers, tied) if weight_type in _MIXES else weight_type
    return mixed if columns % FORMATS[mixed].weights == 0 else _FITTING[mixed]


def _mixed(base: str, tensor: str, layers: int, tied: bool) -> str:
    if tensor == ("token_embd.weight" if tied else "output.weight"):
        return "q6_k"
    if not tensor.startswith("blk."):
        return base
    _, layer, kind = tensor.split(".", maxsplit=2)
    first, n = layers // 8, int(layer)
    needs_more = n < first or n >= 7 * layers // 8 or (n - first) % 3 == 2
    return "q6_k" if needs_more and kind in {"attn_v.weight", "ffn_down.weight", "ffn_down_exps.weight"} else base


WEIGHT_TYPES = ("q8_0", "q4_0", "f16", "bf16", "q4_k_m", "q5_k_m", "q5_0", "iq4_nl", "iq4_xs")
