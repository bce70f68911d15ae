"""Comments in a silent event stream, so that no proxy or client takes it for dead."""

from __future__ import annotations

import asyncio

from starlette.types import Send

COMMENT = b": keep-alive\n\n"


class KeepAlive:
    """Sends a comment whenever nothing was sent for ``seconds``. One timer a stream, however many events it has.

    A comment may go out between any two events: each body message is written whole.
    """

    def __init__(self, send: Send, seconds: float) -> None:
        self._send = send
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._last_sent = self._loop.time()
        self._comment: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(seconds, self._tick)

    def touch(self) -> None:
        """Something is being sent."""
        self._last_sent = self._loop.time()

    async def stop(self) -> None:
        """No comment goes out once this returns."""
        self._timer.cancel()
        if self._comment is not None:
            self._comment.cancel()
            await asyncio.gather(self._comment, return_exceptions=True)

    def _tick(self) -> None:
        remaining = self._last_sent + self._seconds - self._loop.time()
        if remaining <= 0:
            # A comment that still waits for the reader says already that nobody drains the stream.
            if self._comment is None or self._comment.done():
                self._comment = self._loop.create_task(self._send_comment())
            self.touch()
            remaining = self._seconds
        self._timer = self._loop.call_later(remaining, self._tick)

    async def _send_comment(self) -> None:
        await self._send({"type": "http.response.body", "body": COMMENT, "more_body": True})
