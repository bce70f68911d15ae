"""Writes tiny Hugging Face folders: the shape of each architecture, weights from fixed seeds, a byte-level tokenizer.

Usage: python tests/data/hf_folders.py CASE FOLDER [F32|F16|BF16] [SHARDS]   (needs only numpy)

Weights are drawn so that a wrong mapping shows: norms away from 1, biases away from 0, several layers. Every value has
at most 8 significant bits and a magnitude that F16 has too, so that F32, F16 and BF16 folders hold the same numbers.
"""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from hf_cases import BOS, CASES, EOS


def uniform(name: str, count: int) -> np.ndarray[Any, Any]:
    """Numbers in [-1, 1) from the raw stream of PCG64, which NumPy keeps the same from release to release."""
    raw = np.random.PCG64(zlib.crc32(name.encode())).random_raw(count)
    return (raw >> np.uint64(11)).astype(np.float64) / 2.0**52 - 1.0


def values(case: str, name: str, shape: tuple[int, ...], *, norms_from_zero: bool, gain: float) -> np.ndarray[Any, Any]:
    drawn = uniform(f"{case}/{name}", int(np.prod(shape)))
    if name.endswith(".bias"):
        drawn = np.sign(drawn) * (0.05 + 0.3 * np.abs(drawn))
    elif len(shape) == 1:
        drawn = 0.5 * drawn + (0.0 if norms_from_zero else 1.2)
    else:
        # As wide as keeps the size of what passes through. Embeddings small: else a tied output says its input again.
        is_embedding = any(part in name for part in ("embed", "wte", "wpe"))
        inner = shape[0] if "c_" in name and "gpt2" in case else shape[1]
        drawn = drawn * (0.25 if is_embedding else gain * np.sqrt(3.0 / inner))
    return eight_bits(drawn).reshape(shape)


def eight_bits(numbers: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Rounded to 8 significant bits, and to whole 2^-14ths: what F32, F16 and BF16 all have."""
    mantissa, exponent = np.frexp(numbers)
    short = np.ldexp(np.round(mantissa * 256) / 256, exponent)
    return np.where(np.abs(short) < 2.0**-13, 0.0, short).astype(np.float32)


def encoded(numbers: np.ndarray[Any, Any], dtype: str) -> bytes:
    if dtype == "BF16":
        return (numbers.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
    return numbers.astype({"F32": "<f4", "F16": "<f2"}[dtype]).tobytes()


def write_safetensors(path: Path, tensors: Mapping[str, np.ndarray[Any, Any]], dtype: str) -> None:
    header: dict[str, Any] = {}
    blobs: list[bytes] = []
    at = 0
    for name, numbers in tensors.items():
        blobs.append(encoded(numbers, dtype))
        header[name] = {"dtype": dtype, "shape": list(numbers.shape), "data_offsets": [at, at + len(blobs[-1])]}
        at += len(blobs[-1])
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(blobs))


def write_weights(
    folder: Path, tensors: Mapping[str, np.ndarray[Any, Any]], dtype: str = "F32", shards: int = 1
) -> None:
    if shards == 1:
        write_safetensors(folder / "model.safetensors", tensors, dtype)
        return
    where: dict[str, str] = {}
    for shard in range(shards):
        file = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        # Dealt out one by one, so that a layer's tensors (and a stack's experts) lie in different files.
        part = dict(list(tensors.items())[shard::shards])
        write_safetensors(folder / file, part, dtype)
        where |= dict.fromkeys(part, file)
    index = {"metadata": {}, "weight_map": where}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def byte_characters() -> list[str]:
    """The characters that stand for bytes in a byte-level vocabulary (GPT-2's), by byte."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = iter(range(256, 512))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]


def write_tokenizer(folder: Path) -> None:
    """A byte each, one merge, two control tokens."""
    added = [
        {"id": BOS, "content": "<|begin|>", "special": True},
        {"id": EOS, "content": "<|end|>", "special": True},
    ]
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [token | flags for token in added],
        "normalizer": None,
        "pre_tokenizer": byte_level,
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": {character: index for index, character in enumerate(byte_characters())} | {"he": EOS + 1},
            "merges": [["h", "e"]],
        },
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    named = {"bos_token": "<|begin|>", "eos_token": "<|end|>", "tokenizer_class": "PreTrainedTokenizerFast"}
    (folder / "tokenizer_config.json").write_text(json.dumps(named))


def write_case(name: str, folder: Path, dtype: str = "F32", shards: int = 1) -> None:
    case = CASES[name]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(case.config, indent=1))
    write_tokenizer(folder)
    how = {"norms_from_zero": case.norms_from_zero, "gain": case.gain}
    tensors = {tensor: values(name, tensor, shape, **how) for tensor, shape in case.shapes.items()}
    write_weights(folder, tensors, dtype, shards)


def prompt(name: str, length: int = 300) -> list[int]:
    """The prompt of the comparisons: bytes at random."""
    return [int(256 * (value + 1) / 2) for value in uniform(f"{name}/prompt", length)]


if __name__ == "__main__":
    case, folder, *rest = sys.argv[1:]
    write_case(case, Path(folder), rest[0] if rest else "F32", int(rest[1]) if len(rest) > 1 else 1)
