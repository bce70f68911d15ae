"""Where an answer's body goes while it is being made: by ASGI, or shorter where the HTTP server offers that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from starlette.types import Message, Scope, Send

from inferno.engine.text_frame import TextFrame

OUTLET = "inferno.outlet"
"""The ASGI extension: its value makes the outlet of the request, once the answer has begun, without a length."""


class Outlet(Protocol):
    """Of one answer. What is written goes out in order with what is sent by ASGI, each whole."""

    silent: bool
    """Cleared by whatever is written, for whoever sets it."""

    def write(self, data: bytes) -> bool:
        """Does not block. False: the next only after :meth:`drained`, which must follow in any case."""
        ...

    async def drained(self) -> None:
        """Returns when the client has taken enough. Raises OSError when it has left without."""
        ...

    def framed(self, frame: TextFrame) -> tuple[TextFrame, Callable[[bytes], bool]]:
        """How events of ``frame`` go out best: by another frame, whose events are written by the other half."""
        ...


class AsgiOutlet:
    """Through ``send``, which may wait as long as it likes."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._sending = asyncio.Lock()
        self.silent = False
        self._waiting: list[bytes] = []

    def write(self, data: bytes) -> bool:
        self.silent = False
        self._waiting.append(data)
        return False

    async def drained(self) -> None:
        async with self._sending:
            data = b"".join(self._waiting)
            self._waiting.clear()
            if data:
                await self._send(body(data, more=True))

    def framed(self, frame: TextFrame) -> tuple[TextFrame, Callable[[bytes], bool]]:
        return frame, self.write


def outlet_of(scope: Scope, send: Send) -> Outlet:
    """Of a request whose answer has begun, without a length."""
    offered = scope.get("extensions", {}).get(OUTLET)
    if offered is None:
        return AsgiOutlet(send)
    outlet: Outlet = offered()
    return outlet


def body(data: bytes, *, more: bool) -> Message:
    """A part of an answer's body, as ASGI has it."""
    return {"type": "http.response.body", "body": data, "more_body": more}
