"""Which media encoder belongs to a model: the one that is named, or the one beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from inferno.errors import InvalidArgument, NotFound
from inferno.models.source import resolve


def folder(tmp_path: Path, *names: str) -> Path:
    for name in names:
        (tmp_path / name).write_bytes(b"GGUF")
    return tmp_path


def found(model: Path, mmproj: str | None = None) -> str | None:
    path = resolve(str(model), mmproj=mmproj).media_encoder
    return None if path is None else Path(path).name


def test_beside_the_only_model(tmp_path: Path) -> None:
    place = folder(tmp_path, "llava-q4.gguf", "mmproj-model-f16.gguf")
    assert found(place / "llava-q4.gguf") == "mmproj-model-f16.gguf"
    assert found(place) == "mmproj-model-f16.gguf"
    assert resolve(str(place)).path.endswith("llava-q4.gguf"), "an encoder is no model"


def test_not_unless_it_is_looked_for(tmp_path: Path) -> None:
    place = folder(tmp_path, "llava-q4.gguf", "mmproj.gguf")
    assert resolve(str(place)).media_encoder is None
    assert found(place, "none") is None


def test_among_several_models_the_one_of_its_name(tmp_path: Path) -> None:
    place = folder(tmp_path, "a.gguf", "bee.gguf", "mmproj-bee.gguf", "readme.txt")
    assert found(place / "bee.gguf") == "mmproj-bee.gguf"
    assert found(place / "a.gguf") is None


def test_beside_a_model_in_parts(tmp_path: Path) -> None:
    parts = ("big-00001-of-00002.gguf", "big-00002-of-00002.gguf")
    place = folder(tmp_path, *parts, "mmproj-f16.gguf")
    assert found(place / parts[0]) == "mmproj-f16.gguf"


def test_several_are_to_be_chosen_from(tmp_path: Path) -> None:
    place = folder(tmp_path, "a.gguf", "mmproj-f16.gguf", "mmproj-f32.gguf")
    with pytest.raises(InvalidArgument, match="mmproj-f16.gguf, mmproj-f32.gguf"):
        found(place / "a.gguf")
    assert found(place / "a.gguf", str(place / "mmproj-f32.gguf")) == "mmproj-f32.gguf"
    assert found(place / "a.gguf", "none") is None


def test_one_that_is_named_must_be_there(tmp_path: Path) -> None:
    place = folder(tmp_path, "a.gguf")
    with pytest.raises(NotFound, match="no such media encoder"):
        found(place / "a.gguf", str(place / "mmproj.gguf"))
    assert resolve("fake:", mmproj="fake:image=3").media_encoder == "fake:image=3"
