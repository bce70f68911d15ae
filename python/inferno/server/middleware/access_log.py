"""One log line a request: method, path template, status, milliseconds, request id. Never a body, a query or a key."""

from __future__ import annotations

import logging

from starlette.types import ASGIApp, Receive, Scope, Send

from inferno.server.answer_head import head_of

UNMATCHED = "(unmatched)"

logger = logging.getLogger("inferno.access")


class AccessLog:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        finally:
            head = head_of(scope)
            request_id = scope["state"]["request_id"]
            logger.info(
                "%s %s %d %d ms %s", scope["method"], _template(scope), head.status, head.milliseconds, request_id
            )


def _template(scope: Scope) -> str:
    """The path as the route has it. A path of no route is the client's text and stays out of the log."""
    return str(getattr(scope.get("route"), "path", UNMATCHED))
