"""One request to an OpenAI endpoint, timed as its bytes arrive. A bare asyncio protocol, so that the client leaves the
cores to the server: during the stream it only notes the time of each event; JSON is read when the stream has ended.

Each request has a connection of its own, and its time begins before connecting.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from dataclasses import dataclass
from time import perf_counter
from typing import Any, cast

from benches.load.http_response import EventParser, ProtocolError, ResponseParser
from benches.load.statistics import Sample

_DONE = b"[DONE]"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to send: ``path`` is ``/v1/completions`` or ``/v1/chat/completions``."""

    host: str
    port: int
    path: str = "/v1/completions"
    api_key: str | None = None

    def request(self, body: dict[str, Any]) -> bytes:
        payload = json.dumps(body).encode()
        key = f"Authorization: Bearer {self.api_key}\r\n" if self.api_key else ""
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nContent-Type: application/json\r\n"
            f"{key}Content-Length: {len(payload)}\r\nConnection: close\r\n\r\n"
        )
        return head.encode() + payload


class Exchange(asyncio.Protocol):
    """A request under way. ``events`` grows as they arrive: (time, payload). Belongs to one event loop."""

    def __init__(self, request: bytes, *, streamed: bool) -> None:
        self.events: list[tuple[float, bytes]] = []
        self._request = request
        self._streamed = streamed
        self._response = ResponseParser()
        self._parser = EventParser()
        self._body: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._news = asyncio.Event()
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._error: str | None = None
        self.started = perf_counter()
        self.ended = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own is none by inheritance
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = perf_counter()
        try:
            body = self._response.feed(data)
        except ProtocolError as error:
            self.fail(str(error))
            return
        if body and self._streamed and self._response.status == 200:
            self.events.extend((now, payload) for payload in self._parser.feed(body))
            self._news.set()
        elif body:
            self._body.append(body)
        if self._response.done:
            self._finish(now)

    def connection_lost(self, error: Exception | None) -> None:
        if self._over.done():
            return
        try:
            self._response.end()
        except ProtocolError as cut:
            self._error = str(cut)
        self._finish(perf_counter())

    def fail(self, reason: str) -> None:
        """Give the request up: it counts as an error."""
        self._error = self._error or reason
        self._finish(perf_counter())

    def _finish(self, now: float) -> None:
        if self._over.done():
            return
        self.ended = now
        self._over.set_result(None)
        self._news.set()
        if self._transport is not None:
            self._transport.close()

    async def finished(self) -> Sample:
        """Waits for the end and reads what arrived. What the server did wrong is the sample's error, never raised."""
        await self._over
        return self._read_stream() if self._streamed else self._read_body()

    async def have_events(self, count: int) -> bool:
        """Waits until ``count`` events are there; False when the response ended with fewer."""
        while len(self.events) < count and not self._over.done():
            self._news.clear()
            await self._news.wait()
        return len(self.events) >= count

    def _sample(self, answer: dict[str, Any], **more: Any) -> Sample:
        usage = answer.get("usage") or {}
        return Sample(
            started=self.started,
            ended=self.ended,
            tokens=int(usage.get("completion_tokens", 0)),
            prompt_tokens=int(usage.get("prompt_tokens", 0)),
            **more,
        )

    def _read_body(self) -> Sample:
        error = self._error
        answer: dict[str, Any] = {}
        if error is None:
            error, answer = _decoded(b"".join(self._body), self._response.status)
        if error is None and not answer.get("usage"):
            error = "the answer has no usage"
        return self._sample(answer, error=error)

    def _read_stream(self) -> Sample:
        if self._error is None and self._response.status != 200:
            return self._read_body()
        error = self._error
        usage: dict[str, Any] = {}
        times: list[float] = []
        for at, payload in self.events:
            if payload == _DONE:
                break
            wrong, event = _decoded(payload, 200)
            error = error or wrong
            usage = event if event.get("usage") else usage
            if _has_text(event):
                times.append(at)
        else:
            error = error or "the stream ended without [DONE]"
        if error is None and not usage:
            error = "the stream has no usage"
        gaps = tuple(later - earlier for earlier, later in itertools.pairwise(times))
        return self._sample(usage, first=times[0] if times else None, gaps=gaps, error=error)


def _decoded(payload: bytes, status: int | None) -> tuple[str | None, dict[str, Any]]:
    """What is wrong with a JSON answer, if anything, and the answer."""
    try:
        answer = json.loads(payload)
    except ValueError:
        return f"status {status}: the answer is not JSON", {}
    if not isinstance(answer, dict):
        return f"status {status}: the answer is not a JSON object", {}
    if "error" in answer:
        error = answer["error"]
        return f"status {status}: {error.get('message', error) if isinstance(error, dict) else error}", {}
    return (None if status == 200 else f"status {status}"), answer


def _has_text(event: dict[str, Any]) -> bool:
    choices = event.get("choices") or []
    return any(choice.get("text") or (choice.get("delta") or {}).get("content") for choice in choices)


async def send(endpoint: Endpoint, body: dict[str, Any]) -> Exchange:
    """Starts a request; a connection that fails is an exchange that has ended with an error."""
    exchange = Exchange(endpoint.request(body), streamed=bool(body.get("stream")))
    try:
        await asyncio.get_running_loop().create_connection(lambda: exchange, endpoint.host, endpoint.port)
    except OSError as error:
        exchange.fail(f"connecting failed: {error.strerror or type(error).__name__}")
    return exchange


async def complete(endpoint: Endpoint, body: dict[str, Any]) -> Sample:
    """Sends one request and waits for its end."""
    return await (await send(endpoint, body)).finished()
