"""Has every request's head checked, before any of its body is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

Check = Callable[[Scope], None]
"""Raises what refuses the request."""


class Checks:
    """In the order of ``checks``. They are calls and no layers: what is awaited is passed by all that is sent, too."""

    def __init__(self, app: ASGIApp, *, checks: Sequence[Check]) -> None:
        self._app = app
        self._checks = checks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for check in self._checks:
            check(scope)
        await self._app(scope, receive, send)
