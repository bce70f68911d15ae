"""Writing a model and its tokenizer as a GGUF file."""

from __future__ import annotations

import json
from pathlib import Path

import gguf
import numpy as np
import template
from gguf import GGMLQuantizationType, GGUFWriter
from gguf.constants import LlamaFileType, TokenType
from model import Llama, Shape
from tokenizer import BOS, CONTROL, EOS, PRE, VISIBLE, token_id
from tokenizers import Tokenizer

DESCRIPTION = (
    "A tiny chat model trained from nothing on text its own script writes. A few million parameters: it adds small "
    "numbers, counts, copies and spells words, writes flat JSON, calls simple tools and knows about 160 "
    "facts. It knows nothing else and is not meant for real work."
)


def _add_general(writer: GGUFWriter) -> None:
    writer.add_name("ember")
    writer.add_author("Inferno")
    writer.add_description(DESCRIPTION)
    writer.add_file_type(LlamaFileType.MOSTLY_Q8_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)


def _add_shape(writer: GGUFWriter, shape: Shape) -> None:
    writer.add_vocab_size(shape.vocabulary)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.epsilon)


def _add_tokenizer(writer: GGUFWriter, tokenizer: Tokenizer) -> None:
    ids = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    kinds = [
        TokenType.CONTROL if token in CONTROL else TokenType.USER_DEFINED if token in VISIBLE else TokenType.NORMAL
        for token, _ in ids
    ]
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(PRE)
    writer.add_token_list([token for token, _ in ids])
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(merge) for merge in merges])
    writer.add_bos_token_id(token_id(tokenizer, BOS))
    writer.add_eos_token_id(token_id(tokenizer, EOS))
    writer.add_pad_token_id(token_id(tokenizer, BOS))
    writer.add_add_bos_token(False)
    writer.add_chat_template(template.SOURCE)


def _add_weights(writer: GGUFWriter, model: Llama) -> None:
    """Matrices as Q8_0, norms as F32; the output matrix is the embedding and not stored twice."""
    for name, weights in model.state_dict().items():
        values = weights.detach().float().numpy()
        if values.ndim == 1:
            writer.add_tensor(name, values)
            continue
        quantized = gguf.quants.quantize(values, GGMLQuantizationType.Q8_0)
        writer.add_tensor(name, np.ascontiguousarray(quantized), raw_dtype=GGMLQuantizationType.Q8_0)


def write_gguf(path: Path, model: Llama, tokenizer: Tokenizer) -> None:
    """Write the file; it appears under its name only when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    writer = GGUFWriter(str(partial), "llama")
    _add_general(writer)
    _add_shape(writer, model.shape)
    _add_tokenizer(writer, tokenizer)
    _add_weights(writer, model)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    partial.replace(path)
