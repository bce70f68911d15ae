"""What can be done to an answer that is being made, over an engine in memory: by whom, and to which."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from server.fake_client import FakeClient
from server.harness import Call, Settings, app_of, soon

PATH = "/v1/chat/completions/control"
MESSAGES = [{"role": "user", "content": "abc"}]


@pytest.fixture
def app(fake: FakeClient) -> Starlette:
    return app_of(fake, settings=Settings(api_keys=("one", "two")))


async def told(app: Starlette, key: str, **body: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as http:
        return await http.post(PATH, json={"action": "reasoning_end", **body})


async def begun(app: Starlette, fake: FakeClient) -> tuple[Call, str]:
    """A stream of which the first event was sent, and the id of its answer; the model says nothing yet."""
    fake.gate.clear()
    body = json.dumps({"messages": MESSAGES, "max_tokens": 9, "stream": True}).encode()
    call = Call(app, path="/v1/messages", body=body, headers=[(b"authorization", b"Bearer one")])
    call.start()
    assert await soon(call.status()) == 200
    first = (await soon(call.sent.get()))["body"].decode()
    return call, json.loads(first.partition("data: ")[2].splitlines()[0])["message"]["id"]


async def test_only_its_owner_ends_a_thought_and_only_while_it_runs(app: Starlette, fake: FakeClient) -> None:
    call, id_ = await begun(app, fake)
    [stream] = fake.streams
    answer = await told(app, "one", id=id_)
    assert answer.json() == {"id": id_, "object": "chat.completion.control", "action": "reasoning_end"}
    assert stream.thoughts_ended == 1
    for key, other in (("two", id_), ("one", id_ + "0")):
        refused = await told(app, key, id=other)
        assert (refused.status_code, refused.json()["error"]["param"]) == (404, "id")
    assert stream.thoughts_ended == 1
    fake.gate.set()
    await soon(call.rest())
    await soon(call.task)
    assert (await told(app, "one", id=id_)).status_code == 404


async def test_a_model_that_marks_no_thoughts_says_so(app: Starlette, fake: FakeClient) -> None:
    fake.marks_thoughts = False
    call, id_ = await begun(app, fake)
    refused = await told(app, "one", id=id_)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "unsupported_parameter")
    call.leave()
    await soon(call.task)
