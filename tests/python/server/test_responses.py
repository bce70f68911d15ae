from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from inferno.errors import OutOfMemory
from server.fake_client import FakeClient, queue_full
from server.harness import Call, Settings, app_of, soon
from server.response_client import PATH, Served, checked, events, serving, text_of


@pytest.fixture
async def served(fake: FakeClient, tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(fake, tmp_path / "r.db") as found:
        yield found


@pytest.fixture
def http(served: Served) -> httpx.AsyncClient:
    return served.http


async def made(http: httpx.AsyncClient, text: Any = "abc", **fields: Any) -> dict[str, Any]:
    response = await http.post(PATH, json={"input": text, **fields})
    assert response.status_code == 200, response.text
    return checked(response.json())


async def test_a_whole_response_has_all_of_openais_fields(http: httpx.AsyncClient) -> None:
    asked = {
        "instructions": "x",
        "temperature": 0.5,
        "top_p": 0.9,
        "max_output_tokens": 50,
        "metadata": {"a": "b"},
        "user": "u",
        "safety_identifier": "s",
        "prompt_cache_key": "k",
        "parallel_tool_calls": True,
    }
    body = await made(http, "abc", **asked)
    assert {name: body[name] for name in asked} == asked
    assert (body["status"], body["error"], body["incomplete_details"]) == ("completed", None, None)
    assert (body["store"], body["background"], body["truncation"]) == (True, False, "disabled")
    assert body["completed_at"] >= body["created_at"] > 1_700_000_000
    [message] = body["output"]
    assert message.pop("id").startswith("msg_")
    assert message == {
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "cbax", "annotations": [], "logprobs": []}],
    }
    assert body["usage"] == {
        "input_tokens": 4,
        "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 0},
        "output_tokens": 4,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 8,
    }


async def test_a_stream_says_what_the_whole_response_says(http: httpx.AsyncClient) -> None:
    response = await http.post(PATH, json={"input": "abc", "stream": True})
    assert response.headers["content-type"].startswith("text/event-stream")
    told = events(response.content)
    assert [event["type"].removeprefix("response.") for event in told] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert "".join(event["delta"] for event in told if event["type"].endswith(".delta")) == "cba"
    last = told[-1]["response"]
    assert told[-2]["item"] == last["output"][0]
    assert last == (await http.get(f"{PATH}/{last['id']}")).json()
    started = told[0]["response"]
    assert (started["status"], started["output"], started["usage"]) == ("in_progress", [], None)
    assert started["id"] == last["id"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_response_that_is_cut_is_incomplete(http: httpx.AsyncClient, stream: bool) -> None:
    response = await http.post(PATH, json={"input": "abc", "max_output_tokens": 2, "stream": stream})
    body = events(response.content)[-1]["response"] if stream else response.json()
    assert (checked(body)["status"], body["completed_at"]) == ("incomplete", None)
    assert body["incomplete_details"] == {"reason": "max_output_tokens"}
    assert body["output"][0]["status"] == "incomplete"
    if stream:
        assert events(response.content)[-1]["type"] == "response.incomplete"


async def test_logprobs_come_when_they_are_asked_for(http: httpx.AsyncClient) -> None:
    wanted = {"include": ["message.output_text.logprobs"], "top_logprobs": 2}
    whole = await made(http, "é", **wanted)
    [entry] = whole["output"][0]["content"][0]["logprobs"]
    assert (entry["token"], entry["bytes"], len(entry["top_logprobs"])) == ("é", [0xC3, 0xA9], 2)
    response = await http.post(PATH, json={"input": "é", "stream": True, **wanted})
    [delta] = [event for event in events(response.content) if event["type"].endswith("text.delta")]
    assert delta["logprobs"] == [entry]


async def test_a_failure_in_mid_stream_is_an_error_and_a_failed_response(
    http: httpx.AsyncClient, fake: FakeClient
) -> None:
    fake.failure, fake.fail_after = OutOfMemory("no memory left"), 2
    told = events((await http.post(PATH, json={"input": "abc", "stream": True})).content)
    assert [event["type"] for event in told[-2:]] == ["error", "response.failed"]
    assert (told[-2]["code"], told[-2]["message"]) == ("out_of_memory", "no memory left")
    failed = told[-1]["response"]
    assert (failed["status"], failed["error"]) == ("failed", {"code": "server_error", "message": "no memory left"})
    assert (failed["output"][0]["status"], failed["output"][0]["content"][0]["text"]) == ("incomplete", "cb")
    assert (await http.get(f"{PATH}/{failed['id']}")).status_code == 404


async def test_refusals_come_before_the_stream(http: httpx.AsyncClient, fake: FakeClient) -> None:
    fake.refusal = queue_full(0.25)
    response = await http.post(PATH, json={"input": "abc", "stream": True})
    assert (response.status_code, response.headers["retry-after-ms"]) == (429, "250")


async def test_a_conversation_goes_on_from_a_response(http: httpx.AsyncClient, fake: FakeClient) -> None:
    first = await made(http, "ab", instructions="zz")
    second = await made(http, "cd", previous_response_id=first["id"])
    # Instructions are of one response only; the answer to "zzab" reads it backwards.
    assert "".join(map(chr, fake.requests[-1].prompt)) == "ab" + "bazz" + "cd"
    third = await made(http, "ef", previous_response_id=second["id"])
    assert text_of(third) == ("ab" + "bazz" + "cd" + text_of(second) + "ef")[::-1]
    await http.delete(f"{PATH}/{first['id']}")
    await http.delete(f"{PATH}/{second['id']}")
    again = await made(http, "", previous_response_id=third["id"], store=False)
    assert text_of(again) == ("abbazzcd" + text_of(second) + "ef" + text_of(third))[::-1]
    assert (await http.get(f"{PATH}/{again['id']}")).status_code == 404
    missing = await http.post(PATH, json={"input": "x", "previous_response_id": first["id"]})
    assert (missing.status_code, missing.json()["error"]["param"]) == (404, "previous_response_id")


async def test_an_item_may_be_sent_by_its_id(http: httpx.AsyncClient, fake: FakeClient) -> None:
    first = await made(http, "ab")
    reference = {"type": "item_reference", "id": first["output"][0]["id"]}
    await made(http, [reference, {"role": "user", "content": "c"}])
    assert "".join(map(chr, fake.requests[-1].prompt)) == "bac"
    response = await http.post(PATH, json={"input": [{"type": "item_reference", "id": "msg_none"}]})
    assert (response.status_code, response.json()["error"]["param"]) == (404, "input")


async def test_input_items_page_by_page(http: httpx.AsyncClient) -> None:
    given = [{"role": "user", "content": letter} for letter in "abcde"]
    path = f"{PATH}/{(await made(http, given))['id']}/input_items"

    def letters(answer: httpx.Response) -> str:
        return "".join(item["content"][0]["text"] for item in answer.json()["data"])

    assert letters(await http.get(path)) == "edcba"
    page = await http.get(path, params={"order": "asc", "limit": 2})
    assert (letters(page), page.json()["has_more"]) == ("ab", True)
    rest = await http.get(path, params={"order": "asc", "after": page.json()["last_id"]})
    assert (letters(rest), rest.json()["has_more"]) == ("cde", False)
    for wrong in ({"limit": 0}, {"limit": 101}, {"limit": "x"}, {"order": "up"}, {"unknown": "1"}):
        assert (await http.get(path, params=wrong)).status_code == 400, wrong
    assert (await http.get(path, params={"after": "msg_none"})).status_code == 404


async def test_input_tokens_are_counted_without_an_answer(http: httpx.AsyncClient, fake: FakeClient) -> None:
    first = await made(http, "ab")
    ask = {"input": "cde", "instructions": "f", "previous_response_id": first["id"]}
    answer = (await http.post(f"{PATH}/input_tokens", json=ask)).json()
    assert answer == {"object": "response.input_tokens", "input_tokens": 8}
    assert len(fake.requests) == 1


async def test_a_deleted_response_is_gone(http: httpx.AsyncClient) -> None:
    id_ = (await made(http))["id"]
    assert (await http.delete(f"{PATH}/{id_}")).json() == {"id": id_, "object": "response", "deleted": True}
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/input_items"), ("POST", "/cancel")):
        response = await http.request(method, f"{PATH}/{id_}{path}")
        assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


async def test_another_key_finds_nothing(fake: FakeClient, tmp_path: Path) -> None:
    settings = Settings(api_keys=("one", "two"))
    one, two = ({"authorization": f"Bearer {key}"} for key in ("one", "two"))
    async with serving(fake, tmp_path / "r.db", settings, one) as served:
        http = served.http
        first = await made(http)
        conversation = (await http.post("/v1/conversations", json={})).json()["id"]
        path = f"{PATH}/{first['id']}"
        for method, tail in (("GET", ""), ("DELETE", ""), ("GET", "/input_items"), ("POST", "/cancel")):
            assert (await http.request(method, path + tail, headers=two)).status_code == 404
        for fields in (
            {"previous_response_id": first["id"], "input": "x"},
            {"conversation": conversation, "input": "x"},
            {"input": [{"type": "item_reference", "id": first["output"][0]["id"]}]},
        ):
            assert (await http.post(PATH, json=fields, headers=two)).status_code == 404
        for tail in ("", "/items"):
            assert (await http.get(f"/v1/conversations/{conversation}{tail}", headers=two)).status_code == 404
        assert (await http.get(path)).status_code == 200


async def test_what_nothing_here_runs_is_passed_over_and_named(http: httpx.AsyncClient, fake: FakeClient) -> None:
    ask = {
        "input": [
            {"type": "custom_tool_call", "call_id": "c", "name": "n", "input": "i"},
            {"role": "user", "content": "a"},
            {"type": "shell_call", "call_id": "c", "action": {}},
        ],
        "tools": [{"type": "web_search"}, {"type": "namespace", "name": "n", "tools": []}],
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"summary": "auto"},
        "user": "u",
        "store": True,
    }
    response = await http.post(PATH, json=ask)
    assert response.status_code == 200, response.text
    named = response.headers["x-inferno-unused-fields"]
    assert named == "user, reasoning.summary, include[0], tools[0], tools[1], input[0], input[2]"
    assert checked(response.json())["tools"] == []
    assert fake.requests[0].prompt == [ord("a")]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": 3}, "input"),
        ({}, "input"),
        ({"input": "x", "inputs": 1}, "inputs"),
        ({"input": []}, "input"),
        ({"input": [{"role": "user"}]}, "input[0].content"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"),
        ({"input": [{"type": "mesage", "content": "x"}]}, "input[0].type"),
        ({"input": [{"role": "user", "content": "x", "extra": 1}]}, "input[0].extra"),
        ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "u"}]}]}, "input[0].content[0]"),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}, "input"),
        ({"input": "x", "tools": [{"type": "function", "name": "a b"}]}, "tools[0].name"),
        ({"input": "x", "tools": [{"name": "a"}]}, "tools[0].type"),
        ({"input": "x", "tool_choice": "required"}, "tool_choice"),
        ({"input": "x", "tool_choice": {"type": "file_search"}}, "tool_choice"),
        ({"input": "x", "truncation": "never"}, "truncation"),
        ({"input": "x", "temperature": 3}, "temperature"),
        ({"input": "x", "text": {"verbosity": "low"}}, "text.verbosity"),
        ({"input": "x", "metadata": {"k": "v" * 513}}, "metadata[...]"),
        ({"input": "x", "background": True, "store": False}, "background"),
        ({"input": "x", "previous_response_id": "a", "conversation": "b"}, "conversation"),
        ({"input": "x", "prompt": {"id": "p"}}, "prompt"),
        ({"input": "x", "stream_options": {}}, "stream_options"),
    ],
)
async def test_what_is_wrong_is_named(http: httpx.AsyncClient, fields: dict[str, Any], param: str) -> None:
    response = await http.post(PATH, json=fields)
    assert response.status_code == 400, response.text
    assert response.json()["error"]["param"] == param, response.text


VALUES = (
    b'"\\ud800"',
    b'"\\u0000"',
    b"1e999",
    b"123456789012345678901234567890",
    b"NaN",
    b"[]",
    b"{}",
    b"[" * 900 + b"]" * 900,
    b'"' + b"a" * 3000 + b'"',
)


@pytest.mark.parametrize(
    "body",
    [
        b'{"input": %s}',
        b'{"input": "x", "instructions": %s}',
        b'{"input": "x", "metadata": {"a": %s}}',
        b'{"input": "x", "user": %s}',
        b'{"input": "x", "previous_response_id": %s}',
        b'{"input": "x", "tool_choice": {"type": %s}}',
        b'{"input": "x", "tools": [{"type": %s}]}',
        b'{"input": "x", "tools": [{"type": "function", "name": "f", "parameters": {"a": %s}}]}',
        b'{"input": "x", "text": {"format": {"type": "json_schema", "name": "n", "schema": {"a": %s}}}}',
        b'{"input": [{"type": %s}]}',
        b'{"input": [{"role": "user", "content": %s}]}',
        b'{"input": [{"role": "user", "content": "x", "id": %s}]}',
        b'{"input": [{"type": "item_reference", "id": %s}]}',
        b'{"input": [{"type": "function_call_output", "call_id": "c", "output": %s}]}',
    ],
)
async def test_no_value_makes_the_server_fail(http: httpx.AsyncClient, body: bytes) -> None:
    for value in VALUES:
        response = await http.post(PATH, content=body.replace(b"%s", value))
        assert response.status_code < 500, (value[:40], response.text)


async def test_what_a_coding_agent_sends_is_answered(http: httpx.AsyncClient) -> None:
    ask = {
        "model": "fake-model",
        "instructions": "You are a coding agent.",
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}],
        "tools": [
            {
                "type": "function",
                "name": "shell",
                "description": "Runs a command",
                "strict": False,
                "parameters": {"type": "object", "properties": {"command": {"type": "array"}}},
            },
            {"type": "custom", "name": "apply_patch", "format": {"type": "grammar", "syntax": "lark"}},
            {"type": "local_shell"},
            {"type": "web_search", "external_web_access": False},
        ],
        "tool_choice": "auto",
        "parallel_tool_calls": False,
        "reasoning": {"effort": "medium", "summary": "auto"},
        "store": False,
        "stream": True,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "0193",
        "client_metadata": {"version": "1"},
    }
    response = await http.post(PATH, json=ask)
    assert response.status_code == 200, response.text
    told = events(response.content)
    assert told[-1]["type"] == "response.completed"
    assert [tool["name"] for tool in told[-1]["response"]["tools"]] == ["shell"]
    assert "tools[1], tools[2], tools[3]" in response.headers["x-inferno-unused-fields"]


async def test_without_a_store_responses_are_made_and_not_kept(fake: FakeClient) -> None:
    transport = httpx.ASGITransport(app_of(fake))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        body = await made(http)
        assert body["store"] is False
        missing = await http.get(f"{PATH}/{body['id']}")
        assert missing.status_code == 404
        assert "--response-store" in missing.json()["error"]["message"]
        for field in ("store", "background"):
            response = await http.post(PATH, json={"input": "x", field: True})
            assert (response.status_code, response.json()["error"]["param"]) == (400, field)
        assert (await http.post("/v1/conversations", json={})).status_code == 403


async def test_a_response_is_kept_before_its_client_is_told(fake: FakeClient, served: Served) -> None:
    """Its id may be used at once; and what cannot be kept has failed."""
    await served.store.aclose()
    told = events((await served.http.post(PATH, json={"input": "abc", "stream": True})).content)
    assert told[-1]["type"] == "response.failed"
    assert (await served.http.post(PATH, json={"input": "abc"})).status_code == 503
    assert text_of(await made(served.http, store=False)) == "cba"


async def test_a_client_that_leaves_cancels_its_response_which_is_not_kept(fake: FakeClient, served: Served) -> None:
    fake.gate.clear()
    call = Call(served.app, path=PATH, body=b'{"input": "abc", "stream": true}')
    task = call.start()
    assert await soon(call.status()) == 200
    begun = events((await soon(call.sent.get()))["body"])
    call.leave()
    await soon(asyncio.gather(fake.streams[0].closed.wait(), task))
    assert (await served.http.get(f"{PATH}/{begun[0]['response']['id']}")).status_code == 404


async def test_nothing_that_was_said_is_logged(http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    await made(http, "secretword", instructions="secretinstruction")
    assert "secret" not in caplog.text
    assert "drowterces" not in caplog.text
