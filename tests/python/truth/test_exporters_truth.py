"""Folders that Optimum and ONNX Runtime GenAI's model builder really write, served: `make exporters`.

Each of the two has an environment of its own, whose Python INFERNO_OPTIMUM and INFERNO_GENAI name.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import inferno

sys.path[:0] = [str(Path(__file__).parents[2] / "data")]
import hf_cases  # noqa: E402
import hf_folders  # noqa: E402

OPTIMUM = os.environ.get("INFERNO_OPTIMUM", "")
GENAI = os.environ.get("INFERNO_GENAI", "")
PROMPT = "Hello there, how are"
TOKENS = 24
EXACT: dict[str, Any] = {"quantize": "f32", "kv_type": "f32", "flash_attention": "off"}
_GENAI_ANSWERS = """
import json, sys
import onnxruntime_genai as og
folder, prompt, tokens = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
model = og.Model(folder)
params = og.GeneratorParams(model)
params.set_search_options(do_sample=False, max_length=len(prompt) + tokens, min_length=len(prompt) + tokens)
generator = og.Generator(model, params)
generator.append_tokens(prompt)
said = []
while not generator.is_done() and len(said) < tokens:
    generator.generate_next_token()
    said.append(int(generator.get_next_tokens()[0]))
print(json.dumps(said))
"""


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(python: str, *arguments: str) -> str:
    return subprocess.run([python, *arguments], check=True, capture_output=True, text=True).stdout


def written(folder: Path, **options: Any) -> tuple[str, list[int], list[float]]:
    with inferno.LLM(str(folder), threads=1, **options) as llm:
        fields: dict[str, Any] = {"temperature": 0, "ignore_eos": True, "logprobs": 1}
        (answer,) = llm.generate([PROMPT], max_tokens=TOKENS, **fields)
        said = answer.logprobs
        return llm.card.backend, [one.token_id for one in said], [one.logprob for one in said]


@pytest.mark.skipif(not OPTIMUM, reason="make exporters has Optimum")
@pytest.mark.parametrize(
    ("case", "task"),
    [("llama", "text-generation-with-past"), ("qwen2", "text-generation"), ("qwen3", "text-generation-with-past")],
)
def test_what_optimum_writes(case: str, task: str, tmp_path: Path) -> None:
    hf_folders.write_case(case, tmp_path / case)
    run(
        OPTIMUM, "-m", "optimum.exporters.onnx", "--model", str(tmp_path / case), "--task", task, str(tmp_path / "onnx")
    )
    _, tokens, logprobs = written(tmp_path / case, **EXACT)
    backend, said, probable = written(tmp_path / "onnx")
    assert (backend, said) == ("onnx", tokens)
    assert probable == pytest.approx(logprobs, abs=1e-3)


@pytest.mark.skipif(not GENAI, reason="make exporters has the model builder")
@pytest.mark.parametrize(("case", "precision"), [("llama", "fp32"), ("qwen2", "int4"), ("qwen3-32", "fp32")])
def test_what_the_model_builder_writes(
    case: str, precision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # ONNX Runtime's attention with rotation takes heads of 16, 32, ... alone, and our other qwen3 has 24.
    monkeypatch.setitem(hf_cases.CASES, "qwen3-32", hf_cases.qwen3(tied=False, head=32))
    hf_folders.write_case(case, tmp_path / case)
    builder = ("-m", "onnxruntime_genai.models.builder", "-i", str(tmp_path / case), "-o", str(tmp_path / "onnx"))
    run(GENAI, *builder, "-p", precision, "-e", "cpu")
    backend, said, probable = written(tmp_path / "onnx")
    assert backend == "onnx"
    if precision == "fp32":
        _, tokens, logprobs = written(tmp_path / case, **EXACT)
        assert said == tokens
        assert probable == pytest.approx(logprobs, abs=1e-3)
    with inferno.LLM(str(tmp_path / "onnx"), threads=1) as llm:
        prompt = llm._run(llm._llm._engine.encode(PROMPT))
    answers = run(GENAI, "-c", _GENAI_ANSWERS, str(tmp_path / "onnx"), json.dumps(prompt), str(TOKENS))
    assert said == json.loads(answers.splitlines()[-1])
