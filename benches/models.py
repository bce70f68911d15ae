"""Writes GGUF files of a real shape with random weights: ``python -m benches.models 15m``. Nothing is downloaded.

Needs the ``gguf`` package and numpy. What such a model says is meaningless; what it costs is what the real one costs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from benches import copying, random_weights, vocabulary
from benches.architectures import ARCHITECTURES
from benches.weight_formats import FORMATS, WEIGHT_TYPES, Format, format_of

if TYPE_CHECKING:
    import numpy as np
    from gguf import GGUFWriter

DEFAULT_FOLDER = Path("~/.cache/inferno-benches")
_FORMAT = 1
"""Raised when what is written changes: files of another format are not taken for ours."""
_SEED = 20240607
_WEIGHT_STD = 0.02
_LOUDNESS = 500
"""Times the weights' deviation, of the embeddings of a model that copies."""
_PART_WEIGHTS = 1 << 23
"""Weights made at a time, so that memory stays small."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The numbers that decide what a model costs."""

    arch: str
    layers: int
    width: int
    heads: int
    kv_heads: int
    ffn: int
    vocab: int
    context: int
    rope_base: float
    attention_bias: bool
    copies: bool = False
    """It writes the text of ``benches.copying``: after each of its words the next one, whatever came before."""

    @property
    def kv_width(self) -> int:
        return self.width // self.heads * self.kv_heads

    def matrices(self) -> Iterator[tuple[str, int, int]]:
        """Name, rows and columns of every quantized tensor. Input and output embeddings are one, unless it copies."""
        yield "token_embd.weight", self.vocab, self.width
        if self.copies:
            yield "output.weight", self.vocab, self.width
        for n in range(self.layers):
            yield f"blk.{n}.attn_q.weight", self.width, self.width
            yield f"blk.{n}.attn_k.weight", self.kv_width, self.width
            yield f"blk.{n}.attn_v.weight", self.kv_width, self.width
            yield f"blk.{n}.attn_output.weight", self.width, self.width
            yield f"blk.{n}.ffn_gate.weight", self.ffn, self.width
            yield f"blk.{n}.ffn_up.weight", self.ffn, self.width
            yield f"blk.{n}.ffn_down.weight", self.width, self.ffn

    def vectors(self) -> Iterator[tuple[str, int]]:
        """Name and length of every f32 tensor: norms (ones) and biases (small)."""
        yield "output_norm.weight", self.width
        for n in range(self.layers):
            yield f"blk.{n}.attn_norm.weight", self.width
            yield f"blk.{n}.ffn_norm.weight", self.width
            if self.attention_bias:
                yield f"blk.{n}.attn_q.bias", self.width
                yield f"blk.{n}.attn_k.bias", self.kv_width
                yield f"blk.{n}.attn_v.bias", self.kv_width


SHAPES: dict[str, Shape] = {
    "15m": Shape("llama", 6, 288, 6, 6, 768, 32000, 2048, 10000.0, attention_bias=False),
    "0.5b": Shape("qwen2", 24, 896, 14, 2, 4864, 151936, 32768, 1e6, attention_bias=True),
    "1b": Shape("llama", 16, 2048, 32, 8, 8192, 128256, 131072, 500000.0, attention_bias=False),
    "0.5b-copy": Shape("qwen2", 24, 896, 14, 2, 4864, 151936, 32768, 1e6, attention_bias=True, copies=True),
    "draft-copy": Shape("qwen2", 2, 256, 4, 2, 512, 151936, 32768, 1e6, attention_bias=True, copies=True),
}


NAMES = (*SHAPES, *ARCHITECTURES)


_LOUD_TYPES = ("q8_0", "q4_0", "f16")


def _loud(blocks: np.ndarray[Any, Any], weight_type: str) -> np.ndarray[Any, Any]:
    """The same weights, times as much as drowns what the layers add to them."""
    import numpy as np

    halves = blocks if weight_type == "f16" else blocks[:, :2]  # of the other formats, the scale
    halves[:] = (np.ascontiguousarray(halves).view("<f2") * np.float16(_LOUDNESS)).astype("<f2").view(np.uint8)
    return blocks


def _describe(writer: GGUFWriter, name: str, shape: Shape, weight_type: str) -> None:
    import gguf

    writer.add_name(f"inferno-bench-{name}")
    writer.add_description("random weights, for measuring only")
    writer.add_file_type(gguf.LlamaFileType[f"MOSTLY_{weight_type.upper()}"])
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.ffn)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_vocab_size(shape.vocab)
    vocabulary.describe(writer, shape.vocab)


def _parts(tensor: str, weights: int, made: Format) -> Iterator[np.ndarray[Any, Any]]:
    import numpy as np

    draw = np.random.default_rng([_SEED, zlib.crc32(tensor.encode())])
    blocks, at_once = weights // made.weights, _PART_WEIGHTS // made.weights
    return (made.draw(draw, min(at_once, blocks - begin), _WEIGHT_STD) for begin in range(0, blocks, at_once))


def _write_copying_output(file: BinaryIO, shape: Shape, made: Format) -> None:
    """Row j is the embedding of the token before j in the text: the logit of j is high after that token only."""
    import numpy as np

    rows = np.concatenate(list(_parts("token_embd.weight", shape.vocab * shape.width, made))).reshape(shape.vocab, -1)
    before = np.arange(shape.vocab)
    for token, following in copying.successors(vocabulary.build(shape.vocab)).items():
        before[following] = token
    file.write(rows[before].tobytes())


def _write(path: Path, name: str, shape: Shape, weight_type: str) -> None:
    import gguf
    import numpy as np

    writer = gguf.GGUFWriter(path, shape.arch)
    _describe(writer, name, shape, weight_type)
    kinds = {
        tensor: format_of(weight_type, tensor, columns, shape.layers, tied=not shape.copies)
        for tensor, _, columns in shape.matrices()
    }
    for tensor, rows, columns in shape.matrices():
        made = FORMATS[kinds[tensor]]
        row_bytes = columns // made.weights * made.block_bytes
        raw_type = gguf.GGMLQuantizationType[kinds[tensor].upper()]
        writer.add_tensor_info(tensor, (rows, row_bytes), np.dtype(np.uint8), rows * row_bytes, raw_type)
    for tensor, length in shape.vectors():
        writer.add_tensor_info(tensor, (length,), np.dtype(np.float32), length * 4)
    file = random_weights.begun(writer)
    for tensor, rows, columns in shape.matrices():
        made = FORMATS[kinds[tensor]]
        if tensor == "output.weight":
            _write_copying_output(file, shape, made)
        else:
            is_loud = shape.copies and tensor == "token_embd.weight"
            for part in _parts(tensor, rows * columns, made):
                file.write((_loud(part, weight_type) if is_loud else part).tobytes())
        writer.write_padding(file, rows * columns // made.weights * made.block_bytes)
    for tensor, length in shape.vectors():
        draw = np.random.default_rng([_SEED, zlib.crc32(tensor.encode())])
        values = np.ones(length) if tensor.endswith("norm.weight") else draw.normal(0, _WEIGHT_STD, length)
        file.write(values.astype("<f4").tobytes())
        writer.write_padding(file, length * 4)
    writer.close()


def make(name: str, *, weight_type: str = "q8_0", folder: Path = DEFAULT_FOLDER) -> Path:
    """The file of the shape ``name``, written now unless it is there. Raises ValueError for an unknown name or type.

    The file's name carries a digest of everything it depends on, so another version of this script makes another file.
    """
    if name not in NAMES:
        raise ValueError(f"unknown model {name!r}: known are {', '.join(NAMES)}")
    types = _LOUD_TYPES if name in SHAPES and SHAPES[name].copies else WEIGHT_TYPES
    if weight_type not in types:
        raise ValueError(f"unknown weight type {weight_type!r} of {name}: known are {', '.join(types)}")
    shape = SHAPES[name] if name in SHAPES else ARCHITECTURES[name].real
    merges = vocabulary.build(shape.vocab).merges
    numbers = {key: value for key, value in asdict(shape).items() if key != "copies" or value}
    seed = _SEED if name in SHAPES else random_weights.SEED
    parameters = json.dumps([_FORMAT, seed, numbers, weight_type, merges], sort_keys=True)
    digest = hashlib.sha256(parameters.encode()).hexdigest()[:8]
    path = folder.expanduser() / f"bench-{name}-{weight_type}-{digest}.gguf"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".part{os.getpid()}")
        try:
            if isinstance(shape, Shape):
                _write(part, name, shape, weight_type)
            else:
                random_weights.write(part, name, weight_type=weight_type)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benches.models", description=__doc__.splitlines()[0])
    parser.add_argument("model", choices=NAMES)
    parser.add_argument("--type", choices=WEIGHT_TYPES, default="q8_0", help="format of the weights")
    parser.add_argument("--out", type=Path, default=DEFAULT_FOLDER, help="folder that keeps the files")
    asked = parser.parse_args()
    print(make(asked.model, weight_type=asked.type, folder=asked.out))


if __name__ == "__main__":
    main()
