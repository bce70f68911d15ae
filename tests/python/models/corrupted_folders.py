"""The corruption matrix: folders that are each broken in one way, and a piece of the sentence that says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from models.safetensors_files import INDEX, entry, file_bytes, good_header, index

SHARD = "model.safetensors"
Files = dict[str, bytes | str]


def _b(**changes: Any) -> Files:
    """The good file with tensor b described otherwise; a value of None leaves the key out."""
    header = good_header()
    described = {**header["b"], **changes}
    header["b"] = {key: value for key, value in described.items() if value is not None}
    return {SHARD: file_bytes(header)}


def _header(text: str | bytes) -> Files:
    return {SHARD: file_bytes(text)}


def _placed(dtype: str, shape: list[int], begin: int, end: int, *, data: int = 24) -> Files:
    return {SHARD: file_bytes({"a": entry("F32", [2, 2], 0, 16), "b": entry(dtype, shape, begin, end)}, bytes(data))}


_GOOD = json.dumps(good_header())
_ONE = file_bytes({"a": entry("U8", [1], 0, 1)}, b"1")
_OTHER = file_bytes({"b": entry("U8", [1], 0, 1)}, b"2")
_SHARDS: Files = {"x1.safetensors": _ONE, "x2.safetensors": _OTHER}
_PLACES = {"a": "x1.safetensors", "b": "x2.safetensors"}

BROKEN: dict[str, tuple[Callable[[], Files], str]] = {
    # the frame
    "empty file": (lambda: {SHARD: b""}, "file 'model.safetensors' is empty"),
    "cut in its length": (lambda: {SHARD: b"\x10\0\0"}, "ends within the length of its header: it has 3 bytes"),
    "header beyond the file": (lambda: {SHARD: file_bytes("{}", b"", length=900)}, "900 bytes, but the file has 2"),
    "header over 100 MB": (lambda: {SHARD: file_bytes("{}", length=200_000_000)}, "the limit is 100000000"),
    "header is a list": (lambda: _header("[1]"), "the header is not a JSON object"),
    "header is cut": (lambda: _header(_GOOD[:-1]), "the header is not JSON: ',' or '}' is missing"),
    "bytes after the header": (lambda: _header(_GOOD + " x"), "something follows the header's closing brace"),
    "not UTF-8": (lambda: _header(b'{"\xff":{}}'), "the header is not JSON: a name in quotes is missing"),
    "duplicate tensor": (lambda: _header('{"a":' + json.dumps(entry("U8", [0], 0, 0)) + ',"a":1}'), "has 'a' twice"),
    "metadata is no text": (lambda: _header('{"__metadata__":{"k":7}}'), "'k', which is not a string"),
    # one tensor
    "no dtype": (lambda: _b(dtype=None), "tensor 'b' has no dtype"),
    "no shape": (lambda: _b(shape=None), "tensor 'b' has no shape"),
    "no offsets": (lambda: _b(data_offsets=None), "tensor 'b' has no data_offsets"),
    "odd key": (lambda: _b(stride=[1]), "tensor 'b' has the key 'stride'"),
    "unknown dtype": (lambda: _b(dtype="Q4"), "tensor 'b' is of dtype 'Q4', which is not known"),
    "negative dimension": (lambda: _b(shape=[-4]), "a dimension that is not a whole number"),
    "absurd rank": (lambda: _b(shape=[1] * 9), "tensor 'b' has more than 8 dimensions"),
    "three offsets": (lambda: _b(data_offsets=[16, 20, 24]), "data_offsets that are not two whole numbers"),
    "overflowing shape": (lambda: _b(shape=[2**32, 2**32]), "a shape of more bytes than can be counted"),
    # places
    "backward offsets": (lambda: _placed("BF16", [4], 24, 16), "offsets that run backwards: 24 to 16"),
    "shape and bytes disagree": (lambda: _placed("BF16", [5], 16, 24), "needs 10 bytes by its shape and dtype BF16"),
    "unaligned": (lambda: _placed("F32", [1], 17, 21), "begins at byte 17, not a multiple of the 4 bytes"),
    "overlap": (lambda: _placed("BF16", [8], 8, 24), "tensor 'b' overlaps tensor 'a'"),
    "hole": (lambda: _placed("BF16", [2], 20, 24), "the 4 bytes before it belong to no tensor"),
    "truncated": (lambda: _placed("BF16", [4], 16, 24, data=20), "but the file has 20: it is truncated"),
    "left over": (lambda: _placed("BF16", [4], 16, 24, data=30), "the last 6 bytes of the file belong to no tensor"),
    # shards and their index
    "index is not JSON": (lambda: {**_SHARDS, INDEX: "{"}, f"{INDEX} is not valid JSON"),
    "index without a map": (lambda: {**_SHARDS, INDEX: "{}"}, f"{INDEX} has no weight_map"),
    "index leaves the folder": (lambda: {**_SHARDS, INDEX: index({"a": "../x1.safetensors"})}, "'../x1.safetensors'"),
    "index names a number": (lambda: {**_SHARDS, INDEX: index({"a": 1})}, "a is said to be in 1"),
    "shard is missing": (
        lambda: {"x1.safetensors": _ONE, INDEX: index(_PLACES)},
        "names x2.safetensors, which is not in the folder",
    ),
    "tensor that no shard has": (
        lambda: {**_SHARDS, INDEX: index({**_PLACES, "c": "x1.safetensors"})},
        "places tensor 'c' in 'x1.safetensors', and no file has it",
    ),
    "tensor in another shard": (
        lambda: {**_SHARDS, INDEX: index({"a": "x2.safetensors", "b": "x1.safetensors"})},
        "places tensor 'a' in 'x2.safetensors', but it is in 'x1.safetensors'",
    ),
    "tensor that the index leaves out": (
        lambda: {
            "x1.safetensors": file_bytes({"a": entry("U8", [1], 0, 1), "z": entry("U8", [1], 1, 2)}, b"12"),
            INDEX: index({"a": "x1.safetensors"}),
        },
        "'x1.safetensors' has a tensor 'z' that the index does not name",
    ),
    "tensor in two shards": (
        lambda: {"x1.safetensors": _ONE, "x2.safetensors": _ONE, INDEX: index(_PLACES)},
        "tensor 'a' is in both 'x1.safetensors' and 'x2.safetensors'",
    ),
}
