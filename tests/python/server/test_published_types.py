"""Whatever the routes of OpenAI's API answer is valid by the types that its Python package publishes, taken strictly:
answers, chunks, and every event of a response's stream that this server knows."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from openai.types import Completion, CreateEmbeddingResponse, Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.conversations import Conversation, ConversationDeletedResource, ConversationItemList
from openai.types.conversations.conversation_item import ConversationItem
from openai.types.responses import Response, ResponseItemList, ResponseStreamEvent
from openai.types.responses.input_token_count_response import InputTokenCountResponse
from pydantic import BaseModel, TypeAdapter

from inferno.engine.conversation import Conversation as Asked
from inferno.engine.conversation import Turn
from inferno.engine.dialects.events import CallArguments, CallBegun, CallEnded, Content, Event, Reasoning
from inferno.engine.local import LocalEngine
from inferno.errors import OutOfMemory
from inferno.models.registry import ModelRegistry
from inferno.server.app import build_app
from inferno.server.wire.responses.events import ResponseEvent
from server.fake_client import FakeClient
from server.harness import Settings
from server.response_client import Served, serving

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
ITEM: TypeAdapter[Any] = TypeAdapter(ConversationItem)
WEATHER = {"name": "f", "parameters": {"type": "object", "properties": {}}}
THOUGHT_SAID_AND_CALLED = "eabccrr"
"""Read backwards, as the fake client answers: thoughts, text, and a call."""


class Marks:
    """Reads letters: what a model with thoughts and calls of its own would say in one delta each."""

    reasoning = False

    def feed(self, text: str) -> Sequence[Event]:
        said: dict[str, Event] = {
            "r": Reasoning("so"),
            "b": CallBegun(0, "call_1", "f"),
            "a": CallArguments(0, "{}"),
            "e": CallEnded(0),
        }
        return [said.get(letter, Content(letter)) for letter in text]

    def close(self) -> Sequence[Event]:
        return ()


class Marked(FakeClient):
    async def open_turn(self, conversation: Asked) -> Turn:
        return Turn(await self.encode_chat(conversation.messages), Marks)


@pytest.fixture
def fake() -> FakeClient:
    return Marked()


@pytest.fixture
async def served(fake: FakeClient, tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(fake, tmp_path / "r.db") as found:
        yield found


async def posted(served: Served, path: str, body: dict[str, Any]) -> bytes:
    answer = await served.http.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.content


def valid(kind: type[BaseModel], content: bytes) -> Any:
    return kind.model_validate_json(content, strict=True)


def data_of(stream: bytes) -> list[str]:
    return [line.removeprefix("data: ") for line in stream.decode().splitlines() if line.startswith("data: ")]


@pytest.mark.parametrize("text", ["abc", THOUGHT_SAID_AND_CALLED])
async def test_chat(served: Served, text: str) -> None:
    ask = {
        "messages": [{"role": "user", "content": text}],
        "tools": [{"type": "function", "function": WEATHER}],
        "n": 2,
        "logprobs": True,
        "top_logprobs": 2,
        "service_tier": "flex",
    }
    whole = valid(ChatCompletion, await posted(served, "/v1/chat/completions", ask))
    assert [choice.finish_reason for choice in whole.choices] == ["tool_calls" if "b" in text[1:4] else "stop"] * 2
    usage = {"stream_options": {"include_usage": True}}
    *chunks, done = data_of(await posted(served, "/v1/chat/completions", {**ask, "stream": True, **usage}))
    told = [valid(ChatCompletionChunk, chunk.encode()) for chunk in chunks]
    assert (told[-1].usage, done) == (whole.usage, "[DONE]")


async def test_completions(served: Served) -> None:
    ask = {"prompt": ["ab", "cd"], "logprobs": 2, "n": 2}
    assert len(valid(Completion, await posted(served, "/v1/completions", ask)).choices) == 4
    valid(Completion, await posted(served, "/v1/completions", {"prompt": "ab", "echo": True}))
    echoed = json.loads(await posted(served, "/v1/completions", {**ask, "echo": True}))
    for choice in echoed["choices"]:
        # Nothing comes before a prompt's first token: null, as OpenAI's API answers and its types do not say.
        for scores in (choice["logprobs"]["token_logprobs"], choice["logprobs"]["top_logprobs"]):
            assert scores.pop(0) is None
    valid(Completion, json.dumps(echoed).encode())
    *chunks, done = data_of(await posted(served, "/v1/completions", {**ask, "stream": True}))
    for chunk in map(json.loads, chunks):
        # Before the end there is no reason: null, of which the same holds.
        for choice in chunk["choices"]:
            choice["finish_reason"] = choice["finish_reason"] or "stop"
        valid(Completion, json.dumps(chunk).encode())
    assert done == "[DONE]"


async def test_models(served: Served) -> None:
    listed = (await served.http.get("/v1/models")).json()
    assert (listed["object"], len(listed["data"])) == ("list", 1)
    one = valid(Model, (await served.http.get("/v1/models/fake-model")).content)
    assert Model.model_validate(listed["data"][0], strict=True) == one


async def test_embeddings() -> None:
    engine = await LocalEngine.load("fake:embed=8", name="vectors")
    app = build_app(ModelRegistry({"vectors": engine}, default="vectors"), Settings())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        answer = await http.post("/v1/embeddings", json={"input": ["a", "b"]})
        packed = (await http.post("/v1/embeddings", json={"input": "a", "encoding_format": "base64"})).json()
    await engine.aclose()
    assert [len(one.embedding) for one in valid(CreateEmbeddingResponse, answer.content).data] == [8, 8]
    # The types have numbers only: the client decodes what is packed before they see it.
    packed["data"][0]["embedding"] = [0.0]
    CreateEmbeddingResponse.model_validate_json(json.dumps(packed), strict=True)


async def test_conversations(served: Served) -> None:
    items = [
        {"role": "user", "content": "a"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    ]
    made = valid(Conversation, await posted(served, "/v1/conversations", {"items": items, "metadata": {"a": "b"}}))
    path = f"/v1/conversations/{made.id}"
    assert valid(Conversation, (await served.http.get(path)).content) == made
    valid(Conversation, await posted(served, path, {"metadata": {"c": "d"}}))
    output = {"items": [{"type": "function_call_output", "call_id": "c", "output": "warm"}]}
    added = valid(ConversationItemList, await posted(served, f"{path}/items", output))
    await posted(served, "/v1/responses", {"conversation": made.id, "input": THOUGHT_SAID_AND_CALLED})
    listed = valid(ConversationItemList, (await served.http.get(f"{path}/items")).content)
    kinds = {item.type for item in listed.data}
    assert kinds == {"message", "function_call", "function_call_output", "reasoning"}
    ITEM.validate_json((await served.http.get(f"{path}/items/{added.data[0].id}")).content, strict=True)
    valid(Conversation, (await served.http.delete(f"{path}/items/{added.data[0].id}")).content)
    assert valid(ConversationDeletedResource, (await served.http.delete(path)).content).deleted


async def test_responses(served: Served) -> None:
    tools = [{"type": "function", **WEATHER}]
    ask = {"input": THOUGHT_SAID_AND_CALLED, "tools": tools, "top_logprobs": 2}
    made = valid(Response, await posted(served, "/v1/responses", ask))
    assert [item.type for item in made.output] == ["reasoning", "message", "function_call"]
    path = f"/v1/responses/{made.id}"
    assert valid(Response, (await served.http.get(path)).content) == made
    assert valid(ResponseItemList, (await served.http.get(f"{path}/input_items")).content).data
    counted = await posted(served, "/v1/responses/input_tokens", {"input": "abc"})
    assert valid(InputTokenCountResponse, counted).input_tokens == 3
    begun = valid(Response, await posted(served, "/v1/responses", {**ask, "background": True}))
    assert begun.status == "queued"
    valid(Response, await posted(served, f"/v1/responses/{begun.id}/cancel", {}))


async def test_every_event_of_a_response(served: Served, fake: FakeClient) -> None:
    asks: list[dict[str, Any]] = [
        {"input": THOUGHT_SAID_AND_CALLED, "tools": [{"type": "function", **WEATHER}]},
        {"input": "abc", "max_output_tokens": 1, "include": ["message.output_text.logprobs"]},
        {"input": "abc", "background": True},
    ]
    streams = [await posted(served, "/v1/responses", {**ask, "stream": True}) for ask in asks]
    fake.failure, fake.fail_after = OutOfMemory("no memory left"), 1
    streams.append(await posted(served, "/v1/responses", {"input": "abc", "stream": True}))
    told = [EVENT.validate_json(data, strict=True) for stream in streams for data in data_of(stream)]
    known = {str(event.__struct_config__.tag) for event in get_args(ResponseEvent)}
    assert {event.type for event in told} == known
