"""What is said before the body of an answer: the one place where headers are added to it, whoever writes it."""

from __future__ import annotations

import time
from collections.abc import Awaitable

from starlette.types import Message, Scope, Send

PROCESSING_HEADER = b"openai-processing-ms"
NO_STATUS = 0


class AnswerHead:
    """Of one request. ``headers`` go out with its answer; whoever knows one adds it before the answer begins."""

    __slots__ = ("_came", "_send", "headers", "status")

    def __init__(self, send: Send) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.status = NO_STATUS
        """The answer's, once it has begun."""
        self._send = send
        self._came = time.perf_counter()

    @property
    def begun(self) -> bool:
        return self.status != NO_STATUS

    @property
    def milliseconds(self) -> int:
        """Since the request came."""
        return round((time.perf_counter() - self._came) * 1000)

    def send(self, message: Message) -> Awaitable[None]:
        """An ASGI ``send``. Not a coroutine of its own, since it is called for every event of every stream."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            taken = (PROCESSING_HEADER, b"%d" % self.milliseconds)
            message = {**message, "headers": [*message["headers"], *self.headers, taken]}
        return self._send(message)


def head_of(scope: Scope) -> AnswerHead:
    """The head of the answer to a request that came through :class:`AnswerHeads`."""
    head = scope["state"]["head"]
    assert isinstance(head, AnswerHead)
    return head
