"""Catches what no handler knows: logged with the request id, answered with a plain 500."""

from __future__ import annotations

import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inferno.server.error_handlers import error_response, log_failure

logger = logging.getLogger(__name__)


class LastResort:
    """After an answer has begun nothing can be said any more: the connection is then cut by the HTTP server."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def send_noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except Exception as error:
            request_id: str = scope["state"]["request_id"]
            log_failure(logger, error, request_id)
            if not begun:
                await error_response(error, scope)(scope, receive, send)
