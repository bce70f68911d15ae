"""generation_config.json: read, honoured below what a request says, shown, and switched off."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest

pytest.importorskip("tokenizers")

from inferno.engine.extras import GenerationDefaults
from inferno.engine.local import LocalEngine
from inferno.engine.request import GenerateRequest, SamplingOptions
from inferno.errors import DataCorrupted
from inferno.models.huggingface.extras import read_extras
from inferno.models.huggingface.generation import read_generation_defaults
from inferno.models.huggingface.vocab import read_vocabulary
from inferno.models.registry import ModelRegistry
from inferno.server.app import build_app
from models.huggingface import families
from models.huggingface.chain_model import write_chain_model
from server.harness import Settings


def folder_with(path: Path, config: dict[str, Any] | None = None, **generation: Any) -> Path:
    path.mkdir(exist_ok=True)
    (path / "generation_config.json").write_text(json.dumps(generation))
    if config is not None:
        (path / "config.json").write_text(json.dumps(config))
    return path


def test_values_are_read_as_transformers_means_them(tmp_path: Path) -> None:
    folder = folder_with(
        tmp_path, {"eos_token_id": 7}, temperature=0.7, top_p=0.8, top_k=20, do_sample=True, eos_token_id=[5, 6],
        repetition_penalty=1.05, max_new_tokens=2048, pad_token_id=0, transformers_version="5",
    )  # fmt: skip
    found = read_generation_defaults(folder)
    assert found.sampling == {"temperature": 0.7, "top_p": 0.8, "top_k": 20, "repetition_penalty": 1.05}
    assert found.max_tokens == 2048
    assert found.eos_token_ids == (5, 6, 7)
    assert found.shown() == {**found.sampling, "max_tokens": 2048}
    off = read_generation_defaults(folder, sampling=False)
    assert (off.sampling, off.max_tokens, off.eos_token_ids) == ({}, None, (5, 6, 7))


def test_do_sample_false_is_greedy(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, do_sample=False, temperature=0.6, top_p=0.9, repetition_penalty=1.1)
    assert read_generation_defaults(folder).sampling == {"temperature": 0.0, "repetition_penalty": 1.1}


def test_without_files_nothing_changes(tmp_path: Path) -> None:
    assert read_generation_defaults(tmp_path) == GenerationDefaults()


def test_what_cannot_be_honoured_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        read_generation_defaults(folder_with(tmp_path, num_beams=4, no_repeat_ngram_size=0))
    assert "num_beams" in caplog.text
    assert "no_repeat_ngram_size" not in caplog.text


@pytest.mark.parametrize(
    ("field", "value"),
    [("temperature", "hot"), ("top_k", 1.5), ("max_new_tokens", 0), ("eos_token_id", "</s>"), ("eos_token_id", [-1])],
)
def test_values_of_the_wrong_kind_are_refused_by_name(tmp_path: Path, field: str, value: Any) -> None:
    with pytest.raises(DataCorrupted, match=field):
        read_generation_defaults(folder_with(tmp_path, **{field: value}))


def test_a_request_says_more_than_the_defaults() -> None:
    defaults = GenerationDefaults({"temperature": 0.5, "top_k": 10}, max_tokens=9, eos_token_ids=(3, 4))
    bare = defaults.applied(GenerateRequest([1]))
    assert (bare.sampling.temperature, bare.sampling.top_k, bare.max_tokens) == (0.5, 10, 9)
    assert bare.stop_token_ids == (3, 4)
    said = GenerateRequest([1], SamplingOptions(temperature=0.0), max_tokens=5, stop_token_ids=(4, 8))
    applied = defaults.applied(said)
    assert (applied.sampling.temperature, applied.sampling.top_k, applied.max_tokens) == (0.0, 10, 5)
    assert applied.stop_token_ids == (4, 8, 3)
    assert defaults.applied(GenerateRequest([1], ignore_eos=True)).stop_token_ids == ()


async def test_defaults_reach_the_engine_and_the_list_of_models(tmp_path: Path) -> None:
    folder = families.byte_level(tmp_path / "model")
    vocabulary = read_vocabulary(folder, size=1024)
    chain = list(range(300, 340))
    path = write_chain_model(folder / "model.gguf", vocabulary, chain)
    folder_with(folder, temperature=0.0, max_new_tokens=12, eos_token_id=[1, 320])
    engine = await LocalEngine.load(str(path), name="m", extras=lambda: read_extras(folder))
    try:
        assert engine.card.defaults == {"temperature": 0.0, "max_tokens": 12}

        async def written(**fields: Any) -> list[int]:
            stream = await engine.generate(GenerateRequest(chain[:1], **fields))
            return [token for delta in [d async for d in stream] for token in delta.token_ids]

        assert await written() == chain[1:13], "greedy, and as long as the folder says"
        assert await written(max_tokens=100) == chain[1:20], "token 320 ends a text"
        assert await written(max_tokens=30, ignore_eos=True) == chain[1:31]
        app = build_app(ModelRegistry({"m": engine}, default="m"), Settings())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
            (model,) = (await http.get("/v1/models")).json()["data"]
        assert model["default_parameters"] == {"temperature": 0.0, "max_tokens": 12}
    finally:
        await engine.aclose()
    engine = await LocalEngine.load(str(path), extras=lambda: read_extras(folder, generation_config=False))
    try:
        assert engine.card.defaults == {}
    finally:
        await engine.aclose()
