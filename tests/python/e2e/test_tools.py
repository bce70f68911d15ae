"""Tools through the official client, with the built-in model, which was trained to call them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionMessageFunctionToolCall

from e2e.process import SECONDS_TO_START, Server, command, environment, eventually, running

pytestmark = pytest.mark.e2e

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
ASK = [{"role": "user", "content": "What is the weather in Paris?"}]


@pytest.fixture(scope="module")
def ember() -> Iterator[Server]:
    with running() as server:
        yield server
        assert server.stop() == 0


@pytest.fixture
def client(ember: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{ember.url}/v1", api_key="none", max_retries=0) as client:
        yield client


def answered(client: openai.OpenAI, messages: list[Any], **fields: Any) -> Any:
    return client.chat.completions.create(model="ember", temperature=0, messages=messages, tools=[WEATHER], **fields)


def test_the_loop_closes(client: openai.OpenAI) -> None:
    choice = answered(client, ASK).choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    [call] = choice.message.tool_calls
    assert (call.type, call.function.name) == ("function", "get_weather")
    assert json.loads(call.function.arguments) == {"city": "Paris"}
    result = {"role": "tool", "tool_call_id": call.id, "content": json.dumps({"temperature": 17, "sky": "sunny"})}
    final = answered(client, [*ASK, choice.message.model_dump(exclude_none=True), result]).choices[0]
    assert final.finish_reason == "stop"
    assert "17 degrees" in final.message.content
    assert "sunny" in final.message.content


def test_a_streamed_call_is_the_whole_call_in_pieces(client: openai.OpenAI) -> None:
    def streamed() -> list[Any]:
        pieces: list[Any] = []
        reasons = []
        for chunk in answered(client, ASK, stream=True):
            for choice in chunk.choices:
                reasons.append(choice.finish_reason)
                assert not choice.delta.content
                pieces += choice.delta.tool_calls or []
        assert {piece.index for piece in pieces} == {0}
        assert [bool(piece.id) for piece in pieces] == [True] + [False] * (len(pieces) - 1)
        assert [piece.function.name for piece in pieces] == ["get_weather"] + [None] * (len(pieces) - 1)
        assert json.loads("".join(piece.function.arguments for piece in pieces)) == {"city": "Paris"}
        assert [reason for reason in reasons if reason] == ["tool_calls"]
        return pieces

    eventually(lambda: len(streamed()) > 2)  # where the server's loop lags, it sends much at once


LIGHT = {
    "type": "function",
    "function": {
        "name": "set_light",
        "parameters": {
            "type": "object",
            "properties": {
                "room": {"type": "string", "maxLength": 12},
                "level": {"type": "integer", "minimum": 0, "maximum": 100},
                "mode": {"enum": ["warm", "cold"]},
            },
            "required": ["room", "level", "mode"],
            "additionalProperties": False,
        },
    },
}


def test_a_forced_call_satisfies_its_schema_whatever_the_model_likes(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="ember",
        messages=ASK,  # type: ignore[arg-type]
        tools=[WEATHER, LIGHT],  # type: ignore[list-item]
        tool_choice={"type": "function", "function": {"name": "set_light"}},
        parallel_tool_calls=False,
        temperature=2,
        n=20,
        max_tokens=120,
        seed=1,
    )
    assert len(answer.choices) == 20
    for choice in answer.choices:
        assert choice.finish_reason == "tool_calls"
        [call] = choice.message.tool_calls or []
        assert isinstance(call, ChatCompletionMessageFunctionToolCall)
        assert call.function.name == "set_light"
        arguments = json.loads(call.function.arguments)
        assert arguments.keys() == {"room", "level", "mode"}
        assert len(arguments["room"]) <= 12
        assert arguments["level"] in range(101)
        assert arguments["mode"] in {"warm", "cold"}


def test_required_calls_where_the_model_would_not(client: openai.OpenAI) -> None:
    ask = [{"role": "user", "content": "What is the capital of France?"}]
    choice = answered(client, ask, tool_choice="required", parallel_tool_calls=False).choices[0]
    assert [call.function.name for call in choice.message.tool_calls] == ["get_weather"]
    with pytest.raises(openai.BadRequestError):
        bad = {"type": "object", "properties": {"x": {"type": "strong"}}}
        client.chat.completions.create(
            model="ember",
            messages=ask,  # type: ignore[arg-type]
            tools=[{"type": "function", "function": {"name": "f", "parameters": bad}}],
            tool_choice="required",
        )


STRICT = {"type": "function", "function": {
    "name": "get_weather",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"city": {"enum": ["London", "Rome"]}, "days": {"type": "integer", "maximum": 9}},
        "required": ["city", "days"],
        "additionalProperties": False,
    },
}}  # fmt: skip


def test_a_call_that_need_not_come_keeps_to_a_strict_schema_if_it_does(client: openai.OpenAI) -> None:
    asked: Any = {"model": "ember", "temperature": 0, "tools": [STRICT], "parallel_tool_calls": False}
    choice = client.chat.completions.create(messages=ASK, **asked).choices[0]
    assert choice.finish_reason == "tool_calls"
    [call] = choice.message.tool_calls or []
    assert isinstance(call, ChatCompletionMessageFunctionToolCall)
    arguments = json.loads(call.function.arguments)
    assert arguments["city"] in ("London", "Rome")
    assert arguments["days"] <= 9
    free: Any = [{"role": "user", "content": "What is the capital of France?"}]
    choice = client.chat.completions.create(messages=free, **asked).choices[0]
    assert (choice.finish_reason, choice.message.tool_calls) == ("stop", None)
    assert "Paris" in (choice.message.content or "")


def test_none_offers_no_tool_and_a_question_without_need_calls_none(client: openai.OpenAI) -> None:
    assert answered(client, ASK, tool_choice="none").choices[0].message.tool_calls is None
    choice = answered(client, [{"role": "user", "content": "What is the capital of France?"}]).choices[0]
    assert choice.message.tool_calls is None
    assert "Paris" in choice.message.content


def test_an_answer_begun_is_continued(client: openai.OpenAI) -> None:
    messages: Any = [
        {"role": "user", "content": "What is the capital of France?"},
        {"role": "assistant", "content": "The capital of France is"},
    ]
    answer = client.chat.completions.create(model="ember", temperature=0, messages=messages).choices[0].message.content
    assert answer is not None
    assert answer.lstrip().startswith("Paris")
    with pytest.raises(openai.BadRequestError, match="continue_final_message"):
        client.chat.completions.create(
            model="ember", messages=messages[:1], extra_body={"continue_final_message": True}
        )


def test_what_this_template_has_no_word_for_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="effort"):
        answered(client, ASK, reasoning_effort="high")


def test_the_format_of_calls_can_be_set() -> None:
    with (
        running("--tool-format", "nemotron") as server,
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client,
    ):
        message = answered(client, ASK).choices[0].message
        assert message.tool_calls is None, "what the model was trained to write is not the format that is read"
        assert "get_weather" in message.content
        forced = answered(client, ASK, tool_choice="required", parallel_tool_calls=False).choices[0]
        assert [call.function.name for call in forced.message.tool_calls] == ["get_weather"]
        assert json.loads(forced.message.tool_calls[0].function.arguments).keys() == {"city"}


def test_a_format_that_is_none_is_refused_with_those_that_are() -> None:
    wrong = command("--tool-format", "smoke")
    ended = subprocess.run(
        wrong, capture_output=True, text=True, env=environment(), timeout=SECONDS_TO_START, check=False
    )
    assert ended.returncode != 0
    said = " ".join(ended.stderr.split())
    assert "no tool format 'smoke'" in said
    assert "hermes" in said


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name"),
        ({"tools": [WEATHER, WEATHER]}, "tools[1].function.name"),
        ({"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "string"}}}]},
         "tools[0].function.parameters.type"),
        ({"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "other"}}}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tools": [WEATHER] * 129}, "tools"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_tools_is_named(ember: Server, fields: dict[str, Any], param: str) -> None:
    with ember.client() as http:
        answer = http.post("/v1/chat/completions", json={"messages": ASK, **fields})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == param
