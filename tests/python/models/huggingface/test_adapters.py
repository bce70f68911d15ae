"""LoRA adapters of PEFT's on every architecture: what is computed with one is what the model computes whose weights
have its change added."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import inferno
from inferno.engine.request import GenerateRequest, SamplingOptions
from inferno.errors import DataCorrupted, InfernoError, NotFound, Unsupported
from inferno.models.huggingface.adapter import prepare_adapter
from inferno.models.huggingface.folder import open_folder
from models.huggingface import comparison
from models.huggingface.comparison import hf_folders

import hf_adapters  # isort: skip

STEPS = 8
TOP = 20


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def weights_of(case: str) -> hf_adapters.Arrays:
    what = hf_folders.CASES[case]
    how = {"norms_from_zero": what.norms_from_zero, "gain": what.gain}
    return {name: hf_folders.values(case, name, shape, **how) for name, shape in what.shapes.items()}


def write_merged(case: str, folder: Path, adapter: hf_adapters.Adapter) -> Path:
    hf_folders.write_case(case, folder)
    weights = hf_adapters.merged(weights_of(case), adapter, transposed=case.startswith("gpt2"))
    hf_folders.write_weights(folder, weights)
    return folder


def request(case: str, adapter: str | None = None) -> GenerateRequest:
    sampling = SamplingOptions(temperature=0.0, logprobs=TOP)
    prompt = comparison.committed(case).prompt[:60]
    return GenerateRequest(prompt, sampling, max_tokens=STEPS, ignore_eos=True, adapter=adapter)


def largest_difference(one: inferno.Completion, other: inferno.Completion) -> float:
    """Of the log-probabilities of the most probable tokens, relative to the largest of them; the texts are the same."""
    assert one.token_ids == other.token_ids
    worst, scale = 0.0, 0.0
    for mine, theirs in zip(one.logprobs, other.logprobs, strict=True):
        said = {token: logprob for token, _, logprob in theirs.top}
        both = [(logprob, said[token]) for token, _, logprob in mine.top if token in said]
        assert len(both) >= TOP - 1
        worst = max(worst, *(abs(a - b) for a, b in both))
        scale = max(scale, *(abs(a) for a, _ in both))
    return worst / scale


def texts(model: Path, case: str, requests: list[GenerateRequest], **options: Any) -> list[inferno.Completion]:
    with inferno.LLM(str(model), **(comparison.loading(case) | options)) as llm:
        return comparison.generate(llm, requests)


@pytest.mark.parametrize("case", sorted(hf_folders.CASES))
def test_it_is_the_merged_model_and_leaves_the_plain_one_alone(case: str, tmp_path: Path) -> None:
    """Of one engine: the plain model and two adapters, all at once."""
    hf_folders.write_case(case, tmp_path / "base")
    one = hf_adapters.of_case(case)
    other = hf_adapters.of_case(case, seed="other", rank=3, alpha=5.0, rank_stabilized=True, only=list(_last(one))[:2])
    written = {"one": hf_adapters.write(tmp_path / "one", one), "other": hf_adapters.write(tmp_path / "other", other)}
    adapters = {name: str(folder) for name, folder in written.items()}
    named = [None, "one", "other"]
    together = texts(tmp_path / "base", case, [request(case, name) for name in named], adapters=adapters)
    (plain,) = texts(tmp_path / "base", case, [request(case)])
    assert together[0].token_ids == plain.token_ids
    assert len({completion.logprobs[0].logprob for completion in together}) == 3
    for adapter, completion in ((one, together[1]), (other, together[2])):
        (merged,) = texts(write_merged(case, tmp_path / adapter.seed.replace("/", "-"), adapter), case, [request(case)])
        assert largest_difference(completion, merged) < 1e-3


def _last(adapter: hf_adapters.Adapter) -> dict[str, None]:
    return dict.fromkeys(module.rpartition(".")[2] for module in adapter.modules)


@pytest.mark.parametrize("dtype", ["F16", "BF16"])
def test_other_formats(dtype: str, tmp_path: Path) -> None:
    """The adapter's numbers are the same in all three."""
    adapter = hf_adapters.of_case("llama")
    hf_folders.write_case("llama", tmp_path / "base")
    folder = hf_adapters.write(tmp_path / "adapter", adapter, dtype)
    (ours,) = texts(tmp_path / "base", "llama", [request("llama", "a")], adapters={"a": str(folder)})
    (exact,) = texts(write_merged("llama", tmp_path / "merged", adapter), "llama", [request("llama")])
    assert largest_difference(ours, exact) < 1e-3


@pytest.mark.parametrize("layout", ["unified", "per_sequence"])
def test_together_each_says_what_it_says_alone(layout: str, tmp_path: Path) -> None:
    hf_folders.write_case("llama", tmp_path / "base")
    adapters = {
        name: str(hf_adapters.write(tmp_path / name, hf_adapters.of_case("llama", seed=name))) for name in ("a", "b")
    }
    options = {"adapters": adapters, "kv_layout": layout, "slots": 8, "context_tokens": 400, "kv_tokens": 4096}
    named = [None, "a", "b"] * 2
    with inferno.LLM(str(tmp_path / "base"), **(comparison.EXACT | options)) as llm:
        together = comparison.generate(llm, [request("llama", name) for name in named])
        again = [comparison.generate(llm, [request("llama", name)])[0] for name in named]
    for first, second in zip(together, again, strict=True):
        assert largest_difference(first, second) < 1e-3
        assert second.usage.cached_tokens >= 32
    with inferno.LLM(str(tmp_path / "base"), **(comparison.EXACT | options)) as llm:
        first_times = [comparison.generate(llm, [request("llama", name)])[0] for name in (None, "a", "b")]
    assert [completion.usage.cached_tokens for completion in first_times] == [0, 0, 0]


REFUSED: dict[str, tuple[dict[str, Any], type[InfernoError], str]] = {
    "dora": ({"use_dora": True}, Unsupported, "use_dora is True"),
    "biases": ({"bias": "lora_only"}, Unsupported, "bias is 'lora_only'"),
    "whole modules": ({"modules_to_save": ["lm_head"]}, Unsupported, r"modules_to_save is \['lm_head'\]"),
    "what is not known yet": ({"use_shiny": {"a": 1}}, Unsupported, "use_shiny is {'a': 1}"),
    "trigger tokens": ({"alora_invocation_tokens": [1]}, Unsupported, "alora_invocation_tokens"),
    "another method": ({"peft_type": "IA3"}, Unsupported, "peft_type is 'IA3'; known: 'LORA'"),
    "a changed base": ({"init_lora_weights": "pissa_niter_4"}, Unsupported, "changes the model's own weights"),
    "several alphas": ({"alpha_pattern": {"q_proj": 3}}, Unsupported, "alpha_pattern"),
    "a strange alpha": ({"lora_alpha": -1}, DataCorrupted, "lora_alpha is -1; it must be a number above 0"),
    "another rank": ({"r": 5}, DataCorrupted, "have ranks 4 and 4; adapter_config.json says 5"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_more_than_plain_lora_is_refused_by_name(what: str, tmp_path: Path) -> None:
    config, error, says = REFUSED[what]
    hf_folders.write_case("llama", tmp_path / "base")
    adapter = hf_adapters.write(tmp_path / "adapter", hf_adapters.of_case("llama"), **config)
    with pytest.raises(error, match=says):
        prepare_adapter(adapter, open_folder(tmp_path / "base"))


WRONG_TENSORS: dict[str, tuple[dict[str, tuple[int, ...]], type[InfernoError], str]] = {
    "of embeddings": ({"model.embed_tokens.lora_embedding_A": (4, 293)}, Unsupported, "lora_embedding_A"),
    "magnitudes": ({"model.layers.0.mlp.up_proj.lora_magnitude_vector": (96,)}, Unsupported, "lora_magnitude_vector"),
    "a whole matrix": ({"lm_head.weight": (293, 64)}, Unsupported, "lm_head.weight"),
    "half a pair": ({"model.layers.0.mlp.up_proj.lora_A.weight": (4, 64)}, DataCorrupted, "only one of the two"),
    "of no module": (
        {"model.layers.0.mlp.sideways.lora_A.weight": (4, 64), "model.layers.0.mlp.sideways.lora_B.weight": (96, 4)},
        Unsupported,
        "the adapter changes model.layers.0.mlp.sideways",
    ),
    "of another width": (
        {"model.layers.0.mlp.up_proj.lora_A.weight": (4, 32), "model.layers.0.mlp.up_proj.lora_B.weight": (96, 4)},
        DataCorrupted,
        "as a matrix of 96 x 32; the model's has .* x .*: it was trained on another model",
    ),
    "of two ranks": (
        {"model.layers.0.mlp.up_proj.lora_A.weight": (4, 64), "model.layers.0.mlp.up_proj.lora_B.weight": (96, 3)},
        DataCorrupted,
        "have ranks 4 and 3",
    ),
    "none": ({}, DataCorrupted, "the adapter changes nothing"),
}


@pytest.mark.parametrize("what", WRONG_TENSORS)
def test_tensors_that_do_not_fit_are_refused_by_name(what: str, tmp_path: Path) -> None:
    shapes, error, says = WRONG_TENSORS[what]
    hf_folders.write_case("llama", tmp_path / "base")
    adapter = hf_adapters.write(tmp_path / "adapter", hf_adapters.Adapter("none", {}))
    tensors = {f"base_model.model.{name}": np.zeros(shape, np.float32) for name, shape in shapes.items()}
    hf_folders.write_safetensors(adapter / "adapter_model.safetensors", tensors, "F32")
    with pytest.raises(error, match=says):
        prepare_adapter(adapter, open_folder(tmp_path / "base"))


def test_experts_are_refused(tmp_path: Path) -> None:
    hf_folders.write_case("mixtral", tmp_path / "base")
    shapes = hf_folders.CASES["mixtral"].shapes
    name = next(name for name in shapes if ".experts." in name)
    adapter = hf_adapters.Adapter("experts", {name.removesuffix(".weight"): shapes[name][:2]})
    with pytest.raises(Unsupported, match="one of several experts"):
        prepare_adapter(hf_adapters.write(tmp_path / "adapter", adapter), open_folder(tmp_path / "base"))


def test_it_is_made_once_and_anew_when_it_changes(tmp_path: Path) -> None:
    hf_folders.write_case("llama", tmp_path / "base")
    base, adapter = open_folder(tmp_path / "base"), hf_adapters.of_case("llama")
    first = prepare_adapter(hf_adapters.write(tmp_path / "adapter", adapter), base)
    changed = first.stat().st_mtime_ns
    assert prepare_adapter(tmp_path / "adapter", base) == first
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    (tmp_path / "adapter" / "adapter_config.json").write_text(json.dumps(config | {"lora_alpha": 3}))
    assert prepare_adapter(tmp_path / "adapter", base) != first
    assert first.stat().st_size > 0
    assert changed > 0


def test_without_weights_or_config(tmp_path: Path) -> None:
    hf_folders.write_case("llama", tmp_path / "base")
    base = open_folder(tmp_path / "base")
    adapter = hf_adapters.write(tmp_path / "adapter", hf_adapters.of_case("llama"))
    (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")
    with pytest.raises(NotFound, match=r"no adapter_model.safetensors"):
        prepare_adapter(adapter, base)
    (adapter / "adapter_config.json").unlink()
    with pytest.raises(NotFound, match=r"adapter_config.json is not in the adapter's folder"):
        prepare_adapter(adapter, base)
