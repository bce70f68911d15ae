"""LlamaIndex, by its integration for APIs like OpenAI's."""

from __future__ import annotations

from typing import Any

import pytest
from questions import (
    CAPITAL,
    CAPITAL_ANSWER,
    LONG,
    PIECES,
    WEATHER_ARGUMENTS,
    WEATHER_QUESTION,
    WEATHER_RESULT,
    check_weather_answer,
)

from e2e.process import Server, eventually

openai_like = pytest.importorskip("llama_index.llms.openai_like", reason="run 'make clients'")
llms = pytest.importorskip("llama_index.core.llms", reason="run 'make clients'")
tools = pytest.importorskip("llama_index.core.tools", reason="run 'make clients'")


def model_at(server: Server, name: str) -> Any:
    return openai_like.OpenAILike(
        model=name,
        api_base=f"{server.url}/v1",
        api_key="none",
        temperature=0,
        max_retries=0,
        context_window=1024,
        is_chat_model=True,
        is_function_calling_model=True,
    )


@pytest.fixture
def model(ember: Server) -> Any:
    return model_at(ember, "ember")


def test_a_chat_is_answered(model: Any) -> None:
    answer = model.chat([llms.ChatMessage(role="user", content=CAPITAL)])
    assert CAPITAL_ANSWER in answer.message.content


def test_a_stream_is_put_together(model: Any) -> None:
    pieces = [piece.delta for piece in model.stream_chat([llms.ChatMessage(role="user", content=CAPITAL)])]
    assert CAPITAL_ANSWER in "".join(piece or "" for piece in pieces)


def test_pieces_come_while_the_rest_is_made(paced: Server) -> None:
    pieces = 0
    for piece in model_at(paced, "paced").stream_chat([llms.ChatMessage(role="user", content=LONG)]):
        pieces += bool(piece.delta)
        if pieces == PIECES:
            assert paced.metric("inferno_requests_running") == 1
            break
    assert pieces == PIECES
    eventually(lambda: paced.metric("inferno_requests_running") == 0)


def test_the_loop_closes(model: Any) -> None:
    def get_weather(city: str) -> str:
        """Get the weather in a city"""
        assert city == WEATHER_ARGUMENTS["city"]
        return WEATHER_RESULT

    weather = tools.FunctionTool.from_defaults(get_weather, description="Get the weather in a city")
    question = llms.ChatMessage(role="user", content=WEATHER_QUESTION)
    called = model.chat_with_tools([weather], chat_history=[question])
    [call] = model.get_tool_calls_from_response(called)
    assert (call.tool_name, call.tool_kwargs) == ("get_weather", WEATHER_ARGUMENTS)
    result = llms.ChatMessage(
        role="tool",
        content=weather(**call.tool_kwargs).content,
        additional_kwargs={"tool_call_id": call.tool_id, "name": call.tool_name},
    )
    final = model.chat_with_tools([weather], chat_history=[question, called.message, result])
    check_weather_answer(final.message.content)


async def test_a_completion_goes_on(ember: Server) -> None:
    model = openai_like.OpenAILike(
        model="ember",
        api_base=f"{ember.url}/v1",
        api_key="none",
        is_chat_model=False,
        max_tokens=4,
        context_window=1024,
    )
    answer = await model.acomplete("The capital", logprobs=None)
    assert answer.raw.usage.completion_tokens <= 4
    assert answer.text == answer.raw.choices[0].text
