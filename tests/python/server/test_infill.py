"""llama-server's way to fill gaps, over an engine in memory: what the engine is asked, and how answers look."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from inferno.errors import Unavailable
from server.fake_client import FakeClient
from server.harness import events_of

PATH = "/infill"
GAP = {"input_prefix": "ab", "input_suffix": "cd"}
TIMINGS = {
    "cache_n": 2,
    "prompt_n": 5,
    "prompt_ms": pytest.approx(100),
    "prompt_per_token_ms": pytest.approx(20),
    "prompt_per_second": pytest.approx(50),
    "predicted_n": 7,
    "predicted_ms": pytest.approx(2700),
    "predicted_per_token_ms": pytest.approx(2700 / 7),
    "predicted_per_second": pytest.approx(7 / 2.7),
}
ENDING = {
    "tokens_predicted": 7,
    "tokens_evaluated": 7,
    "tokens_cached": 2,
    "truncated": False,
    "has_new_line": False,
    "stop_type": "eos",
    "stopping_word": "",
    "timings": TIMINGS,
}


async def asked(http: httpx.AsyncClient, **fields: Any) -> httpx.Response:
    return await http.post(PATH, json={**GAP, **fields})


async def test_a_whole_answer(http: httpx.AsyncClient) -> None:
    body = (await asked(http)).json()
    assert body == {"index": 0, "content": ">dc|ba<", "stop": True, "model": "fake-model", **ENDING}


async def test_pieces_and_then_how_it_ended(http: httpx.AsyncClient) -> None:
    response = await asked(http, stream=True)
    assert response.headers["content-type"].startswith("text/event-stream")
    *pieces, last = events_of(response.content)
    assert [piece["content"] for piece in pieces] == list(">dc|ba<")
    assert pieces[0] == {"index": 0, "content": ">", "stop": False, "model": "fake-model"}
    assert last == {"index": 0, "content": "", "stop": True, "model": "fake-model", **ENDING}


async def test_the_line_that_was_begun_and_other_files_go_before_the_gap(http: httpx.AsyncClient) -> None:
    extra = [{"filename": "x.py", "text": "XY"}, {"text": "Z"}]
    body = (await asked(http, prompt="!", input_extra=extra)).json()
    assert body["content"] == "[x.py:XY][tmp:Z]<ab!|cd>"[::-1]


async def test_it_says_why_it_stopped(http: httpx.AsyncClient) -> None:
    assert (await asked(http, n_predict=3)).json()["stop_type"] == "limit"
    assert (await asked(http, n_predict=-1)).json()["stop_type"] == "eos"
    assert (await asked(http, input_prefix="\n")).json()["has_new_line"] is True


async def test_options_reach_the_engine(http: httpx.AsyncClient, fake: FakeClient) -> None:
    options = {"temperature": 0.5, "repeat_penalty": 1.2, "repeat_last_n": 7, "mirostat": 2, "seed": -1, "stop": "?"}
    response = await asked(
        http, **options, n_indent=4, samplers=["top_k", "infill"], t_max_predict_ms=500, response_fields=["content"]
    )
    assert response.headers["x-inferno-unused-fields"] == "n_indent, samplers, t_max_predict_ms, response_fields"
    [request] = fake.requests
    sampling = request.sampling
    assert (sampling.temperature, sampling.repetition_penalty, sampling.penalty_last_n) == (0.5, 1.2, 7)
    assert (sampling.mirostat, sampling.seed) == (True, None)
    assert (request.stop, request.max_tokens) == (("?",), None)
    await asked(http, grammar='root ::= "a"', seed=-2)
    assert fake.requests[-1].grammar is not None
    assert (fake.requests[-1].grammar.kind, fake.requests[-1].sampling.seed) == ("gbnf", (1 << 64) - 2)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input_prefix": None}, "input_prefix"),
        ({"n_predict": -3}, "n_predict"),
        ({"n_probs": 2}, "n_probs"),
        ({"mirostat": 1}, "mirostat"),
        ({"warmth": 1}, "warmth"),
        ({"grammar": 'root ::= "a"', "json_schema": {}}, "json_schema"),
        ({"input_extra": [{"filename": "a"}]}, "input_extra[0].text"),
        ({"stop": ["a" * 1025]}, "stop"),
    ],
)
async def test_what_is_wrong_is_named(http: httpx.AsyncClient, fields: dict[str, Any], param: str) -> None:
    response = await asked(http, **fields)
    assert (response.status_code, response.json()["error"]["param"]) == (400, param)


async def test_a_model_that_fills_no_gaps_says_so(http: httpx.AsyncClient, fake: FakeClient) -> None:
    fake.fills = False
    error = (await asked(http)).json()["error"]
    assert (error["code"], error["param"]) == ("unsupported_parameter", "input_suffix")


async def test_a_failure_in_the_middle_is_the_last_event(http: httpx.AsyncClient, fake: FakeClient) -> None:
    fake.failure, fake.fail_after = Unavailable("the engine is stopping"), 1
    events = events_of((await asked(http, stream=True)).content)
    assert events[-1]["error"]["message"] == "the engine is stopping"
    assert not any(event.get("stop") for event in events)
