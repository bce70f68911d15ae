"""Encodes a folder's text with the library that its tokenizer file belongs to: ``tokenizers`` or ``sentencepiece``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from inferno.engine.encoder import Segment, TextEncoder
from inferno.errors import DataCorrupted, NotFound, Unsupported
from inferno.models.huggingface import sentencepiece_model, tokenizer_json
from inferno.models.huggingface.library_form import LibraryForm, read_library_form
from inferno.models.huggingface.special_tokens import AddedToken, SpecialTokens, read_special_tokens

if TYPE_CHECKING:
    import tokenizers

_INSTALL = "pip install 'inferno[hf]'"


def read_encoder(folder: Path, *, kept: Path | None = None) -> TextEncoder:
    """The encoder of a folder: of ``tokenizer.json``, or else of ``tokenizer.model``.

    ``kept`` is where the first has been, or is to be, kept for the next start (``library_form.py``). Raises NotFound
    when the folder has neither, Unsupported when the library is not installed, DataCorrupted.
    """
    form = read_library_form(folder, kept)
    if form is not None:
        return JsonEncoder(form)
    content = sentencepiece_model.read_model(folder)
    if content is not None:
        return SentencePieceEncoder(content, read_special_tokens(folder))
    raise NotFound(f"the folder has neither {tokenizer_json.NAME} nor {sentencepiece_model.NAME}")


class JsonEncoder:
    """The ``tokenizers`` library, without truncation, padding and special tokens."""

    def __init__(self, form: LibraryForm) -> None:
        first, later = form.texts()
        self._first = _compiled(first)
        self._later = _compiled(later) if later else self._first
        self._added = form.added

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


def _compiled(text: bytes) -> tokenizers.Tokenizer:
    try:
        import tokenizers
    except ImportError:
        raise Unsupported(f"tokenizer.json needs the package tokenizers: {_INSTALL}") from None
    try:
        tokenizer = tokenizers.Tokenizer.from_buffer(text)
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
    """A ValueError, a bare Exception, or, for what its authors did not foresee, a BaseException of Rust's."""
    return type(error) in (Exception, ValueError) or type(error).__name__ == "PanicException"
