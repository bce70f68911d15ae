"""Turning conversations into batches of tokens, with the tokens to learn marked."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from corpus import Conversation
from tokenizer import EOS, encode, token_id
from tokenizers import Tokenizer
from torch import Tensor

POOL = 1536
# Padded tokens of a batch: small ones while every step still learns a lot.
SMALL, LARGE = 1024, 2048
SMALL_UNTIL = 12 * POOL


@dataclass(frozen=True)
class Document:
    """One conversation as tokens; `learned` says which of them the model must predict."""

    tokens: list[int]
    learned: list[bool]


@dataclass(frozen=True)
class Batch:
    """Documents of about the same length, padded to the longest."""

    tokens: Tensor
    learned: Tensor


def assistant_turns(tokens: list[int], opening: list[int], end: int) -> list[bool]:
    """True from the first token of each assistant turn up to and with its end token."""
    learned = [False] * len(tokens)
    speaking = False
    for i, token in enumerate(tokens):
        if speaking:
            learned[i] = True
            speaking = token != end
        elif tokens[max(0, i + 1 - len(opening)) : i + 1] == opening:
            speaking = True
    return learned


def documents(tokenizer: Tokenizer, talks: Iterable[Conversation], context: int) -> list[Document]:
    """All conversations as tokens, none longer than the context."""
    opening = encode(tokenizer, "<|im_start|>assistant\n")
    end = token_id(tokenizer, EOS)
    found = []
    for talk in talks:
        tokens = encode(tokenizer, talk.text())[:context]
        found.append(Document(tokens, assistant_turns(tokens, opening, end)))
    return found


def _pad(chosen: list[Document], filler: int) -> Batch:
    longest = max(len(document.tokens) for document in chosen)
    tokens = torch.full((len(chosen), longest), filler)
    learned = torch.zeros((len(chosen), longest), dtype=torch.bool)
    for row, document in enumerate(chosen):
        tokens[row, : len(document.tokens)] = torch.tensor(document.tokens)
        learned[row, : len(document.tokens)] = torch.tensor(document.learned)
    return Batch(tokens, learned)


def _cut(pool: list[Document], size: int) -> Iterator[list[Document]]:
    """Neighbours in length, as many as fit into `size` padded tokens."""
    chosen: list[Document] = []
    for document in sorted(pool, key=lambda document: len(document.tokens)):
        if chosen and (len(chosen) + 1) * len(document.tokens) > size:
            yield chosen
            chosen = []
        chosen.append(document)
    yield chosen


def batches(found: list[Document], seed: int, filler: int) -> list[Batch]:
    """One pass over all documents; every stretch of batches holds short and long ones."""
    rng = random.Random(seed)
    made = []
    for start in range(0, len(found), POOL):
        size = SMALL if start < SMALL_UNTIL else LARGE
        pool = [_pad(chosen, filler) for chosen in _cut(found[start : start + POOL], size)]
        rng.shuffle(pool)
        made += pool
    return made
