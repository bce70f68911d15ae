"""The tokenizer: byte-level BPE whose pieces are the same at the start and inside of a line.

The pre-tokenizer is the one llama.cpp calls "qwen2". Merges are learned on bare
words, without the space in front, and only then does every common word get one
merge with its space. So an unknown word breaks into the same pieces wherever it
stands, which makes copying and spelling learnable for a model this small.
"""

from __future__ import annotations

import collections
import json
import re
import string
from collections.abc import Iterable

from exchange import SPLIT
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

PRE = "qwen2"
PRE_REGEX = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
BARE_REGEX = r"\p{L}+|\p{N}|[^\s\p{L}\p{N}]+|\s"

CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
VISIBLE = ("<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<tools>", "</tools>")
BOS, EOS = "<|endoftext|>", "<|im_end|>"

VOCABULARY_SIZE = 1280
BARE_SIZE = 980
SPACE = "Ġ"


def _byte_level(regex: str) -> pre_tokenizers.Sequence:
    split = pre_tokenizers.Split(Regex(regex), behavior="isolated")
    return pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def _bare_merges(texts: list[str]) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Merges inside words and inside punctuation, never across the two."""
    bare = Tokenizer(models.BPE())
    bare.pre_tokenizer = _byte_level(BARE_REGEX)
    trainer = trainers.BpeTrainer(
        vocab_size=BARE_SIZE, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False,
        max_token_length=12,
    )
    bare.train_from_iterator(texts, trainer)
    model = json.loads(bare.to_str())["model"]
    return model["vocab"], [tuple(merge) for merge in model["merges"]]


def _common_after_space(texts: list[str]) -> list[str]:
    """What stands after a space, commonest first, with ties in the order of the alphabet."""
    splitter = _byte_level(PRE_REGEX)
    counts: collections.Counter[str] = collections.Counter()
    for text in texts:
        counts.update(piece for piece, _ in splitter.pre_tokenize_str(text) if piece.startswith(SPACE))
    return [piece[1:] for piece, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if len(piece) > 1]


def train(texts: Iterable[str]) -> Tokenizer:
    """A tokenizer learned from rendered conversations."""
    marks = CONTROL + VISIBLE
    any_mark = re.compile("|".join(map(re.escape, (*marks, SPLIT))))
    cleaned = [any_mark.sub("\n", text) for text in texts]
    vocabulary, merges = _bare_merges(cleaned)
    for letter in string.ascii_lowercase:
        merges.append(("-", letter))
    for word in _common_after_space(cleaned):
        if word in vocabulary:
            merges.append((SPACE, word))
        if 256 + len(merges) + len(marks) == VOCABULARY_SIZE:
            break
    for left, right in merges:
        vocabulary.setdefault(left + right, len(vocabulary))
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = _byte_level(PRE_REGEX)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(mark, special=True, normalized=False) for mark in CONTROL])
    tokenizer.add_tokens([AddedToken(mark, special=False, normalized=False) for mark in VISIBLE])
    return tokenizer


def encode(tokenizer: Tokenizer, text: str) -> list[int]:
    """The ids of a rendered conversation, with a token boundary at every mark."""
    parts = tokenizer.encode_batch(text.split(SPLIT), add_special_tokens=False)
    return [token for part in parts for token in part.ids]


def token_id(tokenizer: Tokenizer, mark: str) -> int:
    """The id of a mark that every tokenizer of ours has."""
    found = tokenizer.token_to_id(mark)
    if found is None:
        raise ValueError(f"no token {mark}")
    return found
