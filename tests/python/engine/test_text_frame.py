"""TextFrame: the same bytes as the JSON encoder that writes all else of an event."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inferno.engine.text_frame import TextFrame

FRAME = TextFrame(b'data: {"text":', b"}\n\n")


@given(st.text())
def test_any_text_is_written_as_the_encoder_writes_it(text: str) -> None:
    assert FRAME.event(text) == b"data: " + msgspec.json.encode({"text": text}) + b"\n\n"


def test_every_character_is_written_as_the_encoder_writes_it() -> None:
    every = "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    assert FRAME.event(every) == b"data: " + msgspec.json.encode({"text": every}) + b"\n\n"


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(TypeError):
        FRAME.event(b"\xff")  # type: ignore[arg-type]
