"""One client's connection: uvicorn's, with bounds on how long a request may take to come, on how large its head is, and
on how long a client may take nothing of its answer.

uvicorn leaves all of them open: who sends a byte a minute would keep a connection for ever, endless headers are kept in
memory, and so is an answer that nobody reads. How long an answer takes is not bounded here: a stream lasts as long as
its model writes.

Nor does uvicorn notice that who sent requests one behind the other has left: it stops reading, and tells the last of
them alone.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from inferno.server.chunk_outlet import ChunkOutlet
from inferno.server.outlet import OUTLET
from inferno.server.unsent import UnsentWatch
from inferno.server.wire.errors import Failure, openai_error

MOST_HEAD_BYTES = 64 * 1024
MOST_FRAMING = 16
"""Bytes that may stand around each byte of a body: chunks of one byte have five. What is beyond is in no body: endless
extensions of chunks, or trailers."""
MOST_AHEAD = 64
"""Requests that may come before those in front of them are answered: each is kept, and far larger than its bytes."""
MOST_AHEAD_BYTES = 1024 * 1024
"""Of the bodies among them. Beyond that no more is read, and that a client leaves shows only when it is written to."""
REFUSING_SECONDS = 5.0
"""What an application gets to refuse a request that is overdue, before the connection is closed without a word."""
OVERDUE = "overdue"
"""In a request's state, once it has not come within its time. Whoever waits for its body is woken, and refuses it."""


class TooManyAhead(Exception):
    """More than :data:`MOST_AHEAD`."""


class Connection(HttpToolsProtocol):
    """``receive_seconds`` is for head and body together, from the first byte on; for a connection's first request from
    when it was opened. Between requests uvicorn's keep-alive timeout holds. ``send_seconds`` is how long a client may
    take nothing while something is there for it.

    A client that closes its sending half has left: nobody could tell it from one that has closed both.
    """

    receive_seconds: float
    send_seconds: float

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._coming = True
        self._in_head = True
        self._head_bytes = 0
        self._body_bytes = 0
        self._bytes_since_head = 0
        self._timer: asyncio.TimerHandle | None = None
        self._answered: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        self._unsent = UnsentWatch(self.transport, self.send_seconds, self.loop)
        self._due = self.loop.time() + self.receive_seconds
        self._wait_until(self._due)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._unsent.end()
        if (answered := self._under_way()) is not None:
            answered.disconnected = True
            answered.message_event.set()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unsent.begin()

    def resume_writing(self) -> None:
        self._unsent.end()
        super().resume_writing()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if not self._coming:
            self._due = self.loop.time() + self.receive_seconds
        self._coming = self._in_head = True
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        if len(self.pipeline) >= MOST_AHEAD:
            raise TooManyAhead
        super().on_headers_complete()
        if not self.pipeline:
            self._answered = self.cycle
            if not self.flow.write_paused:
                self._unsent.end()
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

    def on_response_complete(self) -> None:
        if self.pipeline:
            self._answered = self.pipeline[-1][0]
        else:
            self._unsent.begin()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Of what is no request, or one too many: in the middle of an answer to another, nothing can be said of it."""
        if self._under_way() is not None:
            self.transport.abort()
        else:
            super().send_400_response(msg)

    def data_received(self, data: bytes) -> None:
        was_in_head = self._in_head
        super().data_received(data)
        if self.pipeline and not self.transport.is_closing() and self._ahead_bytes() <= MOST_AHEAD_BYTES:
            # uvicorn has stopped reading, and whoever does not read hears of nobody leaving.
            self.flow.resume_reading()
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

    def _under_way(self) -> RequestResponseCycle | None:
        """The request that is being answered."""
        answered = self._answered
        return None if answered is None or answered.response_complete else answered

    def _ahead_bytes(self) -> int:
        return sum(len(cycle.body) for cycle, _ in self.pipeline)

    def _waits_for_us(self) -> bool:
        """Requests sent one behind the other are answered one after the other."""
        return bool(self.pipeline) or (self._in_head and self._under_way() is not None)

    def _refuse(self, status: int, code: str, message: str) -> None:
        """Before an application has seen the request."""
        body = openai_error(Failure(status, "invalid_request_error", code, message, None, ""))
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[status] + head + body)
        self.transport.close()


def connection_of(receive_seconds: float, send_seconds: float) -> type[Connection]:
    """What uvicorn makes for each client."""
    bounds = {"receive_seconds": receive_seconds, "send_seconds": send_seconds}
    return type("BoundedConnection", (Connection,), bounds)
