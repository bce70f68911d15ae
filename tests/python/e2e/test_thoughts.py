"""Thoughts through the server, with a model that thinks until it is stopped: by a budget, or by its client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anthropic
import httpx
import openai
import pytest

from e2e import marked_model
from e2e.process import Server, eventually, running

pytestmark = pytest.mark.e2e

CONTROL = "/v1/chat/completions/control"
ASK: Any = [{"role": "user", "content": "hello"}]
KEYS = {name: {"authorization": f"Bearer {name}-key-0123456789"} for name in ("one", "two")}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    place = tmp_path_factory.mktemp("thoughts")
    path = marked_model.write(place / "marked.gguf")
    keys = [part for name in KEYS for part in ("--api-key", f"{name}-key-0123456789")]
    with running(str(path), *keys, "--response-store", str(place / "responses.db")) as server:
        yield server
        assert server.stop() == 0


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60, headers=KEYS["one"]) as http:
        yield http


def chatted(http: httpx.Client, **fields: Any) -> dict[str, Any]:
    body = {"messages": ASK, "temperature": 0, "max_tokens": 40, **fields}
    response = http.post("/v1/chat/completions", json=body)
    assert response.status_code == 200, response.text
    return dict(response.json())


@contextmanager
def streamed(http: httpx.Client, path: str, **body: Any) -> Iterator[Iterator[dict[str, Any]]]:
    """The events, as they come; leaving ends the answer."""
    with http.stream("POST", path, json={"temperature": 0, "stream": True, **body}) as response:
        assert response.status_code == 200
        lines = (line for line in response.iter_lines() if line.startswith("data: "))
        yield (json.loads(line.removeprefix("data: ")) for line in lines)


def control(http: httpx.Client, id_: str, **headers: Any) -> httpx.Response:
    return http.post(CONTROL, json={"id": id_, "action": "reasoning_end"}, **headers)


def test_it_thinks_until_it_is_stopped(http: httpx.Client) -> None:
    free = chatted(http)
    assert free["choices"][0]["message"]["content"] == ""
    assert free["usage"]["completion_tokens_details"]["reasoning_tokens"] == 40
    bounded = chatted(http, thinking_budget=10)["choices"][0]["message"]
    assert bounded["content"]
    assert free["choices"][0]["message"]["reasoning_content"].startswith(bounded["reasoning_content"])


def test_a_client_ends_a_thought_and_the_answer_goes_on(http: httpx.Client) -> None:
    with streamed(http, "/v1/chat/completions", messages=ASK) as events:
        id_ = next(events)["id"]
        assert control(http, id_, headers=KEYS["two"]).status_code == 404, "another's"
        while not (event := next(events))["choices"][0]["delta"].get("reasoning_content"):
            assert not event["choices"][0]["delta"].get("content")
        told = control(http, id_)
        assert (told.status_code, told.json()["action"]) == (200, "reasoning_end")
        deltas = [next(events)["choices"][0]["delta"]]
        while len([delta for delta in deltas if delta.get("content")]) < 20:
            deltas.append(next(events)["choices"][0]["delta"])
    kinds = ["content" if delta.get("content") else "reasoning_content" for delta in deltas if delta]
    assert kinds == sorted(kinds, reverse=True), "thoughts, then the answer, and no thought behind it"
    eventually(lambda: control(http, id_).status_code == 404)


def test_a_message_ends_its_thought_too(http: httpx.Client) -> None:
    with streamed(http, "/v1/messages", messages=ASK, max_tokens=8000) as events:
        id_ = next(events)["message"]["id"]
        assert control(http, id_).status_code == 200
        starts = (event for event in events if event["type"] == "content_block_start")
        while next(starts)["content_block"]["type"] != "text":
            pass


def test_a_response_in_the_background_ends_its_thought_too(http: httpx.Client) -> None:
    ask = {"input": "hello", "temperature": 0, "max_output_tokens": 6000, "background": True}
    made = http.post("/v1/responses", json=ask).json()

    def output() -> list[str]:
        return [item["type"] for item in http.get(f"/v1/responses/{made['id']}").json()["output"]]

    eventually(lambda: output() == ["reasoning"])
    assert control(http, made["id"]).status_code == 200
    eventually(lambda: output() == ["reasoning", "message"])
    http.post(f"/v1/responses/{made['id']}/cancel")
    assert control(http, made["id"]).status_code == 404


@pytest.mark.parametrize("body", [{}, {"id": "x"}, {"id": "", "action": "reasoning_end"}, {"id": "x", "action": "y"}])
def test_what_is_no_order_is_refused(http: httpx.Client, body: dict[str, Any]) -> None:
    assert http.post(CONTROL, json=body).status_code == 400


def test_anthropics_budget_is_kept(server: Server, http: httpx.Client) -> None:
    bounded = chatted(http, thinking_budget=10)["choices"][0]["message"]
    with anthropic.Anthropic(base_url=server.url, api_key="one-key-0123456789", max_retries=0) as client:
        answer = client.messages.create(
            model=server.model,
            max_tokens=40,
            messages=ASK,
            extra_body={"temperature": 0},
            thinking={"type": "enabled", "budget_tokens": 10},
        )
    assert [block.type for block in answer.content] == ["thinking", "text"]
    assert answer.content[0].thinking == bounded["reasoning_content"]  # type: ignore[union-attr]
    assert answer.content[1].text == bounded["content"]  # type: ignore[union-attr]


def test_the_budget_of_a_response_is_kept(server: Server, http: httpx.Client) -> None:
    bounded = chatted(http, thinking_budget=10)["choices"][0]["message"]
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="one-key-0123456789", max_retries=0) as client:
        answer = client.responses.create(
            model=server.model,
            input="hello",
            max_output_tokens=40,
            temperature=0,
            extra_body={"thinking_budget": 10},
        )
    reasoning, message = answer.output
    assert reasoning.content[0].text == bounded["reasoning_content"]  # type: ignore[union-attr, index]
    assert message.content[0].text == bounded["content"]  # type: ignore[union-attr, index]
