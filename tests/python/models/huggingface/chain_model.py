"""A GGUF model that writes what it is told, so that streams can be compared: after each token of a chain, the next."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import gguf
import numpy as np

from inferno.models.huggingface.vocab import Vocabulary

_WIDTH = 256


def write_chain_model(path: Path, vocabulary: Vocabulary, chain: Sequence[int] = ()) -> Path:
    """``chain`` has each id at most once. A llama whose one layer adds nothing: logits see the last token only."""
    size = len(vocabulary.tokens)
    embedding = np.random.default_rng(7).standard_normal((size, _WIDTH)).astype(np.float32)
    output = np.zeros_like(embedding)
    for one, following in itertools.pairwise(chain):
        output[following] = embedding[one]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(2048)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(_WIDTH)
    writer.add_head_count(4)
    writer.add_head_count_kv(4)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(_WIDTH // 4)
    writer.add_vocab_size(size)
    vocabulary.add_to(writer)
    writer.add_tensor("token_embd.weight", embedding)
    writer.add_tensor("output.weight", output)
    square = np.zeros((_WIDTH, _WIDTH), dtype=np.float32)
    for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        writer.add_tensor(f"blk.0.{name}.weight", square)
    for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(_WIDTH, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
