"""Every architecture from its folder, through the engine, against what ``transformers`` computes in F32.

The references are committed; ``make truth`` computes them anew and compares again (``tests/python/truth``).
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import inferno
from inferno.models.huggingface.architectures import ARCHITECTURES
from models.huggingface import comparison
from models.huggingface.comparison import EXACT, hf_cases, hf_folders

import hf_encoders  # isort: skip

DECODERS = sorted(hf_folders.CASES)
LEADING = ["gemma3", "gpt2", "llama3", "mixtral", "phi3-long", "qwen2_moe", "qwen3-tied", "starcoder2"]
"""One of each kind of plan: added, transposed, permuted, with values, stacked, copied, plain, with biases."""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def difference(case: str, folder: Path, *, dtype: str = "F32", shards: int = 1, quantize: str | None = None) -> float:
    hf_folders.write_case(case, folder, dtype, shards)
    with inferno.LLM(str(folder), quantize=quantize, **comparison.loading(case)) as llm:
        return comparison.largest_difference(llm, comparison.committed(case))


@pytest.mark.parametrize("case", DECODERS)
def test_f32_equals_transformers(case: str, tmp_path: Path) -> None:
    assert difference(case, tmp_path / case) < 1e-3


@pytest.mark.parametrize("case", LEADING)
@pytest.mark.parametrize(("dtype", "shards"), [("F16", 2), ("BF16", 3)])
def test_other_formats_and_shards_carry_the_same_numbers(case: str, dtype: str, shards: int, tmp_path: Path) -> None:
    """The values of these folders are the same in all three formats: as F32, nothing but rounding may differ."""
    assert difference(case, tmp_path / case, dtype=dtype, shards=shards, quantize="f32") < 1e-3


@pytest.mark.parametrize("case", ["llama-tied", "mixtral", "gemma2"])
@pytest.mark.parametrize(("dtype", "bits"), [("F16", 11), ("BF16", 8)])
def test_served_as_they_are_they_differ_by_their_rounding(case: str, dtype: str, bits: int, tmp_path: Path) -> None:
    """llama.cpp rounds what it multiplies weights with to their format: half a unit of its last bit, each time."""
    hf_folders.write_case(case, tmp_path / case, dtype)
    reference = comparison.committed(case)
    with inferno.LLM(str(tmp_path / case), **EXACT) as llm:
        row = comparison.first_row(llm, reference.prompt)
    assert np.nanmax(np.abs(row - reference.first)) / reference.scale < 16 * 2.0**-bits


@pytest.mark.parametrize(
    "prefixes", [("language_model.model.", "vision_tower."), ("model.language_model.", "model.vision_tower.")]
)
def test_gemma3_with_eyes_is_its_language_model(prefixes: tuple[str, str], tmp_path: Path) -> None:
    case = hf_folders.CASES["gemma3"]
    hf_folders.write_case("gemma3", tmp_path / "gemma3")
    config = {"architectures": ["Gemma3ForConditionalGeneration"], "text_config": case.config, "vision_config": {}}
    (tmp_path / "gemma3" / "config.json").write_text(json.dumps(config | {"eos_token_id": hf_cases.EOS}))
    tensors = {
        name.replace("model.", prefixes[0], 1): hf_folders.values("gemma3", name, shape, norms_from_zero=True, gain=1.0)
        for name, shape in case.shapes.items()
    }
    tensors[f"{prefixes[1]}patch.weight"] = np.ones((4, 4), np.float32)
    hf_folders.write_weights(tmp_path / "gemma3", tensors)
    with inferno.LLM(str(tmp_path / "gemma3"), **EXACT) as llm:
        assert comparison.largest_difference(llm, comparison.committed("gemma3")) < 1e-3


def test_every_architecture_is_compared() -> None:
    cases = [*hf_folders.CASES.values(), *hf_encoders.CASES.values()]
    compared = {case.config["architectures"][0] for case in cases} | {"Gemma3ForConditionalGeneration"}
    assert compared == {architecture.classes[0] for architecture in ARCHITECTURES}
