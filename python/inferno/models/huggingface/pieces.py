"""What both kinds of tokenizer file say about their tokens, in one form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

VocabKind = Literal["gpt2", "llama", "t5", "bert"]
"""``tokenizer.ggml.model``: byte-level BPE, SentencePiece BPE, unigram, WordPiece."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """The tokens of a tokenizer file, by id; ids may have holes."""

    kind: VocabKind
    texts: Mapping[int, str]
    """As the file writes them: byte-level characters, ``▁`` for spaces, ``##`` before what continues a word."""
    special: frozenset[int]
    """Those that only a template may write."""
    added: frozenset[int]
    """Matched as a whole before the model's rules."""
    bytes: frozenset[int] = frozenset()
    """Those that stand for one byte, ``<0x0A>``."""
    scores: Mapping[int, float] = field(default_factory=dict)
    merges: tuple[str, ...] = ()
    roles: Mapping[str, int] = field(default_factory=dict)
    """bos, eos, unk, … as far as the file itself knows."""
    before: tuple[int, ...] = ()
    """Ids that go before every text, and ``behind`` it."""
    behind: tuple[int, ...] = ()
    space_prefix: bool = False
    """Whether decoding drops the space that the first word carries."""
    pre: str = "default"
