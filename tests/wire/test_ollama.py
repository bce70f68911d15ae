"""Ollama's official Python client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import ollama
import openai
import pytest
from questions import (
    CAPITAL,
    CAPITAL_ANSWER,
    LONG,
    PIECES,
    SUM,
    SUM_ANSWER,
    WEATHER_ARGUMENTS,
    WEATHER_QUESTION,
    WEATHER_RESULT,
    check_weather_answer,
)

from e2e.process import Server, eventually

GREEDY = {"temperature": 0}


def get_weather(city: str) -> str:
    """Get the weather in a city

    Args:
      city: The city
    """
    assert city == WEATHER_ARGUMENTS["city"]
    return WEATHER_RESULT


@pytest.fixture
def client(ember: Server) -> Iterator[ollama.Client]:
    client = ollama.Client(host=ember.url)
    yield client
    client._client.close()


def user(content: str) -> dict[str, Any]:
    return {"role": "user", "content": content}


@pytest.mark.parametrize("name", ["ember", "ember:latest"])
def test_a_chat_is_answered_and_timed(client: ollama.Client, name: str) -> None:
    answer = client.chat(model=name, messages=[user(CAPITAL)], options=GREEDY)
    assert CAPITAL_ANSWER in (answer.message.content or "")
    assert (answer.model, answer.done, answer.done_reason) == (name, True, "stop")
    assert answer.eval_count
    assert answer.eval_count > 3
    assert answer.prompt_eval_count
    assert answer.prompt_eval_count > 10
    assert answer.total_duration
    assert answer.prompt_eval_duration
    assert answer.eval_duration
    assert answer.prompt_eval_duration + answer.eval_duration <= answer.total_duration
    assert answer.load_duration == 0


def test_a_stream_is_the_same_answer_in_pieces(client: ollama.Client) -> None:
    whole = client.chat(model="ember", messages=[user(CAPITAL)], options=GREEDY)
    lines = list(client.chat(model="ember", messages=[user(CAPITAL)], options=GREEDY, stream=True))
    assert "".join(line.message.content or "" for line in lines) == whole.message.content
    assert [line.done for line in lines] == [False] * (len(lines) - 1) + [True]
    assert (lines[-1].done_reason, lines[-1].eval_count) == ("stop", whole.eval_count)


@pytest.mark.parametrize("stream", [False, True])
def test_the_loop_closes(client: ollama.Client, stream: bool) -> None:
    messages: list[Any] = [user(WEATHER_QUESTION)]
    ask: dict[str, Any] = {"model": "ember", "tools": [get_weather], "options": GREEDY}
    if stream:
        told = [line.message for line in client.chat(messages=messages, stream=True, **ask)]
        [called] = [one for one in told if one.tool_calls]
    else:
        called = client.chat(messages=messages, **ask).message
    [call] = called.tool_calls or []
    assert (call.function.name, call.function.arguments) == ("get_weather", WEATHER_ARGUMENTS)
    result = get_weather(**call.function.arguments)
    final = client.chat(
        messages=[*messages, called, {"role": "tool", "tool_name": "get_weather", "content": result}], **ask
    )
    check_weather_answer(final.message.content)


def test_generate_answers_or_continues(client: ollama.Client) -> None:
    answer = client.generate(model="ember", prompt=SUM, system="You are helpful.", options=GREEDY)
    assert SUM_ANSWER in (answer.response or "")
    pieces = list(client.generate(model="ember", prompt=SUM, options=GREEDY, stream=True))
    assert SUM_ANSWER in "".join(piece.response or "" for piece in pieces)
    raw = client.generate(model="ember", prompt="One, two,", raw=True, options={"seed": 1, "num_predict": 4})
    templated = client.generate(model="ember", prompt="One, two,", options={"seed": 1, "num_predict": 4})
    assert (raw.prompt_eval_count or 0) < (templated.prompt_eval_count or 0)


def test_format_is_kept_to(client: ollama.Client) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"enum": ["Paris", "Rome"]}, "large": {"type": "boolean"}},
        "required": ["city", "large"],
        "additionalProperties": False,
    }
    answer = client.chat(model="ember", messages=[user(CAPITAL)], format=schema, options=GREEDY)
    said = json.loads(answer.message.content or "")
    assert said.keys() == {"city", "large"}
    assert said["city"] in ("Paris", "Rome")
    some = client.generate(model="ember", prompt=CAPITAL, format="json", options={**GREEDY, "num_predict": 60})
    assert (some.response or "").startswith("{")


def test_options_are_honoured(client: ollama.Client) -> None:
    def text(**options: Any) -> str:
        return client.chat(model="ember", messages=[user(CAPITAL)], options=options).message.content or ""

    cut = client.chat(model="ember", messages=[user(CAPITAL)], options={**GREEDY, "num_predict": 3})
    assert (cut.done_reason, cut.eval_count) == ("length", 3)
    assert text(**GREEDY, stop=["France"]) == "The capital of "
    hot = {"temperature": 2, "top_k": 0, "seed": 7, "num_predict": 12}
    assert text(**hot) == text(**hot)
    prompt = cut.prompt_eval_count or 0
    bounded = client.chat(model="ember", messages=[user(CAPITAL)], options={**GREEDY, "num_ctx": prompt + 2})
    assert (bounded.done_reason, bounded.eval_count) == ("length", 2)
    for options in ({"num_ctx": 10**6}, {"num_ctx": 4}, {"mirostat": 1}, {"warmth": 3}, {"num_predict": 0}):
        with pytest.raises(ollama.ResponseError, match=next(iter(options))) as refused:
            text(**options)
        assert refused.value.status_code == 400


def test_models_are_listed_and_described(client: ollama.Client) -> None:
    [listed] = client.list().models
    assert listed.model == "ember:latest"
    assert listed.details
    assert listed.details.family == "llama"
    [running] = client.ps().models
    assert (running.name, running.context_length) == ("ember:latest", 1024)
    shown = client.show("ember:latest")
    assert shown.capabilities == ["completion", "tools"]
    assert shown.modelinfo
    assert shown.modelinfo["llama.context_length"] == 1024
    assert client.generate(model="ember").done_reason == "load"


def test_vectors_are_those_of_the_other_api(embedder: Server) -> None:
    client = ollama.Client(host=embedder.url)
    with openai.OpenAI(base_url=f"{embedder.url}/v1", api_key="none", max_retries=0) as other:
        wanted = [one.embedding for one in other.embeddings.create(model="fake", input=["a text", "another"]).data]
    found = client.embed(model="fake:latest", input=["a text", "another"])
    for ours, theirs in zip(found.embeddings, wanted, strict=True):
        assert list(ours) == pytest.approx(theirs, abs=1e-6)
    assert found.prompt_eval_count
    assert list(client.embeddings(model="fake", prompt="another").embedding) == pytest.approx(wanted[1], abs=1e-6)
    assert client.show("fake").capabilities == ["embedding"]
    client._client.close()


def test_errors_are_in_words(client: ollama.Client) -> None:
    with pytest.raises(ollama.ResponseError, match="'nope' is not served") as missing:
        client.chat(model="nope", messages=[user("a")])
    assert missing.value.status_code == 404
    with pytest.raises(ollama.ResponseError, match="no place for thoughts"):
        client.chat(model="ember", messages=[user("a")], think=True)
    with pytest.raises(ollama.ResponseError, match="does not pull models") as pulled:
        client.pull("llama3")
    assert pulled.value.status_code == 403
    with pytest.raises(ollama.ResponseError, match="context"):
        list(client.chat(model="ember", messages=[user("word " * 5000)], stream=True))


async def test_pieces_come_while_the_rest_is_made_and_an_abort_ends_that(paced: Server) -> None:
    client = ollama.AsyncClient(host=paced.url)
    stream = await client.generate(model="paced", prompt=LONG, options=GREEDY, stream=True)
    pieces: list[str] = []
    async for line in stream:
        pieces += [line.response] if line.response else []
        if len(pieces) == PIECES:
            break
    assert paced.metric("inferno_requests_running") == 1
    await stream.aclose()  # type: ignore[attr-defined]
    eventually(lambda: paced.metric("inferno_requests_running") == 0)
    await client._client.aclose()
