"""A model in several GGUF files: served from the first or from its folder as the whole file is, or refused by name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import inferno
from inferno.engine.model_digest import model_digest
from inferno.errors import DataCorrupted, InfernoError, InvalidArgument, NotFound
from inferno.models.builtin import ember_path
from inferno.models.inspection import inspect
from inferno.models.source import resolve

sys.path.insert(0, str(Path(__file__).parents[2] / "data"))
from split_gguf import split

QUESTION = [{"role": "user", "content": "What is 12 plus 30?"}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "split").mkdir()
    return tmp_path / "split"


@pytest.fixture
def parts(folder: Path) -> list[Path]:
    tensors = len(inspect(ember_path()).tensors)
    made = split(ember_path(), folder, "ember-x", tensors=-(-tensors // 3))
    assert [part.name for part in made] == [f"ember-x-0000{n}-of-00003.gguf" for n in (1, 2, 3)]
    return made


@pytest.mark.parametrize("empty_first", [False, True])
def test_it_says_what_the_whole_file_says(folder: Path, *, empty_first: bool) -> None:
    tensors = len(inspect(ember_path()).tensors)
    made = split(ember_path(), folder, "ember-x", tensors=-(-tensors // 2), empty_first=empty_first)
    assert len(made) == 2 + empty_first
    with inferno.LLM(str(made[0])) as llm:
        (answer,) = llm.chat(QUESTION, temperature=0.0, max_tokens=32)
    assert "42" in answer.text


def test_its_folder_names_it(parts: list[Path]) -> None:
    found = resolve(str(parts[0].parent))
    assert (found.path, found.name) == (str(parts[0]), "ember-x")
    assert found.size_bytes == sum(part.stat().st_size for part in parts)
    (parts[0].parent / "another.gguf").write_bytes(b"x")
    with pytest.raises(InvalidArgument, match=r"4 .gguf files in this folder"):
        resolve(str(parts[0].parent))


def test_another_part_than_the_first_is_refused(parts: list[Path]) -> None:
    with pytest.raises(InvalidArgument, match="part 2 of 3 of a model; name ember-x-00001-of-00003.gguf"):
        resolve(str(parts[1]))
    with pytest.raises(DataCorrupted, match="'other.gguf' .* it is part 2 of 3 of a model; name the first part"):
        inferno.LLM(str(parts[1].rename(parts[1].with_name("other.gguf"))))


def test_missing_parts_are_named(parts: list[Path]) -> None:
    parts[1].unlink()
    parts[2].unlink()
    names = "ember-x-00002-of-00003.gguf, ember-x-00003-of-00003.gguf"
    for given in (parts[0], parts[0].parent):
        with pytest.raises(NotFound, match=rf"of the model's 3 files these are not there: {names}$"):
            resolve(str(given))
    with pytest.raises(InvalidArgument, match="'ember.gguf' is part 1 of 3 .* must end in '-00001-of-00003.gguf'"):
        inferno.LLM(str(parts[0].rename(parts[0].with_name("ember.gguf"))))


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_part_that_is_not_whole(parts: list[Path], part: int) -> None:
    content = parts[part].read_bytes()
    parts[part].write_bytes(content[: len(content) * 3 // 4])
    with pytest.raises(DataCorrupted, match=f"^'{parts[part].name}' cannot be used: ") as caught:
        inferno.LLM(str(parts[0]))
    assert str(parts[0].parent) not in str(caught.value)


def test_a_part_in_anothers_place(parts: list[Path]) -> None:
    parts[1].write_bytes(parts[2].read_bytes())
    with pytest.raises(InfernoError, match="'ember-x-00002-of-00003.gguf' says that it is part 3 of 3"):
        inferno.LLM(str(parts[0]))


def test_all_of_it_is_listed_and_has_its_say_in_the_digest(parts: list[Path], tmp_path: Path) -> None:
    whole = {(tensor["name"], tensor["bytes"]) for tensor in inspect(ember_path()).tensors}
    assert {(tensor["name"], tensor["bytes"]) for tensor in inspect(parts[0].parent).tensors} == whole
    before = model_digest(str(parts[0]), remembered=tmp_path / "digests.json")
    with parts[2].open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x55")
    assert model_digest(str(parts[0]), remembered=tmp_path / "digests.json") != before
    parts[1].unlink()
    with pytest.raises(NotFound, match="ember-x-00002-of-00003.gguf"):
        inspect(parts[0].parent)
