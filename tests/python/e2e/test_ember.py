"""The first thing anyone does: serve with no argument, ask over HTTP and with the official client."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest

from e2e.process import Server, running

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def ember() -> Iterator[Server]:
    with running() as server:
        yield server
        assert server.stop() == 0


@pytest.fixture
def client(ember: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{ember.url}/v1", api_key="none", max_retries=0) as client:
        yield client


def test_a_sum_over_plain_http(ember: Server) -> None:
    body = {
        "model": "ember",
        "temperature": 0,
        "messages": [{"role": "user", "content": "What is 12 plus 30?"}],
    }
    with ember.client() as http:
        answer = http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    choice = answer.json()["choices"][0]
    assert "42" in choice["message"]["content"]
    assert choice["finish_reason"] == "stop"


def test_two_prompts_two_answers(client: openai.OpenAI) -> None:
    answers = [
        client.chat.completions.create(model="ember", temperature=0, messages=[{"role": "user", "content": text}])
        .choices[0]
        .message.content
        for text in ("What is 5 plus 4?", "What is the capital of France?")
    ]
    assert "9" in (answers[0] or "")
    assert "Paris" in (answers[1] or "")


def test_streaming_gives_the_text_of_the_whole_answer(client: openai.OpenAI) -> None:
    messages = [{"role": "user", "content": "Hello"}]
    whole = client.chat.completions.create(model="ember", temperature=0, messages=messages)  # type: ignore[arg-type]
    chunks = list(
        client.chat.completions.create(
            model="ember",
            temperature=0,
            messages=messages,  # type: ignore[arg-type]
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] == ["stop"]
    assert chunks[-1].usage is not None
    assert whole.usage is not None
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens


def test_completions_and_models(client: openai.OpenAI) -> None:
    completion = client.completions.create(model="ember", prompt="Hello", max_tokens=5, logprobs=2, seed=1)
    assert completion.usage is not None
    assert 0 < completion.usage.completion_tokens <= 5
    assert [model.id for model in client.models.list()] == ["ember"]
    assert client.models.retrieve("ember").id == "ember"


def test_errors_have_their_class(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-5")
    with pytest.raises(openai.BadRequestError, match="temperature"):
        client.completions.create(model="ember", prompt="x", temperature=-1)


def test_the_engine_moves_the_metrics(ember: Server, client: openai.OpenAI) -> None:
    before = ember.metric("inferno_generated_tokens_total")
    client.completions.create(model="ember", prompt="Hello", max_tokens=3)
    assert ember.metric("inferno_generated_tokens_total") > before
