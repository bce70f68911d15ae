"""Gives every request its id and the head of its answer. The only one that stands in the way of what is sent."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from inferno.server.answer_head import AnswerHead
from inferno.server.middleware.request_id import give_id


class AnswerHeads:
    """Sets ``scope["state"]["head"]`` and ``scope["state"]["request_id"]``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = AnswerHead(send)
        scope.setdefault("state", {})["head"] = head
        give_id(scope)
        await self._app(scope, receive, head.send)
