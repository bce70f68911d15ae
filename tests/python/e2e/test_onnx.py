"""An ONNX decoder behind the real server: what a GGUF file does there, it does."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from e2e.process import Server, eventually, running
from inferno.cli import main

sys.path.insert(0, str(Path(__file__).parents[2] / "data"))
import onnx_decoders

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("served") / "ember-onnx"
    onnx_decoders.write_ember(folder, "gqa")
    with running(str(folder), "--provider", "cuda,cpu", "--threads", "2") as started:
        yield started


def ask(http: httpx.Client, text: str, **more: Any) -> dict[str, Any]:
    body = {"temperature": 0, "max_tokens": 32, "messages": [{"role": "user", "content": text}], **more}
    answer = http.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def said(answer: dict[str, Any]) -> str:
    return str(answer["choices"][0]["message"]["content"])


def test_it_says_what_it_is_and_what_computes(server: Server) -> None:
    with server.client() as http:
        (model,) = http.get("/v1/models").json()["data"]
    assert model["id"] == server.model == "ember-onnx"
    assert model["applied"]["onnx.provider"] == "cpu"
    assert model["applied"]["kv_type"] == "f32"


def test_two_at_once_are_answered_as_one_alone(server: Server) -> None:
    texts = ["What is 12 plus 30?", "What is the capital of France?"]
    with server.client() as http:
        alone = [said(ask(http, text)) for text in texts]
        assert "42" in alone[0]
        with ThreadPoolExecutor(2) as pool:
            together = list(pool.map(lambda text: said(ask(http, text)), texts * 2))
    assert together == alone * 2


def test_a_prefix_is_not_computed_twice(server: Server) -> None:
    story = "Once upon a time there was a small lamp. " * 12
    with server.client() as http:
        usages = [ask(http, story + end, max_tokens=4)["usage"] for end in ("What is it?", "Who was it?")]
    assert usages[1]["prompt_tokens_details"]["cached_tokens"] > usages[1]["prompt_tokens"] - 40


def test_answers_keep_to_a_schema(server: Server) -> None:
    schema = {"type": "object", "properties": {"sum": {"type": "integer", "maximum": 9}}, "required": ["sum"]}
    schema |= {"additionalProperties": False}
    form = {"type": "json_schema", "json_schema": {"name": "sum", "schema": schema, "strict": True}}
    with server.client() as http:
        answer = ask(http, "What is 2 plus 2?", response_format=form, max_tokens=60)
    assert isinstance(json.loads(said(answer))["sum"], int)


def test_a_client_that_leaves_frees_its_slot(server: Server) -> None:
    body = {"prompt": "x", "stream": True, "ignore_eos": True, "max_tokens": 900}
    with server.client() as http, http.stream("POST", "/v1/completions", json=body) as response:
        next(response.iter_lines())
    eventually(lambda: server.metric("inferno_requests_running") == 0)


PICTURE = {"type": "image_url", "image_url": {"url": "data:image/gif;base64,R0lGODlhAQABAAAAACw="}}


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("/v1/embeddings", {"input": "x"}, "does not embed it.*the backends llama, huggingface and onnx can"),
        (
            "/v1/rerank",
            {"query": "x", "documents": ["y"]},
            "does not rerank.*the backends llama, huggingface and onnx can",
        ),
        ("/v1/classify", {"input": "x"}, "does not classify.*the backends llama, huggingface and onnx can"),
        ("/v2/models/ember-onnx/infer", {"inputs": []}, "does not compute graphs.*the backend onnx can"),
        (
            "/v1/chat/completions",
            {"messages": [{"role": "user", "content": [PICTURE]}]},
            "this model takes text alone.*the backends llama and huggingface can",
        ),
    ],
)
def test_what_it_cannot_do_is_refused_with_who_can(server: Server, path: str, body: dict[str, Any], says: str) -> None:
    with server.client() as http:
        answer = http.post(path, json={"model": "ember-onnx", **body} if path.startswith("/v1") else body)
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert re.search(says, error if isinstance(error, str) else error["message"])


def test_log_probabilities_are_told(server: Server) -> None:
    with server.client() as http:
        (choice,) = ask(http, "What is 12 plus 30?", logprobs=True, top_logprobs=2)["choices"]
    assert choice["logprobs"]["content"][0]["logprob"] <= 0


def test_adapters_are_refused_with_who_takes_them(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    onnx_decoders.write_ember(tmp_path / "ember", "gqa")
    (tmp_path / "a.gguf").write_bytes(b"GGUF")
    with pytest.raises(SystemExit) as ended:
        main(["serve", str(tmp_path / "ember"), "--adapter", f"a={tmp_path / 'a.gguf'}", "--port", "0"])
    assert ended.value.code not in (0, None)
    assert "takes no adapters: it generates no text, is an ONNX model" in capfd.readouterr().err.replace("\n", " ")
