"""ONNX files of every kind but decoders, served by real processes; and files that are not what they are called."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import onnx
import pytest

from e2e.process import running
from inferno.cli import main
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


def damaged(name: str, path: Path) -> Path:
    """What an operator may name by mistake, or a stranger sends."""
    linear(path, outside="weights" if name == "weights" else None)
    model = onnx.load(path, load_external_data=False)
    first, second = model.graph.node
    if name == "text":
        path.write_text("a llama is an animal")
    elif name == "weights":
        (path.parent / "weights").unlink()
    elif name == "cycle":
        first.input[0] = second.output[0]
    elif name == "opset":
        model.opset_import[0].version = 99
    elif name == "operator":
        first.op_type, first.domain = "NoSuchOperator", "com.nobody"
    elif name == "nothing":
        path.write_bytes(b"")
        with path.open("r+b") as file:
            file.truncate(2 << 30)
    if name in ("cycle", "opset", "operator"):
        path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("text", "begins as no model does that is known here"),
        ("nothing", "begins as no model does that is known here"),
        ("weights", "there is no file 'weights' beside it"),
        ("cycle", "the graph has a cycle"),
        ("opset", "the file is of ONNX's opset 99; versions 7 to 28 can be read"),
        ("operator", "NoSuchOperator"),
    ],
)
def test_files_that_cannot_be_served_are_refused_in_words(
    name: str, says: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = damaged(name, tmp_path / "llama.gguf")
    with pytest.raises(SystemExit) as ended:
        main(["serve", str(path), "--port", "0"])
    assert ended.value.code not in (0, None)
    printed = capfd.readouterr().err
    assert says in printed
    assert "Traceback" not in printed
