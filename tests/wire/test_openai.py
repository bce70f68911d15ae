"""OpenAI's official Python client: what its tests in ``tests/python/e2e`` leave out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, Literal

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel
from questions import (
    CAPITAL,
    CAPITAL_ANSWER,
    WEATHER_ARGUMENTS,
    WEATHER_DESCRIPTION,
    WEATHER_QUESTION,
    WEATHER_SCHEMA,
)

from e2e.process import Server

GREEDY: Any = {"model": "ember", "temperature": 0}
ASK: Any = [{"role": "user", "content": CAPITAL}]
WEATHER: Any = {
    "type": "function",
    "function": {"name": "get_weather", "description": WEATHER_DESCRIPTION, "parameters": WEATHER_SCHEMA},
}


@pytest.fixture
async def client(ember: Server) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{ember.url}/v1", api_key="none", max_retries=0) as client:
        yield client


async def test_an_answer_is_parsed_by_a_pydantic_class(client: openai.AsyncOpenAI) -> None:
    class City(BaseModel):
        city: Literal["Paris", "Rome"]
        large: bool

    answer = await client.chat.completions.parse(**GREEDY, messages=ASK, response_format=City)
    assert isinstance(answer.choices[0].message.parsed, City)


async def test_a_streamed_call_is_put_together(client: openai.AsyncOpenAI) -> None:
    question: Any = [{"role": "user", "content": WEATHER_QUESTION}]
    async with client.chat.completions.stream(**GREEDY, messages=question, tools=[WEATHER]) as stream:
        kinds = [event.type async for event in stream]
        final = await stream.get_final_completion()
    [call] = final.choices[0].message.tool_calls or []
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == WEATHER_ARGUMENTS
    assert "tool_calls.function.arguments.done" in kinds


async def test_what_comes_validates_against_the_published_types(ember: Server) -> None:
    body = {**GREEDY, "messages": [{"role": "user", "content": WEATHER_QUESTION}], "tools": [WEATHER]}
    with ember.client() as http:
        ChatCompletion.model_validate_json(http.post("/v1/chat/completions", json=body).content, strict=True)
        streamed = http.post("/v1/chat/completions", json={**body, "stream": True}).text
    *chunks, done = [line.removeprefix("data: ") for line in streamed.splitlines() if line]
    assert done == "[DONE]"
    assert len(chunks) > 3
    for chunk in chunks:
        ChatCompletionChunk.model_validate_json(chunk, strict=True)


async def test_who_is_turned_away_comes_back_and_is_served(crowded: Server) -> None:
    base = f"{crowded.url}/v1"
    async with (
        openai.AsyncOpenAI(base_url=base, api_key="none", max_retries=0) as once,
        openai.AsyncOpenAI(base_url=base, api_key="none", max_retries=10) as again,
    ):
        first = await asyncio.gather(
            *(once.chat.completions.create(**GREEDY, messages=ASK) for _ in range(8)), return_exceptions=True
        )
        assert any(isinstance(one, openai.RateLimitError) for one in first)
        answers = await asyncio.gather(*(again.chat.completions.create(**GREEDY, messages=ASK) for _ in range(8)))
    assert all(CAPITAL_ANSWER in answer.choices[0].message.content for answer in answers)


async def test_an_abort_ends_the_stream_and_the_model_goes_on(client: openai.AsyncOpenAI) -> None:
    count: Any = [{"role": "user", "content": "Count to 90."}]
    stream = await client.chat.completions.create(**GREEDY, messages=count, stream=True)
    async for _ in stream:
        break
    await stream.close()
    answer = await client.chat.completions.create(**GREEDY, messages=ASK)
    assert CAPITAL_ANSWER in (answer.choices[0].message.content or "")
