"""Log probabilities on the wire: chat's form and that of completions."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Sequence

import msgspec

from inferno.engine.delta import TokenLogprob


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
    """``text_offset`` is in characters of the choice's text. The first token of an echoed prompt has no logprob, since
    nothing comes before it."""

    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None]
    text_offset: list[int]


def chat_logprobs(tokens: Iterable[TokenLogprob]) -> ChatLogprobs:
    return ChatLogprobs(content_logprobs(tokens))


def content_logprobs(tokens: Iterable[TokenLogprob]) -> list[ContentLogprob]:
    return [
        ContentLogprob(
            token=_text(token.token),
            logprob=token.logprob,
            bytes=list(token.token),
            top_logprobs=[TopLogprob(_text(piece), value, list(piece)) for _, piece, value in token.top],
        )
        for token in tokens
    ]


class TextOffsets:
    """Where each token of one choice begins. A token that ends a character begins where that character does.

    ``hidden``: so many characters of the first tokens are not in the text, such as the blank that some tokenizers put
    before every text.
    """

    def __init__(self, *, hidden: int = 0) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._characters = -hidden

    def take(self, token: bytes) -> int:
        """The offset of the next token, in characters."""
        offset = max(self._characters, 0)
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


def echo_logprobs(pieces: Sequence[bytes], scores: Sequence[TokenLogprob], offsets: TextOffsets) -> CompletionLogprobs:
    """Of a prompt of these tokens; ``scores`` are those of all but the first."""
    return CompletionLogprobs(
        tokens=[_text(piece) for piece in pieces],
        token_logprobs=[None, *(token.logprob for token in scores)],
        top_logprobs=[None, *(_alternatives(token) for token in scores)],
        text_offset=[offsets.take(piece) for piece in pieces],
    )


def joined(first: CompletionLogprobs, second: CompletionLogprobs) -> CompletionLogprobs:
    return CompletionLogprobs(
        tokens=first.tokens + second.tokens,
        token_logprobs=first.token_logprobs + second.token_logprobs,
        top_logprobs=first.top_logprobs + second.top_logprobs,
        text_offset=first.text_offset + second.text_offset,
    )


def _alternatives(token: TokenLogprob) -> dict[str, float]:
    """By text: of tokens that read alike (halves of characters do) the most probable, which comes first, stays."""
    found: dict[str, float] = {}
    for _, piece, value in token.top:
        found.setdefault(_text(piece), value)
    return found


def _text(token: bytes) -> str:
    return token.decode("utf-8", "replace")
