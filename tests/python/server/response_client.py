"""What the tests of ``/v1/responses`` share: a server with a store, and OpenAI's own types for what it says."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter
from starlette.applications import Starlette

from inferno.storing.store import RecordStore, open_store
from server.fake_client import FakeClient
from server.harness import Settings, app_of, soon

PATH = "/v1/responses"
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


@dataclass
class Served:
    app: Starlette
    http: httpx.AsyncClient
    store: RecordStore

    async def ended(self, id_: str) -> dict[str, Any]:
        """A response that is made in the background, at its end."""
        run = self.app.state.services.background.find("anonymous", id_)
        if run is not None:
            await soon(run.task)
        return checked((await self.http.get(f"{PATH}/{id_}")).json())


def opened(path: Path) -> RecordStore:
    store = open_store(str(path), limit_bytes=1 << 20, keep_seconds=86400)
    assert store is not None
    return store


@asynccontextmanager
async def serving(
    fake: FakeClient, path: Path, settings: Settings | None = None, headers: dict[str, str] | None = None
) -> AsyncIterator[Served]:
    """With the application's own beginning and end."""
    store = opened(path)
    app = app_of(fake, settings=settings, responses=store)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", headers=headers) as http,
    ):
        yield Served(app, http, store)


def checked(body: dict[str, Any]) -> dict[str, Any]:
    """A response that is one by OpenAI's types."""
    assert body.get("object") == "response", body
    Response.model_validate(body)
    return body


def events(content: bytes, first: int = 0) -> list[dict[str, Any]]:
    """The events of a stream: each valid, named as its type, and numbered without a gap."""
    found = []
    for frame in content.decode().removesuffix("\n\n").split("\n\n"):
        name, data = frame.split("\n")
        event = json.loads(data.removeprefix("data: "))
        EVENT.validate_python(event)
        assert name == f"event: {event['type']}"
        assert event["sequence_number"] == first + len(found)
        found.append(event)
    return found


def text_of(body: dict[str, Any]) -> str:
    return str(Response.model_validate(body).output_text)
