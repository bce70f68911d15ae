"""Log probabilities on the wire: chat's form and that of completions."""

from __future__ import annotations

import codecs
from collections.abc import Iterable

import msgspec

from inferno.engine.client import TokenLogprob


class TopLogprob(msgspec.Struct, frozen=True):
    token: str
    logprob: float
    bytes: list[int]


class ContentLogprob(msgspec.Struct, frozen=True):
    token: str
    logprob: float
    bytes: list[int]
    top_logprobs: list[TopLogprob]


class ChatLogprobs(msgspec.Struct, frozen=True):
    content: list[ContentLogprob]
    refusal: None = None


class CompletionLogprobs(msgspec.Struct, frozen=True):
    """``text_offset`` is in characters of the choice's text."""

    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]]
    text_offset: list[int]


def chat_logprobs(tokens: Iterable[TokenLogprob]) -> ChatLogprobs:
    return ChatLogprobs(
        [
            ContentLogprob(
                token=_text(token.token),
                logprob=token.logprob,
                bytes=list(token.token),
                top_logprobs=[TopLogprob(_text(piece), value, list(piece)) for _, piece, value in token.top],
            )
            for token in tokens
        ]
    )


class TextOffsets:
    """Where each token of one choice begins. A token that ends a character begins where that character does."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._characters = 0

    def take(self, token: bytes) -> int:
        """The offset of the next token, in characters."""
        offset = self._characters
        self._characters += len(self._decoder.decode(token))
        return offset


def completion_logprobs(tokens: Iterable[TokenLogprob], offsets: TextOffsets) -> CompletionLogprobs:
    """``offsets`` must have seen all earlier tokens of the choice, and no other."""
    tokens = tuple(tokens)
    return CompletionLogprobs(
        tokens=[_text(token.token) for token in tokens],
        token_logprobs=[token.logprob for token in tokens],
        top_logprobs=[_alternatives(token) for token in tokens],
        text_offset=[offsets.take(token.token) for token in tokens],
    )


def _alternatives(token: TokenLogprob) -> dict[str, float]:
    """By text: of tokens that read alike (halves of characters do) the most probable, which comes first, stays."""
    found: dict[str, float] = {}
    for _, piece, value in token.top:
        found.setdefault(_text(piece), value)
    return found


def _text(token: bytes) -> str:
    return token.decode("utf-8", "replace")
