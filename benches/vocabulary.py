"""A synthetic byte-level BPE vocabulary in which most bench words are one token. Knows nothing of weights."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benches.words import WORDS

if TYPE_CHECKING:
    from gguf import GGUFWriter

END_OF_TEXT = "<|endoftext|>"
TURN_BEGIN = "<|im_start|>"
TURN_END = "<|im_end|>"
SPECIALS = (END_OF_TEXT, TURN_BEGIN, TURN_END)
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)

_LONG_WORD = 8
"""Words of this many letters are two tokens or three; shorter ones are one, as are most words of a real vocabulary."""
_SYLLABLES = tuple(a + b for a in "bcdfghjklmnpqrstvwxz" for b in "aeiou")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Tokens by id, in the alphabet of byte-level BPE; the specials are the last ids."""

    tokens: tuple[str, ...]
    merges: tuple[tuple[str, str], ...]
    """Most urgent first."""

    def id_of(self, token: str) -> int:
        return self.tokens.index(token)


def byte_alphabet() -> list[str]:
    """One printable character for each byte 0..255, as byte-level BPE writes them: a space is ``Ġ``."""
    kept = {*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    stand_ins = itertools.count(256)
    return [chr(byte) if byte in kept else chr(next(stand_ins)) for byte in range(256)]


def _chain(piece: str) -> Iterator[tuple[str, str]]:
    """Merges that grow ``piece`` from its first letter to the right."""
    return ((piece[:end], piece[end]) for end in range(1, len(piece)))


def _merges(space: str) -> list[tuple[str, str]]:
    """Chains that begin with a space come first: they can only grow from a word's start, so each word takes the longest
    piece that fits; then the tails of long words; then words without a space before them, for the start of a text."""
    heads = [word if len(word) < _LONG_WORD else word[: len(word) // 2] for word in WORDS]
    tails = [word[len(word) // 2 :] for word in WORDS if len(word) >= _LONG_WORD]
    chains = itertools.chain.from_iterable(
        _chain(piece) for piece in (*(space + head for head in heads), *tails, *heads)
    )
    return list(dict.fromkeys(chains))


def _fillers(space: str) -> Iterator[str]:
    """Pronounceable tokens that no merge produces: a random model says them, and they decode to text."""
    for count in itertools.count(2):
        for syllables in itertools.product(_SYLLABLES, repeat=count):
            yield space + "".join(syllables)


def build(size: int) -> Vocabulary:
    """A vocabulary of ``size`` tokens. Raises ValueError when the words alone need more."""
    alphabet = byte_alphabet()
    merges = _merges(alphabet[ord(" ")])
    tokens = dict.fromkeys([*alphabet, *(left + right for left, right in merges)])
    room = size - len(SPECIALS)
    if len(tokens) > room:
        least = len(tokens) + len(SPECIALS)
        raise ValueError(f"a vocabulary of {size} tokens is too small: the bench words need {least}")
    for filler in _fillers(alphabet[ord(" ")]):
        if len(tokens) == room:
            break
        tokens.setdefault(filler)
    return Vocabulary(tokens=(*tokens, *SPECIALS), merges=tuple(merges))


def describe(writer: GGUFWriter, size: int) -> None:
    """Writes the vocabulary of ``size`` tokens, and its chat template, into a file's metadata."""
    import gguf

    words = build(size)
    specials = set(SPECIALS)
    kinds = [gguf.TokenType.CONTROL if token in specials else gguf.TokenType.NORMAL for token in words.tokens]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(list(words.tokens))
    writer.add_token_types(kinds)
    writer.add_token_merges([f"{left} {right}" for left, right in words.merges])
    writer.add_eos_token_id(words.id_of(TURN_END))
    writer.add_pad_token_id(words.id_of(END_OF_TEXT))
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)
