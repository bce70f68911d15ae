"""Preparing: what is in the file, that it is made once, and that no half of one is left behind."""

from __future__ import annotations

import fcntl
import json
import os
import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGUFReader

import inferno
from inferno.errors import Cancelled, DataCorrupted, InfernoError, Unavailable, Unsupported
from inferno.models.huggingface import cache, prepare
from inferno.models.huggingface.folder import open_folder
from inferno.models.huggingface.quantization import SCHEMES
from models.huggingface.comparison import hf_folders

import hf_encoders  # isort: skip

GOES_ON: Callable[[float], bool] = lambda done: True  # noqa: E731


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "inferno" / "prepared"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    hf_folders.write_case("llama", tmp_path / "llama", "BF16")
    return tmp_path / "llama"


def prepared(folder: Path, quantize: str | None = None) -> Path:
    return prepare.prepare(open_folder(folder), quantize=quantize, progress=GOES_ON)


def change_config(folder: Path, **values: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | values))


def types(path: Path) -> dict[str, str]:
    return {tensor.name: tensor.tensor_type.name for tensor in GGUFReader(str(path)).tensors}


def test_it_is_made_once(folder: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = prepared(folder)
    assert first.parent == kept
    monkeypatch.setattr(prepare, "_make", lambda *_: pytest.fail("made again"))
    assert prepared(folder) == first


def test_the_cache_gives_up_what_was_used_least_recently_but_nothing_in_use(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.mkdir(parents=True)
    for day, name in enumerate(("used", "older", "old", "new"), 1):
        (kept / f"{name}.gguf").write_bytes(b"x" * 1000)
        os.utime(kept / f"{name}.gguf", (day, day))
    with (kept / "used.use.lock").open("w") as server:
        fcntl.flock(server, fcntl.LOCK_SH)
        assert cache.make_room(500, 3500) == [kept / "older.gguf"]
        assert cache.make_room(2000, 4000) == [kept / "old.gguf"]
        assert cache.make_room(10_000, 1000) == [kept / "new.gguf"]
    assert [file.path.name for file in cache.listing()] == ["used.gguf"]
    hf_folders.write_case("llama", tmp_path / "llama")
    made = prepare.prepare(open_folder(tmp_path / "llama"), quantize=None, progress=GOES_ON, cache_bytes=1)
    assert [file.path for file in cache.listing()] == [made]
    assert cache.make_room(1, 1) == []  # this process has it


def test_another_folder_or_format_is_another_file(folder: Path) -> None:
    made = {prepared(folder), prepared(folder, "q8_0")}
    os.utime(folder / "model.safetensors", (1, 1))
    made.add(prepared(folder))
    change_config(folder, rope_theta=5000.0)
    made.add(prepared(folder))
    hf_folders.write_case("llama", folder, "F32")
    made.add(prepared(folder))
    assert len(made) == 5


def test_two_at_once_make_one(folder: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    makings = []
    make = prepare._make

    def counted(*arguments: Any) -> None:
        makings.append(arguments)
        make(*arguments)

    monkeypatch.setattr(prepare, "_make", counted)
    threads = [threading.Thread(target=prepared, args=(folder,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(makings) == 1
    assert len(list(kept.glob("*.gguf"))) == 1


def test_given_up_it_leaves_nothing(tmp_path: Path, kept: Path) -> None:
    wide = write_wide(tmp_path / "wide", vocabulary=60_000)  # long enough to be asked whether to go on
    with pytest.raises(Cancelled):
        prepare.prepare(open_folder(wide), quantize="q5_k_m", progress=lambda done: False)
    assert [file.name for file in kept.iterdir() if file.suffix != ".lock"] == []


def write_wide(folder: Path, *, vocabulary: int = 293) -> Path:
    """One layer of llama with rows of 256, which all blocks divide."""
    hf_folders.write_case("llama", folder)
    change_config(folder, hidden_size=256, intermediate_size=512, num_hidden_layers=1, vocab_size=vocabulary)
    rows = {"q": 256, "k": 128, "v": 128}
    shapes = {f"self_attn.{part}_proj": (count, 256) for part, count in rows.items()} | {"self_attn.o_proj": (256, 256)}
    shapes |= {"mlp.gate_proj": (512, 256), "mlp.up_proj": (512, 256), "mlp.down_proj": (256, 512)}
    shapes |= {"input_layernorm": (256,), "post_attention_layernorm": (256,)}
    draw = np.random.default_rng(7)
    tensors = {f"model.layers.0.{name}.weight": _drawn(draw, shape) for name, shape in shapes.items()}
    outside = {"model.embed_tokens": (vocabulary, 256), "lm_head": (vocabulary, 256), "model.norm": (256,)}
    for name, shape in outside.items():
        tensors[f"{name}.weight"] = _drawn(draw, shape)
    hf_folders.write_weights(folder, tensors)
    return folder


def _drawn(draw: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    values = draw.standard_normal(shape, dtype=np.float32) * np.float32(0.05)
    return values + 1 if len(shape) == 1 else values


def test_the_folders_format_stays_but_for_vectors(folder: Path) -> None:
    found = types(prepared(folder))
    assert {kind for name, kind in found.items() if "norm" in name} == {"F32"}
    assert {kind for name, kind in found.items() if "norm" not in name} == {"BF16"}


@pytest.mark.parametrize(
    ("scheme", "most", "value", "output"),
    [("q8_0", "Q8_0", "Q8_0", "Q8_0"), ("q4_0", "Q4_0", "Q4_0", "Q6_K"), ("q4_k_m", "Q4_K", "Q6_K", "Q6_K")],
)
def test_a_scheme_decides_the_formats(tmp_path: Path, scheme: str, most: str, value: str, output: str) -> None:
    found = types(prepared(write_wide(tmp_path / "wide"), scheme))
    assert found["blk.0.attn_q.weight"] == found["blk.0.ffn_up.weight"] == most
    assert found["blk.0.attn_v.weight"] == found["blk.0.ffn_down.weight"] == value
    assert (found["output.weight"], found["output_norm.weight"]) == (output, "F32")


def test_rows_that_blocks_do_not_divide_step_down(folder: Path) -> None:
    found = types(prepared(folder, "q4_k_m"))
    assert found["blk.2.attn_q.weight"] == "Q5_0"
    assert found["output.weight"] == "Q8_0"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_in_every_format_it_answers(tmp_path: Path, scheme: str) -> None:
    with inferno.LLM(str(write_wide(tmp_path / "wide")), quantize=scheme, threads=1) as llm:
        (answer,) = llm.generate("hello", max_tokens=4, ignore_eos=True)
    assert len(answer.token_ids) == 4
    assert types(prepared(tmp_path / "wide", scheme))["blk.0.attn_q.weight"] == SCHEMES[scheme].upper()


def test_no_room_is_said_before_it_starts(folder: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1000})())
    with pytest.raises(Unavailable, match=r"takes 0.1 GB in the cache and 0.0 GB are free; .*XDG_CACHE_HOME"):
        prepared(folder)
    assert not list(kept.glob("*.gguf"))


def test_a_cache_that_cannot_be_written(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(Unavailable, match="set XDG_CACHE_HOME"):
        prepared(folder)


def test_the_cache_lists_the_latest_used_first_and_clears(folder: Path) -> None:
    old, new = prepared(folder), prepared(folder, "q8_0")
    os.utime(old, (1, 1))
    assert [entry.path for entry in cache.listing()] == [new, old]
    assert cache.clear() > 0
    assert cache.listing() == []


def test_what_killed_processes_left_is_cleared_and_what_is_being_made_is_not(kept: Path) -> None:
    kept.mkdir(parents=True)
    left, making = kept / "left-own-1.gguf", kept / "making-own-2.gguf"
    for path in (left, making):
        path.with_name(path.name + ".part").write_bytes(b"x" * 1000)
    with cache.being_made(making):
        assert cache.clear() == 1000
    assert [file.name for file in kept.glob("*.part")] == ["making-own-2.gguf.part"]


def test_without_its_package_it_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(Unsupported, match=r"needs the package 'gguf': pip install 'inferno\[hf\]'"):
        prepared(folder)


@pytest.mark.parametrize(
    ("values", "error", "says"),
    [
        ({"architectures": ["ShinyNewForCausalLM"]}, Unsupported, r"ShinyNewForCausalLM is not known; known: .*Qwen3"),
        ({"architectures": None}, Unsupported, r"\(none named\) is not known"),
        ({"num_hidden_layers": 0}, DataCorrupted, "num_hidden_layers is 0; it must be a whole number from 1 to 512"),
        ({"num_hidden_layers": 4}, Unsupported, r"tensor model.layers.4.* no place"),
        ({"num_hidden_layers": 6}, DataCorrupted, "no tensor model.layers.5.self_attn.q_proj.weight"),
        ({"num_key_value_heads": 3}, DataCorrupted, "4 attention heads cannot share 3 key-value heads"),
        ({"num_attention_heads": 2}, DataCorrupted, "q_proj.weight has 64 rows|k_proj.weight has 32 rows"),
        ({"rms_norm_eps": None}, DataCorrupted, "config.json has no rms_norm_eps"),
        ({"rms_norm_eps": "1e-5"}, DataCorrupted, "rms_norm_eps is '1e-5'; it must be a number above 0"),
        ({"rope_theta": 1e39}, DataCorrupted, "rope_theta is 1e.39; it must be a number above 0"),
        ({"hidden_act": "relu"}, Unsupported, "hidden_act is 'relu'; this architecture is computed with 'silu'"),
        ({"rope_scaling": {"type": "mystery"}}, Unsupported, "rope scaling 'mystery' is not known"),
        ({"rope_scaling": {"type": "yarn", "factor": 1e-5}}, DataCorrupted, "factor is 1e-05; it must be at least 1"),
        ({"rope_scaling": {"type": "linear"}}, DataCorrupted, "rope_parameters has no factor"),
    ],
)
def test_configs_that_are_refused(folder: Path, values: dict[str, Any], error: type[InfernoError], says: str) -> None:
    change_config(folder, **values)
    with pytest.raises(error, match=says):
        prepared(folder)


def test_what_llama_cpp_would_compute_otherwise_is_refused(tmp_path: Path) -> None:
    for case, values, says in (
        ("qwen3_moe", {"norm_topk_prob": False}, "norm_topk_prob is not true"),
        ("qwen2_moe", {"norm_topk_prob": True}, "norm_topk_prob is True; this architecture is computed with False"),
        ("qwen2_moe", {"mlp_only_layers": [0]}, r"mlp_only_layers is \[0\]"),
        ("gemma2", {"query_pre_attn_scalar": 256}, "query_pre_attn_scalar is 256; this architecture .* with 24"),
        ("gemma2", {"layer_types": ["full_attention"] * 5}, "no layer has sliding attention"),
        ("smollm3", {"no_rope_layers": [1, 1, 1, 1, 1]}, "no_rope_layers"),
        ("qwen2", {"rope_scaling": hf_folders.CASES["llama3"].config["rope_scaling"]}, "rope scaling 'llama3'"),
    ):
        folder = tmp_path / case
        hf_folders.write_case(case, folder)
        change_config(folder, **values)
        with pytest.raises(Unsupported, match=says):
            prepared(folder)


@pytest.mark.parametrize(("part", "says"), [(2, "at most 1"), (0.01, "they must be pairs"), (0.19, "must be pairs")])
def test_what_is_rotated_of_a_head_lies_in_it(part: float, says: str, tmp_path: Path) -> None:
    hf_folders.write_case("stablelm", tmp_path / "stablelm")
    change_config(tmp_path / "stablelm", partial_rotary_factor=part)
    with pytest.raises(DataCorrupted, match=says):
        prepared(tmp_path / "stablelm")


def test_gemma_3_with_no_sliding_layer_loads(tmp_path: Path) -> None:
    """llama.cpp would end the process for a window that no layer has."""
    hf_folders.write_case("gemma3", tmp_path / "gemma3")
    change_config(tmp_path / "gemma3", layer_types=["full_attention"] * 7)
    with inferno.LLM(str(tmp_path / "gemma3"), threads=1) as llm:
        assert llm.generate("hello", max_tokens=1)


def test_a_window_that_llama_cpp_has_not_got_bounds_the_context(tmp_path: Path) -> None:
    folder = tmp_path / "mistral"
    hf_folders.write_case("mistral", folder)
    change_config(folder, sliding_window=96)
    with inferno.LLM(str(folder), threads=1) as llm:
        assert llm.card.context_tokens == 96


def test_tokens_beyond_the_embedding(folder: Path) -> None:
    """Of Gemma 3's text-only folders: a control token that the embedding has no row for. Of others: a mistake."""
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    picture = tokenizer["added_tokens"][0] | {"id": 293, "content": "<image_soft_token>"}
    for special in (True, False):
        added = [*tokenizer["added_tokens"], picture | {"special": special, "content": f"<image{special}>"}]
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer | {"added_tokens": added}))
        if special:
            assert prepared(folder)
            continue
        with pytest.raises(DataCorrupted, match="token id 293, but the model's vocab_size is 293"):
            prepared(folder)


@pytest.mark.parametrize("case", [*hf_folders.CASES, *hf_encoders.CASES])
def test_a_missing_tensor_is_found_before_anything_is_written(case: str, tmp_path: Path, kept: Path) -> None:
    """The first matrix of the third layer; and that of every layer."""
    module = hf_folders if case in hf_folders.CASES else hf_encoders
    module.write_case(case, tmp_path / "whole")
    shapes = module.CASES[case].shapes
    chosen = next(name for name, shape in shapes.items() if ".2." in name and len(shape) == 2)
    for missing in (chosen, chosen.replace(".2.", ".0.").replace(".0.", r".\d+.")):
        left = {name: np.zeros(shape) for name, shape in shapes.items() if not re.fullmatch(missing, name)}
        hf_folders.write_weights(tmp_path / "whole", left)
        with pytest.raises(DataCorrupted, match="no tensor"):
            prepared(tmp_path / "whole")
    assert not [file for file in kept.glob("*") if file.suffix != ".lock"]


def test_a_tensor_that_no_shard_has(tmp_path: Path) -> None:
    folder = tmp_path / "sharded"
    hf_folders.write_case("llama", folder, "F16", 2)
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    index["weight_map"]["model.layers.0.mlp.bias"] = "model-00001-of-00002.safetensors"
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(DataCorrupted, match=r"model.layers.0.mlp.bias"):
        prepared(folder)
