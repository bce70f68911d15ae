"""An independent forward pass in NumPy over a GGUF file: the ground truth of the tests.

It shares no code with the training or with any engine: all it knows it reads from
the file. Weights are dequantized to float32; sums over many terms run in float64.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter
from gguf.quants import dequantize
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Model:
    """The metadata and the dequantized weights of a GGUF file of architecture "llama"."""

    metadata: dict[str, Any]
    weights: dict[str, Array]

    def number(self, key: str) -> Any:
        """A value of the "llama." group."""
        return self.metadata[f"llama.{key}"]


def load(path: str | Path) -> Model:
    """Read a GGUF file."""
    reader = GGUFReader(str(path))
    metadata = {name: field.contents() for name, field in reader.fields.items()}
    if metadata["general.architecture"] != "llama":
        raise ValueError(f"{path}: not of architecture llama")
    weights = {
        tensor.name: dequantize(tensor.data, tensor.tensor_type).astype(np.float32).reshape(tensor.shape[::-1])
        for tensor in reader.tensors
    }
    return Model(metadata, weights)


def _norm(x: Array, weight: Array, epsilon: float) -> Array:
    scaled: Array = x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * weight
    return scaled


def _rotate(x: Array, base: float, width: int) -> Array:
    """Rotate neighbouring pairs of the first `width` numbers of each head by its position."""
    positions = np.arange(x.shape[0])[:, None, None]
    angles = positions * base ** (-np.arange(0, width, 2) / width)
    even, odd = x[..., 0:width:2], x[..., 1:width:2]
    turned = x.copy()
    turned[..., 0:width:2] = even * np.cos(angles) - odd * np.sin(angles)
    turned[..., 1:width:2] = even * np.sin(angles) + odd * np.cos(angles)
    return turned


def _attend(model: Model, layer: str, x: Array) -> Array:
    """Causal attention of one layer, head by head."""
    heads, kv_heads = model.number("attention.head_count"), model.number("attention.head_count_kv")
    head_width = model.number("embedding_length") // heads
    base = model.metadata.get("llama.rope.freq_base", 10000.0)
    width = model.metadata.get("llama.rope.dimension_count", head_width)
    length = x.shape[0]
    q, k, v = (
        (x @ model.weights[f"{layer}.attn_{name}.weight"].T.astype(np.float64)).reshape(length, count, head_width)
        for name, count in (("q", heads), ("k", kv_heads), ("v", kv_heads))
    )
    q, k = _rotate(q, base, width), _rotate(k, base, width)
    mixed = np.empty_like(q)
    future = np.triu(np.ones((length, length), dtype=bool), 1)
    for head in range(heads):
        shared = head * kv_heads // heads
        scores = q[:, head] @ k[:, shared].T / np.sqrt(head_width)
        scores[future] = -np.inf
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        mixed[:, head] = shares / shares.sum(-1, keepdims=True) @ v[:, shared]
    attended: Array = mixed.reshape(length, -1) @ model.weights[f"{layer}.attn_output.weight"].T
    return attended


def _feed(model: Model, layer: str, x: Array) -> Array:
    """The gated feed-forward net of one layer."""
    gate, up, down = (model.weights[f"{layer}.ffn_{name}.weight"].T for name in ("gate", "up", "down"))
    inner = x @ gate
    fed: Array = (inner / (1 + np.exp(-inner)) * (x @ up)) @ down
    return fed


def logits(model: Model, token_ids: list[int]) -> NDArray[np.float32]:
    """The logits after every token: an array of length times vocabulary."""
    epsilon = model.number("attention.layer_norm_rms_epsilon")
    x = model.weights["token_embd.weight"][token_ids].astype(np.float64)
    for index in range(model.number("block_count")):
        layer = f"blk.{index}"
        x = x + _attend(model, layer, _norm(x, model.weights[f"{layer}.attn_norm.weight"], epsilon))
        x = x + _feed(model, layer, _norm(x, model.weights[f"{layer}.ffn_norm.weight"], epsilon))
    x = _norm(x, model.weights["output_norm.weight"], epsilon)
    output = model.weights.get("output.weight", model.weights["token_embd.weight"])
    return np.asarray(x @ output.T, dtype=np.float32)


def to_f32(src: str | Path, dst: str | Path) -> None:
    """Write the same model with every tensor as F32."""
    reader = GGUFReader(str(src))
    writer = GGUFWriter(str(dst), reader.fields["general.architecture"].contents())
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name == "general.architecture":
            continue
        value = 0 if name == "general.file_type" else field.contents()
        kind = field.types[0]
        writer.add_key_value(name, value, kind, field.types[-1] if kind == GGUFValueType.ARRAY else None)
    for tensor in reader.tensors:
        values = dequantize(tensor.data, tensor.tensor_type).astype(np.float32).reshape(tensor.shape[::-1])
        writer.add_tensor(tensor.name, values, raw_dtype=GGMLQuantizationType.F32)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    """Write an F32 copy of a GGUF file."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("src", type=Path)
    parser.add_argument("dst", type=Path)
    arguments = parser.parse_args()
    to_f32(arguments.src, arguments.dst)


if __name__ == "__main__":
    main()
