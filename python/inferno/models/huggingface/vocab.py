"""A folder's tokenizer files -> GGUF tokenizer metadata, so that the native engine knows every token's bytes and kind.

Encoding is not done by that metadata but by the reference library itself (``encoder.py``); what llama.cpp takes from it
is what a token stands for in output, which tokens only a template may write, and which end a text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from inferno.errors import DataCorrupted, NotFound, Unsupported
from inferno.models.huggingface import sentencepiece_model, tokenizer_json
from inferno.models.huggingface.eos import eos_ids
from inferno.models.huggingface.pieces import Pieces, VocabKind
from inferno.models.huggingface.special_tokens import SpecialTokens, read_special_tokens

if TYPE_CHECKING:
    import gguf

# gguf.TokenType, which is llama.cpp's llama_token_type.
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
_LOWEST_SCORE = -10000.0


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
    """bos, eos, unk, sep, pad, mask -> id; those that the model has."""
    add_bos: bool = False
    add_eos: bool = False
    add_sep: bool = False
    space_prefix: bool = False
    """Whether the first word of a text carries a space of its own, which decoding drops."""

    def add_to(self, writer: gguf.GGUFWriter) -> None:
        """Write all of it as the ``tokenizer.ggml.*`` keys; call once per writer."""
        writer.add_tokenizer_model(self.kind)
        writer.add_tokenizer_pre(self.pre)
        writer.add_token_list(self.tokens)
        writer.add_token_types(self.types)
        if self.scores is not None:
            writer.add_token_scores(self.scores)
        if self.merges is not None:
            writer.add_token_merges(self.merges)
        for role, index in self.ids.items():
            getattr(writer, f"add_{role}_token_id")(index)
        writer.add_add_bos_token(self.add_bos)
        writer.add_add_eos_token(self.add_eos)
        writer.add_add_sep_token(self.add_sep)
        writer.add_add_space_prefix(self.space_prefix)


def read_vocabulary(folder: Path, *, size: int) -> Vocabulary:
    """The vocabulary of a Hugging Face folder: ``tokenizer.json``, or else ``tokenizer.model``.

    ``size`` is the number of rows of the model's embedding (config.json's ``vocab_size``): ids that no token has become
    unused tokens. Raises NotFound without tokenizer files, Unsupported for a kind that is not known (and when the
    packages that read it are not installed), DataCorrupted for files that contradict themselves or have more tokens
    than ``size``, or that are too large.
    """
    special = read_special_tokens(folder)
    pieces = _pieces(folder, special)
    # Gemma 3's text-only folders have a control token for pictures beyond their embedding: nothing can ask for it.
    beyond = max((index for index in pieces.texts if index not in pieces.special), default=-1)
    if beyond >= size:
        raise DataCorrupted(
            f"the tokenizer has the token id {beyond}, but the model's vocab_size is {size}: "
            "the folder's files do not belong together"
        )
    tokens, types = _tokens(pieces, size)
    _check_tokens(tokens)
    ids = _ids(pieces, special, eos_ids(folder))
    add_bos, add_eos, add_sep = _surround(pieces, special, ids)
    return Vocabulary(
        kind=pieces.kind,
        pre=pieces.pre,
        tokens=tokens,
        types=types,
        scores=[pieces.scores.get(index, _LOWEST_SCORE) for index in range(size)] if pieces.scores else None,
        merges=list(pieces.merges) if pieces.kind == "gpt2" else None,
        ids=ids,
        add_bos=add_bos,
        add_eos=add_eos,
        add_sep=add_sep,
        space_prefix=pieces.space_prefix,
    )


def _pieces(folder: Path, special: SpecialTokens) -> Pieces:
    spec = tokenizer_json.read_tokenizer_json(folder, special)
    if spec is not None:
        return spec.pieces()
    content = sentencepiece_model.read_model(folder)
    if content is not None:
        return sentencepiece_model.sentencepiece_pieces(content, special)
    raise NotFound(
        f"the folder has neither {tokenizer_json.NAME} nor {sentencepiece_model.NAME}; of older files, transformers' "
        "AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER) makes the former"
    )


def _tokens(pieces: Pieces, size: int) -> tuple[list[str], list[int]]:
    tokens: list[str] = []
    types: list[int] = []
    taken = set(pieces.texts.values())
    for index in range(size):
        text = pieces.texts.get(index)
        if not text:
            tokens.append(_free_name(index, taken))
            types.append(UNUSED)
            continue
        shown, kind = _token(pieces, index, text)
        tokens.append(shown)
        types.append(kind)
    return tokens, types


def _token(pieces: Pieces, index: int, text: str) -> tuple[str, int]:
    """A token as llama.cpp has to be told it, so that it renders the bytes that the library's decoder would."""
    if index in pieces.special:
        return text, UNKNOWN if pieces.roles.get("unk") == index else CONTROL
    if pieces.kind == "bert":
        return (text[2:] if text.startswith("##") and len(text) > 2 else tokenizer_json.SPACE + text), NORMAL
    if pieces.kind == "gpt2":
        # The library's decoder gives a token's own text when not all of it is in the byte alphabet.
        return text, NORMAL if _IN_BYTES.issuperset(text) else USER_DEFINED
    if index in pieces.bytes:
        return text, BYTE
    return text, NORMAL


def _byte_alphabet() -> dict[str, int]:
    """The 256 characters that stand for bytes: printable Latin-1 for itself, the rest from U+0100 on (GPT-2)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + rank): byte for rank, byte in enumerate(others)}


BYTE_OF = _byte_alphabet()
"""The bytes that byte-level tokens are written in, by character."""
_IN_BYTES = frozenset(BYTE_OF)


def _free_name(index: int, taken: set[str]) -> str:
    name = f"[PAD{index}]"
    while name in taken:
        name = f"[{name}]"
    taken.add(name)
    return name


_IN_NO_TEXT = re.compile("[\0\ud800-\udfff]")


def _check_tokens(tokens: list[str]) -> None:
    """llama.cpp ends the process for two tokens spelled alike, and reads no further than a NUL."""
    if len(set(tokens)) == len(tokens) and not _IN_NO_TEXT.search("".join(tokens)):
        return
    seen: dict[str, int] = {}
    for index, token in enumerate(tokens):
        if token in seen:
            raise DataCorrupted(f"the tokens {seen[token]} and {index} of the vocabulary are spelled alike")
        if _IN_NO_TEXT.search(token):
            raise DataCorrupted(f"the token {index} of the vocabulary holds a character that no text has")
        seen[token] = index


def _ids(pieces: Pieces, special: SpecialTokens, eos: tuple[int, ...]) -> dict[str, int]:
    by_text = {text: index for index, text in pieces.texts.items()}
    ids = dict(pieces.roles) | {role: by_text[text] for role, text in special.roles.items() if text in by_text}
    # What the configuration names ends a text, whatever the tokenizer's files say; then comes what encoders have.
    if eos:
        ids["eos"] = eos[0]
    ids.setdefault("eos", ids.get("sep", -1))
    ids.setdefault("bos", ids.get("cls", ids["eos"]))
    ids.pop("cls", None)
    if pieces.behind:
        ids["sep"] = pieces.behind[-1]
    if pieces.before:
        ids["bos"] = pieces.before[0]
    if ids["eos"] < 0:
        raise DataCorrupted(
            "no file of the folder names the token that ends a text: eos_token in tokenizer_config.json"
        )
    for role, index in ids.items():
        if index not in pieces.texts:
            raise DataCorrupted(
                f"the folder's files say that {role} is token {index}, which its tokenizer does not have"
            )
    return ids


def _surround(pieces: Pieces, special: SpecialTokens, ids: Mapping[str, int]) -> tuple[bool, bool, bool]:
    """Whether BOS goes before every text, and EOS or SEP behind it."""
    if len(pieces.before) > 1 or len(pieces.behind) > 1:
        raise Unsupported("the tokenizer's post-processor writes more than one token before or behind a text")
    add_bos = bool(pieces.before)
    said = special.config.get("add_bos_token")
    if isinstance(said, bool) and pieces.kind != "bert":
        add_bos = said
    ends = bool(pieces.behind)
    ends_with_eos = ends and pieces.behind[0] == ids.get("eos") and pieces.kind != "bert"
    return add_bos, ends_with_eos, ends and not ends_with_eos
