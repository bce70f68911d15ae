"""/v1/rerank, /v1/score and /v1/classify over the real native embedder and its test model."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from inferno.engine.local import LocalEngine
from inferno.models.registry import ModelRegistry
from inferno.server.app import build_app
from server.harness import Settings

DOCUMENTS = [f"document {i}" for i in range(9)]


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    engines = {
        "ranker": await LocalEngine.load("fake:labels=1", name="ranker", options={"context_tokens": 200}),
        "classes": await LocalEngine.load("fake:labels=3", name="classes"),
        "words": await LocalEngine.load("fake:", name="words"),
        "vectors": await LocalEngine.load("fake:embed=8", name="vectors"),
    }
    app = build_app(ModelRegistry(engines, default="ranker"), Settings())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client
    for engine in engines.values():
        await engine.aclose()


async def ranked(http: httpx.AsyncClient, path: str = "/v1/rerank", **body: Any) -> dict[str, Any]:
    answer = await http.post(path, json={"query": "why", "documents": DOCUMENTS, **body})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_the_best_come_first(http: httpx.AsyncClient) -> None:
    found = await ranked(http)
    scores = [result["relevance_score"] for result in found["results"]]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == len(DOCUMENTS)
    assert all(0 < score < 1 for score in scores)
    assert sorted(result["index"] for result in found["results"]) == list(range(len(DOCUMENTS)))
    assert all("document" not in result for result in found["results"])
    # Of the test model: a token per byte, one before, one between and one behind.
    tokens = sum(len("why") + len(document) + 3 for document in DOCUMENTS)
    assert found["usage"] == {"prompt_tokens": tokens, "total_tokens": tokens}
    assert (found["model"], found["object"]) == ("ranker", "list")


async def test_other_shapes_say_the_same(http: httpx.AsyncClient) -> None:
    plain = await ranked(http)
    objects = {"query": {"text": "why"}, "documents": [{"text": document} for document in DOCUMENTS]}
    for path in ("/v1/rerank", "/v2/rerank"):
        best = await ranked(http, path, **objects, top_n=3, return_documents=True)
        assert [result.pop("document") for result in best["results"]] == [
            {"text": DOCUMENTS[result["index"]]} for result in best["results"]
        ]
        assert best["results"] == plain["results"][:3]


async def test_scores_are_those_of_reranking(http: httpx.AsyncClient) -> None:
    by_index = {result["index"]: result["relevance_score"] for result in (await ranked(http))["results"]}
    answer = (await http.post("/v1/score", json={"text_1": "why", "text_2": DOCUMENTS})).json()
    assert [entry["score"] for entry in answer["data"]] == [by_index[i] for i in range(len(DOCUMENTS))]
    several = {"text_1": ["why"] * len(DOCUMENTS), "text_2": DOCUMENTS}
    assert (await http.post("/v1/score", json=several)).json()["data"] == answer["data"]
    swapped = {"text_1": DOCUMENTS[0], "text_2": "why"}
    assert (await http.post("/v1/score", json=swapped)).json()["data"][0]["score"] != by_index[0]


async def test_classes(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/classify", json={"model": "classes", "input": ["one", "two", "one"]})
    one, two, again = answer.json()["data"]
    assert one["num_classes"] == 3
    assert sum(one["probs"]) == pytest.approx(1)
    assert one["label"] == f"label {one['probs'].index(max(one['probs']))}"
    assert (one["probs"], again["index"]) == (again["probs"], 2)
    assert two["probs"] != one["probs"]


async def test_models_say_what_they_can(http: httpx.AsyncClient) -> None:
    listed = {model["id"]: model for model in (await http.get("/v1/models")).json()["data"]}
    assert listed["ranker"]["tasks"] == ["classify", "rerank"]
    assert (listed["classes"]["tasks"], listed["classes"]["labels"]) == (
        ["classify"],
        ["label 0", "label 1", "label 2"],
    )
    assert listed["words"]["tasks"] == ["generate"]


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("/v1/rerank", {"model": "words"}, "generates text and does not rerank; use /v1/chat/completions"),
        ("/v1/rerank", {"model": "vectors"}, "embeds texts and does not rerank; use /v1/embeddings"),
        ("/v1/rerank", {"model": "classes"}, "scores texts by 3 labels and does not rerank; use /v1/classify"),
        ("/v1/classify", {"model": "words", "input": "x"}, "does not classify; .* a classifier does"),
        ("/v1/embeddings", {"model": "ranker", "input": "x"}, "scores texts and does not embed"),
        ("/v1/completions", {"model": "ranker", "prompt": "x"}, "scores texts and does not generate"),
        ("/v1/rerank", {"documents": []}, "documents"),
        ("/v1/rerank", {"documents": [{"texts": "x"}]}, "texts"),
        ("/v1/rerank", {"top_n": 0}, "top_n"),
        ("/v1/rerank", {"query": "q" * 300}, "this model takes"),
        ("/v1/score", {"text_1": ["a", "b"], "text_2": ["a", "b", "c"]}, "'text_1' has 2 texts and 'text_2' 3"),
    ],
)
async def test_refusals(http: httpx.AsyncClient, path: str, body: dict[str, Any], says: str) -> None:
    given = {"query": "why", "documents": DOCUMENTS} if path == "/v1/rerank" else {}
    answer = await http.post(path, json={**given, **body})
    assert answer.status_code == 400, answer.text
    assert re.search(says, answer.json()["error"]["message"]), answer.text
