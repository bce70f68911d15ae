"""Signs of life in a silent stream, so that no proxy or client takes it for dead."""

from __future__ import annotations

import asyncio

from inferno.server.outlet import Outlet


class KeepAlive:
    """Writes ``sign`` so that the stream is never silent for longer than ``seconds``. One timer a stream, however many
    events it has.

    An empty ``sign`` is never written. A sign may go out between any two events: each is written whole.
    """

    def __init__(self, outlet: Outlet, sign: bytes, seconds: float) -> None:
        self._outlet = outlet
        self._sign = sign
        self._half = seconds / 2
        self._loop = asyncio.get_running_loop()
        self._signing: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(self._half, self._tick) if sign else None

    async def stop(self) -> None:
        """No sign goes out once this returns."""
        if self._timer is not None:
            self._timer.cancel()
        if self._signing is not None:
            self._signing.cancel()
            await asyncio.gather(self._signing, return_exceptions=True)

    def _tick(self) -> None:
        # Twice in the time, whether anything was written since the last tick is all that must be known of events.
        silent, self._outlet.silent = self._outlet.silent, True
        # A sign that still waits for the reader says already that nobody drains the stream.
        if silent and (self._signing is None or self._signing.done()):
            self._signing = self._loop.create_task(self._send_sign())
        self._timer = self._loop.call_later(self._half, self._tick)

    async def _send_sign(self) -> None:
        self._outlet.write(self._sign)
        await self._outlet.drained()
