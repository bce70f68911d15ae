"""Answers what is raised further in: with its row of the table of errors, and what has none with a plain 500."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from inferno.server.answer_head import head_of
from inferno.server.error_handlers import answer_to, log_failure, logger


class ErrorAnswers:
    """After an answer has begun nothing can be said any more: the connection is then cut by the HTTP server."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            if head_of(scope).begun:
                log_failure(logger, error, scope["state"]["request_id"])
            else:
                await answer_to(error, scope)(scope, receive, send)
