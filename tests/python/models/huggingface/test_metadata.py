"""The bytes of the metadata are those that the writer itself would write."""

from __future__ import annotations

from pathlib import Path

import gguf

from inferno.models.huggingface.metadata import encoded


def test_they_are_the_writers_own(tmp_path: Path) -> None:
    def told(path: Path | None) -> gguf.GGUFWriter:
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_block_count(3)
        writer.add_rope_freq_base(1e6)
        writer.add_causal_attention(False)
        writer.add_array("llama.attention.sliding_window_pattern", [True, False, True])
        writer.add_token_list(["a", "ž", "🙂", ""])
        writer.add_token_types([1, 3, -1])
        writer.add_token_scores([0.5, -10000.0])
        writer.add_chat_template("{{ 'Grüße' }}")
        return writer

    whole = told(tmp_path / "theirs.gguf")
    whole.write_header_to_file()
    whole.write_kv_data_to_file()
    whole.close()
    assert encoded(told(None)) == (tmp_path / "theirs.gguf").read_bytes()
