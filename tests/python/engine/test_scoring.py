"""Scores of texts by a GGUF classifier: the head's numbers are those of its own weights, pairs are read as pairs."""

from __future__ import annotations

import math
from array import array
from collections.abc import AsyncIterator
from pathlib import Path

import gguf
import numpy as np
import pytest
from tests.data.make_gguf import write_encoder

from inferno.engine.core import _core
from inferno.engine.embedding import EmbedRequest
from inferno.engine.local import LocalEngine
from inferno.engine.scoring import ScoreRequest, probabilities
from inferno.errors import ContextLengthExceeded, DataCorrupted, Unavailable, Unsupported

LABELS = ("good", "bad", "other")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rank") / "rank.gguf"
    write_encoder(path, seed=5, layers=2, width=64, heads=4, positions=100, labels=LABELS)
    return path


@pytest.fixture
async def classifier(path: Path) -> AsyncIterator[LocalEngine]:
    engine = await LocalEngine.load(str(path))
    yield engine
    await engine.aclose()


def head(path: Path, vectors: np.ndarray) -> np.ndarray:
    weights = {tensor.name: tensor.data for tensor in gguf.GGUFReader(path).tensors}
    inner = np.tanh(vectors @ weights["cls.weight"].T + weights["cls.bias"])
    scores: np.ndarray = inner @ weights["cls.output.weight"].T + weights["cls.output.bias"]
    return scores


async def test_scores_are_the_heads_of_the_first_tokens_vector(classifier: LocalEngine, path: Path) -> None:
    texts = ["one text", "another, which is longer", "x"]
    found = await classifier.score(ScoreRequest([(text, None) for text in texts]))
    plain = await LocalEngine.load(str(path), options={"pooling": "cls"})
    try:
        assert plain.card.abilities == ("embed",)
        ids = await plain.encode_all(texts)
        result = await plain.embed(EmbedRequest(ids))
        vectors = np.array([array("f", vector) for vector in result.vectors])
    finally:
        await plain.aclose()
    assert found.prompt_tokens == sum(map(len, ids))
    # The vectors came with length 1; a layer norm of ones and zeros gives them the length of their width's root.
    np.testing.assert_allclose(found.scores, head(path, vectors * math.sqrt(64)), atol=1e-4)


async def test_texts_cross_with_whose_they_are_and_their_priority(
    classifier: LocalEngine, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crossed: list[tuple[str, int]] = []

    def submit(_: _core.Embedder, native: _core.EmbedRequest) -> int:
        crossed.append((native.tenant, native.priority))
        raise _core.CoreError("unavailable", "seen enough", "")

    monkeypatch.setattr(_core.Embedder, "submit", submit)
    plain = await LocalEngine.load(str(path), options={"pooling": "cls"})
    for asked in (
        classifier.score(ScoreRequest([("a", None)], priority=2, tenant="t")),
        plain.embed(EmbedRequest([[5]], priority=3, tenant="u")),
    ):
        with pytest.raises(Unavailable):
            await asked
    await plain.aclose()
    assert crossed == [("t", 2), ("u", 3)]


async def test_the_card_says_what_it_can(classifier: LocalEngine) -> None:
    assert classifier.card.abilities == ("classify",)
    assert classifier.card.labels == LABELS
    assert classifier.card.embedding_size == 0
    with pytest.raises(Unsupported, match="scores texts and does not embed it; use /v1/classify, or another model"):
        await classifier.embed(EmbedRequest([[1]]))
    with pytest.raises(Unsupported, match="scores texts and does not generate"):
        await classifier.encode_chat([{"role": "user", "content": "hi"}])


async def test_pairs_are_scored_the_same_alone_and_together(classifier: LocalEngine) -> None:
    pairs = [("a question", f"an answer, number {i} " * (i % 4 + 1)) for i in range(20)]
    together = await classifier.score(ScoreRequest(pairs))
    for pair, scores in zip(pairs, together.scores, strict=True):
        alone = await classifier.score(ScoreRequest([pair]))
        np.testing.assert_allclose(alone.scores[0], scores, atol=3e-3)  # attention in f16, in other tiles
    assert len(set(together.scores)) == len(pairs)


async def test_what_is_too_long_is_refused_or_cut(classifier: LocalEngine) -> None:
    long = "word " * 200
    with pytest.raises(ContextLengthExceeded, match="have together .* or 'truncate': true"):
        await classifier.score(ScoreRequest([("why", long)]))
    cut = await classifier.score(ScoreRequest([("why", long)], truncate=True))
    assert cut.prompt_tokens == 100
    few = await classifier.score(ScoreRequest([("why", long)], max_second_tokens=7))
    assert few.prompt_tokens < 30
    with pytest.raises(ContextLengthExceeded, match=r"this model takes \d+. Send less$"):
        await classifier.score(ScoreRequest([(long, "because")], truncate=True))


async def test_a_file_that_ranks_without_a_head_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "headless.gguf"
    write_encoder(path, seed=5, layers=1, width=64, heads=4, positions=100, labels=LABELS, head=False)
    with pytest.raises(DataCorrupted, match="says that it ranks texts, and has no classifier"):
        await LocalEngine.load(str(path))


def test_probabilities() -> None:
    assert probabilities([0.0]) == [0.5]
    assert probabilities([-1000.0]) == [0.0]
    assert probabilities([1000.0]) == [1.0]
    assert probabilities([1000.0, 1000.0]) == [0.5, 0.5]
    assert probabilities([0.0, math.log(3)]) == pytest.approx([0.25, 0.75])
