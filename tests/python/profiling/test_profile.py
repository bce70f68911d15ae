"""Profiles of real models: every number of memory is that of the file and of the formula."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import onnx
import pytest
from tests.data import make_gguf

from inferno.engine.embedding import EmbedRequest
from inferno.engine.local import LocalEngine
from inferno.models.builtin import ember_path
from inferno.models.opening import extras_of, ready
from inferno.models.source import resolve
from inferno.profiling.phases import Phases
from inferno.profiling.profile import Plan, Profile, profile
from inferno.profiling.workload import PLAIN

sys.path[:0] = [str(Path(__file__).parents[2] / "data")]
import hf_encoders  # noqa: E402
import onnx_decoders  # noqa: E402
import onnx_encoders  # noqa: E402

PLAN = Plan(prompt_tokens=20, answer_tokens=8, batches=(1, 3))
EMBER = str(ember_path())


def loader(path: str, options: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], Awaitable[LocalEngine]]:
    async def load(more: Mapping[str, Any]) -> LocalEngine:
        return await LocalEngine.load(path, options={"threads": 1, **options, **more}, engine=PLAIN)

    return load


async def profiled(path: str, **options: Any) -> Profile:
    return await profile(loader(path, options), PLAN, Phases(), path)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("models") / "tiny.gguf"
    make_gguf.write_model(path, "llama", seed=1, layers=2, width=64, heads=4, kv_heads=2)
    return str(path)


async def test_what_is_measured_and_in_which_order() -> None:
    found = await profiled(EMBER)
    names = [(phase.name, phase.facts.get("streams")) for phase in found.phases]
    assert names == [
        ("load", None),
        ("tokenize", None),
        ("warm up", None),
        ("prompts", 1),
        ("prefill", 1),
        ("decode", 1),
        ("prompts", 3),
        ("prefill", 3),
        ("decode", 3),
        ("release", None),
        ("operators", 1),
    ]
    assert sum(phase.seconds for phase in found.phases) == pytest.approx(found.wall_seconds)
    prefill = [phase.facts["tokens"] for phase in found.phases if phase.name == "prefill"]
    assert prefill == [20, 60]
    decode = [phase.facts["tokens"] for phase in found.phases if phase.name == "decode"]
    assert 0 < decode[0] <= 7
    assert 0 < decode[1] <= 21


async def test_memory_is_what_the_file_and_the_formula_say(tiny: str) -> None:
    for path, values in ((EMBER, 6 * 4 * 64), (tiny, 2 * 2 * 32)):
        found = await profiled(path, context_tokens=256, slots=2)
        assert found.memory.weights == sum(int(tensor.n_bytes) for tensor in gguf.GGUFReader(path).tensors)
        assert found.memory.kv.bytes == found.memory.kv_held == 256 * 3 * values * 2
        assert found.memory.compute > 0


async def test_two_models_differ_in_every_number(tiny: str) -> None:
    one, other = await profiled(EMBER, context_tokens=256), await profiled(tiny, context_tokens=256)
    for name in ("weights", "kv_held", "compute"):
        assert getattr(one.memory, name) != getattr(other.memory, name)


async def test_operators_are_told_apart_by_llama() -> None:
    found = await profiled(EMBER)
    assert found.operators is not None
    assert found.why_no_operators is None
    for phase in ("prefill", "decode"):
        assert {"MUL_MAT q8_0", "FLASH_ATTN_EXT"} <= {name for name, _, _ in found.operators[phase]}
    calls = {phase: {name: calls for name, calls, _ in found.operators[phase]} for phase in found.operators}
    assert calls["decode"]["FLASH_ATTN_EXT"] == 7 * calls["prefill"]["FLASH_ATTN_EXT"], "one step each token"


@pytest.mark.parametrize(("form", "attention"), [("gqa", "GroupQueryAttention"), ("past", "Softmax")])
async def test_an_onnx_model_tells_the_same(tmp_path: Path, form: str, attention: str) -> None:
    onnx_decoders.write_ember(tmp_path / "ember", form)
    source = resolve(str(tmp_path / "ember"))

    async def load(more: Mapping[str, Any]) -> LocalEngine:
        options = {"threads": 1, "context_tokens": 256, "slots": 3, **more}
        extras = extras_of(source, generation_config=False)
        return await LocalEngine.load(source.path, options=options, engine=PLAIN, extras=extras)

    found = await profile(load, PLAN, Phases(), source.path)
    tensors = onnx.load(source.path).graph.initializer
    numbers = [onnx.numpy_helper.to_array(tensor) for tensor in tensors]
    assert found.memory.weights == sum(one.nbytes for one in numbers)
    assert found.memory.kv.bytes == found.memory.kv_held == 256 * 3 * (6 * 4 * 64) * 4
    assert found.operators is not None
    calls = {phase: {name: calls for name, calls, _ in found.operators[phase]} for phase in found.operators}
    assert {"MatMul", attention} <= set(calls["prefill"])
    assert calls["decode"][attention] == 7 * calls["prefill"][attention] > 0, "one step each token"
    assert all(seconds >= 0 for phase in found.operators.values() for _, _, seconds in phase)
    assert sum(seconds for _, _, seconds in found.operators["decode"]) > 0
    engine = await load({})
    await engine.aclose()
    assert engine.card.parameters == sum(one.size for one in numbers if one.dtype == np.float32)


@pytest.mark.parametrize("bits", [4, 8])
async def test_weights_of_few_bits_are_counted_one_by_one(tmp_path: Path, bits: int) -> None:
    """A graph keeps several in a byte, or one with a scale beside it: it has as many as the same weights in F32."""
    onnx_decoders.write_ember(tmp_path / "few", "gqa", f"INT{bits}")
    onnx_decoders.write_ember(tmp_path / "all", "gqa")
    counted = {}
    for name in ("few", "all"):
        source = resolve(str(tmp_path / name))
        extras = extras_of(source, generation_config=False)
        engine = await LocalEngine.load(source.path, options={"threads": 1}, engine=PLAIN, extras=extras)
        await engine.aclose()
        counted[name] = engine.card.parameters
    assert counted["few"] == counted["all"] > 0


async def test_a_backend_that_cannot_says_so() -> None:
    found = await profiled("fake:")
    assert found.operators is None
    assert found.why_no_operators == "the backend 'fake' cannot tell its operators apart"
    assert found.memory.kv.bytes == 0


async def test_advice_on_the_context_frees_exactly_what_it_says() -> None:
    for layout, after in (
        ("per_sequence", {"slots": 3}),
        ("unified", {"slots": 3, "kv_tokens": 768}),
    ):
        before = await profiled(EMBER, context_tokens=1024, slots=3, kv_layout=layout)
        (one,) = [advice for advice in before.advice if advice.about == "context"]
        followed = await profiled(EMBER, context_tokens=256, kv_layout=layout, **after)
        assert before.memory.kv_held - followed.memory.kv_held == one.numbers["saved_bytes"] > 0
        assert not [advice for advice in followed.advice if advice.about == "context"]


def graph_weights(path: str) -> int:
    return sum(onnx.numpy_helper.to_array(tensor).nbytes for tensor in onnx.load(path).graph.initializer)


def file_weights(path: str) -> int:
    return sum(int(tensor.n_bytes) for tensor in gguf.GGUFReader(path).tensors)


def write_encoder(form: str, place: Path) -> str:
    labels = ("relevant",) if form.endswith("ranker") else ()
    if form in ("llama", "ranker"):
        path = place / "bert.gguf"
        make_gguf.write_encoder(path, seed=3, layers=2, width=64, heads=4, positions=128, labels=labels)
        return str(path)
    folder = place / "bert"
    hf_encoders.write_case("bert", folder)
    return str(folder if form == "huggingface" else onnx_encoders.write_graph(folder, place / "graph", labels=labels))


async def profiled_encoder(path: str) -> tuple[Profile, str]:
    source = resolve(path)
    opened = await ready(source)

    async def load(more: Mapping[str, Any]) -> LocalEngine:
        extras = extras_of(source, generation_config=False)
        return await LocalEngine.load(opened, options={"threads": 1, **more}, engine=PLAIN, extras=extras)

    return await profile(load, PLAN, Phases(), opened), opened


@pytest.mark.parametrize("form", ["llama", "huggingface", "onnx", "ranker", "onnx ranker"])
async def test_encoders_are_profiled_in_every_form(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found, opened = await profiled_encoder(write_encoder(form, tmp_path))
    names = [phase.name for phase in found.phases]
    assert names == ["load", "tokenize", "texts", "warm up", "encode", "encode", "release", "operators"]
    assert sum(phase.seconds for phase in found.phases) == pytest.approx(found.wall_seconds)
    one, three = [phase.facts for phase in found.phases if phase.name == "encode"]
    assert (one["texts"], three["texts"]) == (1, 3)
    assert three["tokens"] == 3 * one["tokens"] >= 3 * 4 * PLAN.prompt_tokens
    is_onnx = form.startswith("onnx")
    assert found.memory.weights == (graph_weights if is_onnx else file_weights)(opened)
    assert found.memory.kv.bytes == found.memory.kv_held == 0
    assert found.memory.compute > 0
    assert found.operators is not None
    kinds = {name for name, _, _ in found.operators["encode"]}
    assert any("MatMul" in name or name.startswith("MUL_MAT") for name in kinds), kinds
    assert all(calls > 0 and seconds >= 0 for _, calls, seconds in found.operators["encode"])


async def test_onnx_runtimes_compute_memory_grows_with_what_it_computes(tmp_path: Path) -> None:
    path = write_encoder("onnx", tmp_path)
    source = resolve(path)
    engine = await LocalEngine.load(source.path, options={"threads": 1}, extras=extras_of(source))
    try:
        held = [engine.report["compute_bytes"]]
        for texts in (1, 64):
            await engine.embed(EmbedRequest(texts=[[1] * 60] * texts))
            held.append(engine.report["compute_bytes"])
    finally:
        await engine.aclose()
    assert 0 < held[0] <= held[1] < held[2]
    assert held[2] >= 64 * 60 * 4, "the ids' vectors alone are more than a number for each token"
