"""Anthropic's Messages API over an engine in memory: what the engine is asked, and how answers and failures look."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from inferno.engine.conversation import Conversation
from inferno.engine.request import Grammar
from inferno.errors import InvalidArgument, Unavailable
from inferno.server.wire.anthropic import request as wire
from inferno.server.wire.decode import decode
from server.fake_client import FakeClient, queue_full
from server.harness import Call, Settings, app_of, soon

PATH = "/v1/messages"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL = {"name": "weather", "input_schema": CITY}


def body(text: str = "abc", **fields: Any) -> dict[str, Any]:
    return {"model": "fake-model", "max_tokens": 100, "messages": [{"role": "user", "content": text}], **fields}


def conversation(**fields: Any) -> Conversation:
    return wire.conversation(decode(json.dumps(body(**fields)).encode(), wire.DECODER))


def sent(response: bytes) -> list[tuple[str, Any]]:
    """Name and data of each event."""
    found = []
    for event in response.decode().removesuffix("\n\n").split("\n\n"):
        name, data = event.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


async def test_a_whole_answer(http: httpx.AsyncClient) -> None:
    response = await http.post(PATH, json=body("abc"))
    answer = response.json()
    assert answer.pop("id").startswith("msg-")
    assert response.headers["request-id"] == response.headers["x-request-id"]
    assert answer == {
        "type": "message",
        "role": "assistant",
        "model": "fake-model",
        "content": [{"type": "text", "text": "cba", "citations": None}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 1,
            "cache_read_input_tokens": 2,
            "cache_creation_input_tokens": 0,
            "output_tokens": 3,
            "output_tokens_details": {"thinking_tokens": 0},
        },
    }


async def test_every_event_of_a_stream(http: httpx.AsyncClient) -> None:
    events = sent((await http.post(PATH, json=body("ab", stream=True))).content)
    assert [name for name, _ in events] == [data["type"] for _, data in events]
    assert [name for name, _ in events] == [
        "message_start",
        "content_block_start",
        *["content_block_delta"] * 2,
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    start = events[0][1]["message"]
    assert (start["content"], start["stop_reason"], start["usage"]["input_tokens"]) == ([], None, 2)
    assert [data["delta"] for name, data in events if name == "content_block_delta"] == [
        {"type": "text_delta", "text": "b"},
        {"type": "text_delta", "text": "a"},
    ]
    assert events[-2][1]["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert events[-2][1]["usage"]["output_tokens"] == 2


async def test_a_silent_stream_says_ping() -> None:
    fake = FakeClient()
    fake.gate.clear()
    call = Call(app_of(fake, settings=Settings(keep_alive_seconds=0.01)), path=PATH)
    call = Call(call.app, path=PATH, body=json.dumps(body(stream=True)).encode())
    call.start()
    assert await soon(call.status()) == 200
    await soon(call.sent.get())
    assert (await soon(call.sent.get()))["body"] == b'event: ping\ndata: {"type":"ping"}\n\n'
    fake.gate.set()
    assert sent(await soon(call.rest()))[-1][0] == "message_stop"


async def test_a_failure_in_the_middle_is_an_error_event(http: httpx.AsyncClient, fake: FakeClient) -> None:
    fake.failure, fake.fail_after = Unavailable("the engine is stopping"), 1
    events = sent((await http.post(PATH, json=body(stream=True))).content)
    name, data = events[-1]
    assert (name, data["type"]) == ("error", "error")
    assert data["error"] == {"type": "overloaded_error", "message": "the engine is stopping"}
    assert data["request_id"]
    assert "message_stop" not in [name for name, _ in events]


@pytest.mark.parametrize(
    ("refusal", "status", "kind"),
    [
        (InvalidArgument("no"), 400, "invalid_request_error"),
        (queue_full(2.5), 429, "rate_limit_error"),
        (Unavailable("stopping"), 503, "overloaded_error"),
        (RuntimeError("secret"), 500, "api_error"),
    ],
)
async def test_errors_have_anthropics_words(
    http: httpx.AsyncClient, fake: FakeClient, refusal: Exception, status: int, kind: str
) -> None:
    fake.refusal = refusal
    response = await http.post(PATH, json=body())
    answer = response.json()
    assert (response.status_code, answer["type"], answer["error"]["type"]) == (status, "error", kind)
    assert answer["request_id"] == response.headers["request-id"]
    assert "secret" not in response.text


async def test_the_edge_refuses_in_the_same_words(fake: FakeClient) -> None:
    transport = httpx.ASGITransport(app_of(fake, settings=Settings(api_keys=("k",), body_limit_bytes=500)))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        assert (await http.post(PATH, json=body())).json()["error"]["type"] == "authentication_error"
        key = {"x-api-key": "k"}
        assert (await http.post(PATH, json=body(), headers=key)).status_code == 200
        long = await http.post(PATH, json=body("a" * 600), headers=key)
        assert (long.status_code, long.json()["error"]["type"]) == (413, "request_too_large")
        wrong = await http.get(PATH, headers=key)
        assert (wrong.status_code, wrong.json()["error"]["type"]) == (405, "invalid_request_error")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": 1.1}, "temperature"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "tool", "content": "a"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": [{"type": "image", "source": {}}]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x"}]}]}, "tool_use_id"),
        (
            {"messages": [{"role": "assistant", "content": [{"type": "tool_result", "tool_use_id": "x"}]}]},
            "tool_result",
        ),
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, "thinking.budget_tokens"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
        ({"thinking": {"type": "adaptive", "budget_tokens": 2}}, "thinking.budget_tokens"),
        ({"thinking": {"type": "between_tools"}}, "thinking.type"),
        ({"tools": [{"name": "a b", "input_schema": CITY}]}, "tools[0]"),
        ({"tools": [{"name": "a"}]}, "tools[0]"),
        ({"tools": [{**TOOL, "shape": 1}]}, "tools[0].shape"),
        ({"tools": [{"name": "a", "input_schema": 3}]}, "tools[0].input_schema"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "other"}}, "other"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"tool_choice": {"type": "any"}}, "tool_choice"),
        ({"stop_sequences": ["a" * 1025]}, "stop_sequences[0]"),
        ({"container": "c"}, "container"),
        ({"frequency_penalty": 1}, "frequency_penalty"),
    ],
)
async def test_what_is_wrong_is_named(http: httpx.AsyncClient, fields: dict[str, Any], named: str) -> None:
    ask = {name: value for name, value in {**body(), **fields}.items() if value is not None}
    response = await http.post(PATH, json=ask)
    assert response.status_code == 400, response.text
    assert named in response.json()["error"]["message"]


async def test_what_is_not_run_here_is_passed_over_and_said(http: httpx.AsyncClient) -> None:
    tools = [TOOL, {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}]
    response = await http.post(PATH, json=body(tools=tools, metadata={"user_id": "u"}))
    assert response.status_code == 200
    assert response.headers["x-inferno-unused-fields"] == "metadata, tools[1]"


async def test_sampling_reaches_the_engine(http: httpx.AsyncClient, fake: FakeClient) -> None:
    schema = {"type": "json_schema", "schema": CITY}
    fields = {"temperature": 0.5, "top_k": 7, "top_p": 0.9, "stop_sequences": ["x"], "max_tokens": 9}
    assert (await http.post(PATH, json=body(**fields, output_config={"format": schema}))).status_code == 200
    [request] = fake.requests
    assert (request.sampling.temperature, request.sampling.top_k, request.sampling.top_p) == (0.5, 7, 0.9)
    assert (request.stop, request.max_tokens) == (("x",), 9)
    assert request.grammar == Grammar("json_schema", json.dumps(CITY, separators=(",", ":")))


async def test_counting_asks_no_engine(http: httpx.AsyncClient, fake: FakeClient) -> None:
    ask = {"messages": [{"role": "user", "content": "abc"}], "system": "de"}
    assert (await http.post(f"{PATH}/count_tokens", json=ask)).json() == {"input_tokens": 5}
    assert fake.requests == []


def test_blocks_become_what_templates_read() -> None:
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": ""},
                {"type": "text", "text": "c", "citations": None},
                {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Rome"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": "sunny", "is_error": False},
                {"type": "text", "text": "and?", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
            ],
        },
    ]
    found = conversation(messages=messages, system=[{"type": "text", "text": "S"}], tools=[TOOL])
    call = {"id": "t1", "type": "function", "function": {"name": "weather", "arguments": {"city": "Rome"}}}
    assert found.messages == [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "a\n\nb"},
        {"role": "assistant", "content": "c", "reasoning_content": "hm", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "t1", "name": "weather", "content": "sunny"},
        {"role": "user", "content": "and?"},
    ]
    assert not found.continue_final_message
    assert [tool.parameters for tool in found.tools] == [CITY]


@pytest.mark.parametrize(
    ("choice", "mode", "names"),
    [
        ({"type": "auto"}, "auto", None),
        ({"type": "any"}, "required", None),
        ({"type": "none"}, "none", None),
        ({"type": "tool", "name": "weather"}, "required", {"weather"}),
    ],
)
def test_choices(choice: dict[str, Any], mode: str, names: set[str] | None) -> None:
    found = conversation(tools=[TOOL], tool_choice=choice).tool_choice
    assert (found.mode, found.names) == (mode, names)


def test_thoughts_and_beginnings() -> None:
    assert conversation().thinking is None
    assert conversation(thinking={"type": "disabled"}).thinking is False
    assert conversation(thinking={"type": "adaptive"}, output_config={"effort": "low"}).thinking is True
    enabled = conversation(thinking={"type": "enabled", "budget_tokens": 7}, max_tokens=8)
    assert (enabled.thinking, enabled.thinking_budget, enabled.budget_param) == (True, 7, "thinking.budget_tokens")
    begun = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    assert conversation(messages=begun).continue_final_message
