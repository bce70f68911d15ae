from __future__ import annotations

from typing import Any

import httpx
import pytest

from inferno.errors import OutOfMemory
from inferno.server.merge import generate_all
from inferno.server.wire.completion_answer import Echo
from server.fake_client import FakeClient, queue_full
from server.harness import Call, app_of, events_of, soon

PATH = "/v1/completions"


async def post(http: httpx.AsyncClient, **fields: Any) -> httpx.Response:
    return await http.post(PATH, json={"model": "fake-model", **fields})


async def test_a_whole_answer(http: httpx.AsyncClient) -> None:
    body = (await post(http, prompt="abc")).json()
    assert body.pop("id").startswith("cmpl-")
    assert body.pop("created")
    assert body.pop("system_fingerprint")
    assert body == {
        "object": "text_completion",
        "model": "fake-model",
        "choices": [{"index": 0, "text": "cba", "logprobs": None, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": 3,
            "completion_tokens": 3,
            "total_tokens": 6,
            "prompt_tokens_details": {"cached_tokens": 2},
        },
    }


async def test_choices_of_several_prompts_are_numbered_prompt_by_prompt(http: httpx.AsyncClient) -> None:
    body = (await post(http, prompt=["ab", "cde"], n=2)).json()
    assert [(one["index"], one["text"]) for one in body["choices"]] == [(0, "ba"), (1, "ba!"), (2, "edc"), (3, "edc!")]
    assert body["usage"]["prompt_tokens"] == 5
    assert body["usage"]["completion_tokens"] == 2 + 3 + 3 + 4
    assert body["usage"]["prompt_tokens_details"] == {"cached_tokens": 4}


async def test_token_prompts_are_taken_as_they_are(http: httpx.AsyncClient, fake: FakeClient) -> None:
    body = (await post(http, prompt=[[97, 98], [99]])).json()
    assert [one["text"] for one in body["choices"]] == ["ba", "c"]
    assert [list(request.prompt) for request in fake.requests] == [[97, 98], [99]]


@pytest.mark.parametrize("prompt", ["abc", [97, 98, 99]])
async def test_echo_puts_the_prompt_before_every_choice(http: httpx.AsyncClient, prompt: Any) -> None:
    body = (await post(http, prompt=prompt, echo=True, n=2)).json()
    assert [one["text"] for one in body["choices"]] == ["abccba", "abccba!"]
    events = events_of((await post(http, prompt=prompt, echo=True, n=2, stream=True)).content)
    texts = ["", ""]
    for event in events[:-1]:
        [choice] = event["choices"]
        texts[choice["index"]] += choice["text"]
    assert texts == ["abccba", "abccba!"]


async def test_a_stream_of_several_prompts(http: httpx.AsyncClient) -> None:
    fields = {"stream": True, "stream_options": {"include_usage": True}, "logprobs": 2, "n": 2}
    events = events_of((await post(http, prompt=["ab", "cde"], **fields)).content)
    assert events.pop() == "[DONE]"
    last = events.pop()
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == 17
    choices = [event["choices"][0] for event in events]
    for index, text in enumerate(["ba", "ba!", "edc", "edc!"]):
        mine = [choice for choice in choices if choice["index"] == index]
        assert "".join(choice["text"] for choice in mine) == text
        assert [choice["finish_reason"] for choice in mine] == [None] * len(text) + ["stop"]
        assert [choice["logprobs"]["text_offset"] for choice in mine[:-1]] == [[k] for k in range(len(text))]


async def test_logprobs(http: httpx.AsyncClient) -> None:
    body = (await post(http, prompt="ab", logprobs=2)).json()
    assert body["choices"][0]["logprobs"] == {
        "tokens": ["b", "a"],
        "token_logprobs": [-0.5, -0.5],
        "top_logprobs": [{"b": -0.5, "c": -1.5}, {"a": -0.5, "b": -1.5}],
        "text_offset": [0, 1],
    }


ECHOED = {
    "tokens": ["a", "b", "b", "a"],
    "token_logprobs": [None, -0.5, -0.5, -0.5],
    "top_logprobs": [None, {"b": -0.5}, {"b": -0.5}, {"a": -0.5}],
    "text_offset": [0, 1, 2, 3],
}


@pytest.mark.parametrize("prompt", ["ab", [97, 98]])
async def test_an_echo_is_scored_with_the_answer(http: httpx.AsyncClient, prompt: Any) -> None:
    [choice] = (await post(http, prompt=prompt, echo=True, logprobs=1)).json()["choices"]
    assert (choice["text"], choice["logprobs"]) == ("abba", ECHOED)
    events = events_of((await post(http, prompt=prompt, echo=True, logprobs=1, stream=True)).content)
    parts = [event["choices"][0] for event in events[:-1]]
    assert [part["text"] for part in parts] == ["ab", "b", "a", ""]
    assert {key: [one for part in parts[:-1] for one in part["logprobs"][key]] for key in ECHOED} == ECHOED


async def test_a_prompt_alone_is_scored_and_nothing_generated(http: httpx.AsyncClient) -> None:
    body = (await post(http, prompt=["ab", "c"], echo=True, logprobs=0, max_tokens=0)).json()
    assert [(one["text"], one["finish_reason"]) for one in body["choices"]] == [("ab", "length"), ("c", "length")]
    assert body["choices"][0]["logprobs"]["token_logprobs"] == [None, -0.5]
    assert body["choices"][1]["logprobs"]["token_logprobs"] == [None]
    assert body["usage"]["completion_tokens"] == 0


async def test_a_blank_that_a_tokenizer_puts_in_front_moves_no_offset() -> None:
    echo = Echo("ab c", [b" ab", b" c"])
    offsets = echo.offsets
    assert [offsets.take(piece) for piece in [*echo.pieces, b"!"]] == [0, 2, 4]


async def test_of_candidates_the_likeliest_are_told(http: httpx.AsyncClient, fake: FakeClient) -> None:
    """The fake's choice i ends in i marks of exclamation, each likelier than what came before."""
    body = (await post(http, prompt=["ab", "cd"], best_of=4, n=2)).json()
    assert [(one["index"], one["text"]) for one in body["choices"]] == [
        (0, "ba!!!"),
        (1, "ba!!"),
        (2, "dc!!!"),
        (3, "dc!!"),
    ]
    assert [one["logprobs"] for one in body["choices"]] == [None] * 4
    assert body["usage"]["completion_tokens"] == 2 * (2 + 3 + 4 + 5)
    assert fake.requests[0].n == 4


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"best_of": 1, "n": 2}, "best_of"),
        ({"best_of": 2, "stream": True}, "best_of"),
        ({"best_of": 129}, "best_of"),
        ({"suffix": "x", "echo": True}, "echo"),
        ({"suffix": "x", "prompt": [97]}, "prompt"),
        ({"max_tokens": -1}, "max_tokens"),
    ],
)
async def test_what_contradicts_itself_is_refused(http: httpx.AsyncClient, fields: Any, param: str) -> None:
    response = await post(http, **{"prompt": "ab", **fields})
    assert (response.status_code, response.json()["error"]["param"]) == (400, param)


async def test_a_suffix_makes_a_gap_to_fill(http: httpx.AsyncClient, fake: FakeClient) -> None:
    assert (await post(http, prompt="ab", suffix="cd")).json()["choices"][0]["text"] == ">dc|ba<"
    assert (await post(http, prompt="ab", suffix="")).json()["choices"][0]["text"] == "ba"
    fake.fills = False
    response = await post(http, prompt="ab", suffix="cd")
    assert (response.status_code, response.json()["error"]["param"]) == (400, "suffix")


async def test_sixteen_tokens_are_the_default(http: httpx.AsyncClient) -> None:
    [choice] = (await post(http, prompt="x" * 20)).json()["choices"]
    assert (len(choice["text"]), choice["finish_reason"]) == (16, "length")


async def test_if_one_prompt_is_refused_none_runs(http: httpx.AsyncClient, fake: FakeClient) -> None:
    response = await post(http, prompt=["a", "b", "x" * 500])
    assert response.status_code == 400
    assert len(fake.streams) == 2
    assert all(stream.closed.is_set() for stream in fake.streams)
    fake.refusal = queue_full(2.0)
    response = await post(http, prompt=["a", "b"])
    assert (response.status_code, response.headers["retry-after-ms"]) == (429, "2000")


async def test_a_failure_of_one_prompt_ends_all(http: httpx.AsyncClient, fake: FakeClient) -> None:
    fake.failure, fake.fail_after = OutOfMemory("no memory left"), 1
    response = await post(http, prompt=["abc", "def"])
    assert response.status_code == 503
    assert all(stream.closed.is_set() for stream in fake.streams)


async def test_a_client_that_leaves_cancels_every_prompt(fake: FakeClient) -> None:
    fake.gate.clear()
    call = Call(app_of(fake), path=PATH, body=b'{"prompt":["ab","cd"],"stream":true}')
    task = call.start()
    assert await soon(call.status()) == 200
    call.leave()
    for stream in fake.streams:
        await soon(stream.closed.wait())
    await soon(task)
    assert len(fake.streams) == 2


async def test_one_prompt_needs_no_merging(fake: FakeClient) -> None:
    from inferno.engine.request import GenerateRequest

    assert await generate_all(fake, [GenerateRequest([97])]) is fake.streams[0]
