"""What a process of its own makes, the recipe, its failures and the tokenizer's form, is what is made here."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from inferno.errors import InfernoError, Unsupported
from inferno.models.huggingface import prepare
from inferno.models.huggingface.cache import tokenizer_path
from inferno.models.huggingface.folder import open_folder
from inferno.models.huggingface.library_form import read_kept, read_library_form
from inferno.models.huggingface.planning import Recipe
from inferno.models.huggingface.planning_process import PlanningProcess
from models.huggingface.comparison import hf_folders

GOES_ON: Callable[[float], bool] = lambda done: True  # noqa: E731


def recipe_apart(folder: Path) -> Recipe:
    with PlanningProcess(open_folder(folder), None, folder / "kept.tokenizer") as planning:
        return planning.recipe()


@pytest.mark.parametrize("case", ["llama", "gemma2", "gpt2"])  # rows in another order; something added; transposed
def test_the_file_is_the_same(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hf_folders.write_case(case, tmp_path / case)
    made = []
    for least in (prepare.WORTH_A_PROCESS, 0):
        monkeypatch.setattr(prepare, "WORTH_A_PROCESS", least)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / f"cache-{least}"))
        path = prepare.prepare(open_folder(tmp_path / case), quantize="q8_0", progress=GOES_ON)
        made.append((path.name, path.read_bytes()))
    assert made[0] == made[1]


def test_its_failures_come_over(tmp_path: Path) -> None:
    hf_folders.write_case("llama", tmp_path / "llama")
    config = json.loads((tmp_path / "llama" / "config.json").read_text())
    (tmp_path / "llama" / "config.json").write_text(json.dumps(config | {"architectures": ["NoSuchModel"]}))
    with pytest.raises(Unsupported, match="NoSuchModel"):
        recipe_apart(tmp_path / "llama")
    assert not (tmp_path / "llama" / "kept.tokenizer").exists()


def test_the_tokenizers_form_is_kept_when_preparing_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "WORTH_A_PROCESS", 0)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    hf_folders.write_case("llama", tmp_path / "llama")
    path = prepare.prepare(open_folder(tmp_path / "llama"), quantize=None, progress=GOES_ON)
    there, here = read_kept(tokenizer_path(path)), read_library_form(tmp_path / "llama", None)
    assert there is not None
    assert here is not None
    assert there.first.replace(there.mark.encode(), here.mark.encode()) == here.first
    assert there.added == here.added


def test_a_process_that_ends_without_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hf_folders.write_case("llama", tmp_path / "llama")
    program = tmp_path / "not-python"
    program.write_text("#!/bin/sh\nexit 7\n")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    with pytest.raises(InfernoError, match="ended with 7"):
        recipe_apart(tmp_path / "llama")


def test_a_process_that_ends_in_the_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hf_folders.write_case("llama", tmp_path / "llama")
    said = json.dumps({"data_bytes": 1, "metadata_bytes": 9, "tensors": []})
    program = tmp_path / "not-python"
    program.write_text(f"#!/bin/sh\necho '{said}'\nprintf GGUF\n")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    with pytest.raises(InfernoError, match="in the middle"):
        recipe_apart(tmp_path / "llama")
