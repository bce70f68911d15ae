"""From a picture to what stands for it in a prompt: decoded and encoded beside the engine's steps, one by one."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from inferno.engine.core import native_call
from inferno.engine.images.decoding import Pixels, decode, require_pillow
from inferno.engine.images.features import Features
from inferno.engine.images.image import Image, no_images
from inferno.errors import InvalidImage, QueueFull

if TYPE_CHECKING:
    from inferno import _core

DECODING_SECONDS = 10.0
"""What one picture's file may take to decode."""
MAX_WAITING = 32
"""Requests of one tenant that may wait for a picture; more are refused with 429."""

_Result = TypeVar("_Result")


class ImageReader:
    """Of one model. Belongs to the event loop of its first picture."""

    def __init__(self, model: _core.Model, features: Features | None = None) -> None:
        """Raises Unsupported if the model takes pictures and there is nothing to decode them with."""
        self._model = model
        self._features = features or Features()
        self._takes_images = model.capabilities["image_width"] > 0
        self._waiting: Counter[str] = Counter()
        # Each tenant has one picture at most in the line for the encoder, so that they take turns.
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._turn = asyncio.Lock()
        if self._takes_images:
            require_pillow()
            self._decoders = ThreadPoolExecutor(2, "decode-image")
            self._encoder = ThreadPoolExecutor(1, "encode-image")

    async def pieces(self, image: Image, tenant: str) -> Sequence[_core.ImagePiece]:
        """Lists of tokens, and rows, in the order of the prompt; the same ones for the same picture of a tenant.

        Raises ImagesUnsupported, InvalidImage, QueueFull, and what the encoder fails with.
        """
        if not self._takes_images:
            raise no_images(image.param)
        known = self._features.get(tenant, image.digest)
        if known is not None:
            return known
        if self._waiting[tenant] >= MAX_WAITING:
            raise QueueFull(
                f"{MAX_WAITING} of your requests wait for a picture to be encoded; send this one later",
                param=image.param,
            )
        self._waiting[tenant] += 1
        try:
            async with self._turns[tenant], self._turn:
                return await self._encoded(image, tenant)
        finally:
            self._waiting[tenant] -= 1

    async def _encoded(self, image: Image, tenant: str) -> Sequence[_core.ImagePiece]:
        known = self._features.get(tenant, image.digest)  # by the one before in the line, perhaps
        if known is not None:
            return known
        decoding = _on(self._decoders, lambda: decode(image))
        try:
            pixels = await asyncio.wait_for(decoding, DECODING_SECONDS)
        except asyncio.TimeoutError:
            raise InvalidImage(
                f"the picture takes more than {DECODING_SECONDS:g} seconds to decode", param=image.param
            ) from None
        pieces = await _on(self._encoder, lambda: self._encode(pixels))
        self._features.put(tenant, image.digest, pieces)
        return pieces

    def _encode(self, pixels: Pixels) -> Sequence[_core.ImagePiece]:
        return native_call(self._model.encode_image, pixels.width, pixels.height, pixels.rgb)

    def close(self) -> None:
        """Waits for what is being decoded and encoded."""
        if self._takes_images:
            self._decoders.shutdown()
            self._encoder.shutdown()


def _on(executor: Executor, work: Callable[[], _Result]) -> asyncio.Future[_Result]:
    return asyncio.get_running_loop().run_in_executor(executor, work)
