"""A vocabulary -> what each token stands for in output, as the library's own decoder would write it."""

from __future__ import annotations

from collections.abc import Sequence

from inferno.engine.facts import TokenTable
from inferno.models.huggingface.tokenizer_json import SPACE
from inferno.models.huggingface.vocab import BYTE, BYTE_OF, CONTROL, NORMAL, USER_DEFINED, Vocabulary

_TURN_ENDS = frozenset({"<|im_end|>", "<|eot_id|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|eom_id|>"})
"""Special tokens that end a turn, whatever the configuration names as the end of a text: folders forget them."""


def token_table(vocabulary: Vocabulary, ends: Sequence[int]) -> TokenTable:
    """``ends`` are the tokens that the folder's configuration says end a text."""
    ids = vocabulary.ids
    tokens = list(zip(vocabulary.tokens, vocabulary.types, strict=True))
    special = [(index, text) for index, (text, kind) in enumerate(tokens) if kind == CONTROL]
    turns = [index for index, text in special if text in _TURN_ENDS]
    closing = ids["eos"] if vocabulary.add_eos else ids["sep"] if vocabulary.add_sep else -1
    return TokenTable(
        pieces=[_piece(vocabulary.kind, text, kind) for text, kind in tokens],
        special=special,
        ends=sorted({ids["eos"], *ends, *turns}),
        bos=ids.get("bos", -1),
        eos=ids["eos"],
        closing=closing,
        adds_bos=vocabulary.add_bos,
        strips_leading_space=vocabulary.space_prefix,
    )


def _piece(vocabulary: str, text: str, kind: int) -> bytes:
    if kind == BYTE:
        return bytes([int(text[3:5], 16)])
    if kind == USER_DEFINED:
        return text.encode()
    if kind != NORMAL:
        return b""
    if vocabulary == "gpt2":
        return bytes(BYTE_OF[character] for character in text)
    return text.replace(SPACE, " ").encode()
