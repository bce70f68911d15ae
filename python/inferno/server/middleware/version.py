"""Tells every answer's version of the API, and refuses a request that pins one that there is not."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inferno.errors import InvalidArgument
from inferno.server.error_handlers import error_response
from inferno.server.versions import HEADER, date_in_force


class Version:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            date = date_in_force(Headers(scope=scope).get(HEADER))
        except InvalidArgument as error:
            await error_response(error, scope)(scope, receive, send)
            return
        header = (HEADER.encode(), date.encode())

        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], header]}
            await send(message)

        await self._app(scope, receive, send_dated)
