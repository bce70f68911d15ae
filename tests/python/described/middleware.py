"""Reads along what a server of the tests answers, and reports what is not as its own description says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from described.answers import Described, described
from inferno.server.openapi import EVENTS
from inferno.server.operation import JSON, Operation

Report = Callable[[str], None]


class AnswersReadAlong:
    """What is answered goes on unchanged. Answers of no operation (404, 405) are not looked at."""

    def __init__(self, app: ASGIApp, *, operations: Sequence[Operation], report: Report) -> None:
        self._app = app
        self._described = described(operations)
        self._report = report

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        operation = self._operation(scope) if scope["type"] == "http" else None
        if operation is None:
            await self._app(scope, receive, send)
            return
        reader = _Reader(operation, self._report)

        async def send_read(message: Message) -> None:
            reader.take(message)
            await send(message)

        await self._app(scope, receive, send_read)

    def _operation(self, scope: Scope) -> Described | None:
        app: Starlette = scope["app"]
        for route in app.routes:
            if isinstance(route, Route) and route.matches(scope)[0] is Match.FULL:
                method = "GET" if scope["method"] == "HEAD" else scope["method"]
                return self._described.get((method, route.path)) if scope["method"] != "HEAD" else None
        return None


class _Reader:
    """Reads one answer."""

    def __init__(self, operation: Described, report: Report) -> None:
        self._operation = operation
        self._report = report
        self._status = 0
        self._media = ""
        self._rest = b""
        self._ended = False

    def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers: dict[bytes, bytes] = dict(message["headers"])
            self._media = headers.get(b"content-type", b"").decode().partition(";")[0]
            self._told(self._operation.media_problems(self._status, self._media))
            return
        self._rest += message.get("body", b"")
        if self._media == EVENTS:
            self._take_events()
        elif self._media == "application/x-ndjson":
            self._take_lines()
        elif self._media == JSON and not message.get("more_body"):
            self._told(self._operation.body_problems(self._status, self._rest))
            return
        elif self._media != JSON:
            self._rest = b""
        if self._rest and not message.get("more_body"):
            self._report(f"a stream ends in the middle of an event: {self._rest[:200]!r}")

    def _take_events(self) -> None:
        *events, self._rest = self._rest.split(b"\n\n")
        for event in events:
            self._told(self._operation.event_problems(event, ended=self._ended))
            self._ended = self._ended or self._operation.is_mark(event)

    def _take_lines(self) -> None:
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            self._told(self._operation.line_problems(self._media, line))

    def _told(self, problems: Iterable[str]) -> None:
        for problem in problems:
            self._report(problem)


def reading_along(build_app: Callable[..., Starlette], report: Report) -> Callable[..., Starlette]:
    """``build_app`` of :mod:`inferno.server.app`, whose applications are read along from now on."""
    from inferno.server.operations import OPERATIONS

    def build(*arguments: Any, **named: Any) -> Starlette:
        app = build_app(*arguments, **named)
        app.add_middleware(AnswersReadAlong, operations=OPERATIONS, report=report)
        return app

    return build
