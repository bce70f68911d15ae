"""Stands before the generation routes: refuses work once the server is stopping, and counts what runs."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from inferno.server.drain import Drain


class Admission:
    """Sets ``scope["state"]["stopped"]``. Raises Draining, which the error handlers turn into a 503."""

    def __init__(self, app: ASGIApp, *, drain: Drain) -> None:
        self._app = app
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._drain.admit() as stopped:
            scope["state"]["stopped"] = stopped
            await self._app(scope, receive, send)
