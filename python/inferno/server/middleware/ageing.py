"""Stands before an operation that ages: tells the client so in headers, and counts the calls."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from inferno.server.answer_head import head_of
from inferno.server.operation import Ageing
from inferno.server.versions import ageing_headers


class AgeingOperation:
    def __init__(self, app: ASGIApp, *, path: str, ageing: Ageing) -> None:
        self._app = app
        self._path = path
        headers = ageing_headers(ageing.since, ageing.successor)
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"].state.services.recorder.count_deprecated(self._path)
        head_of(scope).headers += self._headers
        await self._app(scope, receive, send)
