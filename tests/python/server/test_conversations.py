from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai.types.conversations import Conversation, ConversationDeletedResource, ConversationItemList
from openai.types.conversations.conversation_item import ConversationItem
from pydantic import TypeAdapter

from server.fake_client import FakeClient
from server.response_client import PATH as RESPONSES
from server.response_client import checked, serving

PATH = "/v1/conversations"
ITEM: TypeAdapter[Any] = TypeAdapter(ConversationItem)


@pytest.fixture
async def http(fake: FakeClient, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(fake, tmp_path / "r.db") as served:
        yield served.http


async def made(http: httpx.AsyncClient, **fields: Any) -> str:
    response = await http.post(PATH, json=fields)
    assert response.status_code == 200, response.text
    return Conversation.model_validate(response.json()).id


async def said(http: httpx.AsyncClient, id_: str) -> list[str]:
    body = (await http.get(f"{PATH}/{id_}/items", params={"order": "asc", "limit": 100})).json()
    ConversationItemList.model_validate(body)
    return ["".join(part["text"] for part in item["content"]) for item in body["data"]]


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


async def test_responses_in_a_conversation_go_on_from_all_that_was_said(
    http: httpx.AsyncClient, fake: FakeClient
) -> None:
    id_ = await made(http, items=[user("ab")])
    first = checked((await http.post(RESPONSES, json={"conversation": id_, "input": "cd"})).json())
    assert first["conversation"] == {"id": id_}
    assert await said(http, id_) == ["ab", "cd", "dcba"]
    await http.post(RESPONSES, json={"conversation": {"id": id_}, "input": "ef", "store": False})
    assert "".join(map(chr, fake.requests[-1].prompt)) == "abcddcbaef"
    assert await said(http, id_) == ["ab", "cd", "dcba", "ef", "feabcddcba"]
    streamed = await http.post(RESPONSES, json={"conversation": id_, "input": "g", "stream": True})
    assert streamed.status_code == 200
    assert len(await said(http, id_)) == 7


async def test_one_in_the_background_joins_at_its_end(http: httpx.AsyncClient) -> None:
    id_ = await made(http)
    first = (await http.post(RESPONSES, json={"conversation": id_, "input": "ab", "background": True})).json()
    while (await http.get(f"{RESPONSES}/{first['id']}")).json()["status"] in ("queued", "in_progress"):
        await asyncio.sleep(0.001)
    assert await said(http, id_) == ["ab", "ba"]


async def test_it_is_read_changed_and_deleted(http: httpx.AsyncClient) -> None:
    id_ = await made(http, metadata={"a": "b"})
    body = (await http.get(f"{PATH}/{id_}")).json()
    assert (body["id"], body["metadata"]) == (id_, {"a": "b"})
    assert (await http.post(f"{PATH}/{id_}", json={"metadata": {"c": "d"}})).json()["metadata"] == {"c": "d"}
    assert (await http.get(f"{PATH}/{id_}")).json()["metadata"] == {"c": "d"}
    deleted = (await http.delete(f"{PATH}/{id_}")).json()
    assert ConversationDeletedResource.model_validate(deleted).deleted
    for method, tail, sent in (
        ("GET", "", None),
        ("DELETE", "", None),
        ("POST", "", {"metadata": {}}),
        ("GET", "/items", None),
        ("POST", "/items", {"items": [user("x")]}),
        ("GET", "/items/i", None),
    ):
        assert (await http.request(method, f"{PATH}/{id_}{tail}", json=sent)).status_code == 404, (method, tail)


async def test_items_are_added_read_and_taken_out(http: httpx.AsyncClient) -> None:
    id_ = await made(http, items=[user("a")])
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    result = {"type": "function_call_output", "call_id": "c", "output": "x"}
    skipped = {"type": "web_search_call", "id": "w", "status": "completed"}
    response = await http.post(f"{PATH}/{id_}/items", json={"items": [call, skipped, result]})
    assert response.headers["x-inferno-unused-fields"] == "items[1]"
    added = ConversationItemList.model_validate(response.json()).data
    assert [item.type for item in added] == ["function_call", "function_call_output"]
    one = (await http.get(f"{PATH}/{id_}/items/{added[0].id}")).json()
    assert ITEM.validate_python(one).call_id == "c"
    assert (await http.delete(f"{PATH}/{id_}/items/{added[0].id}")).json()["id"] == id_
    assert (await http.get(f"{PATH}/{id_}/items/{added[0].id}")).status_code == 404
    listed = (await http.get(f"{PATH}/{id_}/items")).json()
    assert [item["type"] for item in listed["data"]] == ["function_call_output", "message"]
    # A result without its call cannot be answered.
    assert (await http.post(RESPONSES, json={"conversation": id_, "input": "x"})).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"items": [{"role": "user", "content": "x"}] * 21},
        {"metadata": {"k" * 65: "v"}},
        {"metadata": {str(n): "v" for n in range(17)}},
        {"items": [{"type": "mesage"}]},
        {"unknown": 1},
    ],
)
async def test_what_is_wrong_is_refused(http: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await http.post(PATH, json=body)).status_code == 400
