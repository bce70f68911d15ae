"""``search`` of genai_config.json holds where a request says nothing, through the server."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

import inferno
from inferno.errors import DataCorrupted
from inferno.models.registry import ModelRegistry
from inferno.server.app import build_app
from server.harness import Settings

sys.path[:0] = [str(Path(__file__).parents[3] / "data")]
import onnx_decoders  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("genai")
    onnx_decoders.write_ember(place, "gqa")
    return place


def write_search(folder: Path, **search: Any) -> None:
    config = json.loads((folder / "genai_config.json").read_text())
    (folder / "genai_config.json").write_text(json.dumps(config | {"search": search}))


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    llm = await inferno.AsyncLLM.load(str(folder), threads=1)
    app = build_app(ModelRegistry({"m": llm._engine}, default="m"), Settings())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        yield http
    await llm.aclose()


async def completed(http: httpx.AsyncClient, **more: Any) -> Any:
    return (await http.post("/v1/completions", json={"model": "m", "prompt": "abc", "ignore_eos": True, **more})).json()


async def test_what_it_says_holds_and_a_request_says_more(folder: Path) -> None:
    write_search(
        folder, do_sample=True, temperature=0.5, top_k=7, top_p=0.0, repetition_penalty=1.25, max_length=20, num_beams=1
    )
    wanted = {"temperature": 0.5, "top_k": 7, "repetition_penalty": 1.25, "max_length": 20}
    async with served(folder) as http:
        (model,) = (await http.get("/v1/models")).json()["data"]
        assert model["default_parameters"] == wanted
        body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "ignore_eos": True}
        usage = (await http.post("/v1/chat/completions", json=body)).json()["usage"]
        assert usage["total_tokens"] == 20
        assert (await completed(http, max_tokens=30))["usage"]["completion_tokens"] == 30
        said, again = [(await completed(http, seed=number))["choices"][0]["text"] for number in (1, 2)]
        assert said != again
        body["messages"] = [{"role": "user", "content": "a long prompt, for once " * 9}]
        refused = (await http.post("/v1/chat/completions", json=body)).json()
        assert "the model's folder wants at most 20 with the answer" in refused["error"]["message"]


async def test_without_do_sample_it_is_greedy(folder: Path) -> None:
    write_search(folder, temperature=0.9, top_k=50, max_length=1024)
    async with served(folder) as http:
        (model,) = (await http.get("/v1/models")).json()["data"]
        assert model["default_parameters"] == {"temperature": 0.0}
        texts = {(await completed(http, max_tokens=12, seed=seed))["choices"][0]["text"] for seed in range(3)}
        assert len(texts) == 1


@pytest.mark.parametrize(
    ("search", "says"), [({"max_length": 0}, "max_length is 0"), ({"top_k": "many"}, "top_k is 'many'")]
)
def test_what_it_cannot_mean_is_refused(folder: Path, search: dict[str, Any], says: str) -> None:
    write_search(folder, **search)
    with pytest.raises(DataCorrupted, match=f"genai_config.json, search: {says}"):
        inferno.LLM(str(folder))
