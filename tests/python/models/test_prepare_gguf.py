"""The carrier of weights beside the ``gguf`` package: what it writes that package reads, and would have written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inferno import _core
from models.safetensors_files import entry, file_bytes

gguf = pytest.importorskip("gguf")

RNG = np.random.default_rng(0)
MATRIX = RNG.standard_normal((70, 256)).astype(np.float32)
SIMPLE_TYPES = ["q8_0", "q4_0", "q4_1", "q5_0", "q5_1"]
K_TYPES = {"q6_k": 0.02, "q5_k": 0.04, "q4_k": 0.08, "q3_k": 0.17, "q2_k": 0.35, "iq4_nl": 0.09, "iq4_xs": 0.09}
"""The root of the mean square of their errors, on numbers of variance 1, is below this."""


def bf16(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The nearest BF16, ties to even, as 16-bit words."""
    bits = values.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def widened(words: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return (words.astype(np.uint32) << 16).view(np.float32)


STORED = {"F32": MATRIX, "F16": MATRIX.astype(np.float16), "BF16": bf16(MATRIX)}
FLOATS = {"F32": MATRIX, "F16": STORED["F16"].astype(np.float32), "BF16": widened(STORED["BF16"])}


@pytest.fixture
def metadata(tmp_path: Path) -> bytes:
    writer = gguf.GGUFWriter(tmp_path / "metadata", "llama")
    writer.add_uint32("llama.block_count", 2)
    writer.add_array("tokenizer.ggml.tokens", ["a", "\u00e9"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return (tmp_path / "metadata").read_bytes()


@pytest.fixture
def shards(tmp_path: Path) -> list[str]:
    """One file per dtype, each with MATRIX under its dtype's name; an odd header, so that nothing is aligned."""
    paths = []
    for dtype, stored in STORED.items():
        path = tmp_path / f"{dtype}.safetensors"
        raw = stored.tobytes()
        header = json.dumps({dtype: entry(dtype, [70, 256], 0, len(raw))})
        path.write_bytes(file_bytes(header + " " * (len(header) % 2 == 0), raw))
        paths.append(str(path))
    return paths


def made(tmp_path: Path, metadata: bytes, shards: list[str], *tensors: _core.TensorPlan) -> Any:
    out = tmp_path / "out.gguf"
    stats = _core.prepare_gguf(str(out), metadata, shards, tensors)
    assert stats["bytes"] == out.stat().st_size
    return gguf.GGUFReader(out)


def plan(name: str, kind: str, source: str, **how: Any) -> _core.TensorPlan:
    rows = len(how["rows"]) if how.get("rows") is not None else 70
    return _core.TensorPlan(name, kind, [256, rows], [_core.TensorSource(source, **how)])


def test_keys_go_over(tmp_path: Path, metadata: bytes, shards: list[str]) -> None:
    reader = made(tmp_path, metadata, shards, plan("w", "f32", "F32"))
    assert reader.get_field("llama.block_count").contents() == 2
    assert reader.get_field("tokenizer.ggml.tokens").contents() == ["a", "\u00e9"]


@pytest.mark.parametrize("dtype", STORED)
@pytest.mark.parametrize("kind", ["f32", "f16", "bf16"])
def test_every_float_becomes_every_float(
    dtype: str, kind: str, tmp_path: Path, metadata: bytes, shards: list[str]
) -> None:
    picked = RNG.permutation(70)[:33].tolist()
    whole = plan("whole", kind, dtype)
    some = plan("some", kind, dtype, rows=picked)
    wanted = {"f32": FLOATS[dtype], "f16": FLOATS[dtype].astype(np.float16), "bf16": bf16(FLOATS[dtype])}[kind]
    first, second = made(tmp_path, metadata, shards, whole, some).tensors
    assert np.array_equal(first.data.view(wanted.dtype).reshape(wanted.shape), wanted)
    assert np.array_equal(second.data.view(wanted.dtype).reshape(33, 256), wanted[picked])


@pytest.mark.parametrize("kind", SIMPLE_TYPES)
def test_simple_types_are_what_the_gguf_package_makes(
    kind: str, tmp_path: Path, metadata: bytes, shards: list[str]
) -> None:
    tensor = made(tmp_path, metadata, shards, plan("w", kind, "BF16")).tensors[0]
    wanted = gguf.quants.quantize(FLOATS["BF16"], gguf.GGMLQuantizationType[kind.upper()])
    assert np.array_equal(tensor.data, wanted)


@pytest.mark.parametrize("kind", K_TYPES)
def test_block_types_stay_close(kind: str, tmp_path: Path, metadata: bytes, shards: list[str]) -> None:
    tensor = made(tmp_path, metadata, shards, plan("w", kind, "F32")).tensors[0]
    error = gguf.quants.dequantize(tensor.data, tensor.tensor_type) - MATRIX
    assert float(np.sqrt((error**2).mean())) < K_TYPES[kind]


def test_rows_may_be_a_range(tmp_path: Path, metadata: bytes, shards: list[str]) -> None:
    tensor = made(tmp_path, metadata, shards, plan("w", "f32", "F32", rows=range(10, 20))).tensors[0]
    assert np.array_equal(tensor.data, MATRIX[10:20])


def test_an_exception_in_progress_comes_out(tmp_path: Path, metadata: bytes, shards: list[str]) -> None:
    def progress(_: float) -> bool:
        raise KeyError("mine")

    big = _core.TensorPlan("w", "q2_k", [256, 70 * 400], [_core.TensorSource("F32", rows=list(range(70)) * 400)])
    with pytest.raises(KeyError, match="mine"):
        _core.prepare_gguf(str(tmp_path / "out.gguf"), metadata, shards, [big], 1, progress)
    assert not list(tmp_path.glob("out*"))
