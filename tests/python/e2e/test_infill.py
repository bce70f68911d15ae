"""Gaps filled through the server: the prompt is what the model was trained to see, whatever API asks for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from e2e import marked_model
from e2e.marked_model import BEGIN, FIM
from e2e.process import Server, running

pytestmark = pytest.mark.e2e

BEFORE, AFTER = "def add(a, b):\n    return ", "\n\nprint(add(1, 2))\n"
TOKENS = 24


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path = marked_model.write(tmp_path_factory.mktemp("marked") / "marked.gguf")
    with running(str(path), "--threads", "1") as server:
        yield server
        assert server.stop() == 0


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    with server.client() as http:
        yield http


def posted(http: httpx.Client, path: str, **body: Any) -> Any:
    response = http.post(path, json=body)
    assert response.status_code == 200, response.text
    return response.json()


def ids(http: httpx.Client, text: str) -> list[int]:
    return list(posted(http, "/v1/tokenize", prompt=text, add_special_tokens=False)["tokens"])


def continued(http: httpx.Client, tokens: list[int]) -> str:
    """What the model says to these very tokens."""
    answer = posted(http, "/v1/completions", prompt=tokens, max_tokens=TOKENS, temperature=0)
    return str(answer["choices"][0]["text"])


def filled(http: httpx.Client, **fields: Any) -> str:
    ask = {"input_prefix": BEFORE, "input_suffix": AFTER, "n_predict": TOKENS, "temperature": 0, **fields}
    return str(posted(http, "/infill", **ask)["content"])


@pytest.fixture
def gap(http: httpx.Client) -> list[int]:
    """The tokens of the gap's prompt, but for the first."""
    return [FIM["fim_pre"], *ids(http, BEFORE), FIM["fim_suf"], *ids(http, AFTER), FIM["fim_mid"]]


def test_every_api_asks_the_model_as_it_was_trained(server: Server, http: httpx.Client, gap: list[int]) -> None:
    wanted = continued(http, [BEGIN, *gap])
    assert wanted
    assert wanted != continued(http, [BEGIN, *ids(http, BEFORE)])
    assert filled(http) == wanted
    assert filled(http, input_prefix=BEFORE[:10], prompt=BEFORE[10:]) == wanted
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        answer = client.completions.create(
            model=server.model, prompt=BEFORE, suffix=AFTER, max_tokens=TOKENS, temperature=0
        )
    assert answer.choices[0].text == wanted
    options = {"num_predict": TOKENS, "temperature": 0}
    ask = {"model": server.model, "prompt": BEFORE, "suffix": AFTER, "options": options, "stream": False}
    assert posted(http, "/api/generate", **ask)["response"] == wanted


def test_other_files_stand_before_the_gap(http: httpx.Client, gap: list[int]) -> None:
    files = [
        FIM["fim_rep"],
        *ids(http, "project\n"),
        FIM["fim_sep"],
        *ids(http, "lib.py\nx = 1\n"),
        FIM["fim_sep"],
        *ids(http, "file\n"),
    ]
    said = filled(http, input_extra=[{"filename": "lib.py", "text": "x = 1"}])
    assert said == continued(http, [BEGIN, *files, *gap])
    assert said != filled(http)


def test_a_text_that_spells_a_mark_is_text(http: httpx.Client) -> None:
    before = ids(http, "<|fim_suffix|>")
    assert FIM["fim_suf"] not in before
    tokens = [BEGIN, FIM["fim_pre"], *before, FIM["fim_suf"], *ids(http, AFTER), FIM["fim_mid"]]
    assert filled(http, input_prefix="<|fim_suffix|>") == continued(http, tokens)


def test_a_stream_is_the_whole_in_pieces(http: httpx.Client) -> None:
    ask = {"input_prefix": BEFORE, "input_suffix": AFTER, "n_predict": TOKENS, "temperature": 0, "stream": True}
    lines = http.post("/infill", json=ask).text.splitlines()
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line]
    assert "".join(event["content"] for event in events) == filled(http)
    assert [event["stop"] for event in events] == [False] * (len(events) - 1) + [True]
    last = events[-1]
    assert (last["stop_type"], last["tokens_predicted"], last["truncated"]) == ("limit", TOKENS, False)
    assert last["timings"]["predicted_per_second"] > 0


def test_logprobs_of_ollamas_api_are_those_of_chats(server: Server, http: httpx.Client) -> None:
    messages = [{"role": "user", "content": "hello"}]
    chat = posted(
        http, "/v1/chat/completions", messages=messages, max_tokens=5, temperature=0, logprobs=True, top_logprobs=2
    )
    options = {"num_predict": 5, "temperature": 0}
    ask = {"model": server.model, "messages": messages, "options": options, "logprobs": True, "top_logprobs": 2}
    whole = posted(http, "/api/chat", stream=False, **ask)
    wanted = chat["choices"][0]["logprobs"]["content"]
    assert [one["bytes"] for one in whole["logprobs"]] == [one["bytes"] for one in wanted]
    assert [one["logprob"] for one in whole["logprobs"]] == pytest.approx([one["logprob"] for one in wanted], abs=1e-3)
    assert all(len(one["top_logprobs"]) == 2 for one in whole["logprobs"])
    lines = [json.loads(line) for line in http.post("/api/chat", json=ask).text.splitlines()]
    told = [one for line in lines for one in line.get("logprobs", ())]
    assert [one["bytes"] for one in told] == [one["bytes"] for one in wanted]


def test_the_built_in_model_fills_no_gaps_and_says_so() -> None:
    with running() as ember, ember.client() as http:
        for path, body, param in (
            ("/infill", {"input_prefix": "a", "input_suffix": "b"}, "input_suffix"),
            ("/v1/completions", {"prompt": "a", "suffix": "b"}, "suffix"),
        ):
            response = http.post(path, json=body)
            error = response.json()["error"]
            assert (response.status_code, error["param"]) == (400, param)
            assert "was not trained to fill a gap" in error["message"]
