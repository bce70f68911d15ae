"""Stands before an operation that ages: tells the client so in headers, and counts the calls."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inferno.server.operation import Ageing
from inferno.server.versions import ageing_headers


class AgeingOperation:
    def __init__(self, app: ASGIApp, *, path: str, ageing: Ageing) -> None:
        self._app = app
        self._path = path
        self._headers = ageing_headers(ageing.since, ageing.successor, ageing.sunset)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"].state.services.recorder.count_deprecated(self._path)

        async def send_told(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await self._app(scope, receive, send_told)
