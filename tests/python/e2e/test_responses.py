"""``/v1/responses`` through the official client, with the built-in model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pydantic
import pytest
from openai.types.responses import ResponseStreamEvent

from e2e.process import Server, eventually, running

pytestmark = pytest.mark.e2e

EVENT: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(ResponseStreamEvent)
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "Get the weather in a city",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
ASK = "What is the weather in Paris?"
FRANCE = "What is the capital of France?"
PACED = ("fake:step_us=100000", "--model-name", "fake")
"""With ten tokens a second no answer ends before it is looked at."""


@pytest.fixture(scope="module")
def ember(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    store = tmp_path_factory.mktemp("state") / "responses.db"
    with running("--response-store", str(store)) as server:
        yield server
        assert server.stop() == 0


@pytest.fixture
def client(ember: Server) -> Iterator[openai.OpenAI]:
    with client_of(ember) as client:
        yield client


def client_of(server: Server, key: str = "none") -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0)


def ended(client: openai.OpenAI, id_: str) -> Any:
    eventually(lambda: client.responses.retrieve(id_).status not in ("queued", "in_progress"))
    return client.responses.retrieve(id_)


def test_an_answer_and_the_same_answer_again(client: openai.OpenAI) -> None:
    answer = client.responses.create(model="ember", input="What is 12 plus 30?", temperature=0)
    assert "42" in answer.output_text
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    assert client.responses.retrieve(answer.id) == answer
    counted = client.responses.input_tokens.count(model="ember", input="What is 12 plus 30?")
    assert counted.input_tokens == answer.usage.input_tokens


def test_the_loop_closes_by_the_id_of_the_response_before(client: openai.OpenAI) -> None:
    first = client.responses.create(model="ember", input=ASK, tools=[WEATHER, {"type": "web_search"}], temperature=0)
    [call] = first.output
    assert call.type == "function_call"
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Paris"})
    result: Any = {
        "type": "function_call_output",
        "call_id": call.call_id,
        "output": json.dumps({"temperature": 17, "sky": "sunny"}),
    }
    final = client.responses.create(
        model="ember", previous_response_id=first.id, input=[result], tools=[WEATHER], temperature=0
    )
    assert "17 degrees" in final.output_text
    assert "sunny" in final.output_text
    stateless: Any = [{"role": "user", "content": ASK}, call.to_dict(), result]
    same = client.responses.create(model="ember", input=stateless, tools=[WEATHER], temperature=0, store=False)
    assert same.output_text == final.output_text
    assert same.usage is not None
    assert final.usage is not None
    assert same.usage.input_tokens == final.usage.input_tokens
    [listed] = client.responses.input_items.list(final.id).data
    assert listed.type == "function_call_output"


def test_a_stream_is_the_events_of_the_published_types(client: openai.OpenAI) -> None:
    def streamed() -> list[str]:
        stream = client.responses.create(model="ember", input=ASK, tools=[WEATHER], temperature=0, stream=True)
        events = [EVENT.validate_python(event.to_dict()) for event in stream]
        assert [event.sequence_number for event in events] == list(range(len(events)))
        assert (events[0].type, events[-1].type) == ("response.created", "response.completed")
        pieces = [event.delta for event in events if event.type == "response.function_call_arguments.delta"]
        assert "".join(pieces) == events[-1].response.output[0].arguments
        return pieces

    eventually(lambda: len(streamed()) > 1)  # where the server's loop lags, it sends much at once


def test_the_clients_own_accumulation_of_a_stream(client: openai.OpenAI) -> None:
    with client.responses.stream(model="ember", input=FRANCE, temperature=0) as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response()
    assert "Paris" in text
    assert final.output_text == text


class City(pydantic.BaseModel):
    city: str
    population: int


def test_structured_output_is_parsed(client: openai.OpenAI) -> None:
    parsed = client.responses.parse(model="ember", input="Tell me about Paris.", text_format=City, temperature=0)
    assert parsed.status == "completed"
    assert isinstance(parsed.output_parsed, City)


def test_what_is_deleted_is_gone(client: openai.OpenAI) -> None:
    made = client.responses.create(model="ember", input="Hello", max_output_tokens=2)
    assert (made.status, made.incomplete_details and made.incomplete_details.reason) == (
        "incomplete",
        "max_output_tokens",
    )
    client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)


def test_one_in_the_background_is_polled_and_its_stream_read_on(client: openai.OpenAI) -> None:
    begun = client.responses.create(model="ember", input=FRANCE, background=True, temperature=0)
    assert begun.status == "queued"
    assert "Paris" in ended(client, begun.id).output_text
    with client.responses.create(model="ember", input=FRANCE, background=True, temperature=0, stream=True) as stream:
        first = next(iter(stream))
    assert first.type == "response.created"
    rest = list(client.responses.retrieve(first.response.id, stream=True, starting_after=0))
    assert [event.sequence_number for event in rest] == list(range(1, len(rest) + 1))
    assert rest[-1].type == "response.completed"
    assert "Paris" in rest[-1].response.output_text


def test_a_cancelled_one_frees_the_engine(tmp_path: Path) -> None:
    with running(*PACED, "--response-store", str(tmp_path / "r.db")) as server:
        with client_of(server) as client:
            begun = client.responses.create(model="fake", input="Hello", background=True)
            eventually(lambda: server.metric("inferno_requests_running") == 1)
            cancelled = client.responses.cancel(begun.id)
            assert cancelled.status == "cancelled"
            assert client.responses.retrieve(begun.id).status == "cancelled"
            eventually(lambda: server.metric("inferno_requests_running") == 0)
        assert server.metric("inferno_cancelled_total") == 1
        assert server.stop() == 0


def test_a_conversation_goes_on(client: openai.OpenAI) -> None:
    conversation = client.conversations.create(metadata={"topic": "x"})
    client.responses.create(model="ember", input="Hello", conversation=conversation.id, temperature=0)
    answer = client.responses.create(model="ember", input=FRANCE, conversation=conversation.id, temperature=0)
    items = client.conversations.items.list(conversation.id, order="asc").data
    assert [item.role for item in items if item.type == "message"] == ["user", "assistant"] * 2
    assert items[-1].id == answer.output[0].id
    client.conversations.delete(conversation.id)
    with pytest.raises(openai.NotFoundError):
        client.conversations.retrieve(conversation.id)


def test_a_restart_forgets_nothing_and_another_key_finds_nothing(tmp_path: Path) -> None:
    flags = ["--response-store", str(tmp_path / "r.db"), "--api-key", "first", "--api-key", "second"]
    with running(*flags) as server:
        with client_of(server, "first") as client:
            first = client.responses.create(model="ember", input=ASK, tools=[WEATHER], temperature=0)
        assert server.stop() == 0
    assert [path.name for path in tmp_path.iterdir()] == ["r.db"]
    with running(*flags) as server:
        with client_of(server, "second") as other:
            with pytest.raises(openai.NotFoundError):
                other.responses.retrieve(first.id)
            with pytest.raises(openai.NotFoundError):
                other.responses.create(model="ember", input="x", previous_response_id=first.id)
        with client_of(server, "first") as client:
            assert client.responses.retrieve(first.id) == first
            result: Any = {
                "type": "function_call_output",
                "call_id": first.output[0].call_id,  # type: ignore[union-attr]
                "output": json.dumps({"temperature": 17, "sky": "sunny"}),
            }
            final = client.responses.create(
                model="ember", previous_response_id=first.id, input=[result], tools=[WEATHER], temperature=0
            )
            assert "17 degrees" in final.output_text
        assert server.stop() == 0


def test_a_killed_server_says_afterwards_what_it_left(tmp_path: Path) -> None:
    flags = [*PACED, "--response-store", str(tmp_path / "r.db")]
    with running(*flags) as server:
        with client_of(server) as client:
            begun = client.responses.create(model="fake", input="Hello", background=True)
            eventually(lambda: server.metric("inferno_requests_running") == 1)
        server.process.kill()
        server.process.wait()
    with running(*flags) as server, client_of(server) as client:
        found = client.responses.retrieve(begun.id)
        assert found.status == "failed"
        assert found.error is not None
        assert "stopped" in found.error.message
        assert server.stop() == 0
