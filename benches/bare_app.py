"""The limit of workload I: a bare ASGI app that writes the events Inferno would, with no engine and no checks.

``python -m benches.bare_app --events 64 --port 0`` serves it on the uvicorn that Inferno uses. Each event is one write,
and streams take turns after each, as they do behind an engine that makes one token for every stream in a step. With
``--step-us`` they wait for the next step, as they do behind an engine of that pace.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import math
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]


def _event(choices: list[dict[str, Any]], usage: dict[str, int] | None) -> bytes:
    chunk = {
        "id": "cmpl-00000000000000000000000000000000",
        "object": "text_completion",
        "created": 1700000000,
        "model": "fake",
        "system_fingerprint": "fp_000000000000",
        "choices": choices,
        "usage": usage,
    }
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"


def _choice(text: str, finish: str | None) -> list[dict[str, Any]]:
    return [{"index": 0, "text": text, "logprobs": None, "finish_reason": finish}]


_LAST_EVENT = _event(_choice("", "length"), None)


async def _read(receive: Receive) -> bytes:
    body: bytes = b""
    while True:
        message = await receive()
        part: bytes = message.get("body", b"")
        body += part
        if not message.get("more_body"):
            return body


class Pace:
    """One step after another, ``seconds`` from each to the next. Used on one event loop."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next: asyncio.Future[None] | None = None
        self._due = 0.0

    def step(self) -> asyncio.Future[None]:
        """Done when the next step is."""
        if self._next is None:
            loop = asyncio.get_running_loop()
            self._next = loop.create_future()
            self._due = max(self._due + self._seconds, loop.time())
            loop.call_at(self._due, self._tick)
        return self._next

    def _tick(self) -> None:
        now, self._next = self._next, None
        assert now is not None
        now.set_result(None)


async def app(
    scope: MutableMapping[str, Any], receive: Receive, send: Send, *, events: int, pace: Pace | None
) -> None:
    """Answers every POST with ``max_tokens`` letters in ``events`` events, the finish, the usage and ``[DONE]``.

    A GET is answered with 200, whatever it asks for.
    """
    if scope["type"] != "http":
        return
    body = await _read(receive)
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    if scope["method"] == "GET":
        await send({"type": "http.response.body", "body": b""})
        return
    count = int(json.loads(body)["max_tokens"])
    text_event = _event(_choice("a" * math.ceil(count / events), None), None)
    for _ in range(events):
        await send({"type": "http.response.body", "body": text_event, "more_body": True})
        await (asyncio.sleep(0) if pace is None else pace.step())
    usage = _event([], {"prompt_tokens": 1, "completion_tokens": count, "total_tokens": count + 1})
    await send({"type": "http.response.body", "body": _LAST_EVENT + usage + b"data: [DONE]\n\n"})


def main() -> None:
    import uvicorn

    parser = argparse.ArgumentParser(prog="python -m benches.bare_app", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--events", type=int, required=True, help="text events of each answer")
    parser.add_argument("--step-us", type=int, default=0, help="least time from one event of a stream to its next")
    asked = parser.parse_args()
    pace = Pace(asked.step_us / 1e6) if asked.step_us else None
    listener = socket.create_server(("127.0.0.1", asked.port), backlog=2048)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(
        functools.partial(app, events=asked.events, pace=pace),
        interface="asgi3",  # uvicorn cannot tell from a partial
        access_log=False,
        log_config=None,
        log_level="warning",
        ws="none",
        lifespan="off",
        server_header=False,
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
