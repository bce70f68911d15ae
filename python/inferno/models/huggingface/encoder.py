"""Encodes a folder's text with the library that its tokenizer file belongs to: ``tokenizers`` or ``sentencepiece``."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inferno.engine.encoder import Segment, TextEncoder
from inferno.errors import DataCorrupted, NotFound, Unsupported
from inferno.models.huggingface import sentencepiece_model, tokenizer_json
from inferno.models.huggingface.hidden import without_special
from inferno.models.huggingface.json_file import expected_form
from inferno.models.huggingface.special_tokens import AddedToken, SpecialTokens, read_special_tokens
from inferno.models.huggingface.tokenizer_json import TokenizerJson

if TYPE_CHECKING:
    import tokenizers

_INSTALL = "pip install 'inferno[hf]'"


def read_encoder(folder: Path) -> TextEncoder:
    """The encoder of a folder: of ``tokenizer.json``, or else of ``tokenizer.model``.

    Raises NotFound when the folder has neither, Unsupported when the library is not installed, DataCorrupted.
    """
    special = read_special_tokens(folder)
    spec = tokenizer_json.read_tokenizer_json(folder, special)
    if spec is not None:
        return JsonEncoder(spec)
    content = sentencepiece_model.read_model(folder)
    if content is not None:
        return SentencePieceEncoder(content, special)
    raise NotFound(f"the folder has neither {tokenizer_json.NAME} nor {sentencepiece_model.NAME}")


class JsonEncoder:
    """The ``tokenizers`` library, without truncation, padding and special tokens."""

    def __init__(self, tokenizer: TokenizerJson) -> None:
        with expected_form(tokenizer_json.NAME):
            spec = without_special(tokenizer)
        self._first = _compiled(spec)
        # A rule that marks the first word only is the library's for text at the very start. It would take each of our
        # texts for such, so that what follows a special token needs the same tokenizer without that rule.
        later = {**spec, "pre_tokenizer": copy.deepcopy(spec.get("pre_tokenizer"))}
        self._later = _compiled(later) if _never_first(later.get("pre_tokenizer")) else self._first
        self._added = tokenizer.added

    def encode(self, segments: Sequence[Segment]) -> list[int]:
        ids: list[int] = []
        for number, segment in enumerate(segments):
            if isinstance(segment, int):
                ids.append(segment)
                continue
            text = _stripped(segment, segments, number, self._added)
            tokenizer = self._later if number else self._first
            # As UTF-8 first, since the library raises a TypeError for what has none.
            text.encode()
            ids.extend(_encoded(tokenizer, text))
        return ids


class SentencePieceEncoder:
    """The ``sentencepiece`` library. Every text has the dummy prefix, as with transformers' own class."""

    def __init__(self, content: bytes, special: SpecialTokens) -> None:
        try:
            import sentencepiece
        except ImportError:
            raise Unsupported(f"tokenizer.model needs the package sentencepiece: {_INSTALL}") from None
        self._processor = sentencepiece.SentencePieceProcessor()
        try:
            self._processor.LoadFromSerializedProto(content)
        except RuntimeError as error:
            raise DataCorrupted(f"tokenizer.model cannot be used: {error}") from None
        self._special = special.added
        plain = {token.text: index for index, token in special.added.items() if not token.special and token.text}
        self._plain = plain
        longest_first = sorted(plain, key=len, reverse=True)
        self._split = re.compile(f"({'|'.join(map(re.escape, longest_first))})") if plain else None

    def encode(self, segments: Sequence[Segment]) -> list[int]:
        ids: list[int] = []
        for number, segment in enumerate(segments):
            if isinstance(segment, int):
                ids.append(segment)
            else:
                ids.extend(self._text(_stripped(segment, segments, number, self._special)))
        return ids

    def _text(self, text: str) -> list[int]:
        text.encode()
        ids: list[int] = []
        for number, piece in enumerate(self._split.split(text) if self._split else [text]):
            if number % 2:
                ids.append(self._plain[piece])
            elif piece:
                ids.extend(self._processor.encode(piece))
        return ids


def _stripped(text: str, segments: Sequence[Segment], number: int, added: Mapping[int, AddedToken]) -> str:
    """``text`` without the blanks that the special tokens beside it take along."""
    before = segments[number - 1] if number else None
    after = segments[number + 1] if number + 1 < len(segments) else None
    if isinstance(before, int) and before in added and added[before].rstrip:
        text = text.lstrip()
    if isinstance(after, int) and after in added and added[after].lstrip:
        text = text.rstrip()
    return text


def _compiled(spec: Mapping[str, Any]) -> tokenizers.Tokenizer:
    try:
        import tokenizers
    except ImportError:
        raise Unsupported(f"tokenizer.json needs the package tokenizers: {_INSTALL}") from None
    try:
        tokenizer = tokenizers.Tokenizer.from_str(json.dumps(spec))
    except BaseException as error:
        if not _is_the_librarys(error):
            raise
        raise DataCorrupted(f"tokenizer.json cannot be used: {str(error)[:200]}") from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _encoded(tokenizer: tokenizers.Tokenizer, text: str) -> list[int]:
    try:
        return list(tokenizer.encode(text, add_special_tokens=False).ids)
    except BaseException as error:
        if not _is_the_librarys(error):
            raise
        raise Unsupported("the model's tokenizer has no tokens for some of this text", param="text") from None


def _is_the_librarys(error: BaseException) -> bool:
    """It raises a bare Exception, and for what its authors did not foresee a BaseException of Rust's."""
    return type(error) is Exception or type(error).__name__ == "PanicException"


def _never_first(part: Any) -> bool:
    """Switch off, in place, the rule that marks the first word of a text only; whether there was one."""
    if not isinstance(part, dict):
        return False
    found = [_never_first(step) for step in part.get("pretokenizers") or []]
    if part.get("type") == "Metaspace" and part.get("prepend_scheme") == "first":
        part["prepend_scheme"] = "never"
        found.append(True)
    return any(found)
