"""Small SafeTensors files and folders, right or wrong on purpose: no library would write the wrong ones."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

SIZES = {"F32": 4, "F16": 2, "BF16": 2, "I8": 1, "U8": 1, "F64": 8}
INDEX = "model.safetensors.index.json"


def entry(dtype: str, shape: list[int], begin: int, end: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def good_header() -> dict[str, Any]:
    """Two tensors over 24 bytes of data."""
    return {
        "__metadata__": {"format": "pt"},
        "a": entry("F32", [2, 2], 0, 16),
        "b": entry("BF16", [4], 16, 24),
    }


def file_bytes(header: dict[str, Any] | str | bytes, data: bytes = bytes(24), *, length: int | None = None) -> bytes:
    """``length`` is what the file claims of its header; by default the truth."""
    if isinstance(header, dict):
        header = json.dumps(header)
    if isinstance(header, str):
        header = header.encode()
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def write_folder(folder: Path, files: dict[str, bytes | str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def index(weight_map: Any) -> str:
    return json.dumps({"metadata": {}, "weight_map": weight_map})
