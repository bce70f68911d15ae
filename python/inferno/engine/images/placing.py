"""From a rendered prompt to its tokens, with what stands for the pictures among them."""

from __future__ import annotations

from collections.abc import Sequence

from inferno.engine.client import PlacedImage
from inferno.engine.encoder import Segment
from inferno.engine.images.image import Image
from inferno.engine.images.reader import ImageReader
from inferno.engine.prompt import Piece
from inferno.engine.tokens import TextTokens
from inferno.errors import ContextLengthExceeded, Unsupported


class Placing:
    def __init__(self, tokens: TextTokens, images: ImageReader, context_tokens: int) -> None:
        self._tokens = tokens
        self._images = images
        self._context_tokens = context_tokens

    async def place(self, pieces: Sequence[Piece], tenant: str) -> tuple[list[int], tuple[PlacedImage, ...]]:
        """The prompt, and where in it pictures stand.

        Raises as ImageReader.pieces, and ContextLengthExceeded before more pictures are encoded in vain.
        """
        prompt: list[int] = []
        placed: list[PlacedImage] = []
        text: list[Segment] = []
        for piece in pieces:
            if not isinstance(piece, Image):
                text.append(piece)
                continue
            prompt += await self._tokens.of(text, add_bos=not prompt)
            text = []
            for part in await self._images.pieces(piece, tenant):
                if isinstance(part, list):
                    prompt += part
                else:
                    placed.append(PlacedImage(len(prompt), part))
                    prompt += [part.id] * part.count
            self._check_fits(prompt, piece.param)
        if text or not prompt:
            prompt += await self._tokens.of(text, add_bos=not prompt)
        return prompt, tuple(placed)

    def _check_fits(self, prompt: Sequence[int], param: str) -> None:
        limit = self._context_tokens
        if len(prompt) >= limit:
            raise ContextLengthExceeded(
                f"with this picture the prompt has {len(prompt)} tokens or more; this model's context has room for"
                f" {limit - 1} and an answer",
                param=param,
            )


def without_images(pieces: Sequence[Piece]) -> list[Segment]:
    """Raises Unsupported if there are any."""
    text: list[Segment] = []
    for piece in pieces:
        if isinstance(piece, Image):
            raise Unsupported("pictures have no token ids; leave them out", param=piece.param)
        text.append(piece)
    return text
