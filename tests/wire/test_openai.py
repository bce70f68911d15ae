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
    LONG,
    PIECES,
    WEATHER_ARGUMENTS,
    WEATHER_DESCRIPTION,
    WEATHER_QUESTION,
    WEATHER_SCHEMA,
)

from e2e.process import Server, eventually

GREEDY: Any = {"model": "ember", "temperature": 0}
ASK: Any = [{"role": "user", "content": CAPITAL}]
LONG_ASK: Any = {
    "model": "paced",
    "temperature": 0,
    "messages": [{"role": "user", "content": LONG}],
    "stream": True,
    "extra_body": {"ignore_eos": True},
}
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
    told = [ChatCompletionChunk.model_validate_json(chunk, strict=True).choices[0] for chunk in chunks]
    pieces = [call.function.arguments for one in told for call in one.delta.tool_calls or [] if call.function]
    assert json.loads("".join(piece or "" for piece in pieces)) == WEATHER_ARGUMENTS
    assert (told[0].delta.role, told[-1].finish_reason) == ("assistant", "tool_calls")


async def test_who_is_turned_away_comes_back_and_is_served(crowded: Server) -> None:
    base = f"{crowded.url}/v1"
    short: Any = {**LONG_ASK, "stream": False, "max_tokens": 2}
    async with (
        openai.AsyncOpenAI(base_url=base, api_key="none", max_retries=0) as once,
        openai.AsyncOpenAI(base_url=base, api_key="none", max_retries=10) as again,
    ):
        ahead = await once.chat.completions.create(**LONG_ASK)
        # Its head is here before it runs; until then it would be in the place of the one that waits.
        await asyncio.to_thread(eventually, lambda: crowded.metric("inferno_requests_running") == 1)
        waiting = asyncio.ensure_future(once.chat.completions.create(**LONG_ASK))
        await asyncio.to_thread(eventually, lambda: waiting.done() or crowded.metric("inferno_requests_waiting") == 1)
        with pytest.raises(openai.RateLimitError):
            await once.chat.completions.create(**short)
        coming = asyncio.gather(*(again.chat.completions.create(**short) for _ in range(8)))
        await ahead.close()
        await (await waiting).close()
        answers = await coming
        alone = await once.chat.completions.create(**short)
    texts = {answer.choices[0].message.content for answer in (*answers, alone)}
    assert len(texts) == 1


async def test_pieces_come_while_the_rest_is_made_and_an_abort_ends_that(paced: Server) -> None:
    async with openai.AsyncOpenAI(base_url=f"{paced.url}/v1", api_key="none", max_retries=0) as client:
        stream = await client.chat.completions.create(**LONG_ASK)
        pieces: list[str] = []
        async for chunk in stream:
            pieces += [chunk.choices[0].delta.content] if chunk.choices[0].delta.content else []
            if len(pieces) == PIECES:
                break
        assert paced.metric("inferno_requests_running") == 1
        await stream.close()
        eventually(lambda: paced.metric("inferno_requests_running") == 0)
