"""Bytes that a client does not take: they stand in this process, and are given up when it takes none for too long."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import sys

if sys.platform == "linux":
    import fcntl
    import termios

AT_ONCE = struct.pack("ii", 1, 0)
"""For SO_LINGER: the system keeps nothing of what was not taken, which may be megabytes, for a client that is gone."""

logger = logging.getLogger(__name__)


class UnsentWatch:
    """Of one connection. Whoever reads slowly goes on reading; whoever takes nothing for ``seconds`` is cut off, and
    has left then like any other."""

    def __init__(self, transport: asyncio.Transport, seconds: float, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._socket: socket.socket = transport.get_extra_info("socket")
        self._seconds = seconds
        self._loop = loop
        self._not_taken = 0
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """From now on nothing more is written until what stands here is with the system. Idempotent."""
        if self._timer is None:
            self._look_again()

    def end(self) -> None:
        """More is written, or the connection is no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_again(self) -> None:
        here = self._transport.get_write_buffer_size()
        if here == 0:
            # Nearly every answer: the system took it whole as it was written.
            self._timer = None
            return
        self._not_taken = here + _with_the_system(self._socket)
        self._timer = self._loop.call_later(self._seconds, self._look)

    def _look(self) -> None:
        here = self._transport.get_write_buffer_size()
        if here + _with_the_system(self._socket) < self._not_taken:
            self._look_again()
            return
        self._timer = None
        logger.warning(
            "a client took nothing of its answer for %g seconds (--send-timeout): disconnected", self._seconds
        )
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        self._transport.abort()


def _with_the_system(connection: socket.socket) -> int:
    """Bytes that were sent and that the other end has not confirmed. The system takes more of them only when a third of
    what it holds has gone, which may be a megabyte. 0 where it does not say."""
    if sys.platform != "linux":
        return 0
    (count,) = struct.unpack("i", fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4)))
    return int(count)
