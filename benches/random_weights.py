"""Writes a model of ``benches.architectures`` with random weights."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from benches import vocabulary
from benches.architectures import ARCHITECTURES, Tensor, common_keys

if TYPE_CHECKING:
    import numpy as np
    from gguf import GGUFWriter

SEED = 20260726
_PART_ROWS = 4096
"""Rows made at a time, so that memory stays small."""


def _q8_0(draw: np.random.Generator, blocks: int, deviation: float) -> np.ndarray[Any, Any]:
    import numpy as np

    scales = np.full((blocks, 1), deviation / 73.6, dtype="<f2").view(np.uint8)  # 73.6: deviation of -127..127
    return np.hstack([scales, draw.integers(-127, 128, size=(blocks, 32), dtype=np.int8).view(np.uint8)])


def _mxfp4(draw: np.random.Generator, blocks: int, deviation: float) -> np.ndarray[Any, Any]:
    import numpy as np

    exponent = 127 + round(float(np.log2(deviation / 2.7)))  # 2.7: deviation of the sixteen values
    scales = np.full((blocks, 1), exponent, dtype=np.uint8)
    return np.hstack([scales, draw.integers(0, 256, size=(blocks, 16), dtype=np.uint8)])


class _Format(NamedTuple):
    """``make`` gives blocks of 32 numbers, as bytes, of a deviation."""

    ggml_type: str
    block_bytes: int
    make: Callable[[np.random.Generator, int, float], np.ndarray[Any, Any]]


_FORMATS = {"matrix": _Format("Q8_0", 34, _q8_0), "mxfp4": _Format("MXFP4", 17, _mxfp4)}


def _values(draw: np.random.Generator, tensor: Tensor) -> np.ndarray[Any, Any]:
    import numpy as np

    if tensor.kind == "ones":
        return np.ones(tensor.shape, dtype=np.float32)
    if tensor.kind == "decay":
        return -draw.uniform(0.5, 4, tensor.shape).astype(np.float32)
    if tensor.kind in _FORMATS:
        return draw.normal(0, _deviation(tensor), tensor.shape).astype(np.float32)
    deviation = tensor.shape[-1] ** -0.5 if len(tensor.shape) > 1 and tensor.shape[-1] > 1 else 0.3
    return draw.normal(0, deviation, tensor.shape).astype(np.float32)


def _deviation(tensor: Tensor) -> float:
    return tensor.deviation or 1.5 * float(tensor.shape[-1]) ** -0.5


def _announce(writer: GGUFWriter, tensor: Tensor, form: _Format | None) -> None:
    import gguf
    import numpy as np

    if form is None:
        writer.add_tensor_info(tensor.name, tensor.shape, np.dtype(np.float32), 4 * int(np.prod(tensor.shape)))
        return
    shape = (*tensor.shape[:-1], tensor.shape[-1] // 32 * form.block_bytes)
    kind = gguf.GGMLQuantizationType[form.ggml_type]
    writer.add_tensor_info(tensor.name, shape, np.dtype(np.uint8), int(np.prod(shape)), kind)


def _write_tensor(file: BinaryIO, tensor: Tensor, form: _Format | None) -> None:
    import numpy as np

    draw = np.random.default_rng([SEED, zlib.crc32(tensor.name.encode())])
    if form is None:
        file.write(_values(draw, tensor).tobytes())
        return
    rows, in_row = int(np.prod(tensor.shape[:-1])), tensor.shape[-1] // 32
    for first in range(0, rows, _PART_ROWS):
        file.write(form.make(draw, min(_PART_ROWS, rows - first) * in_row, _deviation(tensor)).tobytes())


def _add(writer: GGUFWriter, key: str, value: int | float | list[int]) -> None:
    if isinstance(value, int):
        writer.add_uint32(key, value)
    elif isinstance(value, float):
        writer.add_float32(key, value)
    else:
        writer.add_array(key, value)


def begun(writer: GGUFWriter) -> BinaryIO:
    """The file, with all that stands before the tensors' bytes, which follow in the order of their announcement."""
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    assert writer.fout is not None
    file = writer.fout[0]
    writer.write_padding(file, file.tell())
    return file


def write(path: Path, name: str, *, tiny: bool = False, exact: bool = False) -> None:
    """Writes the model, all of it in F32 where ``exact``; raises KeyError for an unknown name."""
    import gguf

    family, real, small = ARCHITECTURES[name]
    numbers = small if tiny else real
    arch, keys, listed = family(numbers)
    tensors = [(tensor, None if exact else _FORMATS.get(tensor.kind)) for tensor in listed]
    writer = gguf.GGUFWriter(path, arch)
    writer.add_name("random weights")
    for key, value in {**common_keys(numbers, 1024 if tiny else 8192), **keys}.items():
        _add(writer, f"{arch}.{key}", value)
    vocabulary.describe(writer, numbers.vocab)
    for tensor, form in tensors:
        _announce(writer, tensor, form)
    file = begun(writer)
    for tensor, form in tensors:
        begin = file.tell()
        _write_tensor(file, tensor, form)
        writer.write_padding(file, file.tell() - begin)
    writer.close()
