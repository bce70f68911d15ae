"""LangChain, by its integration for OpenAI's API."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import BaseModel
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

langchain_openai = pytest.importorskip("langchain_openai", reason="run 'make clients'")
messages = pytest.importorskip("langchain_core.messages", reason="run 'make clients'")
tools = pytest.importorskip("langchain_core.tools", reason="run 'make clients'")


def model_at(server: Server, name: str, by_responses: bool) -> Any:
    return langchain_openai.ChatOpenAI(
        model=name,
        base_url=f"{server.url}/v1",
        api_key="none",
        temperature=0,
        max_retries=0,
        use_responses_api=by_responses,
    )


@pytest.fixture(params=[False, True], ids=["chat", "responses"])
def model(ember: Server, request: pytest.FixtureRequest) -> Any:
    return model_at(ember, "ember", request.param)


def get_weather(city: str) -> str:
    """Get the weather in a city"""
    assert city == WEATHER_ARGUMENTS["city"]
    return WEATHER_RESULT


def test_a_chat_is_answered(model: Any) -> None:
    answer = model.invoke(CAPITAL)
    assert CAPITAL_ANSWER in answer.text
    assert answer.usage_metadata["output_tokens"] > 3


async def test_a_stream_is_put_together(model: Any) -> None:
    pieces = [chunk.text async for chunk in model.astream(CAPITAL)]
    assert CAPITAL_ANSWER in "".join(pieces)


@pytest.mark.parametrize("by_responses", [False, True], ids=["chat", "responses"])
async def test_pieces_come_while_the_rest_is_made(paced: Server, by_responses: bool) -> None:
    model = model_at(paced, "paced", by_responses)
    pieces = 0
    async for chunk in model.astream(LONG):
        pieces += bool(chunk.text)
        if pieces == PIECES:
            assert paced.metric("inferno_requests_running") == 1
            break
    assert pieces == PIECES
    eventually(lambda: paced.metric("inferno_requests_running") == 0)


def test_the_loop_closes(model: Any) -> None:
    weather = tools.tool(get_weather)
    bound = model.bind_tools([weather])
    asked = [messages.HumanMessage(WEATHER_QUESTION)]
    called = bound.invoke(asked)
    [call] = called.tool_calls
    assert (call["name"], call["args"]) == ("get_weather", WEATHER_ARGUMENTS)
    final = bound.invoke([*asked, called, weather.invoke(call)])
    check_weather_answer(final.text)


def test_an_answer_has_the_form_that_is_asked_for(model: Any) -> None:
    class City(BaseModel):
        city: Literal["Paris", "Rome"]
        large: bool

    assert isinstance(model.with_structured_output(City).invoke(CAPITAL), City)


def test_vectors(embedder: Server) -> None:
    embeddings = langchain_openai.OpenAIEmbeddings(
        model="fake", base_url=f"{embedder.url}/v1", api_key="none", check_embedding_ctx_length=False
    )
    first, second = embeddings.embed_documents(["a", "b"])
    assert first != second
    assert embeddings.embed_query("a") == first
