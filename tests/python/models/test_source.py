"""resolve: a MODEL argument leads to one file, or to an error that helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from inferno.errors import InvalidArgument, NotFound
from inferno.models import source
from inferno.models.source import resolve


@pytest.fixture
def ember(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "inside" / "ember.gguf"
    path.parent.mkdir()
    path.write_bytes(b"GGUF")
    monkeypatch.setattr(source, "ember_path", lambda: path)
    return path


@pytest.mark.parametrize("model", [None, "ember"])
def test_the_builtin_model(ember: Path, model: str | None) -> None:
    found = resolve(model)
    assert (found.path, found.name, found.size_bytes) == (str(ember), "ember", 4)


def test_a_file_is_named_by_its_stem(tmp_path: Path) -> None:
    (tmp_path / "qwen2.5-0.5b.gguf").write_bytes(b"12345")
    found = resolve(str(tmp_path / "qwen2.5-0.5b.gguf"))
    assert (found.name, found.size_bytes) == ("qwen2.5-0.5b", 5)


def test_a_name_with_dots_is_kept_whole(tmp_path: Path) -> None:
    (tmp_path / "model-v1.5").write_bytes(b"x")
    assert resolve(str(tmp_path / "model-v1.5")).name == "model-v1.5"


def test_a_folder_with_one_gguf(tmp_path: Path) -> None:
    (tmp_path / "tiny.GGUF").write_bytes(b"x")
    (tmp_path / "README.md").write_bytes(b"x")
    assert resolve(str(tmp_path)).name == "tiny"


def test_folders_with_none_or_several(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no .gguf or .onnx file"):
        resolve(str(tmp_path))
    (tmp_path / "pytorch_model-00001-of-00002.bin").write_bytes(b"x")
    with pytest.raises(NotFound, match=r"pickle files \(.bin\), which are not read; take them as .safetensors"):
        resolve(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"x")
    with pytest.raises(NotFound, match=r"has .safetensors files, but no config.json"):
        resolve(str(tmp_path))
    with pytest.raises(InvalidArgument, match=r"model.safetensors: these are weights alone; name their folder"):
        resolve(str(tmp_path / "model.safetensors"))
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(InvalidArgument, match=r"2 .gguf files in this folder \(a.gguf, b.gguf\)"):
        resolve(str(tmp_path))


def test_a_missing_file_suggests_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "llama-3b.gguf").write_bytes(b"x")
    with pytest.raises(NotFound, match=r"lama-3b.gguf: no such file or folder; did you mean llama-3b.gguf\?"):
        resolve(str(tmp_path / "lama-3b.gguf"))
    with pytest.raises(NotFound, match="no such file or folder$"):
        resolve(str(tmp_path / "nowhere" / "x.gguf"))
    with pytest.raises(NotFound, match=r"embr: no such file or folder; did you mean ember\?"):
        resolve("embr")


@pytest.mark.parametrize(
    "name", ["Qwen/Qwen3-0.6B", "owner/model-GGUF:Q4_K_M", "llama3.2:1b", "llama3", "https://x.org/a.gguf"]
)
def test_models_of_hubs_are_not_fetched(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotFound, match="no such file or folder; models are not fetched from elsewhere: download it"):
        resolve(name)
    with pytest.raises(NotFound, match="no such file or folder$"):
        resolve("owner/model.gguf")


def test_the_fake_model() -> None:
    found = resolve("fake:latency_us=10")
    assert (found.path, found.name, found.size_bytes) == ("fake:latency_us=10", "fake", None)
