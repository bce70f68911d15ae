"""``inferno serve`` on folders broken in one way each: a sentence and exit status 2, before anything listens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inferno.cli import main
from inferno.models.huggingface.cache import cache_folder
from models.corrupted_folders import BROKEN
from models.huggingface.comparison import hf_folders
from models.safetensors_files import entry, file_bytes, write_folder

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": 293,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_hidden_layers": 1,
    "max_position_embeddings": 512,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "hidden_act": "silu",
    "tie_word_embeddings": True,
}


def llama_tensors() -> dict[str, list[int]]:
    block = {
        "self_attn.q_proj": [64, 64],
        "self_attn.k_proj": [32, 64],
        "self_attn.v_proj": [32, 64],
        "self_attn.o_proj": [64, 64],
        "mlp.gate_proj": [96, 64],
        "mlp.up_proj": [96, 64],
        "mlp.down_proj": [64, 96],
        "input_layernorm": [64],
        "post_attention_layernorm": [64],
    }
    named = {f"model.layers.0.{name}.weight": shape for name, shape in block.items()}
    return {"model.embed_tokens.weight": [293, 64], "model.norm.weight": [64], **named}


def llama_file(shapes: dict[str, list[int]], *, dtype: str = "F32", width: int = 4) -> bytes:
    header: dict[str, Any] = {}
    end = 0
    for name, shape in shapes.items():
        begin, count = end, 1
        for extent in shape:
            count *= extent
        end += count * width
        header[name] = entry(dtype, shape, begin, end)
    return file_bytes(header, bytes(end))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _never_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    def listen(*_: object, **__: object) -> int:
        raise AssertionError("a broken folder was served")

    monkeypatch.setattr("inferno.server.run.serve", listen)


def served(folder: Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["serve", str(folder), "--port", "0"])
    return int(ended.value.code or 0)


def prepared_files() -> list[str]:
    """All but locks, and tokenizers, which may be in order where weights are not."""
    return [file.name for file in cache_folder().glob("*") if file.suffix not in (".lock", ".tokenizer")]


@pytest.mark.parametrize("fault", BROKEN)
def test_the_corruption_matrix(fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files, sentence = BROKEN[fault]
    folder = write_folder(tmp_path / "model", {"config.json": json.dumps(CONFIG), **files()})
    assert served(folder) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("inferno: ")
    assert sentence in error
    assert prepared_files() == []


WRONG_WEIGHTS = {
    "a tensor too many": ({**llama_tensors(), "model.extra.weight": [1]}, {}, "model.extra.weight"),
    "a dtype that cannot be served": (llama_tensors(), {"dtype": "F64", "width": 8}, "F64"),
}


@pytest.mark.parametrize("fault", WRONG_WEIGHTS)
def test_weights_that_do_not_fit(fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shapes, how, sentence = WRONG_WEIGHTS[fault]
    files = {"config.json": json.dumps(CONFIG), "model.safetensors": llama_file(shapes, **how)}
    assert served(write_folder(tmp_path / "model", files)) == 2
    assert sentence in capsys.readouterr().err.splitlines()[-1]
    assert prepared_files() == []


def test_a_missing_tensor_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shapes = {name: shape for name, shape in llama_tensors().items() if "o_proj" not in name}
    files = {"config.json": json.dumps(CONFIG), "model.safetensors": llama_file(shapes)}
    folder = write_folder(tmp_path / "model", files)
    hf_folders.write_tokenizer(folder)
    assert served(folder) == 2
    assert "no tensor that would become blk.0.attn_output.weight" in capsys.readouterr().err.splitlines()[-1]
    assert prepared_files() == []
