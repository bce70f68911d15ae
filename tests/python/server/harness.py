"""What the server's tests share: settings, an application over a fake engine, and a client without a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.applications import Starlette
from starlette.types import Message, Scope

from inferno.models.registry import ModelRegistry
from inferno.server.app import build_app
from inferno.storing.store import RecordStore
from server.fake_client import FakeClient

NEVER = 3600.0
"""Seconds that no test waits."""


@dataclass(frozen=True)
class Settings:
    api_keys: tuple[str, ...] = ()
    image_hosts: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ("test",)
    body_limit_bytes: int = 100_000
    keep_alive_seconds: float = NEVER
    receive_seconds: float = NEVER
    send_seconds: float = NEVER
    grace_seconds: float = NEVER
    unknown_fields: Literal["refuse", "report"] = "refuse"
    max_background: int = 2
    host: str = "127.0.0.1"
    port: int = 0


def app_of(*clients: FakeClient, settings: Settings | None = None, responses: RecordStore | None = None) -> Starlette:
    registry = ModelRegistry({client.name: client for client in clients}, default=clients[0].name)
    return build_app(registry, settings or Settings(), responses=responses)


def chat_body(text: str = "abc", **fields: Any) -> dict[str, Any]:
    return {"model": "fake-model", "messages": [{"role": "user", "content": text}], **fields}


@dataclass
class Call:
    """One ASGI request, driven by hand: what the server sends is seen as it comes, and the client can leave."""

    app: Starlette
    method: str = "POST"
    path: str = "/v1/chat/completions"
    body: bytes = b""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    chunks: tuple[bytes, ...] = ()
    extensions: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = self.chunks or (self.body,)
        self._incoming: asyncio.Queue[Message] = asyncio.Queue()
        for position, part in enumerate(parts):
            more = position + 1 < len(parts)
            self._incoming.put_nowait({"type": "http.request", "body": part, "more_body": more})
        self.sent: asyncio.Queue[Message] = asyncio.Queue()

    def start(self) -> asyncio.Task[None]:
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": self.method,
            "scheme": "http",
            "path": self.path,
            "raw_path": self.path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"test"), *self.headers],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 2),
            "extensions": self.extensions,
        }
        self.task = asyncio.ensure_future(self.app(scope, self._incoming.get, self.sent.put))
        return self.task

    def leave(self) -> None:
        self._incoming.put_nowait({"type": "http.disconnect"})

    async def status(self) -> int:
        message = await self.sent.get()
        assert message["type"] == "http.response.start"
        return int(message["status"])

    async def rest(self) -> bytes:
        """All of the body that is left."""
        found = b""
        while True:
            message = await self.sent.get()
            found += message["body"]
            if not message.get("more_body"):
                return found


def events_of(body: bytes) -> list[Any]:
    """The data of server-sent events, decoded; ``[DONE]`` stays a string. Anything else in the stream fails."""
    text = body.decode()
    assert text.endswith("\n\n")
    found: list[Any] = []
    for event in text[:-2].split("\n\n"):
        assert event.startswith("data: "), event
        data = event.removeprefix("data: ")
        found.append(data if data == "[DONE]" else json.loads(data))
    return found


async def until(condition: Callable[[], Any]) -> None:
    """Returns when it has come about; a test that would wait for ever fails instead."""

    async def look() -> None:
        while not condition():
            await asyncio.sleep(0.001)

    await soon(look())


async def soon(awaitable: Any) -> Any:
    """The awaited value; a test that would hang fails instead."""
    return await asyncio.wait_for(awaitable, timeout=60)
