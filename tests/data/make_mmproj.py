"""Writes tiny media encoders (mmproj files) for tests: random float32 weights from fixed seeds."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

FRAMES = 1500
"""Of 30 seconds, behind the convolutions that halve them: llama.cpp's Whisper encoder computes no less."""


class _Encoder:
    """One modality's part of a file: tensors named ``v.`` or ``a.``, and the projector's."""

    def __init__(self, writer: gguf.GGUFWriter, seed: int, prefix: str) -> None:
        self._writer = writer
        self._random = np.random.default_rng(seed)
        self._prefix = prefix

    def add(self, name: str, *shape: int) -> None:
        values = self._random.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
        self._writer.add_tensor(name, values.astype(np.float32))

    def add_same(self, name: str, value: float, *shape: int) -> None:
        self._writer.add_tensor(name, np.full(shape, value, dtype=np.float32))

    def add_linear(self, name: str, rows: int, columns: int, *, bias: bool = True) -> None:
        self.add(f"{name}.weight", rows, columns)
        if bias:
            self.add_same(f"{name}.bias", 0, rows)

    def add_blocks(self, count: int, width: int, *, key_bias: bool) -> None:
        for layer in range(count):
            block = f"{self._prefix}.blk.{layer}"
            for part in ("attn_q", "attn_k", "attn_v", "attn_out"):
                self.add_linear(f"{block}.{part}", width, width, bias=key_bias or part != "attn_k")
            self.add_linear(f"{block}.ffn_up", 2 * width, width)
            self.add_linear(f"{block}.ffn_down", width, 2 * width)
            for norm in ("ln1", "ln2"):
                self.add_same(f"{block}.{norm}.weight", 1, width)
                self.add_same(f"{block}.{norm}.bias", 0, width)


def _writer(path: Path) -> gguf.GGUFWriter:
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_type("mmproj")
    writer.add_name("tiny media encoder")
    writer.add_bool("clip.use_gelu", True)
    return writer


def _finish(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_vision(
    writer: gguf.GGUFWriter,
    *,
    seed: int,
    side: int,
    patch: int,
    width: int,
    heads: int,
    embedding: int,
    projector: str = "mlp",
) -> None:
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.vision.projector_type", projector)
    writer.add_vision_image_size(side)
    writer.add_vision_patch_size(patch)
    writer.add_vision_embedding_length(width)
    writer.add_vision_feed_forward_length(2 * width)
    writer.add_vision_projection_dim(embedding)
    writer.add_vision_block_count(2)
    writer.add_vision_head_count(heads)
    writer.add_vision_attention_layernorm_eps(1e-5)
    writer.add_vision_image_mean([0.5, 0.5, 0.5])
    writer.add_vision_image_std([0.5, 0.5, 0.5])

    encoder = _Encoder(writer, seed, "v")
    encoder.add("v.patch_embd.weight", width, 3, patch, patch)
    encoder.add("v.position_embd.weight", (side // patch) ** 2, width)
    encoder.add_blocks(2, width, key_bias=True)
    if projector == "gemma3":
        encoder.add("mm.input_projection.weight", width, embedding)
        encoder.add_same("mm.soft_emb_norm.weight", 1, width)
    else:
        encoder.add_linear("mm.0", embedding, width)
        encoder.add_linear("mm.2", embedding, embedding)


def _add_audio(
    writer: gguf.GGUFWriter,
    *,
    seed: int,
    mel_bins: int,
    width: int,
    heads: int,
    stacked: int,
    embedding: int,
    projector: str = "ultravox",
) -> None:
    writer.add_bool("clip.has_audio_encoder", True)
    writer.add_string("clip.audio.projector_type", projector)
    writer.add_uint32("clip.audio.num_mel_bins", mel_bins)
    writer.add_uint32("clip.audio.embedding_length", width)
    writer.add_uint32("clip.audio.feed_forward_length", 2 * width)
    writer.add_uint32("clip.audio.projection_dim", embedding)
    writer.add_uint32("clip.audio.block_count", 1)
    writer.add_uint32("clip.audio.attention.head_count", heads)
    writer.add_float32("clip.audio.attention.layer_norm_epsilon", 1e-5)
    writer.add_uint32("clip.audio.projector.stack_factor", stacked)

    encoder = _Encoder(writer, seed, "a")
    for number, columns in ((1, mel_bins), (2, width)):
        encoder.add(f"a.conv1d.{number}.weight", width, columns, 3)
        encoder.add_same(f"a.conv1d.{number}.bias", 0, width, 1)
    encoder.add("a.position_embd.weight", FRAMES, width)
    encoder.add_blocks(1, width, key_bias=False)
    encoder.add_same("mm.a.norm_pre.weight", 1, stacked * width)
    encoder.add("mm.a.mlp.1.weight", 2 * width, stacked * width)
    encoder.add_same("mm.a.norm_mid.weight", 1, width)
    encoder.add("mm.a.mlp.2.weight", embedding, width)


def write_image_encoder(path: Path, **vision: int | str) -> None:
    """A vision transformer of two blocks and LLaVA's two-layer projector: of any picture ``(side / patch) ** 2`` rows
    of ``embedding`` numbers. llama.cpp leaves the last block out, as LLaVA does. The projector ``gemma3`` makes one row
    of sixteen."""
    writer = _writer(path)
    _add_vision(writer, **vision)  # type: ignore[arg-type]
    _finish(writer)


def write_audio_encoder(path: Path, **audio: int | str) -> None:
    """Whisper's encoder of one block and Ultravox's projector: of each 30 seconds that a sound has or begins,
    ``1500 / stacked`` rows."""
    writer = _writer(path)
    _add_audio(writer, **audio)  # type: ignore[arg-type]
    _finish(writer)


def write_media_encoder(path: Path, vision: dict[str, int | str], audio: dict[str, int | str]) -> None:
    """Both in one file."""
    writer = _writer(path)
    _add_vision(writer, **vision)  # type: ignore[arg-type]
    _add_audio(writer, **audio)  # type: ignore[arg-type]
    _finish(writer)
