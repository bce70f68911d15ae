"""``inferno models inspect`` and what is behind it: good files are listed, each broken one gets its own sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inferno.cli import main
from inferno.errors import InfernoError, NotFound, Unsupported
from inferno.models.builtin import ember_path
from inferno.models.inspection import inspect
from models.corrupted_folders import BROKEN
from models.safetensors_files import INDEX, entry, file_bytes, good_header, index, write_folder


def run(*arguments: str) -> int:
    try:
        main(["models", "inspect", *arguments])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_a_file(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, {"m.safetensors": file_bytes(good_header())})
    found = inspect(folder / "m.safetensors")
    assert (found.format, found.files) == ("safetensors", ("m.safetensors",))
    start = 8 + len(json.dumps(good_header()))
    assert list(found.tensors) == [
        {"name": "a", "dtype": "F32", "shape": [2, 2], "offset": start, "bytes": 16, "file": "m.safetensors"},
        {"name": "b", "dtype": "BF16", "shape": [4], "offset": start + 16, "bytes": 8, "file": "m.safetensors"},
    ]


def test_a_folder_of_shards(tmp_path: Path) -> None:
    files = {
        "x1.safetensors": file_bytes({"a": entry("U8", [1], 0, 1)}, b"1"),
        "x2.safetensors": file_bytes({"b": entry("U8", [1], 0, 1)}, b"2"),
        INDEX: index({"b": "x2.safetensors", "a": "x1.safetensors"}),
        "other.safetensors": b"not of this model",
    }
    found = inspect(write_folder(tmp_path, files))
    assert [(tensor["name"], tensor["file"]) for tensor in found.tensors] == [
        ("a", "x1.safetensors"),
        ("b", "x2.safetensors"),
    ]


def test_json_says_what_the_gguf_library_says(capsys: pytest.CaptureFixture[str]) -> None:
    gguf = pytest.importorskip("gguf")
    assert run(str(ember_path()), "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["format"] == "gguf"
    reader = gguf.GGUFReader(ember_path())
    assert {(t["name"], t["dtype"], tuple(t["shape"]), t["offset"], t["bytes"]) for t in listed["tensors"]} == {
        (t.name, t.tensor_type.name.lower(), tuple(t.shape.tolist()), t.data_offset, t.n_bytes) for t in reader.tensors
    }


def test_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header = {"\x1b[2J[red]x": entry("F32", [2, 3], 0, 24)}
    folder = write_folder(tmp_path, {"m.safetensors": file_bytes(header)})
    assert run(str(folder)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "dtype", "shape", "offset", "bytes"]
    assert lines[1].split(maxsplit=2)[:2] == ["?[2J[red]x", "F32"]
    assert lines[2] == "safetensors: 1 tensor, 24 bytes"


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_folder_has_its_sentence(fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files, sentence = BROKEN[fault]
    folder = write_folder(tmp_path / "model", files())
    assert run(str(folder)) == 2
    said = capsys.readouterr()
    assert sentence in said.err
    assert str(tmp_path) not in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_the_sentences_are_distinct(tmp_path: Path) -> None:
    messages = {}
    for number, (fault, (files, _)) in enumerate(BROKEN.items()):
        with pytest.raises(InfernoError) as refused:
            inspect(write_folder(tmp_path / str(number), files()))
        messages[refused.value.message] = fault
    assert len(messages) == len(BROKEN) >= 30


def test_what_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("some text")
    with pytest.raises(Unsupported, match="'notes.txt' is neither a GGUF nor a SafeTensors file"):
        inspect(tmp_path / "notes.txt")
    with pytest.raises(NotFound, match="no .safetensors and no .gguf file"):
        inspect(tmp_path)
    with pytest.raises(NotFound, match="no such file or folder"):
        inspect(tmp_path / "nowhere")
