"""LiteLLM, by each of the three APIs that it can be pointed here with."""

from __future__ import annotations

import json
from typing import Any

import pytest
from questions import (
    CAPITAL,
    CAPITAL_ANSWER,
    LONG,
    PIECES,
    WEATHER_ARGUMENTS,
    WEATHER_DESCRIPTION,
    WEATHER_QUESTION,
    WEATHER_RESULT,
    WEATHER_SCHEMA,
    check_weather_answer,
)

from e2e.process import Server, eventually

litellm = pytest.importorskip("litellm", reason="run 'make clients'")

WEATHER = {
    "type": "function",
    "function": {"name": "get_weather", "description": WEATHER_DESCRIPTION, "parameters": WEATHER_SCHEMA},
}
PROVIDERS = {"openai": "/v1", "anthropic": "", "ollama_chat": ""}
EACH = pytest.mark.parametrize("provider", PROVIDERS)


def asked(server: Server, provider: str, messages: list[Any], **fields: Any) -> Any:
    return litellm.completion(
        model=f"{provider}/{server.model}",
        api_base=server.url + PROVIDERS[provider],
        api_key="none",
        messages=messages,
        temperature=0,
        num_retries=0,
        **{"max_tokens": 60, **fields},
    )


def user(content: str) -> dict[str, Any]:
    return {"role": "user", "content": content}


@EACH
def test_a_chat_is_answered(ember: Server, provider: str) -> None:
    answer = asked(ember, provider, [user(CAPITAL)])
    assert CAPITAL_ANSWER in answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.completion_tokens > 3


@EACH
def test_a_stream_is_put_together(ember: Server, provider: str) -> None:
    pieces = [chunk.choices[0].delta.content or "" for chunk in asked(ember, provider, [user(CAPITAL)], stream=True)]
    assert CAPITAL_ANSWER in "".join(pieces)


@EACH
def test_pieces_come_while_the_rest_is_made(paced: Server, provider: str) -> None:
    pieces = 0
    for chunk in asked(paced, provider, [user(LONG)], stream=True, max_tokens=150):
        pieces += bool(chunk.choices[0].delta.content)
        if pieces == PIECES:
            assert paced.metric("inferno_requests_running") == 1
            break
    assert pieces == PIECES
    eventually(lambda: paced.metric("inferno_requests_running") == 0)


@EACH
def test_the_loop_closes(ember: Server, provider: str) -> None:
    message = asked(ember, provider, [user(WEATHER_QUESTION)], tools=[WEATHER]).choices[0].message
    [call] = message.tool_calls
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == WEATHER_ARGUMENTS
    result = {"role": "tool", "tool_call_id": call.id, "name": "get_weather", "content": WEATHER_RESULT}
    final = asked(
        ember, provider, [user(WEATHER_QUESTION), message.model_dump(exclude_none=True), result], tools=[WEATHER]
    )
    check_weather_answer(final.choices[0].message.content)


@EACH
def test_errors_are_its_own(ember: Server, provider: str) -> None:
    with pytest.raises(litellm.BadRequestError, match="context"):
        asked(ember, provider, [user("word " * 5000)])


def test_vectors(embedder: Server) -> None:
    answer = litellm.embedding(
        model="openai/fake",
        api_base=f"{embedder.url}/v1",
        api_key="none",
        input=["a", "b", "a"],
        encoding_format="float",
    )
    vectors = [one["embedding"] for one in answer.data]
    assert vectors[0] == vectors[2]
    assert vectors[0] != vectors[1]
