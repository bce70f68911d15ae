"""Ollama's API over an engine in memory: what the engine is asked, and how answers and failures look."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from inferno.engine.conversation import Conversation
from inferno.engine.request import Grammar
from inferno.errors import Unavailable
from inferno.server.wire.decode import decode
from inferno.server.wire.ollama import request as wire
from server.fake_client import CONTEXT_TOKENS, FakeClient, queue_full

CHAT = "/api/chat"
GENERATE = "/api/generate"


def chat(text: str = "abc", **fields: Any) -> dict[str, Any]:
    return {"model": "fake-model", "messages": [{"role": "user", "content": text}], "stream": False, **fields}


def conversation(**fields: Any) -> Conversation:
    return wire.chat_conversation(decode(json.dumps(chat(**fields)).encode(), wire.CHAT_DECODER))


async def test_a_whole_answer(http: httpx.AsyncClient) -> None:
    answer = (await http.post(CHAT, json=chat("abc"))).json()
    assert answer.pop("created_at").endswith("Z")
    assert answer == {
        "model": "fake-model",
        "message": {"role": "assistant", "content": "cba"},
        "done": True,
        "done_reason": "stop",
        "total_duration": 3_000_000_000,
        "load_duration": 0,
        "prompt_eval_count": 3,
        "prompt_eval_duration": 100_000_000,
        "eval_count": 3,
        "eval_duration": 2_700_000_000,
    }


@pytest.mark.parametrize("stream", [{}, {"stream": None}, {"stream": True}])
async def test_streams_are_lines_and_the_default(http: httpx.AsyncClient, stream: dict[str, Any]) -> None:
    ask = {"model": "fake-model:latest", "prompt": "abc", **stream}
    response = await http.post(GENERATE, json=ask)
    assert response.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert response.text.endswith("}\n")
    assert [(line["response"], line["done"]) for line in lines] == [
        ("c", False),
        ("b", False),
        ("a", False),
        ("", True),
    ]
    assert lines[-1]["done_reason"] == "stop"
    assert "eval_count" not in lines[0]


async def test_a_failure_in_the_middle_is_the_last_line(http: httpx.AsyncClient, fake: FakeClient) -> None:
    fake.failure, fake.fail_after = Unavailable("the engine is stopping"), 1
    response = await http.post(CHAT, json=chat(stream=True))
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert lines[-1] == {"error": "the engine is stopping"}
    assert not any(line.get("done") for line in lines)


async def test_errors_are_one_text(http: httpx.AsyncClient, fake: FakeClient) -> None:
    missing = await http.post(CHAT, json=chat(model="other"))
    assert (missing.status_code, list(missing.json())) == (404, ["error"])
    assert "'other' is not served" in missing.json()["error"]
    assert list((await http.get("/api/nothing")).json()) == ["error"]
    fake.refusal = queue_full(2)
    full = await http.post(CHAT, json=chat())
    assert (full.status_code, full.headers["retry-after"]) == (429, "2")


@pytest.mark.parametrize(
    ("method", "verb"), [("POST", "pull"), ("POST", "push"), ("POST", "create"), ("POST", "copy"), ("DELETE", "delete")]
)
async def test_models_are_not_changed(http: httpx.AsyncClient, method: str, verb: str) -> None:
    response = await http.request(method, f"/api/{verb}", json={"model": "x"})
    assert response.status_code == 403
    assert f"does not {verb} models" in response.json()["error"]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"options": {"warmth": 1}}, "options.warmth"),
        ({"options": {"num_ctx": CONTEXT_TOKENS + 1}}, "options.num_ctx"),
        ({"options": {"num_ctx": 3}}, "options.num_ctx"),
        ({"options": {"num_predict": 0}}, "options.num_predict"),
        ({"options": {"num_predict": -3}}, "options.num_predict"),
        ({"options": {"mirostat": 1}}, "options.mirostat"),
        ({"options": {"tfs_z": 0.5}}, "options.tfs_z"),
        ({"options": {"stop": ["a" * 1025]}}, "options.stop[0]"),
        ({"messages": [{"role": "user", "content": "a", "images": ["aGk="]}]}, "messages[0].images"),
        ({"messages": [{"role": "tool", "content": "a"}]}, "messages[0]"),
        ({"messages": [{"role": "user", "content": "a", "thinking": "b"}]}, "messages[0].thinking"),
        ({"truncate": True}, "truncate"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"format": "xml"}, "format"),
        ({"suffix": "a"}, "suffix"),
    ],
)
async def test_what_is_wrong_is_named(http: httpx.AsyncClient, fields: dict[str, Any], named: str) -> None:
    response = await http.post(CHAT, json={**chat("abcd"), **fields})
    assert response.status_code == 400, response.text
    assert named in response.json()["error"]


async def test_logprobs_come_with_the_tokens_they_are_of(http: httpx.AsyncClient) -> None:
    whole = (await http.post(CHAT, json=chat("ab", logprobs=True, top_logprobs=1))).json()
    top = [[{"token": one, "logprob": -0.5, "bytes": [ord(one)]}] for one in "ba"]
    wanted = [
        {"token": one, "logprob": -0.5, "bytes": [ord(one)], "top_logprobs": other}
        for one, other in zip("ba", top, strict=True)
    ]
    assert whole["logprobs"] == wanted
    response = await http.post(CHAT, json=chat("ab", logprobs=True, top_logprobs=1, stream=True))
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert [line.get("logprobs") for line in lines] == [wanted[:1], wanted[1:], None]
    assert "logprobs" not in (await http.post(CHAT, json=chat("ab"))).json()


async def test_a_suffix_makes_a_gap_to_fill(http: httpx.AsyncClient, fake: FakeClient) -> None:
    ask = {"model": "fake-model", "prompt": "ab", "suffix": "cd", "stream": False}
    assert (await http.post(GENERATE, json=ask)).json()["response"] == ">dc|ba<"
    refused = await http.post(GENERATE, json={**ask, "system": "Be brief."})
    assert (refused.status_code, "'system' needs" in refused.json()["error"]) == (400, True)
    fake.fills = False
    refused = await http.post(GENERATE, json=ask)
    assert (refused.status_code, "fill a gap" in refused.json()["error"]) == (400, True)


async def test_options_reach_the_engine(http: httpx.AsyncClient, fake: FakeClient) -> None:
    options = {
        "temperature": 0.5,
        "repeat_penalty": 1.2,
        "repeat_last_n": -1,
        "mirostat": 2,
        "seed": 3,
        "stop": ["x"],
        "num_ctx": 10,
        "num_predict": 50,
        "num_gpu": 1,
    }
    response = await http.post(CHAT, json=chat("abc", options=options, format="json", keep_alive="5m"))
    assert response.headers["x-inferno-unused-fields"] == "keep_alive, options.num_gpu"
    [request] = fake.requests
    sampling = request.sampling
    assert (sampling.temperature, sampling.repetition_penalty, sampling.penalty_last_n) == (0.5, 1.2, -1)
    assert (sampling.mirostat, sampling.seed, request.stop) == (True, 3, ("x",))
    assert request.max_tokens == 7
    assert request.grammar == Grammar("json_object", "")
    await http.post(CHAT, json=chat("abc", options={"num_predict": -1, "seed": -1}))
    assert (fake.requests[1].max_tokens, fake.requests[1].sampling.seed) == (None, None)


async def test_what_asks_nothing_is_loaded(http: httpx.AsyncClient, fake: FakeClient) -> None:
    for path in (CHAT, GENERATE):
        answer = (await http.post(path, json={"model": "fake-model", "keep_alive": 0})).json()
        assert (answer["done"], answer["done_reason"]) == (True, "load")
    assert fake.requests == []


async def test_raw_is_the_text_alone(http: httpx.AsyncClient, fake: FakeClient) -> None:
    ask = {"model": "fake-model", "prompt": "bos", "stream": False}
    assert (await http.post(GENERATE, json={**ask, "raw": True})).status_code == 200
    assert list(fake.requests[0].prompt) == [1, *map(ord, "bos")]
    refused = await http.post(GENERATE, json={**ask, "raw": True, "system": "s"})
    assert (refused.status_code, "'system'" in refused.json()["error"]) == (400, True)
    assert (await http.post(GENERATE, json={**ask, "system": "s"})).status_code == 200
    assert "".join(map(chr, fake.requests[1].prompt)) in ("sbos", "\x01sbos")


def test_results_find_their_calls() -> None:
    def call(name: str, **more: Any) -> dict[str, Any]:
        return {"function": {"name": name, "arguments": {}}, **more}

    messages = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "", "tool_calls": [call("one"), call("two"), call("three", id="t")]},
        {"role": "tool", "content": "2", "tool_name": "two"},
        {"role": "tool", "content": "3", "tool_call_id": "t"},
        {"role": "tool", "content": "1"},
    ]
    found = conversation(messages=messages).messages
    assert [one["id"] for one in found[1]["tool_calls"]] == ["call_1", "call_2", "t"]
    assert [(one["content"], one["tool_call_id"], one["name"]) for one in found[2:]] == [
        ("2", "call_2", "two"),
        ("3", "t", "three"),
        ("1", "call_1", "one"),
    ]


def test_thoughts_and_beginnings() -> None:
    assert (conversation().thinking, conversation(think=False).thinking) == (None, False)
    assert (conversation(think="low").reasoning_effort, conversation(think="low").thinking) == ("low", None)
    begun = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "thinking": "c"}]
    found = conversation(messages=begun)
    assert found.continue_final_message
    assert found.messages[1]["reasoning_content"] == "c"


async def test_embeddings_are_refused_of_a_model_that_generates(http: httpx.AsyncClient) -> None:
    for path, field in (("/api/embed", "input"), ("/api/embeddings", "prompt")):
        response = await http.post(path, json={"model": "fake-model", field: "a"})
        assert response.status_code == 400
        assert "generates text" in response.json()["error"]


async def test_show_needs_a_name(http: httpx.AsyncClient) -> None:
    assert "'model'" in (await http.post("/api/show", json={})).json()["error"]
    shown = (await http.post("/api/show", json={"name": "fake-model"})).json()
    assert shown["model_info"]["backwards.context_length"] == CONTEXT_TOKENS
    assert (await http.get("/api/version")).json().keys() == {"version"}
