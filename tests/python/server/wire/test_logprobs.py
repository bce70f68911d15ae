from __future__ import annotations

from inferno.engine.delta import TokenLogprob
from inferno.server.wire.logprobs import TextOffsets, chat_logprobs, completion_logprobs


def test_offsets_count_characters_also_where_a_token_is_half_of_one() -> None:
    euro = "€".encode()
    tokens = [TokenLogprob(i, piece, -1.0) for i, piece in enumerate([b"a", euro[:1], euro[1:], b"bc", b"d"])]
    found = completion_logprobs(tokens, TextOffsets())
    assert found.text_offset == [0, 1, 1, 2, 4]


def test_offsets_go_on_over_deltas() -> None:
    offsets = TextOffsets()
    assert completion_logprobs([TokenLogprob(0, b"abc", -1.0)], offsets).text_offset == [0]
    assert completion_logprobs([TokenLogprob(0, b"d", -1.0)], offsets).text_offset == [3]


def test_of_alternatives_that_read_alike_the_most_probable_stays() -> None:
    token = TokenLogprob(1, b"\xe2", -0.1, ((1, b"\xe2", -0.1), (2, b"\xe3", -0.9), (3, b"x", -1.5)))
    found = completion_logprobs([token], TextOffsets())
    assert found.top_logprobs == [{"\ufffd": -0.1, "x": -1.5}]


def test_chat_gives_the_bytes_of_every_token() -> None:
    token = TokenLogprob(1, b"\xe2", -0.1, ((1, b"\xe2", -0.1), (3, b"x", -1.5)))
    [entry] = chat_logprobs([token]).content
    assert (entry.token, entry.bytes, entry.logprob) == ("\ufffd", [0xE2], -0.1)
    assert [(top.token, top.bytes, top.logprob) for top in entry.top_logprobs] == [
        ("\ufffd", [0xE2], -0.1),
        ("x", [120], -1.5),
    ]
