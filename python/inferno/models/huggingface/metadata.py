"""What a ``gguf.GGUFWriter`` was told -> the bytes of a GGUF file with all keys and no tensors.

The writer's own way packs a vocabulary of 150,000 tokens one by one, which takes as long as carrying some hundred
megabytes. Format: ggml's docs/gguf.md, version 3, little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import gguf

_VERSION = 3
_NUMBERS = {
    "UINT8": "B",
    "INT8": "b",
    "UINT16": "H",
    "INT16": "h",
    "UINT32": "I",
    "INT32": "i",
    "FLOAT32": "f",
    "UINT64": "Q",
    "INT64": "q",
    "FLOAT64": "d",
    "BOOL": "?",
}
"""``struct``'s letters."""


def encoded(writer: gguf.GGUFWriter) -> bytes:
    """All keys, in the order given. The writer is to have no tensors, and its keys one file."""
    (pairs,) = writer.kv_data
    parts = [b"GGUF", struct.pack("<IQQ", _VERSION, 0, len(pairs))]
    for key, value in pairs.items():
        parts += [_text(key), struct.pack("<I", value.type)]
        parts.append(_array(value.value) if value.type.name == "ARRAY" else _values(value.type, [value.value]))
    return b"".join(parts)


def _array(values: Sequence[Any]) -> bytes:
    import gguf

    kind = gguf.GGUFValueType.get_type(values[0])
    return struct.pack("<IQ", kind, len(values)) + _values(kind, values)


def _values(kind: gguf.GGUFValueType, values: Sequence[Any]) -> bytes:
    if kind.name == "STRING":
        return b"".join(map(_text, values))
    return struct.pack(f"<{len(values)}{_NUMBERS[kind.name]}", *values)


def _text(text: str | bytes) -> bytes:
    raw = text.encode() if isinstance(text, str) else text
    return len(raw).to_bytes(8, "little") + raw
