"""Stopping with grace: which requests run, whether new ones are taken, and the end of patience. Belongs to one loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from inferno.server.refusals import Draining


class Drain:
    """Counts the generation requests that run. :meth:`begin` refuses new ones, :meth:`expire` ends those that run."""

    def __init__(self) -> None:
        self._draining = False
        self._running: set[asyncio.Future[None]] = set()
        self._waiters: set[asyncio.Future[None]] = set()

    @property
    def draining(self) -> bool:
        return self._draining

    @property
    def running(self) -> int:
        """Generation requests admitted and not ended."""
        return len(self._running)

    @contextmanager
    def admit(self) -> Iterator[asyncio.Future[None]]:
        """Take part for the length of one request. Yields a future that is done when the request must stop.

        Raises Draining once :meth:`begin` was called.
        """
        if self._draining:
            raise Draining("the server is stopping and takes no new requests")
        stopped: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._running.add(stopped)
        try:
            yield stopped
        finally:
            self._running.discard(stopped)
            if not self._running:
                self._wake()

    def begin(self) -> None:
        """Refuse new requests from now on. Idempotent."""
        self._draining = True

    async def wait_idle(self, seconds: float) -> bool:
        """Wait until no request runs, at most so many seconds. Returns whether none does."""
        if not self._running:
            return True
        idle: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(idle)
        try:
            await asyncio.wait({idle}, timeout=seconds)
        finally:
            self._waiters.discard(idle)
        return not self._running

    def expire(self) -> None:
        """Tell every running request to stop now."""
        for stopped in self._running:
            if not stopped.done():
                stopped.set_result(None)

    def _wake(self) -> None:
        for idle in self._waiters:
            if not idle.done():
                idle.set_result(None)
