"""From a picture or sound to what stands for it in a prompt: decoded and encoded beside the engine's steps."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from inferno.engine.core import native_call
from inferno.engine.media.features import Features
from inferno.engine.media.medium import Image, Medium, no_images, no_sounds
from inferno.engine.media.pixels import Pixels, require_pillow
from inferno.engine.media.pixels import decode as pixels_of
from inferno.engine.media.samples import Samples
from inferno.engine.media.samples import decode as samples_of
from inferno.errors import InvalidArgument, InvalidAudio, InvalidImage, QueueFull

if TYPE_CHECKING:
    from inferno import _core

DECODING_SECONDS = 10.0
"""What one file may take to decode."""
MAX_WAITING = 32
"""Requests of one tenant that may wait for the encoder; more are refused with 429."""

_Result = TypeVar("_Result")


class MediaReader:
    """Of one model. Belongs to the event loop of its first picture or sound."""

    def __init__(self, model: _core.Model, abilities: Sequence[str], features: Features | None = None) -> None:
        """``abilities`` are the model's. Raises Unsupported if it takes pictures and nothing can decode them."""
        self._model = model
        self._abilities = abilities
        self._features = features or Features()
        self._waiting: Counter[str] = Counter()
        # Each tenant has one at most in the line for the encoder, so that they take turns.
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._turn = asyncio.Lock()
        if "vision" in abilities:
            require_pillow()
        self._works = "vision" in abilities or "audio" in abilities
        if self._works:
            self._decoders = ThreadPoolExecutor(2, "decode-media")
            self._encoder = ThreadPoolExecutor(1, "encode-media")

    async def pieces(self, medium: Medium, tenant: str) -> Sequence[_core.MediaPiece]:
        """Lists of tokens, and rows, in the order of the prompt; the same ones for the same file of a tenant.

        Raises ImagesUnsupported, AudioUnsupported, InvalidImage, InvalidAudio, QueueFull, and what the encoder fails
        with.
        """
        self._check_taken(medium)
        known = self._features.get(tenant, medium)
        if known is not None:
            return known
        if self._waiting[tenant] >= MAX_WAITING:
            raise QueueFull(
                f"{MAX_WAITING} of your requests wait for a picture or sound to be encoded; send this one later",
                param=medium.param,
            )
        self._waiting[tenant] += 1
        try:
            async with self._turns[tenant], self._turn:
                return await self._encoded(medium, tenant)
        finally:
            self._waiting[tenant] -= 1

    def _check_taken(self, medium: Medium) -> None:
        if isinstance(medium, Image):
            if "vision" not in self._abilities:
                raise no_images(medium.param, self._abilities)
        elif "audio" not in self._abilities:
            raise no_sounds(medium.param, self._abilities)

    async def _encoded(self, medium: Medium, tenant: str) -> Sequence[_core.MediaPiece]:
        known = self._features.get(tenant, medium)  # by the one before in the line, perhaps
        if known is not None:
            return known
        decoding = _on(self._decoders, lambda: pixels_of(medium) if isinstance(medium, Image) else samples_of(medium))
        refusal = InvalidImage if isinstance(medium, Image) else InvalidAudio
        try:
            decoded = await asyncio.wait_for(decoding, DECODING_SECONDS)
        except asyncio.TimeoutError:
            raise refusal(
                f"the file takes more than {DECODING_SECONDS:g} seconds to decode", param=medium.param
            ) from None
        try:
            pieces = await _on(self._encoder, lambda: self._encode(decoded))
        except InvalidArgument as error:  # of what cannot be seen before, such as samples that are no numbers
            raise refusal(error.message, param=medium.param) from None
        self._features.put(tenant, medium, pieces)
        return pieces

    def _encode(self, decoded: Pixels | Samples) -> Sequence[_core.MediaPiece]:
        if isinstance(decoded, Pixels):
            return native_call(self._model.encode_picture, decoded.width, decoded.height, decoded.rgb)
        form = (decoded.rate, decoded.channels, decoded.bits, decoded.floating)
        return native_call(self._model.encode_sound, *form, decoded.data)

    def close(self) -> None:
        """Waits for what is being decoded and encoded."""
        if self._works:
            self._decoders.shutdown()
            self._encoder.shutdown()


def _on(executor: Executor, work: Callable[[], _Result]) -> asyncio.Future[_Result]:
    return asyncio.get_running_loop().run_in_executor(executor, work)
