"""Names in the answer what a request had that is not known, where that does not refuse it."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inferno.server.answer_head import head_of
from inferno.server.wire.decode import unknown_fields_passed_over

HEADER = b"x-inferno-unknown-fields"


class UnknownFields:
    """Only there with ``--unknown-fields report``: bodies are then read without such fields."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = head_of(scope)
        with unknown_fields_passed_over() as names:

            def name_them() -> None:
                if names and not head.begun:
                    # What a header cannot carry of a client's text is written as JSON strings escape it.
                    head.headers.append((HEADER, ", ".join(names).encode("ascii", "backslashreplace")))

            async def send_named(message: Message) -> None:
                if message["type"] == "http.response.start":
                    name_them()
                await send(message)

            try:
                await self._app(scope, receive, send_named)
            except Exception:
                name_them()
                raise
