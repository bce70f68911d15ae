"""OpenAI's Agents SDK, by chat completions and by responses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from questions import (
    CAPITAL,
    CAPITAL_ANSWER,
    WEATHER_ARGUMENTS,
    WEATHER_QUESTION,
    WEATHER_RESULT,
    check_weather_answer,
)

from e2e.process import Server

agents = pytest.importorskip("agents", reason="run 'make clients'")


@pytest.fixture(params=["OpenAIChatCompletionsModel", "OpenAIResponsesModel"])
async def model(ember: Server, request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    agents.set_tracing_disabled(True)
    async with openai.AsyncOpenAI(base_url=f"{ember.url}/v1", api_key="none", max_retries=0) as client:
        yield getattr(agents, request.param)(model="ember", openai_client=client)


def agent(model: Any, asked: list[str]) -> Any:
    @agents.function_tool  # type: ignore[untyped-decorator]
    def get_weather(city: str) -> str:
        """Get the weather in a city"""
        asked.append(city)
        return WEATHER_RESULT

    return agents.Agent(
        name="helper", model=model, tools=[get_weather], model_settings=agents.ModelSettings(temperature=0)
    )


async def test_the_agent_calls_and_answers(model: Any) -> None:
    asked: list[str] = []
    result = await agents.Runner.run(agent(model, asked), WEATHER_QUESTION)
    check_weather_answer(result.final_output)
    assert asked == [WEATHER_ARGUMENTS["city"]]


async def test_the_agent_streams(model: Any) -> None:
    asked: list[str] = []
    running = agents.Runner.run_streamed(agent(model, asked), WEATHER_QUESTION)
    pieces = [
        event.data.delta
        async for event in running.stream_events()
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta"
    ]
    check_weather_answer(running.final_output)
    assert "".join(pieces) == running.final_output
    assert asked == [WEATHER_ARGUMENTS["city"]]


async def test_without_need_it_calls_nothing(model: Any) -> None:
    asked: list[str] = []
    result = await agents.Runner.run(agent(model, asked), CAPITAL)
    assert CAPITAL_ANSWER in result.final_output
    assert asked == []
