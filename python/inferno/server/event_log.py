"""The events of a response that is made in the background, for whoever reads along, from wherever they left off."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterable

_GAP = b"\n\n"


class EventLog:
    """Events by sequence number, from 0. Belongs to one loop; any number may follow."""

    def __init__(self) -> None:
        self._frames: list[bytes] = []
        self._over = False
        self._news = asyncio.Event()

    def add(self, frames: Iterable[bytes]) -> None:
        self._frames.extend(frames)
        self._tell()

    def end(self) -> None:
        """No event comes any more."""
        self._over = True
        self._tell()

    async def follow(self, start: int) -> AsyncIterator[bytes]:
        """Events from the number ``start`` on, as they come, to the end."""
        while True:
            news = self._news
            if start < len(self._frames):
                waiting = self._frames[start:]
                start += len(waiting)
                yield b"".join(waiting)
            elif self._over:
                return
            else:
                await news.wait()

    def packed(self) -> bytes:
        """All events, for :func:`unpacked`."""
        return zlib.compress(b"".join(self._frames))

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


def unpacked(packed: bytes, start: int) -> bytes:
    """The events from the number ``start`` on."""
    frames = zlib.decompress(packed).split(_GAP)[:-1]
    return b"".join(frame + _GAP for frame in frames[start:])
