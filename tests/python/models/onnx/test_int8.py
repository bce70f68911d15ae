"""Decoders of 8 bits, as onnxruntime's own tools and the model builder write them, served beside F32."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from e2e.process import running
from inferno.engine.core import _core, native_call

ROOT = Path(__file__).parents[4]
sys.path[:0] = [str(ROOT / "tests" / "data"), str(ROOT / "tools" / "ember")]
import judge  # noqa: E402
import onnx_decoders  # noqa: E402

pytestmark = pytest.mark.e2e

quantization = pytest.importorskip("onnxruntime.quantization")
CHECKS = [check for check in judge.load_checks() if not check.tools]
ASKED, CALIBRATED = CHECKS[::12], CHECKS[6::24]
ALIKE = {"dynamic": 0.9, "static": 0.6, "builder": 0.9}
"""Least share of answers that are F32's to the letter. Static scales of activations lose most, on any engine."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("int8")
    onnx_decoders.write_ember(place / "f32", "past")
    onnx_decoders.write_ember(place / "builder", "gqa", "INT8")
    graph = str(place / "f32" / "model.onnx")
    for kind in ("dynamic", "static"):
        shutil.copytree(place / "f32", place / kind, ignore=shutil.ignore_patterns("model.onnx*"))
    eight = {"weight_type": quantization.QuantType.QInt8, "op_types_to_quantize": ["MatMul"], "per_channel": True}
    quantization.quantize_dynamic(graph, str(place / "dynamic" / "model.onnx"), **eight)
    quantization.quantize_static(graph, str(place / "static" / "model.onnx"), Prompts(place / "f32"), **eight)
    return place


class Prompts(quantization.CalibrationDataReader):  # type: ignore[misc]
    """What a graph of the form ``past`` is given for some prompts, from which the range of activations is read."""

    def __init__(self, folder: Path) -> None:
        (values,) = (one for one in described(folder)["inputs"] if one["name"] == "past_key_values.0.key")
        _, heads, _, size = values["shape"]
        layers = sum(one["name"].endswith(".key") for one in described(folder)["inputs"])
        parts = [f"past_key_values.{layer}.{part}" for layer in range(layers) for part in ("key", "value")]
        self.past = {name: np.zeros((1, heads, 0, size), np.float32) for name in parts}
        self.prompts: Iterator[list[int]] = iter(token_ids(folder))

    def get_next(self) -> dict[str, Any] | None:
        prompt = next(self.prompts, None)
        if prompt is None:
            return None
        ids = np.array([prompt], np.int64)
        positions = np.arange(len(prompt), dtype=np.int64)[None]
        return {"input_ids": ids, "attention_mask": np.ones_like(ids), "position_ids": positions, **self.past}


def token_ids(folder: Path) -> list[list[int]]:
    import inferno

    with inferno.LLM(str(folder), threads=1) as llm:
        return [llm._run(llm._llm._engine.encode_chat(check.messages)) for check in CALIBRATED]


def described(folder: Path) -> dict[str, Any]:
    return native_call(_core.describe_onnx, str(folder / "model.onnx"))  # type: ignore[return-value]


def answers(folder: Path) -> list[str]:
    def ask(messages: list[dict[str, Any]]) -> str:
        answer = http.post("/v1/chat/completions", json={"messages": messages, "temperature": 0, "max_tokens": 32})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["choices"][0]["message"]["content"])

    with running(str(folder), "--threads", "2") as server, server.client() as http:
        with ThreadPoolExecutor(len(ASKED)) as pool:
            found = list(pool.map(ask, [check.messages for check in ASKED]))
        assert server.stop() == 0
    return found


@pytest.fixture(scope="module")
def truth(place: Path) -> list[str]:
    return answers(place / "f32")


@pytest.mark.parametrize(
    ("kind", "operator"),
    [("dynamic", "MatMulInteger"), ("static", "QuantizeLinear"), ("builder", "com.microsoft.MatMulNBits")],
)
def test_eight_bits_say_nearly_what_all_bits_say(place: Path, truth: list[str], kind: str, operator: str) -> None:
    said = described(place / kind)
    assert said["operators"][operator] > 20
    assert said["weight_bytes"] < described(place / "f32")["weight_bytes"] / 2
    found = answers(place / kind)
    alike = sum(one == other for one, other in zip(found, truth, strict=True))
    assert alike >= ALIKE[kind] * len(truth), list(zip(found, truth, strict=True))
    assert len(set(found)) > len(found) / 2, "other questions, other answers"
