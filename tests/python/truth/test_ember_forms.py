"""The same weights of ``ember`` in F32, served as GGUF, as SafeTensors and as ONNX: the same text, the same logits."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from e2e.process import running
from inferno.models.builtin import ember_path

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(ROOT / "tests" / "data"), str(ROOT / "tools" / "ember")]
import ember_folder  # noqa: E402
import judge  # noqa: E402
import onnx_decoders  # noqa: E402
import oracle  # noqa: E402

pytestmark = pytest.mark.e2e

# llama.cpp's flash attention computes in F16 on the CPU, whatever the cache holds.
EXACT = ("--kv-type", "f32", "--flash-attention", "off")
FORMS: Mapping[str, tuple[str, ...]] = {
    "gguf": ("ember.gguf", *EXACT),
    "safetensors": ("folder", "--quantize", "f32", *EXACT),
    "onnx": ("graph",),
}
BACKENDS = {"gguf": "llama", "safetensors": "huggingface", "onnx": "onnx"}
MOST_LOGPROBS = 20
Answers = list[dict[str, Any]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("forms")
    oracle.to_f32(ember_path(), place / "ember.gguf")
    ember_folder.write(place / "folder", "F32")
    onnx_decoders.write_ember(place / "graph", "past", "F32")
    return place


def answers(place: Path, form: str) -> Answers:
    """What a server of that form says to some of the two hundred checks, asked together."""
    file, *flags = FORMS[form]
    asked = [check.messages for check in judge.load_checks() if not check.tools][::12]
    greedy = {"temperature": 0, "max_tokens": 32, "logprobs": True, "top_logprobs": MOST_LOGPROBS}
    with running(str(place / file), "--threads", "2", *flags) as server, server.client() as http:
        with ThreadPoolExecutor(len(asked)) as pool:
            bodies = [{"messages": messages, **greedy} for messages in asked]
            found = list(pool.map(lambda body: http.post("/v1/chat/completions", json=body), bodies))
        assert server.stop() == 0
    assert {answer.headers["x-inferno-backend"] for answer in found} == {BACKENDS[form]}
    return [answer.json()["choices"][0] for answer in found]


def test_the_file_of_f32_has_the_numbers_that_the_other_forms_are_written_from(place: Path) -> None:
    config, weights = ember_folder.read(place / "ember.gguf")
    original_config, original = ember_folder.read()
    assert (config, set(weights)) == (original_config, set(original))
    assert all(np.array_equal(weights[name], original[name]) for name in original)


def test_three_forms_give_one_text_and_the_same_logits(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(place / "cache"))
    said = {form: answers(place, form) for form in FORMS}
    texts = {form: [answer["message"]["content"] for answer in said[form]] for form in FORMS}
    assert texts["gguf"] == texts["safetensors"] == texts["onnx"]
    assert len(set(texts["gguf"])) > len(texts["gguf"]) / 2, "other questions, other answers"
    for one, other in itertools.combinations(FORMS, 2):
        for mine, theirs in zip(said[one], said[other], strict=True):
            assert mine["finish_reason"] == theirs["finish_reason"]
            for token, same in zip(mine["logprobs"]["content"], theirs["logprobs"]["content"], strict=True):
                assert_alike(token, same, f"{one} and {other}")


def assert_alike(token: Mapping[str, Any], same: Mapping[str, Any], which: str) -> None:
    """The logits but for what all of them share. Of two that are as likely, either may be the last."""
    mine, theirs = ({tuple(entry["bytes"]): entry["logprob"] for entry in one["top_logprobs"]} for one in (token, same))
    assert token["bytes"] == same["bytes"], which
    assert len(mine) == len(theirs) == MOST_LOGPROBS
    least = min(theirs.values())
    for piece, logprob in mine.items():
        assert logprob == pytest.approx(theirs.get(piece, least), abs=1e-3), which
