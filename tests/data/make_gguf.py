"""Writes the tiny GGUF models of the C++ tests: random weights from fixed seeds, a byte-level tokenizer.

Usage: python tests/data/make_gguf.py FOLDER   (needs the `gguf` package)
Then:  INFERNO_TEST_GGUF=FOLDER/llama-tiny.gguf ctest -L backends
"""

from __future__ import annotations

import sys
from pathlib import Path

import gguf
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from make_mmproj import write_audio_encoder, write_image_encoder

VOCAB = 300
SPECIALS = ["<|begin|>", "<|end|>", "<|user|>", "<|assistant|>"]
MERGES = ["h e", "l l", "he ll", "hell o", "Ġ w", "o r", "Ġw or", "l d", "Ġwor ld"]
TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
FILLING = {
    "fim_pre": "<|fim_prefix|>",
    "fim_suf": "<|fim_suffix|>",
    "fim_mid": "<|fim_middle|>",
    "fim_rep": "<|repo_name|>",
    "fim_sep": "<|file_sep|>",
}
"""Special tokens of a model that fills gaps, by the names that GGUF has for them."""
THOUGHTS = ["<think>", "</think>"]
THINKING_TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>"
    "{% if message.reasoning_content %}<think>{{ message.reasoning_content }}</think>{% endif %}"
    "{{ message.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>"
    "{% if enable_thinking is not defined or enable_thinking %}<think>{% endif %}{% endif %}"
)


def byte_characters() -> list[str]:
    """The 256 printable characters that stand for bytes in a GPT-2 vocabulary, by byte."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    characters: list[str] = []
    moved = 0
    for byte in range(256):
        if byte in plain:
            characters.append(chr(byte))
        else:
            characters.append(chr(256 + moved))
            moved += 1
    return characters


def plain_tokens() -> list[str]:
    return byte_characters() + [merge.replace(" ", "") for merge in MERGES]


def add_tokenizer(writer: gguf.GGUFWriter, pre: str, *, marked: bool = False) -> None:
    """A GPT-2 style vocabulary: bytes, a few merges, specials, fillers up to VOCAB. ``marked``: with the tokens of gaps
    and of thoughts, and a template that opens these."""
    tokens = plain_tokens()
    types = [gguf.TokenType.NORMAL] * len(tokens)
    first_special = len(tokens)
    tokens += SPECIALS
    types += [gguf.TokenType.CONTROL] * len(SPECIALS)
    if marked:
        for number, name in enumerate(FILLING):
            writer.add_uint32(f"tokenizer.ggml.{name}_token_id", len(tokens) + number)
        tokens += [*FILLING.values(), *THOUGHTS]
        types += [gguf.TokenType.CONTROL] * len(FILLING) + [gguf.TokenType.USER_DEFINED] * len(THOUGHTS)
    fillers = VOCAB - len(tokens)
    tokens += [f"<unused{i}>" for i in range(fillers)]
    types += [gguf.TokenType.UNUSED] * fillers
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(first_special)
    writer.add_eos_token_id(first_special + 1)
    writer.add_add_bos_token(True)
    writer.add_chat_template(THINKING_TEMPLATE if marked else TEMPLATE)


def in_blocks(random: np.random.Generator, shape: tuple[int, ...], *, six_bits: bool) -> np.ndarray:
    """Weights of Q4_K, or Q6_K, as the bytes of such a file: blocks of 256, in the mean 0, as large as others are."""
    rows, blocks = shape[0], shape[1] // 256
    bits = random.integers(0, 256, size=(rows, blocks, 208 if six_bits else 140), dtype=np.uint8)
    scale = 1 / np.sqrt(shape[1]) / (1370 if six_bits else 257)
    halves = np.array([scale] if six_bits else [scale, 7.5 * scale], dtype="<f2").view(np.uint8)
    scales = np.broadcast_to(halves, (rows, blocks, halves.size))
    return np.concatenate([bits, scales] if six_bits else [scales, bits], axis=2).reshape(rows, -1)


def write_model(
    path: Path,
    arch: str,
    *,
    seed: int,
    layers: int,
    width: int,
    heads: int,
    kv_heads: int,
    context: int = 512,
    marked: bool = False,
    mixed: bool = False,
) -> None:
    """A transformer of the llama family with random float32 weights; qwen2 and qwen2vl also have biases on q, k and v,
    and qwen2vl positions of several dimensions. One that is ``marked`` fills gaps and thinks, and says at temperature 0
    bytes alone: no special token, so that it ends nothing by itself. One that is ``mixed`` has Q4_K weights, and some
    of Q6_K, as files of Q4_K_M have."""
    random = np.random.default_rng(seed)
    head = width // heads
    feed_forward = 2 * width

    writer = gguf.GGUFWriter(path, arch)
    writer.add_name(f"tiny {arch}")
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(feed_forward)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(head)
    if arch == "qwen2vl":
        writer.add_rope_dimension_sections([head // 8, head // 8, head // 4, 0])
    writer.add_vocab_size(VOCAB)
    add_tokenizer(writer, "qwen2" if arch.startswith("qwen2") else "gpt-2", marked=marked)

    def add(name: str, *shape: int, silent_from: int | None = None) -> None:
        if mixed:
            six_bits = name.split(".")[-2] in {"token_embd", "output", "attn_v", "ffn_down"}
            kind = gguf.GGMLQuantizationType.Q6_K if six_bits else gguf.GGMLQuantizationType.Q4_K
            writer.add_tensor(name, in_blocks(random, shape, six_bits=six_bits), raw_dtype=kind)
            return
        values = random.standard_normal(shape) / np.sqrt(shape[-1])
        if silent_from is not None:
            values[silent_from:] = 0
        writer.add_tensor(name, values.astype(np.float32))

    def add_ones(name: str) -> None:
        writer.add_tensor(name, np.ones(width, dtype=np.float32))

    add("token_embd.weight", VOCAB, width)
    add("output.weight", VOCAB, width, silent_from=len(plain_tokens()) if marked else None)
    add_ones("output_norm.weight")
    for layer in range(layers):
        block = f"blk.{layer}"
        add_ones(f"{block}.attn_norm.weight")
        for part, rows in (("q", heads * head), ("k", kv_heads * head), ("v", kv_heads * head)):
            add(f"{block}.attn_{part}.weight", rows, width)
            if arch.startswith("qwen2"):
                add(f"{block}.attn_{part}.bias", rows)
        add(f"{block}.attn_output.weight", width, heads * head)
        add_ones(f"{block}.ffn_norm.weight")
        add(f"{block}.ffn_gate.weight", feed_forward, width)
        add(f"{block}.ffn_up.weight", feed_forward, width)
        add(f"{block}.ffn_down.weight", width, feed_forward)

    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_encoder(
    path: Path,
    *,
    seed: int,
    layers: int,
    width: int,
    heads: int,
    positions: int,
    labels: tuple[str, ...] = (),
    head: bool = True,
) -> None:
    """BERT with random float32 weights, pooled by mean; with ``labels`` a classifier, if it has its ``head``."""
    random = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_name("tiny bert")
    writer.add_context_length(positions)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(2 * width)
    writer.add_head_count(heads)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.RANK if labels else gguf.PoolingType.MEAN)
    if labels:
        writer.add_classifier_output_labels(labels)
    writer.add_token_type_count(2)
    writer.add_vocab_size(VOCAB)
    add_tokenizer(writer, "gpt-2")

    def add(name: str, *shape: int) -> None:
        values = random.standard_normal(shape) / np.sqrt(shape[-1])
        writer.add_tensor(name, values.astype(np.float32))

    def add_norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(width, dtype=np.float32))
        writer.add_tensor(f"{name}.bias", np.zeros(width, dtype=np.float32))

    add("token_embd.weight", VOCAB, width)
    add("position_embd.weight", positions, width)
    add("token_types.weight", 2, width)
    add_norm("token_embd_norm")
    for layer in range(layers):
        block = f"blk.{layer}"
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"{block}.{part}.weight", width, width)
        add(f"{block}.ffn_up.weight", 2 * width, width)
        add(f"{block}.ffn_down.weight", width, 2 * width)
        add_norm(f"{block}.attn_output_norm")
        add_norm(f"{block}.layer_output_norm")
    if labels and head:
        add("cls.weight", width, width)
        add("cls.bias", width)
        add("cls.output.weight", len(labels), width)
        add("cls.output.bias", len(labels))

    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    """Writes llama-tiny.gguf (heads of 16), qwen2-tiny.gguf (heads of 32, so that its cache can be quantized),
    llama-mixed.gguf (weights of Q4_K and Q6_K) and bert-tiny.gguf, an encoder; and for the first two mmproj-tiny.gguf,
    which makes 16 rows of a picture, mmproj-audio.gguf, which makes 15 rows of every 30 seconds of a sound, and
    mmproj-gemma3.gguf, which makes 16 rows that see each other."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    write_model(folder / "llama-tiny.gguf", "llama", seed=1, layers=2, width=64, heads=4, kv_heads=2)
    write_model(folder / "qwen2-tiny.gguf", "qwen2", seed=2, layers=2, width=64, heads=2, kv_heads=1)
    write_model(folder / "llama-mixed.gguf", "llama", seed=7, layers=2, width=256, heads=4, kv_heads=4, mixed=True)
    write_image_encoder(folder / "mmproj-tiny.gguf", seed=4, side=16, patch=4, width=32, heads=2, embedding=64)
    write_audio_encoder(
        folder / "mmproj-audio.gguf", seed=5, mel_bins=16, width=16, heads=2, stacked=100, embedding=64
    )
    write_image_encoder(
        folder / "mmproj-gemma3.gguf", seed=6, side=64, patch=4, width=32, heads=2, embedding=64, projector="gemma3"
    )
    write_encoder(folder / "bert-tiny.gguf", seed=3, layers=2, width=64, heads=4, positions=100)


if __name__ == "__main__":
    main()
