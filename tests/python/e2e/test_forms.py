"""A folder with a model in three forms, served by real processes: the header says which one answered."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from e2e.process import running
from inferno.models.builtin import ember_path

sys.path[:0] = [str(Path(__file__).parents[2] / "data")]
import ember_folder  # noqa: E402
import hf_encoders  # noqa: E402
import onnx_decoders  # noqa: E402
import onnx_encoders  # noqa: E402

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("forms") / "ember"
    onnx_decoders.write_ember(place, "past")
    ember_folder.write(place)
    shutil.copyfile(ember_path(), place / "model.gguf")
    return place


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("flags", "backend"),
    [((), "llama"), (("--backend", "huggingface"), "huggingface"), (("--provider", "cpu"), "onnx")],
)
def test_the_header_names_the_form_that_answered(folder: Path, flags: tuple[str, ...], backend: str) -> None:
    with running(str(folder), *flags) as server, server.client() as http:
        body: dict[str, Any] = {"messages": [{"role": "user", "content": "What is 12 plus 30?"}], "temperature": 0}
        answer = http.post("/v1/chat/completions", json=body)
        assert server.stop() == 0
    assert answer.headers["x-inferno-backend"] == backend
    assert "42" in answer.json()["choices"][0]["message"]["content"]


def test_without_onnx_runtime_the_next_form_is_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "bert"
    hf_encoders.write_case("bert", place)
    (onnx_encoders.write_graph(place, tmp_path / "graph") / "model.onnx").rename(place / "model.onnx")
    body = {"input": "why"}
    with running(str(place)) as server, server.client() as http:
        with_it = http.post("/v1/embeddings", json=body)
        assert server.stop() == 0
    hidden = tmp_path / "site" / "onnxruntime"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(hidden.parent))
    with running(str(place)) as server, server.client() as http:
        without_it = http.post("/v1/embeddings", json=body)
        assert server.stop() == 0
    assert (with_it.headers["x-inferno-backend"], without_it.headers["x-inferno-backend"]) == ("onnx", "huggingface")
    vectors = [answer.json()["data"][0]["embedding"] for answer in (with_it, without_it)]
    assert vectors[0] == pytest.approx(vectors[1], abs=1e-2)
