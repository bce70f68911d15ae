"""A text in which no word comes twice, and the order of its tokens: a copying model writes it, its prompt holds it."""

from __future__ import annotations

import random

from benches.vocabulary import Vocabulary, byte_alphabet
from benches.words import WORDS

_SEED = "copying"
_LONGEST = 7
"""Words of more letters are several tokens, which other words share."""


def words() -> list[str]:
    """The words in the order in which they are written; after the last comes the first."""
    known = sorted({word for word in WORDS if len(word) <= _LONGEST})
    random.Random(_SEED).shuffle(known)
    return known


def successors(vocabulary: Vocabulary) -> dict[int, int]:
    """By the id of each word with a space before it, the id of the next one."""
    space = byte_alphabet()[ord(" ")]
    ids = {token: number for number, token in enumerate(vocabulary.tokens)}
    cycle = [ids[space + word] for word in words()]
    return dict(zip(cycle, cycle[1:] + cycle[:1], strict=True))


def prompt(index: int, count: int) -> str:
    """``count`` words from the text, then the first of them once more: the model goes on to write the others again."""
    text = words()
    begin = index * count % len(text)
    passage = [text[(begin + i) % len(text)] for i in range(count)]
    return " ".join(["Copy", "this:", *passage, "The", "copy:", passage[0]])
