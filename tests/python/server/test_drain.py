from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from inferno.server.drain import Drain
from inferno.server.refusals import Draining
from server.fake_client import FakeClient
from server.harness import NEVER, Call, app_of, chat_body, events_of, soon


def call_of(app: Any, *, stream: bool) -> Call:
    return Call(app, body=httpx.Request("POST", "http://t", json=chat_body(stream=stream)).content)


async def test_nothing_running_is_idle_at_once() -> None:
    assert await soon(Drain().wait_idle(NEVER))


async def test_waits_for_what_runs_and_refuses_what_comes() -> None:
    drain = Drain()
    with drain.admit():
        assert drain.running == 1
        drain.begin()
        with pytest.raises(Draining), drain.admit():
            pass
        waiting = asyncio.ensure_future(drain.wait_idle(NEVER))
        await asyncio.sleep(0)
        assert not waiting.done()
        assert not await drain.wait_idle(0)
    assert await soon(waiting)
    assert drain.running == 0


async def test_expiry_tells_every_request() -> None:
    drain = Drain()
    with drain.admit() as first, drain.admit() as second:
        drain.expire()
        drain.expire()
        assert first.done()
        assert second.done()


async def test_a_draining_server_is_not_ready_and_refuses_only_new_generations(fake: FakeClient) -> None:
    app = app_of(fake)
    fake.gate.clear()
    running = call_of(app, stream=True)
    task = running.start()
    assert await soon(running.status()) == 200
    app.state.services.drain.begin()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        ready = await http.get("/health/ready")
        assert (ready.status_code, ready.json()) == (503, {"status": "draining"})
        for path, body in (("/v1/chat/completions", chat_body()), ("/v1/completions", {"prompt": "a"})):
            refused = await http.post(path, json=body)
            assert (refused.status_code, refused.headers["connection"]) == (503, "close")
            assert refused.json()["error"]["code"] == "unavailable"
        assert (await http.get("/v1/models")).status_code == 200
    fake.gate.set()
    assert events_of(await soon(running.rest()))[-1] == "[DONE]"
    await soon(task)
    assert await soon(app.state.services.drain.wait_idle(NEVER))


@pytest.mark.parametrize("stream", [False, True])
async def test_when_the_grace_is_over_running_requests_end_with_an_error(fake: FakeClient, stream: bool) -> None:
    app = app_of(fake)
    fake.gate.clear()
    call = call_of(app, stream=stream)
    task = call.start()
    await soon(fake.submitted.wait())
    drain = app.state.services.drain
    drain.begin()
    drain.expire()
    assert await soon(call.status()) == (200 if stream else 503)
    body = await soon(call.rest())
    assert b'"code":"unavailable"' in body
    assert b"[DONE]" not in body
    await soon(task)
    assert fake.streams[0].closed.is_set()
    assert drain.running == 0
