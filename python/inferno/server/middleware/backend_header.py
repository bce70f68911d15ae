"""Says in the answer which backend computed it: of a model that comes in several forms, one was chosen."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inferno.server.exchange import named_model

HEADER = b"x-inferno-backend"


class BackendHeader:
    """``backend_of`` gives the backend of a served name."""

    def __init__(self, app: ASGIApp, backend_of: Callable[[str], str]) -> None:
        self._app = app
        self._backend_of = backend_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        named: list[str] = []

        async def send_with_backend(message: Message) -> None:
            if message["type"] == "http.response.start" and named:
                header = (HEADER, self._backend_of(named[-1]).encode("ascii"))
                message = {**message, "headers": [*message["headers"], header]}
            await send(message)

        token = named_model.set(named)
        try:
            await self._app(scope, receive, send_with_backend)
        finally:
            named_model.reset(token)
