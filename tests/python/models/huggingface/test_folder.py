"""What a folder is: its shards, and the folders that are refused before anything is opened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inferno.errors import DataCorrupted, InfernoError, InvalidArgument, NotFound, Unsupported
from inferno.models.huggingface.folder import open_folder
from inferno.models.source import resolve
from models.huggingface.comparison import hf_folders

INDEX = "model.safetensors.index.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "Tiny-Llama"
    hf_folders.write_case("llama", made, "BF16", 3)
    return made


def write_index(folder: Path, weight_map: object) -> None:
    (folder / INDEX).write_text(json.dumps({"weight_map": weight_map}))


def test_shards_come_from_the_index(folder: Path) -> None:
    (folder / "stray.safetensors").write_bytes(b"not of the model")
    opened = open_folder(folder)
    assert [shard.name for shard in opened.shards] == [f"model-0000{n}-of-00003.safetensors" for n in (1, 2, 3)]
    assert opened.indexed["model.norm.weight"] == "model-00002-of-00003.safetensors"


def test_it_is_served_under_its_own_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    found = resolve(".", quantize="q8_0")
    assert (found.name, found.quantize) == ("Tiny-Llama", "q8_0")
    assert found.size_bytes == sum(shard.stat().st_size for shard in folder.glob("*.safetensors"))


def test_a_broken_gguf_beside_the_weights_does_not_change_what_the_folder_is(folder: Path) -> None:
    (folder / "other.gguf").write_bytes(b"GGUF")
    assert resolve(str(folder)).folder is not None


@pytest.mark.parametrize(
    "name", ["../model.safetensors", "/etc/model.safetensors", "a/b.safetensors", ".safetensors", "model.bin", 7, None]
)
def test_the_index_cannot_point_out_of_the_folder(folder: Path, name: object) -> None:
    write_index(folder, {"lm_head.weight": name})
    with pytest.raises(DataCorrupted, match=r"lm_head.weight is said to be in .* which is no .safetensors file's name"):
        open_folder(folder)


def no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def torn_config(folder: Path) -> None:
    (folder / "config.json").write_text('{"architectures": ["Llama')


def quantized(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"quantization_config": {"quant_method": "gptq"}}))


def lost_shard(folder: Path) -> None:
    (folder / "model-00002-of-00003.safetensors").unlink()


def lost_index(folder: Path) -> None:
    (folder / INDEX).unlink()


def empty_index(folder: Path) -> None:
    write_index(folder, {})


def only_pickles(folder: Path) -> None:
    for shard in [*folder.glob("*.safetensors"), folder / INDEX]:
        shard.unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")


@pytest.mark.parametrize(
    ("breaks", "error", "says"),
    [
        (no_config, NotFound, "config.json is not in the folder"),
        (torn_config, DataCorrupted, "config.json is not valid JSON"),
        (quantized, Unsupported, r"quantized already \(gptq\)"),
        (lost_shard, DataCorrupted, "names model-00002-of-00003.safetensors, which is not in the folder"),
        (lost_index, Unsupported, "3 .safetensors files and no model.safetensors.index.json"),
        (empty_index, DataCorrupted, "no weight_map"),
        (only_pickles, NotFound, r"weights in other formats \(.bin, .pt\) are never opened"),
    ],
)
def test_broken_folders(folder: Path, breaks: object, error: type[InfernoError], says: str) -> None:
    breaks(folder)  # type: ignore[operator]
    with pytest.raises(error, match=says):
        open_folder(folder)


def test_quantize_is_known_and_for_folders(folder: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"quantize is 'q9'; known: f32, f16, bf16, q8_0, q6_k, q5_k_m"):
        resolve(str(folder), quantize="q9")
    with pytest.raises(InvalidArgument, match="a GGUF or ONNX file is served in the format it has"):
        resolve(None, quantize="q8_0")
