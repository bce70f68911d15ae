"""Anthropic's official client, and the types that it publishes for what comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

import anthropic
import pytest
from anthropic.types import Message, MessageTokensCount, ModelInfo, RawMessageStreamEvent
from pydantic import BaseModel, TypeAdapter
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

WEATHER: Any = {"name": "get_weather", "description": WEATHER_DESCRIPTION, "input_schema": WEATHER_SCHEMA}
GREEDY: Any = {"temperature": 0}


@pytest.fixture
def client(ember: Server) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=ember.url, api_key="none", max_retries=0) as client:
        yield client


def asked(client: anthropic.Anthropic, messages: Any, **fields: Any) -> Message:
    wanted = {"model": "ember", "max_tokens": 60, "extra_body": GREEDY, **fields}
    answer: Message = client.messages.create(messages=messages, **wanted)
    return answer


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def test_an_answer_is_text_and_counts_its_tokens(client: anthropic.Anthropic) -> None:
    answer = asked(client, [user(CAPITAL)], system="You are helpful.")
    [block] = answer.content
    assert block.type == "text"
    assert CAPITAL_ANSWER in block.text
    assert (answer.role, answer.model, answer.stop_reason, answer.stop_sequence) == (
        "assistant",
        "ember",
        "end_turn",
        None,
    )
    assert answer.usage.output_tokens > 3
    assert answer._request_id


def test_the_tokens_that_are_counted_are_those_that_are_used(client: anthropic.Anthropic) -> None:
    ask: Any = {"messages": [user(WEATHER_QUESTION)], "tools": [WEATHER], "system": [{"type": "text", "text": "Hi."}]}
    counted = client.messages.count_tokens(model="ember", **ask)
    usage = asked(client, **ask).usage
    assert counted.input_tokens == usage.input_tokens + (usage.cache_read_input_tokens or 0)
    again = asked(client, **ask).usage
    assert (again.cache_read_input_tokens or 0) > 16
    assert counted.input_tokens == again.input_tokens + (again.cache_read_input_tokens or 0)


def test_the_loop_closes(client: anthropic.Anthropic) -> None:
    call = asked(client, [user(WEATHER_QUESTION)], tools=[WEATHER])
    [block] = call.content
    assert call.stop_reason == "tool_use"
    assert block.type == "tool_use"
    assert (block.name, block.input) == ("get_weather", WEATHER_ARGUMENTS)
    result = {"type": "tool_result", "tool_use_id": block.id, "content": [{"type": "text", "text": WEATHER_RESULT}]}
    final = asked(
        client,
        [user(WEATHER_QUESTION), {"role": "assistant", "content": call.content}, user([result])],
        tools=[WEATHER],
    )
    assert final.stop_reason == "end_turn"
    assert final.content[0].type == "text"
    check_weather_answer(final.content[0].text)


def test_a_stream_gives_the_same_message(client: anthropic.Anthropic) -> None:
    whole = asked(client, [user(CAPITAL)])
    with client.messages.stream(
        model="ember", max_tokens=60, messages=[{"role": "user", "content": CAPITAL}], extra_body=GREEDY
    ) as stream:
        pieces = list(stream.text_stream)
        final = stream.get_final_message()
    assert whole.content[0].type == "text"
    assert "".join(pieces) == whole.content[0].text
    assert [block.model_dump(include={"type", "text"}) for block in final.content] == [
        block.model_dump(include={"type", "text"}) for block in whole.content
    ]
    assert (final.stop_reason, final.usage.output_tokens) == ("end_turn", whole.usage.output_tokens)


def test_a_streamed_call_is_put_together(client: anthropic.Anthropic) -> None:
    with client.messages.stream(
        model="ember", max_tokens=60, messages=[{"role": "user", "content": WEATHER_QUESTION}], tools=[WEATHER]
    ) as stream:
        events = list(stream)
        final = stream.get_final_message()
    pieces = [event.partial_json for event in events if event.type == "input_json"]
    assert json.loads("".join(pieces)) == WEATHER_ARGUMENTS
    assert [block.type for block in final.content] == ["tool_use"]
    assert final.content[0].type == "tool_use"
    assert final.content[0].input == WEATHER_ARGUMENTS
    assert final.stop_reason == "tool_use"


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "get_weather"}])
def test_a_call_can_be_forced_and_forbidden(client: anthropic.Anthropic, choice: dict[str, Any]) -> None:
    forced = {**choice, "disable_parallel_tool_use": True}
    answer = asked(client, [user(CAPITAL)], tools=[WEATHER], tool_choice=forced)
    [block] = answer.content
    assert block.type == "tool_use"
    assert block.input.keys() == {"city"}
    free = asked(client, [user(WEATHER_QUESTION)], tools=[WEATHER], tool_choice={"type": "none"})
    assert [one.type for one in free.content] == ["text"]


def test_why_it_ended_is_told(client: anthropic.Anthropic) -> None:
    stopped = asked(client, [user(CAPITAL)], stop_sequences=["France"])
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "France")
    assert stopped.content[0].type == "text"
    assert stopped.content[0].text == "The capital of "
    cut = asked(client, [user(CAPITAL)], max_tokens=3)
    assert (cut.stop_reason, cut.usage.output_tokens) == ("max_tokens", 3)


def test_a_call_that_the_limit_cuts_is_none(client: anthropic.Anthropic) -> None:
    cut = asked(client, [user(WEATHER_QUESTION)], tools=[WEATHER], max_tokens=18)
    assert (cut.stop_reason, cut.content) == ("max_tokens", [])


def test_an_answer_begun_is_continued(client: anthropic.Anthropic) -> None:
    begun = {"role": "assistant", "content": "The capital of France is"}
    [block] = asked(client, [user(CAPITAL), begun]).content
    assert block.type == "text"
    assert block.text.lstrip().startswith(CAPITAL_ANSWER)


def test_an_answer_has_the_form_that_is_asked_for(client: anthropic.Anthropic) -> None:
    class City(BaseModel):
        city: Literal["Paris", "Rome"]
        large: bool

    answer = client.messages.parse(
        model="ember", max_tokens=60, messages=[{"role": "user", "content": CAPITAL}], output_format=City
    )
    assert isinstance(answer.parsed_output, City)


def test_the_models_are_listed(ember: Server, client: anthropic.Anthropic) -> None:
    assert [model.id for model in client.models.list()] == ["ember"]
    found = client.models.retrieve("ember")
    assert (found.display_name, found.max_input_tokens, found.created_at.year >= 2024) == ("ember", 1024, True)
    with ember.client() as http:
        ModelInfo.model_validate_json(http.get("/v1/models/ember", headers={"anthropic-version": "2023-06-01"}).content)
        assert http.get("/v1/models/ember").json()["object"] == "model"
    with pytest.raises(anthropic.NotFoundError, match="'nope' is not served"):
        client.models.retrieve("nope")


def test_errors_are_the_clients_own(ember: Server, client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError, match="'nope' is not served") as missing:
        asked(client, [user("a")], model="nope")
    assert missing.value.type == "not_found_error"
    assert missing.value.request_id
    with pytest.raises(anthropic.BadRequestError, match="temperature") as refused:
        asked(client, [user("a")], extra_body={"temperature": 1.5})
    assert refused.value.type == "invalid_request_error"
    with pytest.raises(anthropic.BadRequestError, match="context"):
        asked(client, [user("word " * 5000)])


async def test_pieces_come_while_the_rest_is_made_and_an_abort_ends_that(paced: Server) -> None:
    pieces: list[str] = []
    async with (
        anthropic.AsyncAnthropic(base_url=paced.url, api_key="none", max_retries=0) as client,
        client.messages.stream(
            model="paced", max_tokens=50_000, messages=[{"role": "user", "content": LONG}], extra_body=GREEDY
        ) as stream,
    ):
        async for piece in stream.text_stream:
            pieces.append(piece)
            if len(pieces) == PIECES:
                break
        assert paced.metric("inferno_requests_running") == 1
    eventually(lambda: paced.metric("inferno_requests_running") == 0)


@pytest.mark.parametrize("fields", [{}, {"tools": [WEATHER]}])
def test_what_comes_validates_against_the_published_types(ember: Server, fields: dict[str, Any]) -> None:
    body = {"model": "ember", "max_tokens": 60, "messages": [user(WEATHER_QUESTION)], **fields}
    event_type: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
    with ember.client() as http:
        Message.model_validate_json(http.post("/v1/messages", json=body).content, strict=True)
        counted = http.post("/v1/messages/count_tokens", json={key: body[key] for key in body if key != "max_tokens"})
        assert MessageTokensCount.model_validate_json(counted.content, strict=True).input_tokens > 10
        streamed = http.post("/v1/messages", json={**body, "stream": True})
    assert streamed.headers["content-type"].startswith("text/event-stream")
    kinds = []
    for event in streamed.text.removesuffix("\n\n").split("\n\n"):
        name, data = event.split("\n")
        told = event_type.validate_json(data.removeprefix("data: "), strict=True)
        assert name == f"event: {told.type}"
        kinds.append(told.type)
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
