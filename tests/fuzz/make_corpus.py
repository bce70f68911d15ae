"""Writes what the fuzzers start from: small files of each format, and the words a SafeTensors header is made of.

Usage: python tests/fuzz/make_corpus.py FOLDER. Makes FOLDER/safetensors, FOLDER/gguf, FOLDER/onnx
and FOLDER/safetensors.dict.
"""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path
from typing import Any

WORDS = ["{", "}", "[", "]", ":", ",", "\\u0000", "\\ud83d\\ude00", "dtype", "shape", "data_offsets", "__metadata__"]
NUMBERS = ["0", "1", "-1", "1e9", "9223372036854775807", "18446744073709551615"]
BITS = {"BOOL": 8, "F4": 4, "F6_E2M3": 6, "F8_E4M3": 8, "F16": 16, "BF16": 16, "F32": 32, "C64": 64, "I64": 64}


def safetensors(tensors: dict[str, tuple[str, list[int]]], *, spaces: int = 0) -> bytes:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}} if spaces else {}
    end = 0
    for name, (dtype, shape) in tensors.items():
        begin, bits = end, BITS[dtype]
        for extent in shape:
            bits *= extent
        end += bits // 8
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode() + b" " * spaces
    return struct.pack("<Q", len(text)) + text + bytes(end)


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def gguf(pairs: list[bytes], tensors: list[tuple[str, int, list[int], int]], data: int) -> bytes:
    """``tensors``: name, ggml type, shape, offset."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs)) + b"".join(pairs)
    for name, kind, shape, offset in tensors:
        head += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)
    return head + bytes(-len(head) % 32 + data)


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: int | str | bytes) -> bytes:
    """One field of a protobuf message: a number, or anything that has a length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


def onnx(*, node: bytes = b"", tensor: bytes = b"", more: bytes = b"") -> bytes:
    """y = Relu(x), with what is given beside it."""
    shape = field(1, field(2, "n")) + field(1, field(1, 3))
    kind = field(2, field(1, field(1, 1) + field(2, shape)))
    relu = field(1, field(1, "x") + field(2, "y") + field(3, "r") + field(4, "Relu"))
    graph = relu + node + field(2, "g") + tensor + field(11, field(1, "x") + kind) + field(12, field(1, "y") + kind)
    return field(1, 8) + field(2, "p") + field(7, graph) + field(8, field(1, "") + field(2, 17)) + more


def seeds() -> dict[str, dict[str, bytes]]:
    architecture = text("general.architecture") + struct.pack("<I", 8) + text("llama")
    layers = text("llama.block_count") + struct.pack("<II", 4, 2)
    alignment = text("general.alignment") + struct.pack("<II", 4, 64)
    tokens = text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("b")
    scores = text("scores") + struct.pack("<IIQ2f", 9, 6, 2, 0.5, 1.5)
    weight = field(1, 2) + field(2, 1) + field(8, "w") + field(9, bytes(8))
    place = field(13, field(1, "location") + field(2, "w.bin")) + field(13, field(1, "offset") + field(2, "64"))
    body = field(1, field(1, "x") + field(2, "z") + field(4, "Abs")) + field(12, field(1, "z"))
    then = field(5, field(1, "then_branch") + field(6, body))
    branch = field(1, field(1, "x") + field(2, "i") + field(4, "If") + then)
    extents = field(5, field(1, "K") + field(3, 2)) + field(5, field(1, "N") + field(3, 1))
    product = field(1, "x") + field(1, "w") + field(2, "m") + field(4, "MatMulNBits") + field(7, "com.microsoft")
    packed = field(1, product + extents)
    function = field(1, "f") + field(4, "a") + field(5, "b") + field(7, field(1, "a") + field(2, "b") + field(4, "Neg"))
    return {
        "onnx": {
            "small": onnx(),
            "weights": onnx(tensor=field(5, weight)),
            "outside": onnx(tensor=field(5, field(1, 2) + field(2, 1) + field(8, "w") + place + field(14, 1))),
            "branch": onnx(node=branch),
            "packed": onnx(node=packed, tensor=field(5, weight)),
            "function": onnx(more=field(25, function)),
        },
        "safetensors": {
            "empty": safetensors({}),
            "padded": safetensors({"a": ("F32", [2, 2]), "b": ("BF16", [4])}, spaces=7),
            "odd": safetensors({"\u00e9\n\U0001f600": ("F16", [3, 0]), "number": ("I64", []), "b": ("BOOL", [3])}),
            "small": safetensors({"f4": ("F4", [2, 3]), "f6": ("F6_E2M3", [4]), "f8": ("F8_E4M3", [5])}),
            "wide": safetensors({f"layer.{i}.weight": ("C64", [1, 1, 1, 1, 1, 1, 1, 1]) for i in range(20)}),
        },
        "gguf": {
            "keys": gguf([architecture], [], 0),
            "small": gguf([architecture, layers, tokens], [("a", 0, [8, 4], 0), ("b", 8, [32, 2], 128)], 196),
            "aligned": gguf([architecture, alignment, scores], [("a", 30, [64], 0), ("b", 12, [256], 128)], 300),
        },
    }


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print(__doc__)
        return 2
    folder = Path(arguments[0])
    for kind, files in seeds().items():
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / kind / name).write_bytes(content)
    words = [*WORDS, *NUMBERS, *BITS]
    # One quoted word a line; libFuzzer escapes a backslash and a quote as JSON does.
    lines = (json.dumps(word) for word in words)
    (folder / "safetensors.dict").write_text("".join(f"{line}\n" for line in lines))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
