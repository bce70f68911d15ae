from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from inferno.errors import Cancelled, Internal, OutOfMemory, Unavailable
from server.fake_client import FakeClient, queue_full
from server.harness import Call, Settings, app_of, chat_body, events_of, soon

PATH = "/v1/chat/completions"


async def test_a_whole_answer_has_all_of_openais_fields(http: httpx.AsyncClient) -> None:
    response = await http.post(PATH, json=chat_body("abc"))
    assert response.status_code == 200
    body = response.json()
    assert body.pop("id").startswith("chatcmpl-")
    assert body.pop("created") > 1_700_000_000
    fingerprint = body.pop("system_fingerprint")
    assert fingerprint.startswith("fp_")
    assert (await http.post(PATH, json=chat_body("x"))).json()["system_fingerprint"] == fingerprint
    assert body == {
        "object": "chat.completion",
        "model": "fake-model",
        "choices": [
            {
                "index": 0,
                "message": {"content": "cba", "role": "assistant", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 3,
            "completion_tokens": 3,
            "total_tokens": 6,
            "prompt_tokens_details": {"cached_tokens": 2},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
    }


async def test_different_questions_get_different_answers(http: httpx.AsyncClient) -> None:
    answers = [
        (await http.post(PATH, json=chat_body(text))).json()["choices"][0]["message"]["content"]
        for text in ("ab", "cd")
    ]
    assert answers == ["ba", "dc"]


async def test_choices_limits_stops_and_usage(http: httpx.AsyncClient) -> None:
    body = (await http.post(PATH, json=chat_body("abcdef", n=3, max_tokens=7, stop=["b"]))).json()
    assert [(one["index"], one["message"]["content"]) for one in body["choices"]] == [(i, "fedc") for i in range(3)]
    body = (await http.post(PATH, json=chat_body("abc", n=3, max_completion_tokens=4))).json()
    found = [(one["message"]["content"], one["finish_reason"]) for one in body["choices"]]
    assert found == [("cba", "stop"), ("cba!", "stop"), ("cba!", "length")]
    assert body["usage"]["prompt_tokens"] == 3
    assert body["usage"]["completion_tokens"] == 11
    assert body["usage"]["prompt_tokens_details"] == {"cached_tokens": 2}


async def test_logprobs_are_there_when_asked_for(http: httpx.AsyncClient) -> None:
    body = (await http.post(PATH, json=chat_body("é", logprobs=True, top_logprobs=2))).json()
    [entry] = body["choices"][0]["logprobs"]["content"]
    assert (entry["token"], entry["bytes"], entry["logprob"]) == ("é", [0xC3, 0xA9], -0.5)
    assert [top["logprob"] for top in entry["top_logprobs"]] == [-0.5, -1.5]
    body = (await http.post(PATH, json=chat_body("é", logprobs=True))).json()
    assert body["choices"][0]["logprobs"]["content"][0]["top_logprobs"] == []


async def test_the_request_reaches_the_engine_with_template_arguments(
    http: httpx.AsyncClient, fake: FakeClient
) -> None:
    kwargs = {"enable_thinking": False}
    await http.post(PATH, json=chat_body("abc", seed=-1, priority=5, chat_template_kwargs=kwargs))
    [request] = fake.requests
    assert request.prompt == [97, 98, 99]
    assert (request.sampling.seed, request.priority, request.tenant) == (2**64 - 1, 5, "anonymous")
    assert fake.template_kwargs == kwargs


async def test_the_default_model_answers_when_none_is_named_and_an_unknown_one_is_not_found() -> None:
    app = app_of(FakeClient("one"), FakeClient("two"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        body = chat_body()
        assert (await http.post(PATH, json={**body, "model": "two"})).json()["model"] == "two"
        assert (await http.post(PATH, json={**body, "model": None})).json()["model"] == "one"
        del body["model"]
        assert (await http.post(PATH, json=body)).json()["model"] == "one"
        response = await http.post(PATH, json={**body, "model": "three"})
    assert response.status_code == 404
    error = response.json()["error"]
    assert (error["code"], error["param"], error["type"]) == ("model_not_found", "model", "not_found_error")
    assert "one, two" in error["message"]


def data(text: bytes) -> bytes:
    return b"data: " + text + b"\n\n"


async def test_a_stream_byte_for_byte(http: httpx.AsyncClient) -> None:
    options = {"stream": True, "stream_options": {"include_usage": True}}
    response = await http.post(PATH, json=chat_body('a"\n', **options))
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-cache"
    assert "content-length" not in response.headers
    events = events_of(response.content)
    first = events[0]
    head = (
        f'{{"id":"{first["id"]}","object":"chat.completion.chunk","created":{first["created"]}'
        f',"model":"fake-model","system_fingerprint":"{first["system_fingerprint"]}"'
    ).encode()

    def chunk(delta: bytes, finish: bytes = b"null") -> bytes:
        choice = b'{"index":0,"delta":%s,"logprobs":null,"finish_reason":%s}' % (delta, finish)
        return data(head + b',"choices":[' + choice + b'],"usage":null}')

    assert response.content == (
        chunk(b'{"role":"assistant","content":""}')
        + chunk(b'{"content":"\\n"}')
        + chunk(b'{"content":"\\""}')
        + chunk(b'{"content":"a"}')
        + chunk(b"{}", b'"stop"')
        + data(
            head + b',"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":3,"total_tokens":6,'
            b'"prompt_tokens_details":{"cached_tokens":2},"completion_tokens_details":{"reasoning_tokens":0}}}'
        )
        + b"data: [DONE]\n\n"
    )


async def test_without_being_asked_no_chunk_speaks_of_usage(http: httpx.AsyncClient) -> None:
    events = events_of((await http.post(PATH, json=chat_body("abc", stream=True))).content)
    assert events[-1] == "[DONE]"
    assert all("usage" not in event for event in events[:-1])


async def test_each_choice_of_a_stream_has_one_role_first_and_one_finish_last(http: httpx.AsyncClient) -> None:
    fields = {"stream": True, "n": 3, "max_tokens": 4, "logprobs": True, "top_logprobs": 1}
    events = events_of((await http.post(PATH, json=chat_body("abc", **fields))).content)
    assert events.pop() == "[DONE]"
    choices = [event["choices"][0] for event in events]
    for index, (text, reason) in enumerate([("cba", "stop"), ("cba!", "stop"), ("cba!", "length")]):
        mine = [choice for choice in choices if choice["index"] == index]
        assert mine[0]["delta"] == {"role": "assistant", "content": ""}
        assert [choice["finish_reason"] for choice in mine] == [None] * (len(mine) - 1) + [reason]
        assert "".join(choice["delta"].get("content", "") for choice in mine) == text
        tokens = [choice["logprobs"]["content"][0]["token"] for choice in mine[1:-1]]
        assert "".join(tokens) == text
    assert len({event["id"] for event in events}) == 1


async def test_unused_fields_are_named_in_a_header(http: httpx.AsyncClient) -> None:
    for stream in (False, True):
        response = await http.post(PATH, json=chat_body(user="u", store=False, stream=stream))
        assert response.headers["x-inferno-unused-fields"] == "user, store"
    assert "x-inferno-unused-fields" not in (await http.post(PATH, json=chat_body())).headers


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("refusal", "status", "kind", "code"),
    [
        (queue_full(0.25), 429, "rate_limit_error", "queue_full"),
        (Unavailable("stopped"), 503, "server_error", "unavailable"),
        (OutOfMemory("full"), 503, "server_error", "out_of_memory"),
    ],
)
async def test_what_the_engine_refuses_is_refused_before_the_answer_begins(
    http: httpx.AsyncClient, fake: FakeClient, refusal: Exception, status: int, kind: str, code: str, stream: bool
) -> None:
    fake.refusal = refusal
    response = await http.post(PATH, json=chat_body(stream=stream))
    assert response.status_code == status
    error = response.json()["error"]
    assert (error["type"], error["code"], error["message"]) == (kind, code, str(refusal))
    if status == 429:
        assert (response.headers["retry-after"], response.headers["retry-after-ms"]) == ("1", "250")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_prompt_over_the_context_is_refused_with_both_numbers(http: httpx.AsyncClient, stream: bool) -> None:
    response = await http.post(PATH, json=chat_body("x" * 500, stream=stream))
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", "context_length_exceeded")
    assert "500" in error["message"]
    assert "400" in error["message"]


@pytest.mark.parametrize("failure", [Internal("broken at /secret/path"), ValueError("prompt text")])
async def test_a_failure_of_the_server_says_nothing_but_its_request_id(
    http: httpx.AsyncClient, fake: FakeClient, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    fake.failure, fake.fail_after = failure, 1
    response = await http.post(PATH, json=chat_body("abc"), headers={"x-request-id": "r-17"})
    assert response.status_code == 500
    assert response.headers["x-request-id"] == "r-17"
    error = response.json()["error"]
    assert error == {
        "message": "the server failed; its log has the reason under request id r-17",
        "type": "server_error",
        "param": None,
        "code": "internal",
    }
    assert "r-17 failed" in caplog.text
    assert "fake_client.py" in caplog.text
    assert "prompt text" not in caplog.text
    assert fake.streams[0].closed.is_set()


@pytest.mark.parametrize(
    ("failure", "code", "shown"),
    [(OutOfMemory("no memory left"), "out_of_memory", True), (ValueError("secret"), "internal", False)],
)
async def test_a_failure_in_mid_stream_is_an_error_event_and_no_done(
    http: httpx.AsyncClient, fake: FakeClient, failure: Exception, code: str, shown: bool
) -> None:
    fake.failure, fake.fail_after = failure, 2
    response = await http.post(PATH, json=chat_body("abc", stream=True))
    assert response.status_code == 200
    events = events_of(response.content)
    assert "[DONE]" not in events
    assert [event["choices"][0]["delta"].get("content") for event in events[:-1]] == ["", "c", "b"]
    assert events[-1]["error"]["code"] == code
    assert (str(failure) in events[-1]["error"]["message"]) is shown
    assert fake.streams[0].closed.is_set()


async def test_an_engine_that_gives_up_is_an_error(http: httpx.AsyncClient, fake: FakeClient) -> None:
    fake.failure = Cancelled("given up")
    assert (await http.post(PATH, json=chat_body())).status_code == 503


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_cancels_its_request(fake: FakeClient, stream: bool) -> None:
    fake.gate.clear()
    call = Call(app_of(fake), body=httpx.Request("POST", "http://t", json=chat_body(stream=stream)).content)
    task = call.start()
    await soon(fake.submitted.wait())
    assert not fake.streams[0].closed.is_set()
    call.leave()
    await soon(fake.streams[0].closed.wait())
    await soon(task)


async def test_a_client_that_leaves_in_mid_stream_cancels_its_request(fake: FakeClient) -> None:
    body: dict[str, Any] = chat_body("abc", stream=True)
    call = Call(app_of(fake), body=httpx.Request("POST", "http://t", json=body).content)

    fake.gate.clear()
    task = call.start()
    assert await soon(call.status()) == 200
    fake.gate.set()
    await soon(call.sent.get())
    fake.gate.clear()
    call.leave()
    await soon(fake.streams[0].closed.wait())
    await soon(task)


async def test_a_silent_stream_gets_comments_until_it_speaks(fake: FakeClient) -> None:
    fake.gate.clear()
    app = app_of(fake, settings=Settings(keep_alive_seconds=0.01))
    call = Call(app, body=httpx.Request("POST", "http://t", json=chat_body("a", stream=True)).content)
    task = call.start()
    assert await soon(call.status()) == 200
    for _ in range(3):
        message = await soon(call.sent.get())
        assert message == {"type": "http.response.body", "body": b": keep-alive\n\n", "more_body": True}
    fake.gate.set()
    rest = (await soon(call.rest())).replace(b": keep-alive\n\n", b"")
    assert events_of(rest)[-1] == "[DONE]"
    await soon(task)
    assert call.sent.empty()


async def test_a_stream_begins_before_its_first_token(fake: FakeClient) -> None:
    fake.gate.clear()
    call = Call(app_of(fake), body=httpx.Request("POST", "http://t", json=chat_body(stream=True)).content)
    task = call.start()
    assert await soon(call.status()) == 200
    assert call.sent.empty()
    fake.gate.set()
    await soon(asyncio.gather(call.rest(), task))
