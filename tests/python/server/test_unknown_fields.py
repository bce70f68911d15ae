"""Fields that are not known: refused, or left out and named, as the operator has it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from server.fake_client import FakeClient
from server.harness import Settings, app_of, chat_body

HEADER = "x-inferno-unknown-fields"
PATH = "/v1/chat/completions"


@pytest.fixture
async def tolerant(fake: FakeClient) -> AsyncIterator[httpx.AsyncClient]:
    app = app_of(fake, settings=Settings(unknown_fields="report"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        yield http


async def test_they_are_refused_by_default(http: httpx.AsyncClient) -> None:
    response = await http.post(PATH, json=chat_body(frobnicate=1))
    assert (response.status_code, response.json()["error"]["code"]) == (400, "unknown_parameter")
    assert HEADER not in response.headers


async def test_they_are_left_out_and_named(tolerant: httpx.AsyncClient) -> None:
    messages = [{"role": "user", "content": "ab", "mood": {"deep": [1]}}]
    response = await tolerant.post(PATH, json=chat_body(messages=messages, frobnicate=1, top_p=0.5))
    assert response.json()["choices"][0]["message"]["content"] == "ba"
    assert set(response.headers[HEADER].split(", ")) == {"frobnicate", "messages[0].mood"}
    plain = await tolerant.post(PATH, json=chat_body())
    assert HEADER not in plain.headers


async def test_streams_name_them_too(tolerant: httpx.AsyncClient) -> None:
    response = await tolerant.post(PATH, json=chat_body(frobnicate=1, stream=True))
    assert response.headers[HEADER] == "frobnicate"


@pytest.mark.parametrize(
    "body",
    [
        b'{"messages":[{"role":"user","content":"a"}],"x":1,"temperature":9}',
        b'{"messages":[{"role":"user","content":"a"}],"x":1,"n":1,"n":1}',
        b'{"messages":[{"role":"user","content":"a"}],"x":1,',
        b'{"messages":[{"role":"user","content":"a"}],"x":NaN}',
        b'{"messages":[{"role":"user","content":"a"}],"x":"\\ud800"}',
        b'{"messages":[{"role":"user","content":"a"}],"x":' + b"[" * 50_000 + b"}",
        json.dumps({"messages": [], **{f"x{i}": 1 for i in range(40)}}).encode(),
        b'{"messages":[{"role":"user","content":"a"}],"x y":1}',
    ],
)
async def test_what_else_is_wrong_is_refused_all_the_same(tolerant: httpx.AsyncClient, body: Any) -> None:
    response = await tolerant.post(PATH, content=body)
    assert response.status_code == 400, response.text
