"""The list of backends says what is here, and of what is not, why."""

from __future__ import annotations

import json

import pytest

from inferno import _core
from inferno.cli import main
from inferno.models import backends


def by_name() -> dict[str, backends.Backend]:
    return {backend.name: backend for backend in backends.listing()}


def test_a_whole_installation_has_every_backend() -> None:
    found = by_name()
    assert set(found) == {"llama", "fake", "onnx", "huggingface"}
    assert all(backend.available and backend.version for backend in found.values())
    assert found["llama"].devices
    assert found["huggingface"].devices == found["llama"].devices


def test_abilities_are_those_of_the_loaded_models() -> None:
    abilities = by_name()["fake"].abilities
    generating = _core.Model.load("fake:", _core.ModelOptions()).capabilities
    assert ("lora" in abilities) == generating["adapters"]
    assert ("prefix_sharing" in abilities) == (generating["sharing"] != "none")
    assert ("complete" in abilities) == (generating["embedding_size"] == 0)
    embedding = _core.Model.load("fake:embed=8", _core.ModelOptions()).capabilities
    assert ("embed" in abilities) == (embedding["embedding_size"] > 0)


def test_a_missing_package_is_named_with_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "FOLDER_PACKAGES", ("gguf", "a-package-that-is-not-here"))
    found = by_name()
    assert found["huggingface"].missing == "not installed: a-package-that-is-not-here; pip install 'inferno[hf]'"
    assert found["llama"].available


def test_a_build_without_llama_says_so_of_folders_too(monkeypatch: pytest.MonkeyPatch) -> None:
    others = [one for one in _core.backends() if one["name"] != "llama"]
    monkeypatch.setattr(backends, "build", lambda: {"commit": "unknown", "backends": others})
    found = by_name()
    assert not found["llama"].available
    assert found["huggingface"].missing == found["llama"].missing
    assert "INFERNO_WITH_LLAMA" in str(found["llama"].missing)


def test_the_command_prints_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["backends", "list", "--json"])
    assert ended.value.code == 0
    printed = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in printed] == [backend.name for backend in backends.listing()]
    assert all(entry["available"] for entry in printed)


def test_what_is_a_backends_alone_is_listed_as_it_declares_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["backends", "list", "--json"])
    options = {entry["name"]: entry["options"] for entry in json.loads(capsys.readouterr().out)}
    provider, products = options.pop("onnx")
    assert (provider["name"], provider["type"], provider["default"]) == ("provider", "text", "cpu")
    assert (products["name"], products["default"], products["choices"]) == ("products", "auto", ["auto", "f32"])
    assert not any(options.values())
    with pytest.raises(SystemExit):
        main(["backends", "list"])
    assert "option   onnx.provider: text, by default cpu" in capsys.readouterr().out


def test_the_command_prints_lines_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["backends", "list"])
    printed = capsys.readouterr().out
    assert "opens    GGUF files" in printed
    assert "can      complete, chat" in printed
