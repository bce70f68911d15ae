"""Structured output as clients ask for it: over HTTP and with the official client, of a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import Enum

import openai
import pytest
from pydantic import BaseModel, Field

from e2e.process import Server, running

pytestmark = pytest.mark.e2e


class Size(str, Enum):
    SMALL = "small"
    LARGE = "large"


class Item(BaseModel):
    name: str = Field(max_length=12)
    size: Size
    count: int = Field(ge=1, le=99)


class Order(BaseModel):
    customer: str = Field(max_length=20)
    items: list[Item] = Field(min_length=1, max_length=3)
    note: str | None = Field(max_length=10)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as server:
        yield server
        assert server.stop() == 0


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.mark.parametrize("seed", range(5))
def test_the_official_client_parses_answers_into_its_models(client: openai.OpenAI, seed: int) -> None:
    answer = client.chat.completions.parse(
        model="ember",
        messages=[{"role": "user", "content": "Order two apples."}],
        response_format=Order,
        seed=seed,
        temperature=1.2,
    )
    assert answer.choices[0].finish_reason == "stop"
    assert isinstance(answer.choices[0].message.parsed, Order)


def test_what_is_cut_is_told_to_the_client(client: openai.OpenAI) -> None:
    with pytest.raises(openai.LengthFinishReasonError):
        client.chat.completions.parse(
            model="ember", messages=[{"role": "user", "content": "Hi"}], response_format=Order, max_tokens=4
        )


def test_streams_and_completions_are_kept_to_it_too(server: Server, client: openai.OpenAI) -> None:
    chunks = client.chat.completions.create(
        model="ember",
        messages=[{"role": "user", "content": "Hi"}],
        stream=True,
        n=2,
        extra_body={"guided_regex": "[0-9]{4}-(a|b)"},
    )
    texts = ["", ""]
    for chunk in chunks:
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert all(len(text) == 6 and text[4] == "-" for text in texts)
    with server.client() as http:
        body = {"prompt": ["a", "b"], "max_tokens": 50, "structured_outputs": {"choice": ["yes", "no"]}}
        choices = http.post("/v1/completions", json=body).json()["choices"]
    assert {(one["text"] in {"yes", "no"}, one["finish_reason"]) for one in choices} == {(True, "stop")}


@pytest.mark.parametrize(
    "schema",
    [
        {"enum": ["x" * 10_000_000]},
        '{"a":' * 10_000 + "1" + "}" * 10_000,
        '{"a":' * 900 + "1" + "}" * 900,
        {"properties": {"a": {"type": "array", "uniqueItems": True}}},
    ],
)
def test_hostile_and_unsupported_schemas_are_refused_and_serving_goes_on(server: Server, schema: object) -> None:
    text = schema if isinstance(schema, str) else json.dumps(schema)
    chat = '{"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 5'
    with server.client() as http:
        refused = http.post("/v1/chat/completions", content=f'{chat}, "json_schema": {text}}}')
        assert refused.status_code == 400, refused.text
        assert len(refused.text) < 1000
        assert http.post("/v1/chat/completions", content=f"{chat}}}").status_code == 200


def test_an_exponential_expression_is_answered_or_refused(server: Server) -> None:
    nested = "(((((a{1,99}){1,99}){1,99}){1,99}){1,99}){1,99}b"
    with server.client() as http:
        for pattern in (nested, "(a*)*(a*)*(a*)*b", "(a|b)*a(a|b){2000}c"):
            answer = http.post("/v1/completions", json={"prompt": "x", "guided_regex": pattern, "max_tokens": 20})
            assert answer.status_code in {200, 400}, answer.text
