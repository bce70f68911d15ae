"""The stream of a response that is made in the background, or was: reading along holds nothing up, and leaving ends
nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from inferno.server.keep_alive import KeepAlive
from inferno.server.outlet import Outlet, outlet_of
from inferno.server.presence import while_wanted
from inferno.server.refusals import ClientLeft
from inferno.server.streaming import HEADERS
from inferno.server.wire.framing import OPENAI_EVENTS


class FollowedStream(Response):
    """Sends what ``events`` yields."""

    def __init__(
        self, events: AsyncIterator[bytes], *, keep_alive_seconds: float, headers: Mapping[str, str] | None = None
    ) -> None:
        # Not Response's own constructor: that one sets a content-length.
        self.status_code = 200
        self.media_type = OPENAI_EVENTS.media_type
        self.background = None
        self.init_headers({**HEADERS, **(headers or {})})
        self._events = events
        self._keep_alive_seconds = keep_alive_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        outlet = outlet_of(scope, send)
        keep_alive = KeepAlive(outlet, OPENAI_EVENTS.keep_alive, self._keep_alive_seconds)
        # The log ends when the server stops, and this with it.
        never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with suppress(ClientLeft, OSError):
            try:
                await while_wanted(self._pump(outlet), receive, never)
            finally:
                await keep_alive.stop()
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _pump(self, outlet: Outlet) -> None:
        async for data in self._events:
            outlet.write(data)
            await outlet.drained()
