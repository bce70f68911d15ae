"""From a rendered prompt to its tokens, with what stands for pictures and sounds among them."""

from __future__ import annotations

from collections.abc import Sequence

from inferno.engine.encoder import Segment
from inferno.engine.media.medium import Image, Sound
from inferno.engine.media.reader import MediaReader
from inferno.engine.prompt import Piece
from inferno.engine.request import PlacedMedia
from inferno.engine.tokens import TextTokens
from inferno.errors import ContextLengthExceeded, Unsupported


class Placing:
    def __init__(self, tokens: TextTokens, media: MediaReader, context_tokens: int) -> None:
        self._tokens = tokens
        self._media = media
        self._context_tokens = context_tokens

    async def place(self, pieces: Sequence[Piece], tenant: str) -> tuple[list[int], tuple[PlacedMedia, ...]]:
        """The prompt, and where in it pictures and sounds stand.

        Raises as MediaReader.pieces, and ContextLengthExceeded before more of them are encoded in vain.
        """
        prompt: list[int] = []
        placed: list[PlacedMedia] = []
        text: list[Segment] = []
        for piece in pieces:
            if not isinstance(piece, Image | Sound):
                text.append(piece)
                continue
            prompt += await self._tokens.of(text, add_bos=not prompt)
            text = []
            for part in await self._media.pieces(piece, tenant):
                if isinstance(part, list):
                    prompt += part
                else:
                    placed.append(PlacedMedia(len(prompt), part, isinstance(piece, Sound)))
                    prompt += [part.id] * part.count
            self._check_fits(prompt, piece.param)
        if text or not prompt:
            prompt += await self._tokens.of(text, add_bos=not prompt)
        return prompt, tuple(placed)

    def _check_fits(self, prompt: Sequence[int], param: str) -> None:
        limit = self._context_tokens
        if len(prompt) >= limit:
            raise ContextLengthExceeded(
                f"with this picture or sound the prompt has {len(prompt)} tokens or more; this model's context has"
                f" room for {limit - 1} and an answer",
                param=param,
            )


def without_media(pieces: Sequence[Piece]) -> list[Segment]:
    """Raises Unsupported if there are any."""
    text: list[Segment] = []
    for piece in pieces:
        if isinstance(piece, Image | Sound):
            raise Unsupported("pictures and sounds have no token ids; leave them out", param=piece.param)
        text.append(piece)
    return text
