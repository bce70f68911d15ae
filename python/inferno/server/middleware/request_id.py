"""Gives every request an id: the client's if it is plain, else a new one. It is in the answer and in every log line."""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from inferno.security.randomness import unguessable
from inferno.server.answer_head import head_of

HEADER = b"x-request-id"
ANTHROPIC_HEADER = b"request-id"
_PLAIN = re.compile(rb"[A-Za-z0-9._-]{1,128}")


class RequestId:
    """Sets ``scope["state"]["request_id"]``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request_id = _presented(scope) or unguessable().hex().encode()
            scope["state"]["request_id"] = request_id.decode("ascii")
            head_of(scope).headers += [(HEADER, request_id), (ANTHROPIC_HEADER, request_id)]
        await self._app(scope, receive, send)


def _presented(scope: Scope) -> bytes | None:
    value = next((value for name, value in scope["headers"] if name == HEADER), b"")
    return value if _PLAIN.fullmatch(value) else None
