"""Numbers and strings of the Open Inference Protocol: JSON's and the binary extension's, to and from buffers. Pure."""

from __future__ import annotations

import math
import struct
import sys
from array import array
from collections.abc import Iterable, Sequence
from typing import Any

from inferno.engine.inference import Tensor
from inferno.errors import InvalidArgument, Unsupported

CODES = {
    "FP32": "f",
    "FP64": "d",
    "FP16": "e",
    "INT8": "b",
    "INT16": "h",
    "INT32": "i",
    "INT64": "q",
    "UINT8": "B",
    "UINT16": "H",
    "UINT32": "I",
    "UINT64": "Q",
    "BOOL": "?",
}
"""What ``struct`` calls each type. BF16, which it does not know, goes over binary only."""
_BIG_ENDIAN = sys.byteorder == "big"


def from_json(name: str, datatype: str, shape: Sequence[int], data: list[Any]) -> Tensor:
    """``data`` is flat or nested as the shape says. Raises InvalidArgument for what is not of the type."""
    values = list(_flat(data))
    if datatype == "BYTES":
        if not all(isinstance(value, str) for value in values):
            raise InvalidArgument(f"input '{name}': data of BYTES must be strings", param="inputs")
        return Tensor(name, datatype, tuple(shape), [value.encode() for value in values])
    code = CODES.get(datatype)
    if code is None:
        raise Unsupported(f"input '{name}': {datatype} cannot be sent as JSON; send it binary", param="inputs")
    wanted: type | tuple[type, ...] = bool if code == "?" else (int, float) if code in "fde" else int
    for value in values:
        if not isinstance(value, wanted) or (isinstance(value, bool) and code != "?"):
            raise InvalidArgument(
                f"input '{name}': data holds a {type(value).__name__}; it is {datatype}", param="inputs"
            )
    try:
        packed = struct.pack(f"={len(values)}{code}", *values)
    except (struct.error, OverflowError):
        raise InvalidArgument(f"input '{name}': data holds a number that {datatype} cannot", param="inputs") from None
    return Tensor(name, datatype, tuple(shape), packed)


def to_json(tensor: Tensor) -> list[Any]:
    """The numbers, flat. Raises Unsupported for what JSON cannot hold."""
    if tensor.datatype == "BYTES":
        try:
            return [text.decode() for text in tensor.data]
        except UnicodeDecodeError:
            raise Unsupported(f"output '{tensor.name}' is not UTF-8; ask for it binary", param="outputs") from None
    code = CODES.get(tensor.datatype)
    if code is None:
        raise Unsupported(f"output '{tensor.name}' is {tensor.datatype}; ask for it binary", param="outputs")
    view = memoryview(tensor.data)
    values = list(struct.unpack(f"={view.nbytes // struct.calcsize(code)}{code}", view))
    if code in "fde" and not all(map(math.isfinite, values)):
        raise Unsupported(f"output '{tensor.name}' holds what is no number; ask for it binary", param="outputs")
    return values


def from_binary(name: str, datatype: str, shape: Sequence[int], raw: memoryview) -> Tensor:
    """``raw`` as it came, least significant byte first. Raises InvalidArgument for strings that do not fit in it."""
    if datatype == "BYTES":
        return Tensor(name, datatype, tuple(shape), list(_strings(name, raw)))
    return Tensor(name, datatype, tuple(shape), _swapped(datatype, raw) if _BIG_ENDIAN else raw)


def to_binary(tensor: Tensor) -> bytes | memoryview:
    if tensor.datatype == "BYTES":
        return b"".join(struct.pack("<I", len(text)) + text for text in tensor.data)
    return _swapped(tensor.datatype, memoryview(tensor.data)) if _BIG_ENDIAN else memoryview(tensor.data)


def _flat(data: Iterable[Any]) -> Iterable[Any]:
    for item in data:
        if isinstance(item, list):
            yield from _flat(item)
        else:
            yield item


def _strings(name: str, raw: memoryview) -> Iterable[bytes]:
    at = 0
    while at < len(raw):
        length = int.from_bytes(raw[at : at + 4], "little")
        at += 4
        if at + length > len(raw):
            raise InvalidArgument(
                f"input '{name}': a string of {length} bytes does not fit its binary data", param="inputs"
            )
        yield bytes(raw[at : at + length])
        at += length


def _swapped(datatype: str, raw: memoryview) -> bytes:
    numbers = array({1: "B", 2: "H", 4: "I", 8: "Q"}[struct.calcsize(CODES.get(datatype, "H"))], bytes(raw))
    numbers.byteswap()
    return numbers.tobytes()
