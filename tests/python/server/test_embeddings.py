"""/v1/embeddings over the real native embedder and its test model, asked by OpenAI's own client."""

from __future__ import annotations

import asyncio
import base64
import json
import math
from array import array
from collections.abc import AsyncIterator
from typing import Any

import httpx
import openai
import pytest

from inferno.engine.local import LocalEngine
from inferno.models.registry import ModelRegistry
from inferno.server.app import build_app
from server.harness import Call, Settings, soon, until

SIZE = 24


class House:
    """An embedding model and a chat model behind one application."""

    def __init__(self, embedder: LocalEngine, writer: LocalEngine) -> None:
        self.embedder = embedder
        self.writer = writer
        registry = ModelRegistry({"vectors": embedder, "words": writer}, default="vectors")
        self.app = build_app(registry, Settings())
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://test")
        self.openai = openai.AsyncOpenAI(
            api_key="none", base_url="http://test/v1", http_client=self.http, max_retries=0
        )

    async def post(self, **body: Any) -> httpx.Response:
        return await self.http.post("/v1/embeddings", json=body)

    async def error(self, **body: Any) -> dict[str, Any]:
        answer = await self.post(**body)
        assert answer.status_code == 400, answer.text
        error: dict[str, Any] = answer.json()["error"]
        return error


async def house_of(path: str = f"fake:embed={SIZE}", **options: Any) -> House:
    sizes = {"context_tokens": 200, "batch_rows": 64, "slots": 8, **options}
    return House(
        await LocalEngine.load(path, name="vectors", options=sizes), await LocalEngine.load("fake:", name="words")
    )


@pytest.fixture
async def house() -> AsyncIterator[House]:
    built = await house_of()
    yield built
    await built.embedder.aclose()
    await built.writer.aclose()


def length(vector: list[float]) -> float:
    return math.sqrt(sum(x * x for x in vector))


async def test_one_text_and_several_are_the_same_vectors(house: House) -> None:
    texts = [f"text number {i} " * (i % 5 + 1) for i in range(40)]
    together = await house.openai.embeddings.create(model="vectors", input=texts)
    assert [entry.index for entry in together.data] == list(range(40))
    for text, entry in zip(texts, together.data, strict=True):
        alone = await house.openai.embeddings.create(model="vectors", input=text, encoding_format="float")
        assert alone.data[0].embedding == entry.embedding
        assert length(entry.embedding) == pytest.approx(1, abs=1e-6)
    assert len({tuple(entry.embedding) for entry in together.data}) == 40
    tokens = sum(len(text) + 2 for text in texts)  # of the test model: one per byte, and what goes around a text
    assert (together.usage.prompt_tokens, together.usage.total_tokens) == (tokens, tokens)
    assert together.object == "list"
    assert together.model == "vectors"


async def test_base64_is_the_floats_bytes(house: House) -> None:
    floats = (await house.post(input="one", encoding_format="float")).json()["data"][0]["embedding"]
    coded = (await house.post(input="one", encoding_format="base64")).json()["data"][0]["embedding"]
    assert array("f", base64.b64decode(coded)).tolist() == floats
    assert (await house.post(input="one")).json()["data"][0]["embedding"] == floats


async def test_token_ids_are_taken_as_they_are(house: House) -> None:
    ids = (await house.http.post("/tokenize", json={"prompt": "abc"})).json()["tokens"]
    of_text = (await house.post(input="abc")).json()
    assert (await house.post(input=ids)).json() == of_text
    both = (await house.post(input=[ids, ids[:2]])).json()
    assert both["data"][0]["embedding"] == of_text["data"][0]["embedding"] != both["data"][1]["embedding"]
    assert both["usage"]["prompt_tokens"] == len(ids) + 2


async def test_dimensions_are_the_first_ones_at_length_1(house: House) -> None:
    whole = (await house.post(input="one")).json()["data"][0]["embedding"]
    cut = (await house.post(input="one", dimensions=5)).json()["data"][0]["embedding"]
    assert cut == pytest.approx([x / length(whole[:5]) for x in whole[:5]], rel=1e-5)
    error = await house.error(input="one", dimensions=SIZE + 1)
    assert error["param"] == "dimensions"
    assert str(SIZE) in error["message"]


async def test_a_long_text_is_refused_or_cut_when_asked(house: House) -> None:
    error = await house.error(input=["short", "x" * 300])
    assert (error["code"], error["param"]) == ("context_length_exceeded", "input")
    assert "302 tokens" in error["message"]
    assert "200" in error["message"]
    cut = (await house.post(input="x" * 300, truncate=True)).json()
    assert cut["usage"]["prompt_tokens"] == 200
    assert cut["data"] == (await house.post(input="x" * 198)).json()["data"], "what goes behind a text stays"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": []}, "input"),
        ({"input": ["a", [1]]}, "input"),
        ({"input": [[]]}, "input"),
        ({"input": [[9_999_999]]}, "input"),
        ({"input": "a", "encoding_format": "int8"}, "encoding_format"),
        ({"input": "a", "dimensions": 0}, "dimensions"),
        ({"input": "a", "nonsense": 1}, "nonsense"),
        ({"input": ["a"] * 2049}, "input"),
    ],
)
async def test_what_cannot_be_is_refused_by_name(house: House, body: dict[str, Any], param: str) -> None:
    assert (await house.error(**body))["param"] == param


async def test_each_model_says_what_it_can_do(house: House) -> None:
    with pytest.raises(openai.BadRequestError, match="embeds texts and does not generate; use /v1/embeddings"):
        await house.openai.chat.completions.create(model="vectors", messages=[{"role": "user", "content": "hi"}])
    with pytest.raises(openai.BadRequestError, match="embeds texts and does not generate"):
        await house.openai.completions.create(model="vectors", prompt="hi")
    with pytest.raises(openai.BadRequestError, match="generates text and does not embed"):
        await house.openai.embeddings.create(model="words", input="hi")
    listed = {model["id"]: model for model in (await house.http.get("/v1/models")).json()["data"]}
    assert (listed["vectors"]["tasks"], listed["vectors"]["embedding_size"]) == (["embed"], SIZE)
    assert listed["words"]["tasks"] == ["generate"]
    assert "embedding_size" not in listed["words"]


async def test_embeddings_run_beside_a_chat(house: House) -> None:
    chat = asyncio.create_task(
        house.openai.chat.completions.create(
            model="words", messages=[{"role": "user", "content": "hi"}], max_tokens=200, extra_body={"ignore_eos": True}
        )
    )
    answers = await asyncio.gather(
        *(house.openai.embeddings.create(model="vectors", input=[f"{i} {k}" for k in range(20)]) for i in range(10))
    )
    assert all(len(answer.data) == 20 for answer in answers)
    assert (await chat).usage.completion_tokens == 200  # type: ignore[union-attr]


async def test_metrics_count_requests_texts_and_tokens(house: House) -> None:
    await house.post(input=["ab", "c"])
    await house.error(input="x" * 300)
    metrics = (await house.http.get("/metrics")).text
    assert 'inferno_embedded_texts_total{model="vectors"} 2.0' in metrics
    assert 'inferno_embedded_tokens_total{model="vectors"} 7.0' in metrics
    assert 'inferno_requests_total{endpoint="/v1/embeddings",model="vectors",outcome="embedded"} 1.0' in metrics
    assert 'outcome="context_length_exceeded"} 1.0' in metrics
    assert 'inferno_request_duration_seconds_count{endpoint="/v1/embeddings",model="vectors"} 1.0' in metrics


async def test_a_failing_batch_fails_its_request_and_the_next_one_works() -> None:
    house = await house_of(f"fake:embed={SIZE},fail_after=1")
    try:
        failed = await house.post(input="one")
        assert failed.status_code == 500
        assert (await house.post(input="one")).status_code == 200
        assert house.embedder.stats()["failed"] == 1
    finally:
        await house.embedder.aclose()
        await house.writer.aclose()


async def test_a_full_queue_says_when_to_come_back() -> None:
    options = {"context_tokens": 200, "batch_rows": 64, "slots": 1}
    embedder = await LocalEngine.load(
        f"fake:embed={SIZE},step_us=50000", name="vectors", options=options, engine={"max_waiting": 1}
    )
    house = House(embedder, await LocalEngine.load("fake:", name="words"))
    try:
        answers = await asyncio.gather(*(house.post(input=[f"{i}", "b", "c"]) for i in range(6)))
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses[0] == 200
        assert statuses[-1] == 429
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert refused.json()["error"]["code"] == "queue_full"
        assert int(refused.headers["retry-after"]) >= 1
    finally:
        await house.embedder.aclose()
        await house.writer.aclose()


async def test_who_leaves_gives_up_what_is_not_computed() -> None:
    house = await house_of(f"fake:embed={SIZE},step_us=20000", slots=1)
    try:
        body = json.dumps({"input": [f"text {i}" for i in range(500)]}).encode()
        call = Call(house.app, path="/v1/embeddings", body=body)
        running = call.start()
        await until(lambda: house.embedder.stats()["steps"])
        call.leave()
        await soon(running)
        await until(lambda: house.embedder.stats()["cancelled"])
        stats = house.embedder.stats()
        assert stats["cancelled"] > 400
        assert stats["waiting_tokens"] == 0
        assert house.embedder._encoder is not None
        assert not house.embedder._encoder._deliveries._waiting
    finally:
        await house.embedder.aclose()
        await house.writer.aclose()


async def test_stopping_ends_what_runs() -> None:
    house = await house_of(f"fake:embed={SIZE},step_us=20000", slots=1)
    running = asyncio.create_task(house.post(input=[f"text {i}" for i in range(100)]))
    await until(lambda: house.embedder.stats()["steps"])
    await house.embedder.aclose()
    assert (await soon(running)).status_code == 503
    assert (await house.post(input="one")).status_code == 503
    await house.writer.aclose()
