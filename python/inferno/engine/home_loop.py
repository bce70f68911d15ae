"""HomeLoop: the event loop that a native engine's results go to, which is the one of its first request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from inferno.errors import Unavailable

_Results = TypeVar("_Results")


class HomeLoop:
    """Holds no reference to the native engine, which holds whoever hands over here."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Deliver there. Raises Unavailable when it is another loop than the first one."""
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise Unavailable("this engine belongs to another event loop, the one of its first request")

    def hand_over(self, deliver: Callable[[_Results], None], results: _Results) -> None:
        """Have the loop call ``deliver(results)``. Safe on any thread; nothing happens where no loop was bound."""
        loop = self._loop
        if loop is None:
            return
        try:
            loop.call_soon_threadsafe(deliver, results)
        except RuntimeError:
            # The loop closed under running requests: nobody is left to read them.
            if not loop.is_closed():
                raise
