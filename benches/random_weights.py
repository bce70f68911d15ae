"""Writes a model of ``benches.architectures`` with random weights."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from benches import vocabulary
from benches.architectures import ARCHITECTURES, Tensor, common_keys
from benches.weight_formats import FORMATS, format_of

if TYPE_CHECKING:
    import numpy as np
    from gguf import GGUFWriter

SEED = 20261126
_PART_ROWS = 4096
"""Rows made at a time, so that memory stays small."""
_QUANTIZED = ("matrix", "mxfp4")


def _values(draw: np.random.Generator, tensor: Tensor) -> np.ndarray[Any, Any]:
    import numpy as np

    if tensor.kind == "ones":
        return np.ones(tensor.shape, dtype=np.float32)
    if tensor.kind == "decay":
        return -draw.uniform(0.5, 4, tensor.shape).astype(np.float32)
    if tensor.kind in _QUANTIZED:
        return draw.normal(0, _deviation(tensor), tensor.shape).astype(np.float32)
    deviation = tensor.shape[-1] ** -0.5 if len(tensor.shape) > 1 and tensor.shape[-1] > 1 else 0.3
    return draw.normal(0, deviation, tensor.shape).astype(np.float32)


def _deviation(tensor: Tensor) -> float:
    return tensor.deviation or 1.5 * float(tensor.shape[-1]) ** -0.5


def _announce(writer: GGUFWriter, tensor: Tensor, form: str | None) -> None:
    import gguf
    import numpy as np

    if form is None:
        writer.add_tensor_info(tensor.name, tensor.shape, np.dtype(np.float32), 4 * int(np.prod(tensor.shape)))
        return
    made = FORMATS[form]
    shape = (*tensor.shape[:-1], tensor.shape[-1] // made.weights * made.block_bytes)
    kind = gguf.GGMLQuantizationType[form.upper()]
    writer.add_tensor_info(tensor.name, shape, np.dtype(np.uint8), int(np.prod(shape)), kind)


def _write_tensor(file: BinaryIO, tensor: Tensor, form: str | None) -> None:
    import numpy as np

    draw = np.random.default_rng([SEED, zlib.crc32(tensor.name.encode())])
    if form is None:
        file.write(_values(draw, tensor).tobytes())
        return
    made = FORMATS[form]
    rows, in_row = int(np.prod(tensor.shape[:-1])), tensor.shape[-1] // made.weights
    for first in range(0, rows, _PART_ROWS):
        file.write(made.draw(draw, min(_PART_ROWS, rows - first) * in_row, _deviation(tensor)).tobytes())


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


def _formats(tensors: list[Tensor], layers: int, weight_type: str) -> list[str | None]:
    """Of each tensor; None: F32. Experts that a family has in MXFP4 have it where all else is Q8_0."""
    tied = all(tensor.name != "output.weight" for tensor in tensors)

    def form(tensor: Tensor) -> str | None:
        if tensor.kind not in _QUANTIZED:
            return None
        if tensor.kind == "mxfp4" and weight_type == "q8_0":
            return "mxfp4"
        return format_of(weight_type, tensor.name, tensor.shape[-1], layers, tied=tied)

    return [form(tensor) for tensor in tensors]


def write(path: Path, name: str, *, weight_type: str = "q8_0", tiny: bool = False, exact: bool = False) -> None:
    """Writes the model, all of it in F32 where ``exact``; raises KeyError for an unknown name or type."""
    import gguf

    family, real, small = ARCHITECTURES[name]
    numbers = small if tiny else real
    arch, keys, listed = family(numbers)
    described = list(listed)
    forms = [None] * len(described) if exact else _formats(described, numbers.layers, weight_type)
    tensors = list(zip(described, forms, strict=True))
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
