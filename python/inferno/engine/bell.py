"""Bell: rung on any thread without a word of Python, heard on one event loop."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable

_MOST_RINGS = 64
"""Bytes that are read at once: whoever hears takes all there is, however often it rang."""


class Bell:
    """A pair of sockets. Who rings writes a byte to the one, of which the loop hears at the other.

    The loop holds it as long as it hangs there: until nobody is left who could ring.
    """

    def __init__(self, hear: Callable[[], None]) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self._ear = ours.detach()
        self._rope: int | None = theirs.detach()
        self._hear = hear
        self._loop: asyncio.AbstractEventLoop | None = None

    def give_rope(self) -> int:
        """The end to write to, once. It belongs to who rings now, who closes it."""
        assert self._rope is not None
        rope, self._rope = self._rope, None
        return rope

    def hang(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have it heard there. Once is enough."""
        if self._loop is None:
            self._loop = loop
            loop.add_reader(self._ear, self._rung)

    def _rung(self) -> None:
        try:
            rings = os.read(self._ear, _MOST_RINGS)
        except BlockingIOError:
            return
        if not rings and self._loop is not None:
            self._loop.remove_reader(self._ear)
        self._hear()

    def __del__(self) -> None:
        os.close(self._ear)
        if self._rope is not None:
            os.close(self._rope)
