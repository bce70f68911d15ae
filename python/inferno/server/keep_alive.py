"""Signs of life in a silent stream, so that no proxy or client takes it for dead."""

from __future__ import annotations

import asyncio

from starlette.types import Send


class KeepAlive:
    """Sends ``sign`` whenever nothing was sent for ``seconds``. One timer a stream, however many events it has.

    An empty ``sign`` is never sent. A sign may go out between any two events: each body message is written whole.
    """

    def __init__(self, send: Send, sign: bytes, seconds: float) -> None:
        self._send = send
        self._sign = sign
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._last_sent = self._loop.time()
        self._signing: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(seconds, self._tick) if sign else None

    def touch(self) -> None:
        """Something is being sent."""
        self._last_sent = self._loop.time()

    async def stop(self) -> None:
        """No sign goes out once this returns."""
        if self._timer is not None:
            self._timer.cancel()
        if self._signing is not None:
            self._signing.cancel()
            await asyncio.gather(self._signing, return_exceptions=True)

    def _tick(self) -> None:
        remaining = self._last_sent + self._seconds - self._loop.time()
        if remaining <= 0:
            # A sign that still waits for the reader says already that nobody drains the stream.
            if self._signing is None or self._signing.done():
                self._signing = self._loop.create_task(self._send_sign())
            self.touch()
            remaining = self._seconds
        self._timer = self._loop.call_later(remaining, self._tick)

    async def _send_sign(self) -> None:
        await self._send({"type": "http.response.body", "body": self._sign, "more_body": True})
