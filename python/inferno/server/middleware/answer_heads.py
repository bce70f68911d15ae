"""Gives every request the head of its answer. The only one that stands in the way of what is sent."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from inferno.server.answer_head import AnswerHead


class AnswerHeads:
    """Sets ``scope["state"]["head"]``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        head = AnswerHead(send)
        scope.setdefault("state", {})["head"] = head
        await self._app(scope, receive, head.send)
