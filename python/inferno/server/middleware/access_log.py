"""One log line a request: method, path template, status, milliseconds, request id. Never a body, a query or a key."""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PROCESSING_HEADER = b"openai-processing-ms"
UNMATCHED = "(unmatched)"
NO_STATUS = 0

logger = logging.getLogger("inferno.access")


class AccessLog:
    """Also tells the client how long the server took until it began to answer, in ``openai-processing-ms``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = NO_STATUS

        async def send_timed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                taken = b"%d" % _milliseconds(began)
                message = {**message, "headers": [*message["headers"], (PROCESSING_HEADER, taken)]}
            await send(message)

        try:
            await self._app(scope, receive, send_timed)
        finally:
            logger.info(
                "%s %s %d %d ms %s",
                scope["method"],
                _template(scope),
                status,
                _milliseconds(began),
                scope["state"]["request_id"],
            )


def _milliseconds(began: float) -> int:
    return round((time.perf_counter() - began) * 1000)


def _template(scope: Scope) -> str:
    """The path as the route has it. A path of no route is the client's text and stays out of the log."""
    return str(getattr(scope.get("route"), "path", UNMATCHED))
