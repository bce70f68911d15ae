"""Tells every answer's version of the API, and refuses a request that pins one that there is not."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from inferno.server.answer_head import head_of
from inferno.server.request_headers import header
from inferno.server.versions import HEADER, date_in_force

_HEADER = HEADER.encode()


class Version:
    """Raises InvalidArgument."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            date = date_in_force(header(scope, _HEADER))
            head_of(scope).headers.append((_HEADER, date.encode()))
        await self._app(scope, receive, send)
