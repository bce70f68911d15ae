"""Every encoder from its folder, through the engine, against the vectors that ``transformers`` computes in F32."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import inferno
from inferno.engine.embedding import EmbedRequest
from inferno.errors import InvalidArgument, Unsupported
from models.huggingface.comparison import DATA, EXACT  # puts tests/data on the path

import hf_encoders  # isort: skip

CASES = sorted(hf_encoders.CASES)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def vectors_of(folder: Path, texts: list[list[int]]) -> np.ndarray:
    with inferno.LLM(str(folder), **EXACT) as llm:
        result = llm._run(llm._llm._engine.embed(EmbedRequest(texts)))
    return np.array([np.frombuffer(vector, np.float32) for vector in result.vectors])


@pytest.mark.parametrize("case", CASES)
def test_vectors_equal_transformers(case: str, tmp_path: Path) -> None:
    hf_encoders.write_case(case, tmp_path / case)
    with np.load(DATA / "huggingface" / f"{case}.npz", allow_pickle=False) as file:
        reference = file["vectors"]
    ours = vectors_of(tmp_path / case, hf_encoders.texts(case))
    assert np.abs(ours - reference).max() / np.abs(reference).max() < 1e-3


def test_the_folder_says_whether_vectors_have_length_1(tmp_path: Path) -> None:
    folder = tmp_path / "bert"
    hf_encoders.write_case("bert", folder)
    texts = hf_encoders.texts("bert")
    plain = vectors_of(folder, texts)
    modules = json.loads((folder / "modules.json").read_text())
    (folder / "modules.json").write_text(json.dumps([*modules, {"type": "x.Normalize", "path": "2_Normalize"}]))
    scaled = vectors_of(folder, texts)
    lengths = np.linalg.norm(plain, axis=1, keepdims=True)
    assert np.abs(lengths - 1).min() > 0.01
    assert np.allclose(scaled, plain / lengths, atol=1e-6)


def test_pooling_must_be_known_to_be_used(tmp_path: Path) -> None:
    folder = tmp_path / "bert"
    hf_encoders.write_case("bert", folder)
    for file in ("modules.json", "1_Pooling/config.json"):
        (folder / file).unlink()
    with pytest.raises(Unsupported, match="set pooling to mean, cls or last"):
        inferno.LLM(str(folder))
    with inferno.LLM(str(folder), pooling="mean", slots=2) as llm:
        assert llm.card.embedding_size == hf_encoders.WIDTH
        (vector,) = llm.embed("hello")
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
        with pytest.raises(Unsupported, match="embeds texts and does not generate"):
            llm.generate("hello")
    with pytest.raises(InvalidArgument, match="trained with 320"):
        inferno.LLM(str(folder), pooling="mean", context_tokens=321)


def test_a_pooling_that_is_not_known_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "bert"
    hf_encoders.write_case("bert", folder)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_max_tokens": True}))
    with pytest.raises(Unsupported, match="pools by pooling_mode_max_tokens; known: pooling_mode_mean_tokens"):
        inferno.LLM(str(folder))
