"""One client's connection: uvicorn's, with bounds on how long a request may take to come, and on how large its head is.

uvicorn leaves both open: who sends a byte a minute would keep a connection for ever, and endless headers are kept in
memory. An answer is not bounded here: a stream lasts as long as its model writes.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from inferno.server.chunk_outlet import ChunkOutlet
from inferno.server.outlet import OUTLET
from inferno.server.wire.errors import Failure, openai_error

MOST_HEAD_BYTES = 64 * 1024
MOST_FRAMING = 16
"""Bytes that may stand around each byte of a body: chunks of one byte have five. What is beyond is in no body: endless
extensions of chunks, or trailers."""
REFUSING_SECONDS = 5.0
"""What an application gets to refuse a request that is overdue, before the connection is closed without a word."""
OVERDUE = "overdue"
"""In a request's state, once it has not come within its time. Whoever waits for its body is woken, and refuses it."""


class Connection(HttpToolsProtocol):
    """``receive_seconds`` is for head and body together, from the first byte on; for a connection's first request from
    when it was opened. Between requests uvicorn's keep-alive timeout holds.

    A client that closes its sending half has left: nobody could tell it from one that has closed both.
    """

    receive_seconds: float

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._coming = True
        self._in_head = True
        self._head_bytes = 0
        self._body_bytes = 0
        self._bytes_since_head = 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        self._due = self.loop.time() + self.receive_seconds
        self._wait_until(self._due)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if not self._coming:
            self._due = self.loop.time() + self.receive_seconds
        self._coming = self._in_head = True
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        extensions: dict[str, Any] = {OUTLET: partial(ChunkOutlet, self.cycle)}
        self.scope["extensions"] = extensions
        self._in_head = False
        self._body_bytes = self._bytes_since_head = 0

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._body_bytes += len(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._coming = False

    def data_received(self, data: bytes) -> None:
        was_in_head = self._in_head
        super().data_received(data)
        if not self._coming:
            # Nearly every request: it came at once.
            self._stop_waiting()
            return
        if self.transport.is_closing():
            return
        if self._in_head:
            self._head_bytes += len(data)
        elif not was_in_head:
            self._bytes_since_head += len(data)
        if self._head_bytes > MOST_HEAD_BYTES:
            self._refuse(431, "head_too_large", f"the request's head is longer than {MOST_HEAD_BYTES} bytes")
        elif self._bytes_since_head > MOST_HEAD_BYTES + MOST_FRAMING * self._body_bytes:
            self._refuse(400, "invalid_value", "the request is mostly chunk extensions or trailers")
        elif self._timer is None:
            self._wait_until(self._due)

    def _wait_until(self, time: float) -> None:
        self._timer = self.loop.call_at(time, self._overdue)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _overdue(self) -> None:
        self._timer = None
        cycle = self.cycle
        if self.transport.is_closing():
            return
        if self._waits_for_us():
            self._wait_until(self.loop.time() + self.receive_seconds)
        elif self._in_head:
            self._refuse(408, "request_timeout", f"no request came within {self.receive_seconds:g} seconds")
        elif cycle.response_started or OVERDUE in cycle.scope["state"]:
            # It was answered before its body had come, or not at all.
            self.transport.close()
        else:
            cycle.scope["state"][OVERDUE] = self.receive_seconds
            cycle.message_event.set()
            self._wait_until(self.loop.time() + REFUSING_SECONDS)

    def _waits_for_us(self) -> bool:
        """Requests sent one behind the other are read when those before them are answered."""
        before = self.cycle is not None and not self.cycle.response_complete
        return bool(self.pipeline) or (self._in_head and before)

    def _refuse(self, status: int, code: str, message: str) -> None:
        """Before an application has seen the request."""
        body = openai_error(Failure(status, "invalid_request_error", code, message, None, ""))
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[status] + head + body)
        self.transport.close()


def connection_of(receive_seconds: float) -> type[Connection]:
    """What uvicorn makes for each client."""
    return type("BoundedConnection", (Connection,), {"receive_seconds": receive_seconds})
