"""The built-in model is in the package."""

from __future__ import annotations

from inferno.models.builtin import ember_path

EIGHT_MB = 8_000_000


def test_ember_is_a_small_gguf_file() -> None:
    path = ember_path()
    assert path.read_bytes()[:4] == b"GGUF"
    assert path.stat().st_size <= EIGHT_MB
