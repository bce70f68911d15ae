"""Text to token ids: by the model's own tokenizer, or by the library that its folder's tokenizer file belongs to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from inferno.engine.core import native_call
from inferno.engine.encoder import Segment, TextEncoder
from inferno.errors import InvalidArgument

if TYPE_CHECKING:
    from inferno import _core

_INLINE_CHARS = 4096
"""Text up to this length is tokenized on the event loop: handing it to a thread would take longer."""


class TextTokens:
    """Of one model. Thread-safe."""

    def __init__(self, model: _core.Model, encoder: TextEncoder | None, *, closes: bool) -> None:
        """``closes``: behind a text with BOS comes what the model was trained to see there."""
        self._model = model
        self._encoder = encoder
        self._closes = closes

    async def of(self, segments: Sequence[Segment], *, add_bos: bool) -> list[int]:
        """Token ids of text and special tokens, in order. Raises InvalidArgument for half of a surrogate pair."""
        if sum(len(segment) for segment in segments if isinstance(segment, str)) <= _INLINE_CHARS:
            return self.ids(segments, add_bos=add_bos)
        return await asyncio.get_running_loop().run_in_executor(None, lambda: self.ids(segments, add_bos=add_bos))

    async def of_each(self, texts: Sequence[str]) -> list[list[int]]:
        """Each with the special tokens around it. Many do not hold up the event loop."""
        if sum(map(len, texts)) <= _INLINE_CHARS:
            return self._all_ids(texts)
        return await asyncio.get_running_loop().run_in_executor(None, self._all_ids, texts)

    def _all_ids(self, texts: Sequence[str]) -> list[list[int]]:
        return [self.ids([text], add_bos=True) for text in texts]

    def ids(self, segments: Sequence[Segment], *, add_bos: bool) -> list[int]:
        """As :meth:`of`, at once."""
        try:
            if self._encoder is not None:
                segments = self._encoder.encode(segments)
            return native_call(self._model.encode, segments, add_bos, add_bos and self._closes)
        except (TypeError, UnicodeEncodeError):
            # Python's str may hold what UTF-8 cannot; the native module then sees no str at all.
            if any(isinstance(segment, str) and _has_surrogate(segment) for segment in segments):
                raise InvalidArgument("the text holds half of a surrogate pair, which is no character") from None
            raise


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
