"""``ember`` as SafeTensors gives the text that it gives as GGUF: the same weights bit for bit, the same tokens."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader

import inferno
from e2e.process import running
from inferno.models.builtin import ember_path
from inferno.models.huggingface import cache

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(ROOT / "tests" / "data"), str(ROOT / "tools" / "ember")]
import ember_folder  # noqa: E402
import judge  # noqa: E402

pytest.importorskip("tokenizers", reason="the folder's tokenizer needs pip install 'inferno[hf]'")


@pytest.fixture(params=[("F32", 1), ("F32", 3)], ids=["one-file", "three-shards"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    ember_folder.write(tmp_path / "ember", *request.param)
    return tmp_path / "ember"


@pytest.fixture(scope="module")
def gguf_answers() -> Iterator[list[str]]:
    with inferno.LLM(threads=2) as llm:
        yield answers(llm)


def answers(llm: inferno.LLM) -> list[str]:
    chats = [check.messages for check in judge.load_checks() if not check.tools]
    return [answer.text for answer in llm.chat(chats, temperature=0.0, max_tokens=48)]


def test_the_same_weights_and_the_same_text(folder: Path, gguf_answers: list[str]) -> None:
    with inferno.LLM(str(folder), quantize="q8_0", threads=2) as llm:
        assert answers(llm) == gguf_answers
    assert len(gguf_answers) > 100
    (prepared,) = cache.listing()
    ours = {tensor.name: tensor for tensor in GGUFReader(str(prepared.path)).tensors}
    for tensor in GGUFReader(str(ember_path())).tensors:
        assert ours[tensor.name].tensor_type == tensor.tensor_type
        assert np.array_equal(ours[tensor.name].data, tensor.data), tensor.name


def test_the_same_token_ids(folder: Path) -> None:
    chat = [{"role": "user", "content": "What is 12 plus 30? Ünïcödé 😀 <|im_end|>"}]
    with inferno.LLM(str(folder), quantize="q8_0") as ours, inferno.LLM() as theirs:
        ids = [asyncio.run(llm._llm._engine.encode_chat(chat)) for llm in (ours, theirs)]
    assert ids[0] == ids[1]


@pytest.mark.e2e
def test_served_over_http(folder: Path) -> None:
    body = {"temperature": 0, "messages": [{"role": "user", "content": "What is 12 plus 30?"}]}
    with running(str(folder), "--quantize", "q8_0") as server, server.client() as http:
        assert server.model == "ember"
        answer = http.post("/v1/chat/completions", json=body)
        assert answer.status_code == 200, answer.text
        assert "42" in answer.json()["choices"][0]["message"]["content"]
        assert server.stop() == 0
