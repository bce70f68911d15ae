"""ONNX files of every kind but decoders, served by real processes, under any name."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from e2e.process import running
from inferno.models.builtin import ember_path
from models.onnx_files import linear

sys.path[:0] = [str(Path(__file__).parents[2] / "data")]
import hf_encoders  # noqa: E402
import onnx_encoders  # noqa: E402

pytestmark = pytest.mark.e2e


def test_a_reranker_from_a_folder(tmp_path: Path) -> None:
    hf_encoders.write_case("bert", tmp_path / "bert")
    folder = onnx_encoders.write_graph(tmp_path / "bert", tmp_path / "rank", labels=("relevant",))
    with running(str(folder)) as server, server.client() as client:
        body = {"query": "why", "documents": ["because", "it is so", "x"], "top_n": 2}
        found = client.post("/v1/rerank", json=body)
        (model,) = client.get("/v1/models").json()["data"]
        vector = client.post("/v1/embeddings", json={"input": "x"})
        assert server.stop() == 0
    assert found.headers["x-inferno-backend"] == "onnx"
    assert len(found.json()["results"]) == 2
    assert (model["id"], model["tasks"]) == ("rank", ["classify", "rerank"])
    assert "scores texts and does not embed" in vector.json()["error"]["message"]


def test_a_graph_under_another_name(tmp_path: Path) -> None:
    with running(str(linear(tmp_path / "foo.gguf", outside="foo.data"))) as server, server.client() as client:
        told = client.get("/v2/models/foo.gguf").json()
        body = {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}]}
        answer = client.post("/v2/models/foo.gguf/infer", json=body)
        assert server.stop() == 0
    assert told["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 3]}]
    assert answer.json()["outputs"][0]["data"] == [16.5, 21.0]
    assert answer.headers["x-inferno-backend"] == "onnx"


def test_a_gguf_file_under_another_name(tmp_path: Path) -> None:
    shutil.copyfile(ember_path(), tmp_path / "foo.onnx")
    with running(str(tmp_path / "foo.onnx")) as server, server.client() as client:
        answer = client.post("/v1/completions", json={"prompt": "Hello", "max_tokens": 2})
        assert server.stop() == 0
    assert answer.status_code == 200
    assert answer.headers["x-inferno-backend"] == "llama"
