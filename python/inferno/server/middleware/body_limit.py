"""Refuses bodies over the limit: by their announced length, by what really comes, and when they do not come in time."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inferno.server.connection import OVERDUE
from inferno.server.refusals import BodyTooLarge, RequestTimeout
from inferno.server.request_headers import header


class BodyLimit:
    """``limit`` is in bytes. A body without announced length is counted while the route reads it. How long it may take,
    the connection knows, which wakes the route then.

    Raises BodyTooLarge and RequestTimeout.
    """

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = header(scope, b"content-length") or "0"
        if announced.isascii() and announced.isdigit() and int(announced) > self._limit:
            raise self._refusal(f"has {int(announced)} bytes")
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > self._limit:
                    raise self._refusal(f"is longer than {self._limit} bytes")
                if message.get("more_body") and (seconds := scope["state"].get(OVERDUE)) is not None:
                    raise RequestTimeout(f"the request did not come within {seconds:g} seconds")
            return message

        await self._app(scope, receive_counted, send)

    def _refusal(self, what: str) -> BodyTooLarge:
        return BodyTooLarge(f"the request body {what}; this server takes at most {self._limit}")
