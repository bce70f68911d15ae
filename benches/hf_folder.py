"""Writes a Hugging Face folder of a bench model's shape, BF16, with random weights and the benches' vocabulary.

Needs numpy. What its model says is meaningless; what it costs is what the real one costs.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from math import prod
from pathlib import Path
from typing import Any

from benches import vocabulary
from benches.models import DEFAULT_FOLDER, SHAPES, Shape

_SEED = 20240607
_WEIGHT_STD = 0.02
_CLASSES = {"qwen2": "Qwen2ForCausalLM", "llama": "LlamaForCausalLM"}
_NAMES = {
    "token_embd": "embed_tokens",
    "output_norm": "norm",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""Qwen2's split into words."""


def _hf_name(name: str) -> str:
    parts = re.sub(r"^blk\.(\d+)\.", r"layers.\1.", name).split(".")
    return ".".join(["model", *(_NAMES.get(part, part) for part in parts)])


def _config(shape: Shape) -> dict[str, Any]:
    return {
        "architectures": [_CLASSES[shape.arch]],
        "model_type": shape.arch,
        "torch_dtype": "bfloat16",
        "vocab_size": shape.vocab,
        "hidden_size": shape.width,
        "intermediate_size": shape.ffn,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "max_position_embeddings": shape.context,
        "rope_theta": shape.rope_base,
        "rms_norm_eps": 1e-6,
        "hidden_act": "silu",
        "tie_word_embeddings": True,
    }


def _tokenizer(shape: Shape) -> dict[str, Any]:
    words = vocabulary.build(shape.vocab)
    split = {"type": "Split", "pattern": {"Regex": _WORDS}, "behavior": "Isolated", "invert": False}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {
        "version": "1.0",
        "added_tokens": [{"id": words.id_of(text), "content": text, **flags} for text in vocabulary.SPECIALS],
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, byte_level]},
        "post_processor": byte_level,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "vocab": {token: index for index, token in enumerate(words.tokens)},
            "merges": [list(merge) for merge in words.merges],
        },
    }


def _write_weights(path: Path, shape: Shape) -> None:
    extents: dict[str, tuple[int, ...]] = {_hf_name(name): (rows, columns) for name, rows, columns in shape.matrices()}
    extents |= {_hf_name(name): (length,) for name, length in shape.vectors()}
    _write_safetensors(path, extents)


def _write_safetensors(path: Path, extents: dict[str, tuple[int, ...]]) -> None:
    import numpy as np

    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, extent in extents.items():
        begin, end = end, end + 2 * prod(extent)
        header[name] = {"dtype": "BF16", "shape": list(extent), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, extent in extents.items():
            draw = np.random.default_rng([_SEED, zlib.crc32(name.encode())])
            values = draw.standard_normal(prod(extent), dtype=np.float32) * np.float32(_WEIGHT_STD)
            if name.endswith("norm.weight"):
                values += 1
            file.write((values.view(np.uint32) >> 16).astype("<u2").tobytes())


def make(name: str, *, folder: Path = DEFAULT_FOLDER) -> Path:
    """The folder of the shape ``name``, written now unless it is there."""
    shape = SHAPES[name]
    made = folder.expanduser() / f"bench-hf-{name}"
    if not made.exists():
        part = made.with_suffix(f".part{os.getpid()}")
        part.mkdir(parents=True)
        (part / "config.json").write_text(json.dumps(_config(shape)))
        (part / "tokenizer.json").write_text(json.dumps(_tokenizer(shape), ensure_ascii=False))
        settings = {"eos_token": vocabulary.TURN_END, "chat_template": vocabulary.CHAT_TEMPLATE}
        (part / "tokenizer_config.json").write_text(json.dumps(settings))
        _write_weights(part / "model.safetensors", shape)
        part.rename(made)
    return made


def make_adapter(name: str, rank: int, *, folder: Path = DEFAULT_FOLDER) -> Path:
    """A LoRA adapter, as PEFT saves it, for every matrix of the layers of the shape ``name``."""
    shape = SHAPES[name]
    made = folder.expanduser() / f"bench-lora-{name}-{rank}"
    if not made.exists():
        part = made.with_suffix(f".part{os.getpid()}")
        part.mkdir(parents=True)
        config = {"peft_type": "LORA", "r": rank, "lora_alpha": rank, "bias": "none"}
        (part / "adapter_config.json").write_text(json.dumps(config))
        extents: dict[str, tuple[int, ...]] = {}
        for matrix, rows, columns in shape.matrices():
            if matrix.startswith("blk."):
                module = f"base_model.model.{_hf_name(matrix).removesuffix('.weight')}"
                extents[f"{module}.lora_A.weight"] = (rank, columns)
                extents[f"{module}.lora_B.weight"] = (rows, rank)
        _write_safetensors(part / "adapter_model.safetensors", extents)
        part.rename(made)
    return made
