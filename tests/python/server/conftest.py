from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from server.fake_client import FakeClient
from server.harness import app_of


@pytest.fixture
async def fake() -> FakeClient:
    return FakeClient()


@pytest.fixture
async def http(fake: FakeClient) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app_of(fake))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
