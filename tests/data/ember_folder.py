"""Writes ``ember``, which ships as a GGUF file, as the Hugging Face folder that it would be.

Usage: python tests/data/ember_folder.py FOLDER [F32|F16|BF16] [SHARDS]   (needs gguf and numpy)
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import gguf
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from hf_folders import write_weights

EMBER = Path(__file__).parents[2] / "python" / "inferno" / "models" / "ember.gguf"
_BLOCK = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_OUTSIDE = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}
# tools/ember/tokenizer.py: what llama.cpp calls "qwen2".
_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def write(folder: Path, dtype: str = "F32", shards: int = 1) -> None:
    write_companions(folder)
    write_weights(folder, read()[1], dtype, shards)


def write_companions(folder: Path) -> None:
    """All but the weights: config.json, the tokenizer, the chat template."""
    reader = gguf.GGUFReader(str(EMBER))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(_config(reader)))
    _write_tokenizer(folder, reader)


def read(path: Path = EMBER) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]:
    """Of ember, or a copy: config.json's content, and the weights by the names that ``transformers`` has for them."""
    reader = gguf.GGUFReader(str(path))
    config = _config(reader)
    tensors: dict[str, np.ndarray[Any, Any]] = {}
    for tensor in reader.tensors:
        numbers = gguf.dequantize(tensor.data, tensor.tensor_type).reshape(tensor.shape[::-1])
        for part, heads in (("attn_q.", "num_attention_heads"), ("attn_k.", "num_key_value_heads")):
            if part in tensor.name:
                numbers = halves(numbers, config[heads])
        tensors[_name(tensor.name)] = numbers
    return config, tensors


def halves(rows: np.ndarray[Any, Any], heads: int) -> np.ndarray[Any, Any]:
    """Each head's rotated pairs, neighbours in the GGUF, as ``transformers`` has them: all firsts, then all seconds."""
    return rows.reshape(heads, -1, 2, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape)


def _name(name: str) -> str:
    if name in _OUTSIDE:
        return _OUTSIDE[name]
    _, layer, part, suffix = name.split(".")
    return f"model.layers.{layer}.{_BLOCK[part]}.{suffix}"


def _config(reader: gguf.GGUFReader) -> dict[str, Any]:
    def said(key: str) -> Any:
        return reader.fields[f"llama.{key}"].contents()

    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": said("vocab_size"),
        "hidden_size": said("embedding_length"),
        "intermediate_size": said("feed_forward_length"),
        "num_hidden_layers": said("block_count"),
        "num_attention_heads": said("attention.head_count"),
        "num_key_value_heads": said("attention.head_count_kv"),
        "max_position_embeddings": said("context_length"),
        "rms_norm_eps": said("attention.layer_norm_rms_epsilon"),
        "rope_theta": said("rope.freq_base"),
        "hidden_act": "silu",
        "tie_word_embeddings": True,
        "bos_token_id": reader.fields["tokenizer.ggml.bos_token_id"].contents(),
        "eos_token_id": reader.fields["tokenizer.ggml.eos_token_id"].contents(),
    }


def _write_tokenizer(folder: Path, reader: gguf.GGUFReader) -> None:
    def said(key: str) -> Any:
        return reader.fields[f"tokenizer.{key}"].contents()

    tokens, kinds = said("ggml.tokens"), said("ggml.token_type")
    added = [
        {
            "id": index,
            "content": token,
            "special": kind == gguf.TokenType.CONTROL,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
        }
        for index, (token, kind) in enumerate(zip(tokens, kinds, strict=True))
        if kind != gguf.TokenType.NORMAL
    ]
    split = {"type": "Split", "pattern": {"Regex": _WORDS}, "behavior": "Isolated", "invert": False}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, level]},
        "post_processor": None,
        "decoder": level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": {token: index for index, token in enumerate(tokens) if kinds[index] == gguf.TokenType.NORMAL},
            "merges": [merge.split(" ") for merge in said("ggml.merges")],
        },
    }
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    named = {
        "bos_token": tokens[said("ggml.bos_token_id")],
        "eos_token": tokens[said("ggml.eos_token_id")],
        "add_bos_token": said("ggml.add_bos_token"),
        "tokenizer_class": "PreTrainedTokenizerFast",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(named))
    (folder / "chat_template.jinja").write_text(said("chat_template"))


if __name__ == "__main__":
    folder, *rest = sys.argv[1:]
    write(Path(folder), rest[0] if rest else "F32", int(rest[1]) if len(rest) > 1 else 1)
