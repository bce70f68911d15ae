"""A folder's tokenizer files -> GGUF tokenizer metadata, so that the native engine knows every token's bytes and kind.

Encoding is not done by that metadata but by the reference library itself (``encoder.py``); what llama.cpp takes from it
is what a token stands for in output, which tokens only a template may write, and which end a text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import gguf

VocabKind = Literal["gpt2", "llama", "t5", "bert"]
"""``tokenizer.ggml.model``: byte-level BPE, SentencePiece BPE, unigram, WordPiece."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What ``tokenizer.ggml.*`` says. Lists have one entry per token; ``types`` are ``gguf.TokenType`` values."""

    kind: VocabKind
    pre: str
    """``tokenizer.ggml.pre``: llama.cpp's name for the rule that splits words; "default" where it has none for it."""
    tokens: list[str]
    types: list[int]
    scores: list[float] | None = None
    merges: list[str] | None = None
    ids: dict[str, int] = field(default_factory=dict)
    """bos, eos, unk, sep, pad, cls, mask -> id; those that the model has."""
    add_bos: bool = False
    add_eos: bool = False
    add_sep: bool = False
    space_prefix: bool = False
    """Whether the first word of a text carries a space of its own, which decoding drops."""

    def add_to(self, writer: gguf.GGUFWriter) -> None:
        """Write all of it as the ``tokenizer.ggml.*`` keys; call once per writer."""
        raise NotImplementedError


def read_vocabulary(folder: Path, *, size: int) -> Vocabulary:
    """The vocabulary of a Hugging Face folder: ``tokenizer.json``, or else ``tokenizer.model``.

    ``size`` is the number of rows of the model's embedding (config.json's ``vocab_size``): ids that no token has become
    unused tokens. Raises NotFound without tokenizer files, Unsupported for a kind that is not known (and when the
    packages that read it are not installed), DataCorrupted for files that contradict themselves or have more tokens
    than ``size``, or that are too large.
    """
    raise NotImplementedError
